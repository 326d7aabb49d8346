"""How Sphinx builds the site: `make docs`, then open build/docs/index.html."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_sphinx"))

project = "aiointerpreters"
author = "The aiointerpreters authors"
version = release = installed_version(project)

extensions = ["myst_parser", "sphinx_copybutton", "api", "descriptions", "outside_links", "pictures", "units"]
exclude_patterns = ["_sphinx", "_static", "images"]
nitpicky = True
default_role = "py:obj"  # `name` in docstrings leads to the entry of that name, if there is one
show_warning_types = True

# Links between pages are plain Markdown links, with the anchors that code hosts give to headings.
myst_heading_anchors = 6
myst_enable_extensions = ["colon_fence"]

# Where the repository can be read in a browser: the address of its top folder at a revision. Links to files of the
# repository that are not pages of the site lead there. Without an address, their text stands alone.
outside_links_repository = os.environ.get("DOCS_REPOSITORY", "")
# Files outside docs/ that are pages of the site too.
outside_links_pages = {"README.md": "index", "CHANGELOG.md": "changelog", "CONTRIBUTING.md": "contributing"}

# The same address leads to the repository itself, and to its issues.
repository = outside_links_repository.partition("/blob/")[0].rstrip("/")

html_theme = "furo"
html_title = "aiointerpreters"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
if repository:
    html_theme_options = {
        "source_view_link": f"{outside_links_repository.rstrip('/')}/docs/{{filename}}",
        "top_of_page_buttons": ["view"],
        "footer_icons": [
            {"name": "The repository", "url": repository, "html": "Repository", "class": ""},
            {"name": "Report a problem", "url": f"{repository}/issues", "html": "Issues", "class": ""},
        ],
    }
pygments_dark_style = "github-dark"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False

copybutton_exclude = ".linenos, .gp, .go"
