"""What the check of a site sees: each fault is put into a small site that is fine without it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tools.presenter import site_check

DOT = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n").decode()
PAGE = """<!DOCTYPE html><html lang="en"><head><title>{title}</title><style>{style}</style></head>
<body><main><h2 id="top">Here</h2>{body}</main></body></html>"""
FINE = f"""<p><img alt="A dot" src="{DOT}"><img alt="Another" src="dot.png">
<a href="second.html#top">on</a> <a href="#top">up</a> <a href="second.html">to</a>
<b id="90-%25">90 %</b> <a href="#90-%25">raw</a> <b id="Zürich">Z</b> <a href="#Z%C3%BCrich">Z</a>
<a href="slides/deck.html#/2">third slide</a> <a href="notebooks.zip">zip</a> <a href="./">home</a>
<a href="https://arxiv.org/abs/1612.01474">paper</a> <a href="mailto:a@b.org">mail</a></p>
<svg role="img" aria-label="A line"></svg><div class="jp-OutputArea-output"><pre>0.98</pre></div>"""

OUTPUT = '<div class="jp-OutputArea-output"><pre>{}</pre></div>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Three pages, a picture, a download, and a library that nobody looks into."""
    write(tmp_path, "index.html", FINE)
    write(tmp_path, "second.html", '<a href="index.html">back</a>')
    write(tmp_path, "slides/deck.html", '<a href="../second.html#top">chapter</a>')
    write(tmp_path, "mathjax/about.html", '<img src="https://elsewhere.org/x.png">')
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    (tmp_path / "notebooks.zip").touch()
    return tmp_path


def write(folder: Path, name: str, body: str, *, title: str = "A page", style: str = "") -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(PAGE.format(title=title, style=style, body=body), encoding="utf-8")


def test_a_site_without_faults(site: Path) -> None:
    assert site_check.problems(site) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (f'<img src="{DOT}">', "a picture has no alt text (after 'Here')"),
        (f'<img alt=" " src="{DOT}">', "a picture has no alt text"),
        ('<img alt="A dot" src="">', "a picture has no source: 'A dot'"),
        ('<img alt="A dot" src="data:image/png;base64,">', "is empty or damaged: 'A dot'"),
        ('<img alt="A dot" src="data:image/png;base64,AAAA">', "is empty or damaged"),
        ('<img alt="A dot" src="gone.png">', "gone.png is missing"),
        ('<img alt="A dot" src="https://x.org/1.png">', "asks the network for https://x.org/1.png"),
        ('<script src="//cdn.org/x.js"></script>', "asks the network for //cdn.org/x.js"),
        ('<link href="http://x.org/x.css">', "asks the network for http://x.org/x.css"),
        ('<iframe src="https://x.org"></iframe>', "asks the network for https://x.org"),
        ('<p style="background: url(https://x.org/p)">x</p>', "asks the network for"),
        ('<svg role="img"></svg>', "a drawing has no label"),
        ('<a href="third.html">x</a>', "the link to third.html is missing"),
        ('<a href="second.html#down">x</a>', "the link to second.html#down finds no such place"),
        ('<a href="#down">x</a>', "the link to #down finds no such place there"),
        ('<a href="/second.html">x</a>', "is right only at the top of a server"),
        ('<a href="../../etc/passwd">x</a>', "leads out of the site"),
        ('<a href="javascript:go()">x</a>', "a link leads to javascript:go()"),
        ('<a href="http://localhost:8888/lab">x</a>', "a link leads to http://localhost:8888/lab"),
        ('<a href="file:///elsewhere/x">x</a>', "a link leads to file:///elsewhere/x"),
        ('<p class="failed">cell 3: ValueError</p>', "failed: cell 3: ValueError"),
        (
            OUTPUT.format("&lt;Figure size 640x480 with 1 Axes&gt;"),
            "shows '<Figure size' in the place of a figure",
        ),
        (
            OUTPUT.format("VBox(children=(IntSlider(value=0),))"),
            "shows 'VBox(' in the place of a figure",
        ),
    ],
)
def test_every_fault_is_named_with_its_page(site: Path, body: str, problem: str) -> None:
    write(site, "second.html", body)
    (found,) = site_check.problems(site)
    assert found.startswith("second.html: ") and problem in found


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        ({"title": " "}, "has no title"),
        ({"style": "@import 'https://x.org/a.css';"}, "asks the network for https://x.org/a.css"),
        ({"style": "b { background: url(gone.png) }"}, "gone.png is missing"),
    ],
)
def test_faults_of_the_head(site: Path, faults: dict[str, str], problem: str) -> None:
    write(site, "second.html", "", **faults)
    (found,) = site_check.problems(site)
    assert problem in found


def test_a_site_needs_a_front_page(site: Path) -> None:
    (site / "index.html").unlink()
    assert "index.html is missing" in site_check.problems(site)
