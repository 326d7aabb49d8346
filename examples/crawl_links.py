"""Finds the links in a page. This is a separate module, so that workers import it without the rest of the crawler."""

from urllib.parse import urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup


def read_links(url: str, html: bytes) -> list[str]:
    """Returns the links of a page to its own site: absolute, without fragment, each link once."""
    soup = BeautifulSoup(html, "html.parser")
    links = (urldefrag(urljoin(url, str(anchor["href"]))).url for anchor in soup.find_all("a", href=True))
    site = urlsplit(url)[:2]
    return list(dict.fromkeys(link for link in links if urlsplit(link)[:2] == site))
