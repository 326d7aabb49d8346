"""A Sphinx extension: pictures that have a light and a dark file.

A page has them in the form that code hosts want: a <picture> whose <source> is for dark schemes. On the site both files
become images, and the theme shows one of them. So the pictures also follow the theme's own switch between light and dark.
"""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)


class Picture(HTMLParser):
    """The parts of a <picture>, and what else stands beside it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.dark = self.light = self.alt = ""
        self.foreign: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the addresses."""
        values = {name: value or "" for name, value in attrs}
        if tag == "source" and "dark" in values.get("media", ""):
            self.dark = values.get("srcset", "")
        elif tag == "img":
            self.light, self.alt = values.get("src", ""), values.get("alt", "")
        elif tag != "picture":
            self.foreign.append(tag)

    @property
    def is_whole(self) -> bool:
        """Whether it has all that it should have."""
        return bool(self.dark and self.light and self.alt and not self.foreign)


class Pictures(SphinxTransform):
    """Replaces raw HTML by images."""

    default_priority = 10

    def apply(self, **_: Any) -> None:
        """Go through the raw HTML of one page."""
        for node in list(self.document.findall(nodes.raw)):
            text = node.astext()
            if "<img" not in text and "<source" not in text:
                continue
            picture = Picture(text)
            if not picture.is_whole:
                logger.warning(
                    "a picture in HTML has to be a <picture> with a dark <source> and an <img> with a text (alt)",
                    location=node,
                    type="pictures",
                )
                continue
            node.replace_self(
                [
                    nodes.image(uri=self._uri(uri), alt=picture.alt, classes=[f"only-{scheme}"])
                    for uri, scheme in ((picture.light, "light"), (picture.dark, "dark"))
                ]
            )

    def _uri(self, uri: str) -> str:
        """Of a page's file, or of a file of the repository's that a page includes."""
        if (Path(self.env.doc2path(self.env.docname)).parent / uri).exists():
            return uri
        return "/" + uri.removeprefix("docs/")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_transform(Pictures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
