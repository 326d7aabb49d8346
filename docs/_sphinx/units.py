"""A Sphinx extension: in tables, a number and its unit stay on one line."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

QUANTITY = re.compile(r"(?<=\d) (?=(?:[µmk]?s|[kMG]?B|[kM]?/s|%)(?!\w))")


class Units(SphinxTransform):
    """Replaces the space between them by one that does not break."""

    default_priority = 900

    def apply(self, **_: Any) -> None:
        """Go through the cells of one page."""
        for cell in self.document.findall(nodes.entry):
            for text in list(cell.findall(nodes.Text)):
                kept = QUANTITY.sub("\N{NO-BREAK SPACE}", text)
                if kept != text and not isinstance(text.parent, nodes.literal):
                    text.parent.replace(text, nodes.Text(kept))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_transform(Units)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
