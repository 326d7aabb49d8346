"""What the crawler does to a page. A module of its own: the workers import it and BeautifulSoup, but not the crawler."""

from urllib.parse import urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup


def read_links(url: str, html: bytes) -> list[str]:
    """Returns the pages of the same site that the page at `url` links to: absolute, without fragment, each once."""
    soup = BeautifulSoup(html, "html.parser")
    links = (urldefrag(urljoin(url, str(anchor["href"]))).url for anchor in soup.find_all("a", href=True))
    site = urlsplit(url)[:2]
    return list(dict.fromkeys(link for link in links if urlsplit(link)[:2] == site))
