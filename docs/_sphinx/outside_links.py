"""A Sphinx extension: links from pages to files of the repository that lie outside docs/.

On a code host such a link (`../examples/sums.py`) leads to the file. On the site it leads to the page that shows the file,
if `outside_links_pages` names one. Otherwise it leads to the file below the address `outside_links_repository`. Without an
address, the text of the link stands alone. A link to something that does not exist is left to MyST, which warns.
"""

import os
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).resolve().parents[2]


class OutsideLinks(SphinxTransform):
    """Replaces what MyST makes of such links: downloads, or references to documents that do not exist."""

    default_priority = 10

    def apply(self, **_: Any) -> None:
        """Go through the links of one page."""
        for node in list(self.document.findall(addnodes.download_reference)):
            self._mend(node, node["reftarget"], "")
        for node in list(self.document.findall(addnodes.pending_xref)):
            if node.get("reftype") != "myst":
                continue
            if node.get("refdomain") == "doc":
                place = Path(self.env.srcdir, f"{node['reftarget']}.md")  # MyST names a page outside by its whole path
                if not place.resolve().is_relative_to(self.env.srcdir):
                    self._mend(node, f"/{os.path.relpath(place, self.env.srcdir)}", node.get("reftargetid"))
            else:
                self._mend(node, *node["reftarget"].partition("#")[::2])

    def _mend(self, node: nodes.Element, target: str, anchor: str | None) -> None:
        _, path = self.env.relfn2path(target, self.env.docname)
        place = Path(path).resolve()
        if not target or not place.exists() or not place.is_relative_to(ROOT) or place.is_relative_to(self.env.srcdir):
            return
        name = place.relative_to(ROOT).as_posix()
        if name == "README.md":
            anchor = None  # the front page is another text
        if name in self.config.outside_links_pages:
            link: nodes.Element = addnodes.pending_xref(
                refdomain="doc",
                reftarget=self.config.outside_links_pages[name],
                reftargetid=anchor or None,
                refdoc=self.env.docname,
                reftype="myst",
                refexplicit=node["refexplicit"],
            )
        elif self.config.outside_links_repository:
            address = f"{self.config.outside_links_repository.rstrip('/')}/{name}{f'#{anchor}' if anchor else ''}"
            link = nodes.reference(refuri=address, internal=False)
        else:
            link = nodes.inline(classes=["outside-file"])
        link.source, link.line = node.source, node.line
        link += node.children
        node.replace_self(link)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_config_value("outside_links_repository", "", "env", str)
    app.add_config_value("outside_links_pages", {}, "env", dict)
    app.add_transform(OutsideLinks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
