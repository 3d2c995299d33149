"""What is wrong with a folder of pages: links that lead nowhere, pictures without words, requests.

`problems` reads the files; `seen_problems` opens them in Chromium, which also tells what scripts
ask for and what cannot be drawn.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

# What a browser fetches by itself, by element and attribute.
FETCHED = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
}
PICTURES = (b"\x89PNG", b"\xff\xd8", b"GIF8", b"<svg", b"<?xml", b"RIFF")
IN_STYLE = re.compile(r"(?:url\(|@import\s+)\s*['\"]?([^'\")\s;]+)")
# What stands in a figure's place where nobody drew it.
NOT_DRAWN = re.compile(
    r"<Figure size|<IPython\.core\.display|<matplotlib\.|^(?:VBox|HBox|Output|Tab|AnyWidget|Image"
    r"|HTML|\w*Slider|\w*Progress|Dropdown|Button|Explorer|interactive)\(",
    re.MULTILINE,
)
LIBRARIES = ("mathjax",)  # others' files, which their own tests check
LEAVES = "leads out of the site"


def pages_of(folder: Path) -> list[Path]:
    """The pages of a site, without those of libraries."""
    found = sorted(folder.rglob("*.html"))
    return [path for path in found if path.relative_to(folder).parts[0] not in LIBRARIES]


def problems(folder: Path) -> list[str]:
    """What the files themselves show, one line each, beginning with the page."""
    soups = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in pages_of(folder)
    }
    anchors = {path: anchors_of(soup) for path, soup in soups.items()}
    found = [] if (folder / "index.html").is_file() else ["index.html is missing"]
    for path, soup in soups.items():
        name = path.relative_to(folder).as_posix()
        for check in (in_head, in_pictures, in_fetched, in_outputs):
            found += [f"{name}: {problem}" for problem in check(soup, path, folder)]
        found += [f"{name}: {problem}" for problem in in_links(soup, path, folder, anchors)]
    return found


def anchors_of(soup: BeautifulSoup) -> set[str]:
    """Everything in a page that a link can lead to."""
    named = [str(tag["name"]) for tag in soup.select("a[name]")]
    return {*named, *(str(tag["id"]) for tag in soup.select("[id]"))}


def in_head(soup: BeautifulSoup, path: Path, folder: Path) -> Iterator[str]:
    """Yield what every page needs and this one lacks."""
    if not (soup.title and soup.title.get_text(strip=True)):
        yield "has no title"
    if not (soup.html and soup.html.get("lang")):
        yield "does not tell its language"


def in_pictures(soup: BeautifulSoup, path: Path, folder: Path) -> Iterator[str]:
    """Yield pictures without words, and words without a picture."""
    for picture in soup.find_all("img"):
        called = str(picture.get("alt") or "").strip()
        if not called:
            yield f"a picture has no alt text (after {before(picture)!r})"
        source = str(picture.get("src") or "")
        if not source:
            yield f"a picture has no source: {called[:60]!r}"
        elif source.startswith("data:") and not is_picture(source):
            yield f"a picture is empty or damaged: {called[:60]!r}"
    for drawing in soup.select("svg[role=img]"):
        labelled = drawing.get("aria-label") or drawing.get("aria-labelledby") or drawing.title
        if not labelled:
            yield f"a drawing has no label (after {before(drawing)!r})"


def is_picture(source: str) -> bool:
    """Whether a data address holds what a browser can draw."""
    kind, _, content = source.partition(",")
    if not kind.endswith(";base64"):
        return "svg" in unquote(content)
    try:
        return base64.b64decode(content, validate=False).startswith(PICTURES)
    except binascii.Error:
        return False


def before(tag: Tag) -> str:
    """The last words in front of an element, to find it by."""
    text = tag.find_previous(string=re.compile(r"\S"))
    return str(text).strip()[-60:] if text else ""


def in_fetched(soup: BeautifulSoup, path: Path, folder: Path) -> Iterator[str]:
    """Yield what a browser would fetch from elsewhere, or not find."""
    addresses = [
        str(value)
        for element, attributes in FETCHED.items()
        for tag in soup.find_all(element)
        for attribute in attributes
        if (value := tag.get(attribute))
    ]
    styles = [tag.get_text() for tag in soup.find_all("style")]
    styles += [str(tag["style"]) for tag in soup.select("[style]")]
    addresses += [address for style in styles for address in IN_STYLE.findall(style)]
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme in ("data", "blob", "about") or address.startswith("#"):
            continue
        if parts.scheme or parts.netloc:
            yield f"asks the network for {address}"
        elif problem := missing(path, parts.path, folder):
            yield f"{address} {problem}"


def in_outputs(soup: BeautifulSoup, path: Path, folder: Path) -> Iterator[str]:
    """Yield what failed, and what was printed instead of being drawn."""
    for failed in soup.select(".failed"):
        yield f"failed: {failed.get_text(' ', strip=True)[:120]}"
    for output in soup.select(".jp-OutputArea-output pre, pre.output"):
        if drawn := NOT_DRAWN.search(output.get_text()):
            yield f"shows {drawn.group()!r} in the place of a figure"


def in_links(
    soup: BeautifulSoup, path: Path, folder: Path, anchors: dict[Path, set[str]]
) -> Iterator[str]:
    """Yield links that lead nowhere. Addresses elsewhere are not asked, only read."""
    for link in soup.select("a[href]"):
        address = str(link["href"])
        parts = urlsplit(address)
        if parts.scheme in ("http", "https"):
            if not re.fullmatch(r"[\w.-]+\.\w+(:\d+)?", parts.netloc):
                yield f"a link leads to {address}"
        elif parts.scheme not in ("", "mailto"):
            yield f"a link leads to {address}"
        elif not parts.scheme:
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            # browsers look for the fragment as it is first; "#/2" is a slide
            named = {parts.fragment, unquote(parts.fragment)}
            if problem := missing(path, parts.path, folder):
                yield f"the link to {address} {problem}"
            elif parts.fragment[:1] not in ("", "/") and not named & anchors.get(target, set()):
                yield f"the link to {address} finds no such place there"


def missing(path: Path, address: str, folder: Path) -> str:
    """What is wrong with a relative address; empty if there is such a file in the site."""
    if address.startswith("/"):
        return "is right only at the top of a server"
    target = (path.parent / unquote(address)).resolve()
    if not target.is_relative_to(folder.resolve()):
        return LEAVES
    if not target.exists():
        return "is missing"
    return ""


LOOK = """() => [
    ...[...document.images].filter(image => !image.complete || !image.naturalWidth)
        .map(image => `a picture cannot be drawn: ${image.alt.slice(0, 60)}`),
    ...[...document.querySelectorAll('.MathJax_Error, .merror, .MJXc-error')]
        .map(error => `a formula cannot be drawn: ${error.textContent.slice(0, 60)}`),
    ...(document.documentElement.scrollWidth > innerWidth + 1
        && !document.querySelector('.reveal') ? ['is wider than its window'] : []),
]"""


def watched(page: Any) -> tuple[list[str], list[str]]:
    """Refuse a page every network; the lists grow with what it asks for and fails at.

    Two of them, because the browser tells of the one and of the other in no fixed order.
    """
    asked: list[str] = []
    failed: list[str] = []

    def refuse(route: Any) -> None:
        asked.append(f"asks the network for {route.request.url}")
        route.abort()

    page.route(re.compile(r"^(https?|wss?):"), refuse)
    page.on("pageerror", lambda error: failed.append(f"a script fails: {error}"))
    return asked, failed


def seen_problems(folder: Path, browser: Any) -> list[str]:
    """What Chromium meets in every page, whose requests to a network are refused and told.

    Parameters
    ----------
    browser
        A running browser of Playwright.
    """
    found = []
    for path in pages_of(folder):
        name = path.relative_to(folder).as_posix()
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        asked, failed = watched(page)
        page.goto(path.resolve().as_uri())
        page.wait_for_load_state("networkidle")  # a script may ask once the page has loaded
        page.wait_for_function("!window.MathJax || MathJax.Hub?.queue.pending === 0")
        found += [f"{name}: {problem}" for problem in [*asked, *failed, *page.evaluate(LOOK)]]
        page.close()
    return found
