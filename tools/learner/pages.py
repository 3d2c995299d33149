"""Executed chapters as a folder of pages that can be read without a network or a kernel."""

from __future__ import annotations

import copy
import re
import shutil
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import jupyter_server_mathjax
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from tools.learner import colab_cells
from tools.learner.still_widgets import freeze

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
STYLE = (TEMPLATES / "course" / "style.css").read_text(encoding="utf-8")
FLAGS = re.MULTILINE | re.DOTALL
COURSE = "When to trust a classifier"


@dataclass
class Chapter:
    """One notebook and how it went; without seconds, it has not run yet."""

    name: str
    notebook: NotebookNode
    seconds: float | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The first heading, or the file's name."""
        heading = re.search(r"^# (.+)$", self._prose, re.MULTILINE)
        return heading[1].strip() if heading else self.name

    @property
    def question(self) -> str:
        """The first of the questions that the chapter opens with, as markdown; may be empty."""
        item = re.search(r"^\*\*Questions\*\*\s+- (.+?)(?=\n- |\n\n|\Z)", self._prose, FLAGS)
        return " ".join(item[1].split()) if item else ""

    @property
    def minutes(self) -> str:
        """What the chapter says it takes, such as "30 min"; may be empty."""
        time = re.search(r"^\*\*Time\.\*\*(?:(?!\n\n).)*?(\d+)\s+minutes", self._prose, FLAGS)
        return f"{time[1]} min" if time else ""

    @property
    def _prose(self) -> str:
        cells = self.notebook.cells
        return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")

    @property
    def page(self) -> str:
        """The file name of its page."""
        return f"{self.name}.html"


def copy_mathjax(folder: Path) -> None:
    """Put the parts of MathJax that show formulas beside the pages."""
    source = Path(jupyter_server_mathjax.__file__).parent / "static"
    unused = shutil.ignore_patterns("localization", "a11y", "SVG")
    shutil.copytree(source, folder / "mathjax", ignore=unused, dirs_exist_ok=True)


def link(chapter: Chapter | None, text: str) -> str:
    """Return a link to a neighbouring chapter, or a gap where there is none."""
    if chapter is None:
        return "<span></span>"
    return f'<a href="{chapter.page}">{text.format(escape(chapter.title))}</a>'


def bar(previous: Chapter | None, following: Chapter | None) -> str:
    """Return the line of links that stands above and below a chapter."""
    middle = f'<a href="index.html">{COURSE}</a>'
    ends = link(previous, "← {}"), link(following, "{} →")
    return f'<nav class="course-bar" aria-label="Chapters">{ends[0]}{middle}{ends[1]}</nav>'


def contents(soup: BeautifulSoup) -> str:
    """Return the list of a page's sections, or nothing if there is at most one."""
    headings = soup.select("main h2[id]")
    if len(headings) < 2:
        return ""
    items = "".join(
        f'<li><a href="#{escape(str(heading["id"]))}">'
        f"{escape(heading.get_text().rstrip('¶'))}</a></li>"
        for heading in headings
    )
    return (
        '<nav class="course-contents" aria-label="In this chapter">'
        f"<strong>In this chapter</strong><ol>{items}</ol></nav>"
    )


def chapter_page(chapter: Chapter, previous: Chapter | None, following: Chapter | None) -> str:
    """Return the HTML of one chapter."""
    notebook = copy.deepcopy(chapter.notebook)
    notebook.cells = [cell for cell in notebook.cells if not colab_cells.belongs(cell)]
    freeze(notebook)
    notebook.metadata["title"] = chapter.title
    exporter = HTMLExporter(
        template_name="course",
        extra_template_basedirs=[str(TEMPLATES)],
        mathjax_url="mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe",
        embed_images=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    html, _ = exporter.from_notebook_node(notebook, resources={"course_css": STYLE})
    soup = BeautifulSoup(html, "html.parser")
    main = soup.select_one("main")
    assert main is not None  # nbconvert's template has one
    frame = soup.new_tag("div", attrs={"class": "course-page"})
    main.wrap(frame)
    frame.insert(0, BeautifulSoup(contents(soup), "html.parser"))
    links = bar(previous, following)
    frame.insert_before(BeautifulSoup(links, "html.parser"))
    frame.insert_after(BeautifulSoup(links, "html.parser"))
    if chapter.errors:
        failed = "".join(f'<p class="failed">{escape(error)}</p>' for error in chapter.errors)
        main.insert(0, BeautifulSoup(failed, "html.parser"))
    return str(soup)


def one_line(markdown: str) -> str:
    """Return the HTML of one line of markdown, without a paragraph around it."""
    return re.sub(r"^<p>|</p>$", "", markdown2html(markdown).strip())


def index_row(chapter: Chapter) -> str:
    """Return one line of the table of chapters: what it asks, what it takes, how it went."""
    name = f'<a href="{chapter.page}">{escape(chapter.title)}</a>'
    if chapter.question:
        name += f'<div class="question">{one_line(chapter.question)}</div>'
    if chapter.seconds is None:
        return (
            f"<tr><td>{escape(chapter.title)}</td>"
            f'<td class="seconds">{escape(chapter.minutes)}</td><td></td><td>not run yet</td></tr>'
        )
    result = "<td>complete</td>"
    if chapter.errors:
        result = f'<td class="failed">{escape(chapter.errors[0])}</td>'
    return (
        f'<tr><td>{name}</td><td class="seconds">{escape(chapter.minutes)}</td>'
        f'<td class="seconds">{chapter.seconds:.0f} s</td>{result}</tr>'
    )


def plain_page(body: str) -> str:
    """Return a page of the course around this HTML; no notebook stands behind it."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{COURSE}</title>
<style>{STYLE}</style>
</head>
<body class="course">
<main>
<h1>{COURSE}</h1>
{body}
</main>
</body>
</html>
"""


def index_page(chapters: list[Chapter], made_with: str) -> str:
    """Return the HTML of the table of chapters."""
    rows = "\n".join(index_row(chapter) for chapter in chapters)
    return plain_page(f"""<p>The chapters as they ran on this machine.
To change and run them yourself: <code>make lab</code>.</p>
<table>
<tr><th>Chapter</th><th class="seconds">To read</th>
<th class="seconds">Ran for</th><th>Result</th></tr>
{rows}
</table>
<p>{escape(made_with)}</p>""")


def write_page(chapters: list[Chapter], number: int, folder: Path) -> Path:
    """Write the page of one of these chapters, linked to its neighbours. Returns its path."""
    neighbours = [None, *chapters, None]
    html = chapter_page(chapters[number], neighbours[number], neighbours[number + 2])
    path = folder / chapters[number].page
    path.write_text(html, encoding="utf-8")
    return path


def write_index(chapters: list[Chapter], folder: Path, made_with: str) -> None:
    """Write the page that leads to every chapter that has run."""
    (folder / "index.html").write_text(index_page(chapters, made_with), encoding="utf-8")


def write_pages(chapters: list[Chapter], folder: Path, made_with: str) -> None:
    """Write one page for each chapter and an index into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    copy_mathjax(folder)
    for number in range(len(chapters)):
        write_page(chapters, number, folder)
    write_index(chapters, folder, made_with)
