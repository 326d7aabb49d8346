"""The README for a package index contains no relative link or picture."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "readme_for_index.py"
TEXT = """# Title

<picture>
  <source media="(prefers-color-scheme: dark)" srcset="docs/images/a-dark.svg">
  <img alt="A picture" src="docs/images/a-light.svg" width="600">
</picture>

*What it shows.*

See [the guide](docs/guide.md#start), [a site](https://example.org/x) and [below](#title).

```python
row[first](second)
```
"""


@pytest.fixture(scope="module")
def tool() -> Any:
    """The module tools/readme_for_index.py."""
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_an_address_links_become_text_and_pictures_go(tool: Any) -> None:
    assert (
        tool.for_index(TEXT, None, "1.0")
        == """# Title

See the guide, [a site](https://example.org/x) and [below](#title).

```python
row[first](second)
```
"""
    )


def test_with_an_address_links_and_pictures_become_absolute(tool: Any) -> None:
    assert (
        tool.for_index(TEXT, "https://example.org/us", "1.0")
        == """# Title

<img alt="A picture" src="https://example.org/us/raw/v1.0/docs/images/a-light.svg" width="600">

*What it shows.*

See [the guide](https://example.org/us/blob/v1.0/docs/guide.md#start), [a site](https://example.org/x) and [below](#title).

```python
row[first](second)
```
"""
    )


def test_the_address_is_the_project_s_source(tool: Any) -> None:
    project = {"version": "2.0", "urls": {"Source": "https://example.org/us/"}}
    readme = tool.dynamic_metadata({}, project)["readme"]
    assert readme["content-type"] == "text/markdown"
    assert "](https://example.org/us/blob/v2.0/docs/" in readme["text"]
    assert "](docs/" not in readme["text"]
    assert "](docs/" not in tool.dynamic_metadata({}, {"version": "2.0"})["readme"]["text"]


def test_settings_that_it_does_not_know_are_refused(tool: Any) -> None:
    with pytest.raises(ValueError, match="unknown settings \\['path'\\]"):
        tool.dynamic_metadata({"path": "README.md"}, {"version": "2.0"})
