"""An executed deck as one HTML file that needs nothing else: figures, formulas, speaker view."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup
from nbconvert.filters import markdown2html
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tools.learner.page_widgets import at_the_end, host
from tools.presenter.formulas import font_style, mathml

TEMPLATES = Path(__file__).resolve().parents[1] / "templates" / "slides"
REVEAL = Path(__file__).resolve().parents[2] / "slides" / "reveal"
WIDTH, HEIGHT = 1280, 720  # CSS pixels; 16:9, and 18 pt are 24 pixels
COLOURS = HtmlFormatter(nowrap=True, noclasses=True, style="xcode")
STARTS = ("slide", "subslide")
ONLY_LIVE, ONLY_STILL = "live", "still"
PLACES = {ONLY_LIVE: "on-screen", ONLY_STILL: "on-paper"}


@dataclass
class Slide:
    """What stands on one slide, and what its speaker says."""

    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kind: str = ""

    @property
    def seconds(self) -> int:
        """How long it is talked about: the minutes of its notes; 0 if they name none."""
        notes = BeautifulSoup("".join(self.notes), "html.parser").get_text()
        found = re.search(r"Minutes:\s*(\d+)", notes)
        return 60 * int(found[1]) if found else 0


def title_of(notebook: NotebookNode) -> str:
    """The first heading of a deck."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^# (.+)$", cell.source, re.M)):
            return found[1].strip()
    return "Slides"


def slides_of(notebook: NotebookNode) -> list[Slide]:
    """Group the cells of a deck by the `slideshow` metadata that JupyterLab uses, too.

    What stands in a cell with the tag "live" is for a screen only. A cell with the tag "still",
    which JupyterLab skips, takes its place on paper.
    """
    slides: list[Slide] = []
    for cell in notebook.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        tags = cell.metadata.get("tags", [])
        if kind == "skip" and ONLY_STILL not in tags:
            continue
        if kind in STARTS or not slides:
            slides.append(Slide(kind="title" if not slides else ""))
        html = "".join(_cell(cell))
        for tag, place in PLACES.items():
            if tag in tags:
                html = f'<div class="{place}">{html}</div>'
        if kind == "notes":
            slides[-1].notes.append(html)
        elif html:
            slides[-1].parts.append(html)
    return [slide for slide in slides if slide.parts]


def _cell(cell: NotebookNode) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield from (_rendered(cell.source),)
        return
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        yield f"<pre><code>{highlight(cell.source, PythonLexer(), COLOURS).rstrip()}</code></pre>"
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/html" in data:
            # Reveal.js leaves the fingers on a widget to the widget.
            living = " data-prevent-swipe" * ('class="course-live"' in data["text/html"])
            yield f'<div class="output"{living}>{data["text/html"]}</div>'
        elif "image/png" in data:  # a figure that is not the course's own has no words for it
            raise ValueError("A slide shows a picture without alt text: use course_utils.figures.")
        elif output.get("output_type") == "stream":
            yield f'<pre class="output">{escape(output["text"])}</pre>'
        elif "text/plain" in data:
            yield f'<pre class="output">{escape(data["text/plain"])}</pre>'


def _rendered(source: str) -> str:
    """Markdown as HTML, formulas as MathML."""
    formulas: list[str] = []

    def keep(match: re.Match) -> str:
        block, line = match[1], match[2]
        latex, display = (block, "block") if block is not None else (line, "inline")
        formulas.append(mathml(latex, display))
        return f"xformulax{len(formulas) - 1}x"

    source = re.sub(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", keep, source, flags=re.DOTALL)
    html = markdown2html(source)
    html = re.sub(r'<a class="anchor-link".*?</a>', "", html)
    html = re.sub(r'(<h\d) id="[^"]*"', r"\1", html)  # made of the words, with formulas among them
    return re.sub(r"xformulax(\d+)x", lambda match: formulas[int(match[1])], html)


def _section(slide: Slide, footer: str) -> str:
    page = BeautifulSoup("".join(slide.parts), "html.parser")
    head = page.find(["h1", "h2"])
    head_html = ""
    if head is not None:
        head_html = str(head.extract())
    source = ""
    for paragraph in page.find_all("p"):
        if paragraph.get_text().startswith("Source:"):
            source = paragraph.extract().decode_contents()
    notes = f'<aside class="notes">{"".join(slide.notes)}</aside>' if slide.notes else ""
    return (
        f'<section class="{slide.kind or "content"}" data-timing="{slide.seconds}">'
        f'<div class="frame"><header>{head_html}</header><div class="body">{page}</div>'
        f'<footer><span class="source">{source}</span><span class="deck">{footer}</span></footer>'
        f"</div>{notes}</section>"
    )


def deck_page(notebook: NotebookNode, course: str) -> str:
    """The whole deck as one HTML document."""
    title = title_of(notebook)
    notebook = copy.deepcopy(notebook)
    widgets = host(notebook)
    slides = slides_of(notebook)
    sections = "\n".join(
        _section(slide, f"{number} / {len(slides)}") for number, slide in enumerate(slides, start=1)
    )

    def text(path: Path) -> str:
        return path.read_text(encoding="utf-8")

    scripts = "\n".join(
        f"<script>{text(REVEAL / name)}</script>" for name in ("reveal.js", "notes.js")
    )
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - {escape(course)}</title>
<style>{text(REVEAL / "reveal.css")}</style>
<style>{text(TEMPLATES / "style.css")}</style>
<style>{font_style()}</style>
</head>
<body>
<div class="reveal"><div class="slides">
{sections}
</div></div>
{scripts}
<script>
Reveal.initialize({{
  width: {WIDTH}, height: {HEIGHT}, margin: 0, minScale: 0.1, maxScale: 4,
  center: false, hash: true, transition: "none", controls: false, progress: true,
  defaultTiming: 0, // each slide has its own: the speaker view's clock needs both
  pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
  keyboardCondition: () => !document.activeElement?.closest(".course-widget"),
  plugins: [RevealNotes],
}});
</script>
</body>
</html>
"""
    return at_the_end(page, widgets)
