"""The page that people meet first: something to play with, and then the chapters.

What there is to play with, and the words between, are the welcome notebook's: `make lab` opens it,
and here it stands executed, without its code and without what is said to somebody in JupyterLab.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from html import escape

from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from tools.learner import colab_cells
from tools.learner.page_widgets import at_the_end, host
from tools.learner.pages import COURSE, Chapter, one_line, whole_page

WELCOME = "welcome"
ONLY_LAB = "lab"  # tag of cells that mean nothing outside of JupyterLab
ENTRY = re.compile(r"^- \[[^\]]+\]\((\w+)\.ipynb\), \d+ minutes\. (.+(?:\n  .+)*)", re.MULTILINE)
DESCRIPTION = (
    "Draw a shoe, and eight networks call it a digit. A hands-on course on knowing when to trust "
    "a neural network: ensembles, uncertainty, and what to leave to a human."
)


def front_page(
    chapters: list[Chapter],
    welcome: Chapter | None,
    *,
    buttons: str,
    below: str,
    take_away: Mapping[str, str] | None = None,
    picture: str = "",
) -> str:
    """Return the HTML of the first page.

    Parameters
    ----------
    chapters : list of Chapter
        Those that have not run yet have a card without a link.
    welcome : Chapter or None
        The executed welcome notebook; without one the page begins with the chapters.
    buttons : str
        HTML of what one can do, from :func:`button`.
    below : str
        HTML that stands below the cards.
    take_away : mapping of a chapter's name to HTML, optional
        What else a card offers.
    picture : str, optional
        Address of the picture that others show with a link to this page.
    """
    notebook = NotebookNode(cells=[], metadata={}) if welcome is None else welcome.notebook
    notebook, doing, also = copy.deepcopy(notebook), what_one_does(notebook), take_away or {}
    scripts = host(notebook)
    first, *others = list(sections(notebook)) or [f"<h1>{COURSE}</h1>"]
    errors = [] if welcome is None else welcome.errors
    failed = "".join(f'<p class="failed">{escape(error)}</p>' for error in errors)
    cards = "\n".join(
        card(one, doing.get(one.name, ""), also.get(one.name, "")) for one in chapters
    )
    body = (
        f'<main>\n<section class="hero">{failed}{first}<p class="buttons">{buttons}</p></section>\n'
        + "\n".join(f"<section>{one}</section>" for one in others)
        + f'\n<section id="chapters"><h2>The chapters</h2>\n<ol class="cards">\n{cards}\n</ol>'
        "</section>\n"
        f"<footer>{below}</footer>\n</main>"
    )
    return at_the_end(whole_page(body, head(picture), "course front"), scripts)


def head(picture: str) -> str:
    """What others show with a link to the page."""
    words = escape(DESCRIPTION, quote=True)
    tags = [
        f'<meta name="description" content="{words}">',
        f'<meta property="og:title" content="{escape(COURSE)}">',
        f'<meta property="og:description" content="{words}">',
        '<meta property="og:type" content="website">',
    ]
    if picture:
        tags += [
            f'<meta property="og:image" content="{escape(picture)}">',
            '<meta name="twitter:card" content="summary_large_image">',
        ]
    return "\n".join(tags) + "\n"


def button(address: str, words: str, *, first: bool = False) -> str:
    """One of the things that one can do; the first of them is the one that most will want."""
    kind = "button primary" if first else "button"
    return f'<a class="{kind}" href="{escape(address)}">{escape(words)}</a>'


def what_one_does(welcome: NotebookNode) -> dict[str, str]:
    """What the welcome notebook says one does in each chapter, as markdown."""
    prose = "\n\n".join(cell.source for cell in welcome.cells if cell.cell_type == "markdown")
    return {name: " ".join(doing.split()) for name, doing in ENTRY.findall(prose)}


def sections(welcome: NotebookNode) -> Iterator[str]:
    """Yield the HTML of the parts of the notebook, each of which begins with a heading."""
    part = ""
    for cell in welcome.cells:
        if ONLY_LAB in cell.metadata.get("tags", []) or colab_cells.belongs(cell):
            continue
        if cell.cell_type == "markdown":
            if part and cell.source.startswith("#"):
                yield part
                part = ""
            html = markdown2html(cell.source)
            part += re.sub(r'<a class="anchor-link".*?</a>', "", html)
        else:
            shown = (
                output.get("data", {}).get("text/html", "") for output in cell.get("outputs", [])
            )
            part += "".join(shown)
    if part:
        yield part


def card(chapter: Chapter, doing: str, take_away: str) -> str:
    """One chapter: what one does there, how long it takes, and how it went here."""
    title, minutes = escape(chapter.title), escape(chapter.minutes)
    if chapter.seconds is None:
        went = '<span class="note">not run yet</span>'
    else:
        title = f'<a href="{chapter.page}">{title}</a>'
        went = "".join(f'<span class="failed">{escape(e)}</span>' for e in chapter.errors[:1])
    return (
        f'<li class="card"><h3>{title}</h3><p>{one_line(doing or chapter.question)}</p>'
        f'<p class="note"><span class="minutes">{minutes}</span>{went}{take_away}</p></li>'
    )
