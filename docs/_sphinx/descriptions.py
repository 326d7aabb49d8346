"""A Sphinx extension: each page tells search engines what it is about.

The description is the beginning of the page's first paragraph: whole sentences, as many as fit into the line that search
engines show.
"""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LENGTH = 200


def describe(_: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Add a `<meta name="description">` to a page that has text."""
    if doctree is None:
        return
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if text and not isinstance(paragraph.parent, nodes.entry | nodes.list_item):
            description = escape(shortened(text), quote=True)
            context["metatags"] = context.get("metatags", "") + f'\n<meta name="description" content="{description}">'
            return


def shortened(text: str) -> str:
    """Return as many whole sentences as fit, or as many words of a first sentence that is too long."""
    if len(text) <= LENGTH:
        return text
    ends = [match.end() for match in re.finditer(r"[.!?](?= [A-Z`])", text[: LENGTH + 1])]
    return text[: ends[-1]] if ends else text[:LENGTH].rpartition(" ")[0] + " …"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("html-page-context", describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
