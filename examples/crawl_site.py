"""A small web site to crawl, with generated pages, on a port of this machine. It runs in its own process.

python examples/crawl_site.py --pages 100     prints the address of the first page and serves until stdin ends
"""

import argparse
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from command_line import whole_number

SYLLABLES = [consonant + rest for consonant in "bdfglmnrstv" for rest in ("a", "el", "in", "or", "u")]

HEAD = """<!DOCTYPE html>
<html lang="en" dir="ltr" class="no-js">
<head>
<meta charset="utf-8">
<title>{title} - The Little Encyclopedia</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/site.css?v=8c1f3"><link rel="icon" href="/static/icon.png">
<script>window.pageConfig = {{"title": "{title}", "lang": "en", "links": "<a href='/not/a/link'>"}};</script>
<style>.infobox td {{ padding: 2px 6px; }} .note > a {{ color: #36c; }}</style>
</head>
<body class="skin-plain page">
<nav id="top"><ul><li><a href="/" accesskey="z">Main page</a></li><li><a href="#content">Skip</a></li></ul></nav>
<main id="content"><h1 id="first">{title}</h1>
"""
FOOT = """</main>
<footer><p>Text is available under a <a rel="license" href="https://example.org/licence?by=sa&amp;v=4">licence</a>.
<a href="mailto:editors@example.org">Write to us</a></p></footer>
</body>
</html>
"""


class Site:
    """A site with a given number of pages. They are the same each time, and links lead from the first page to all others."""

    def __init__(self, pages: int) -> None:
        self.titles = [self._title(random.Random(number), number) for number in range(pages)]
        self.paths = ["/", *(f"/wiki/{title.replace(' ', '_')}" for title in self.titles[1:])]
        self.pages = {path: self._page(number).encode() for number, path in enumerate(self.paths)}

    def _title(self, chance: random.Random, number: int) -> str:
        return f"{_word(chance).title()} {_word(chance)} {number}"

    def _page(self, number: int) -> str:
        """Generates a page of about 20 to 400 KB. Most pages have about 100 KB."""
        chance = random.Random(number)
        sections = round(min(max(chance.lognormvariate(2.1, 0.6), 2), 30))
        body = "".join(self._section(chance, heading) for heading in range(sections))
        return HEAD.format(title=self.titles[number]) + self._next_pages(number) + body + FOOT

    def _next_pages(self, number: int) -> str:
        """Links to the pages 2n + 1 and 2n + 2. These links form a tree that contains all pages."""
        children = [child for child in (2 * number + 1, 2 * number + 2) if child < len(self.paths)]
        return f'<div class="hatnote">See also {", ".join(self._link(child) for child in children)}.</div>\n'

    def _section(self, chance: random.Random, heading: int) -> str:
        title = _word(chance).title()
        text = "".join(self._paragraph(chance) for _ in range(8))
        cells = "".join(
            f'<tr class="row"><th scope="row">{_word(chance)}</th><td>{self._any_link(chance)}</td>'
            f'<td data-sort-value="{chance.random():.6f}">{chance.randrange(10**6):,}</td></tr>\n'
            for _ in range(20)
        )
        table = f'<table class="infobox" id="t{heading}"><tbody>\n{cells}</tbody></table>\n'
        return f'<h2 id="s{heading}"><span class="headline">{title}</span></h2>\n{text}{table}'

    def _paragraph(self, chance: random.Random) -> str:
        words = [_word(chance) for _ in range(90)]
        for place in range(7, len(words), 15):
            words[place] = self._any_link(chance)
        words[3] = f"<b>{words[3]}</b>"
        words[40] += f'<sup class="note" id="c{chance.randrange(999)}"><a href="#n82">[82]</a></sup>'
        return f"<p>{' '.join(words)}. &mdash; <i>{_word(chance)}</i>&nbsp;{chance.randrange(1900, 2030)}</p>\n"

    def _any_link(self, chance: random.Random) -> str:
        """Most links stay on the site; a few lead away from it."""
        if chance.random() < 0.1:
            return f'<a class="external" rel="nofollow" href="https://example.org/{_word(chance)}?q=1&amp;r=2">there</a>'
        return self._link(chance.randrange(len(self.paths)))

    def _link(self, number: int) -> str:
        fragment = f"#s{number % 3}" if number % 4 == 0 else ""
        return f'<a href="{self.paths[number]}{fragment}" title="{self.titles[number]}">{self.titles[number].lower()}</a>'


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(SYLLABLES, k=chance.randint(1, 3)))


class Handler(BaseHTTPRequestHandler):
    """Serves the pages of the server's site over connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        page = self.server.site.pages.get(self.path)
        self.send_response(200 if page is not None else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write(page or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base class calls it so
        """Stays silent."""


class Server(ThreadingHTTPServer):
    """Serves a site on a free port of the loopback interface."""

    daemon_threads = True

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site = site


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=whole_number, default=100, help="how many pages the site has (%(default)s)")
    server = Server(Site(parser.parse_args().pages))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
