"""The README for a package index. An index has no files beside the README, so relative links cannot stay.

scikit-build-core calls `dynamic_metadata` whenever it writes the project's metadata (pyproject.toml, tool.dynamic-metadata).
If [project.urls] has an entry "Source", relative links and pictures become absolute below it, at the tag of this version.
If it has none, links become plain text, and pictures are removed, each with the paragraph in italics after it.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

README = Path(__file__).resolve().parents[1] / "README.md"
ELSEWHERE = r"(?![a-z]+:|#)"  # a target that is a path, and neither an address nor an anchor in this page
LINK = re.compile(rf"(?<!!)\[(?P<text>[^\[\]]+)\]\({ELSEWHERE}(?P<target>[^()\s]+)\)")
IMAGE = rf'<img [^>]*?src="{ELSEWHERE}(?P<target>[^"]+)"[^>]*>'
PICTURE = re.compile(rf"<picture>.*?(?P<image>{IMAGE}).*?</picture>\n*(?P<caption>\*[^*\n]+\*\n+)?", re.DOTALL)
CODE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def for_index(text: str, source: str | None, version: str) -> str:
    """Change the text of a README.

    source: the address of the repository, without a slash at its end, or None.
    """

    def link(found: re.Match[str]) -> str:
        if source is None:
            return found["text"]
        return f"[{found['text']}]({source}/blob/v{version}/{found['target']})"

    def picture(found: re.Match[str]) -> str:
        if source is None:
            return ""
        image = found["image"].replace(found["target"], f"{source}/raw/v{version}/{found['target']}")
        return f"{image}\n\n{found['caption'] or ''}"

    parts = CODE.split(text)  # every second part is a block of code, which stays
    parts[::2] = [LINK.sub(link, PICTURE.sub(picture, part)) for part in parts[::2]]
    return "".join(parts)


def dynamic_metadata(settings: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """Called by scikit-build-core. There are no settings."""
    if settings:
        raise ValueError(f"tool.dynamic-metadata: unknown settings {sorted(settings)}")
    source = project.get("urls", {}).get("Source")
    text = for_index(README.read_text(encoding="utf-8"), source and source.rstrip("/"), project["version"])
    return {"readme": {"content-type": "text/markdown", "text": text}}
