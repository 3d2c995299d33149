"""Executed chapters as a folder of pages that can be read without a network or a kernel."""

from __future__ import annotations

import copy
import re
import shutil
from base64 import b64encode
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import jupyter_server_mathjax
from bs4 import BeautifulSoup, Tag
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from tools.learner import colab_cells
from tools.learner.page_exercises import unfold
from tools.learner.page_widgets import at_the_end, host

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
STYLE = (TEMPLATES / "course" / "style.css").read_text(encoding="utf-8")
FLAGS = re.MULTILINE | re.DOTALL
COURSE = "When to trust a classifier"
# A digit in doubt.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#0072b2"/><path d="M11 6 8 18h13M18 12v14" '
    'stroke="#fff" stroke-width="3.4" fill="none" stroke-linecap="round" stroke-linejoin="round"/>'
    '<circle cx="26" cy="26" r="3" fill="#e69f00"/></svg>'
)
HEAD = (
    f'<link rel="icon" href="data:image/svg+xml;base64,{b64encode(ICON.encode()).decode()}">\n'
    '<meta name="color-scheme" content="light dark">\n'
)


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


def to_pages(main: Tag) -> None:
    """Let links to other notebooks lead to their pages, in place; appendices have none."""
    for link in main.select('a[href$=".ipynb"]'):
        name = str(link["href"]).removesuffix(".ipynb")
        if "/" in name:
            link.replace_with(f"{link.get_text()} ({name}.ipynb)")
        else:
            link["href"] = f"{name}.html"


def chapter_page(chapter: Chapter, previous: Chapter | None, following: Chapter | None) -> str:
    """Return the HTML of one chapter."""
    notebook = copy.deepcopy(chapter.notebook)
    notebook.cells = [cell for cell in notebook.cells if not colab_cells.belongs(cell)]
    unfold(notebook)
    scripts = host(notebook)
    notebook.metadata["title"] = chapter.title
    exporter = HTMLExporter(
        template_name="course",
        extra_template_basedirs=[str(TEMPLATES)],
        mathjax_url="mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe",
        embed_images=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    given = {"course_css": STYLE, "course_head": HEAD}
    html, _ = exporter.from_notebook_node(notebook, resources=given)
    soup = BeautifulSoup(html, "html.parser")
    main = soup.select_one("main")
    assert main is not None  # nbconvert's template has one
    to_pages(main)
    frame = soup.new_tag("div", attrs={"class": "course-page"})
    main.wrap(frame)
    frame.insert(0, BeautifulSoup(contents(soup), "html.parser"))
    links = bar(previous, following)
    frame.insert_before(BeautifulSoup(links, "html.parser"))
    frame.insert_after(BeautifulSoup(links, "html.parser"))
    if chapter.errors:
        failed = "".join(f'<p class="failed">{escape(error)}</p>' for error in chapter.errors)
        main.insert(0, BeautifulSoup(failed, "html.parser"))
    return at_the_end(str(soup), scripts)


def one_line(markdown: str) -> str:
    """Return the HTML of one line of markdown, without a paragraph around it."""
    return re.sub(r"^<p>|</p>$", "", markdown2html(markdown).strip())


def whole_page(body: str, head: str = "", kind: str = "course") -> str:
    """Return a page of the course around this HTML; no notebook stands behind it."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{COURSE}</title>
{HEAD}{head}<style>{STYLE}</style>
</head>
<body class="{kind}">
{body}
</body>
</html>
"""


def plain_page(body: str) -> str:
    """Return a page with the course's name above this HTML."""
    return whole_page(f"<main>\n<h1>{COURSE}</h1>\n{body}\n</main>")


def write_page(chapters: list[Chapter], number: int, folder: Path) -> Path:
    """Write the page of one of these chapters, linked to its neighbours. Returns its path."""
    neighbours = [None, *chapters, None]
    html = chapter_page(chapters[number], neighbours[number], neighbours[number + 2])
    path = folder / chapters[number].page
    path.write_text(html, encoding="utf-8")
    return path


def write_pages(chapters: list[Chapter], folder: Path) -> None:
    """Write one page for each chapter into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    copy_mathjax(folder)
    for number in range(len(chapters)):
        write_page(chapters, number, folder)
