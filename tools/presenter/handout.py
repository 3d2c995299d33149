"""Print all exercises with solutions, for teachers: `build/handout/handout.html` and PDF.

Of each exercise: minutes, objective, task, the learner's cell, three hints, the solution, and what
is said to common wrong answers. The PDF (A4) needs Chromium; where there is none, any browser
prints the page.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import nbformat
from nbconvert.filters import markdown2html

from course_utils import exercises
from course_utils.exercises import Choice, Exercise, Function, Number, bug_hunt
from tools.author.solve_notebooks import BUG_HUNT
from tools.learner.pages import COURSE, Chapter
from tools.presenter.formulas import font_style, mathml
from tools.presenter.slides import chromium

ROOT = Path(__file__).resolve().parents[2]
STYLE = """
@page { size: A4; margin: 18mm 16mm 18mm 16mm; }
body { font: 10.5pt/1.4 Georgia, "DejaVu Serif", serif; color: #1a1a1a; background: #fff;
  max-width: 46em; margin: 2em auto; padding: 0 1em; }
h1, h2, h3, h4, th, .about { font-family: "Helvetica Neue", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7em; } h2 { font-size: 1.35em; border-bottom: 2px solid #0072B2; }
h3 { font-size: 1.1em; margin-bottom: 0; } h4 { font-size: .95em; margin: .8em 0 .2em; }
h2, h3, h4 { break-after: avoid; }
.about { font-size: .85em; color: #444; margin: .1em 0 .6em; }
article { margin: 0 0 1.6em; padding-left: .8em; border-left: 3px solid #ccc; }
pre { font: 7.8pt/1.4 "DejaVu Sans Mono", monospace; background: #f4f4f4; padding: .6em .8em;
  white-space: pre-wrap; break-inside: avoid; }
code { font-family: "DejaVu Sans Mono", monospace; font-size: .86em; }
pre code { font-size: 1em; }
table { border-collapse: collapse; } th, td { padding: .2em .8em .2em 0; text-align: left; }
td:last-child, th:last-child { text-align: right; }
li { break-inside: avoid; margin: .15em 0; }
a { color: #00568a; }
@media print { body { margin: 0; max-width: none; padding: 0; } section + section h2 {
  break-before: page; } article { break-inside: auto; } }
"""


@dataclass(frozen=True)
class Part:
    """The exercises of one notebook."""

    number: int
    title: str
    exercises: tuple[Exercise, ...]

    @property
    def minutes(self) -> int:
        """Expected, for all of them."""
        return sum(exercise.minutes for exercise in self.exercises)


def parts(notebooks: Path) -> Iterator[Part]:
    """Yield every notebook that has exercises, in order."""
    for path in sorted(notebooks.glob("[0-9]*.ipynb")):
        title = Chapter(path.stem, nbformat.read(path, as_version=4), 0).title
        number = int(path.stem.split("_")[0])
        if path.stem == BUG_HUNT:
            yield Part(number, title, bug_hunt.BUGS)
            continue
        try:
            yield Part(number, title, tuple(exercises.of_chapter(number)))
        except ValueError:  # a notebook to read
            continue


def prose(text: str) -> str:
    """Markdown as HTML, formulas as MathML."""
    page = markdown2html(text).strip()
    return re.sub(r"\$([^$\n]+)\$", lambda formula: mathml(unescape(formula[1])), page)


def line(text: str) -> str:
    """One line of markdown as HTML, without a paragraph around it."""
    return re.sub(r"^<p>|</p>$", "", prose(text))


def listing(code: str) -> str:
    """Code as HTML."""
    return f"<pre><code>{escape(code.strip(), quote=False)}</code></pre>"


def wrong_answers(exercise: Exercise) -> list[str]:
    """What is said to common wrong answers, as markdown."""
    if isinstance(exercise, Choice):
        return [
            f"*{words}* {exercise.reasons[letter]}"
            for letter, words in exercise.options.items()
            if letter in exercise.reasons
        ]
    if isinstance(exercise, (Function, Number)):
        said = []
        for misconception in exercise.misconceptions:
            fixed = isinstance(exercise, Number) and not callable(misconception.answer)
            value = f"{misconception.answer:g}: " if fixed else ""
            said.append(value + misconception.hint)
        return said
    return []


def anchor(exercise: Exercise) -> str:
    """Where it stands on the page."""
    return exercise.name.replace("_", "-")


def label(exercise: Exercise) -> str:
    """Its number and title."""
    return f"{exercise.chapter}.{exercise.number[1]} {exercise.title}"


def minutes(count: int) -> str:
    """So many minutes, in words."""
    return f"{count} minute" if count == 1 else f"{count} minutes"


def stated(exercise: Exercise) -> str:
    """What the learner gets: code to complete, or answers to choose from."""
    if not isinstance(exercise, Choice):
        return listing(exercise.stub)
    return f"<ul>{''.join(f'<li>{line(words)}</li>' for words in exercise.options.values())}</ul>"


def solution(exercise: Exercise) -> str:
    """The learner's code completed, or the right one of the answers."""
    if isinstance(exercise, Choice) and isinstance(exercise.correct, str):
        return f"<p>{line(exercise.options[exercise.correct])}</p>"
    return listing(exercise.answer)


def article(exercise: Exercise) -> str:
    """One exercise."""
    hints = "".join(f"<li>{line(hint)}</li>" for hint in exercise.hints)
    said = "".join(f"<li>{line(answer)}</li>" for answer in wrong_answers(exercise))
    answers = f"<h4>What is said to wrong answers</h4><ul>{said}</ul>" if said else ""
    return (
        f'<article id="{anchor(exercise)}"><h3>{escape(label(exercise))}</h3>'
        f'<p class="about">About {minutes(exercise.minutes)}. To be able to: '
        f"{line(exercise.objective)}.</p>"
        f"{prose(exercise.task)}{stated(exercise)}"
        f"<h4>Hints</h4><ol>{hints}</ol>"
        f"<h4>Solution</h4>{solution(exercise)}{prose(exercise.why)}{answers}</article>"
    )


def overview(all_parts: list[Part]) -> str:
    """How many exercises there are, and what they take."""
    rows = "".join(
        f'<tr><td><a href="#part-{part.number}">{escape(part.title)}</a></td>'
        f"<td>{len(part.exercises)}</td><td>{part.minutes}</td></tr>"
        for part in all_parts
    )
    count = sum(len(part.exercises) for part in all_parts)
    total = sum(part.minutes for part in all_parts)
    return (
        '<table><thead><tr><th scope="col">Notebook</th><th scope="col">Exercises</th>'
        f'<th scope="col">Minutes</th></tr></thead><tbody>{rows}</tbody>'
        f"<tfoot><tr><th>Together</th><th>{count}</th><th>{total}</th></tr></tfoot></table>"
    )


def page(all_parts: list[Part]) -> str:
    """The handout as one HTML page that needs nothing else."""
    sections = "".join(
        f'<section><h2 id="part-{part.number}">{escape(part.title)}</h2>'
        f'<p class="about">{len(part.exercises)} exercises, about {minutes(part.minutes)}.</p>'
        f"{''.join(map(article, part.exercises))}</section>"
        for part in all_parts
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{COURSE}: exercises with solutions</title>"
        f"<style>{STYLE}{font_style()}</style></head>"
        f"<body><main><h1>{COURSE}: exercises with solutions</h1>"
        "<p>For teachers. Learners find tasks in the notebooks, and hints and solutions one "
        "by one behind <code>hint()</code> and <code>solution()</code>.</p>"
        f"{overview(all_parts)}{sections}</main></body></html>\n"
    )


def print_pdf(path: Path, browser: str) -> Path:
    """Print a page on A4 with numbers below. Returns the PDF's path."""
    from playwright.sync_api import sync_playwright

    target = path.with_suffix(".pdf")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        opened = started.new_page()
        opened.goto(path.as_uri())
        opened.pdf(
            path=target,
            format="A4",
            prefer_css_page_size=True,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template='<div style="width:100%;font-size:8pt;text-align:center">'
            '<span class="pageNumber"></span> / <span class="totalPages"></span></div>',
        )
        started.close()
    return target


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "handout")
    options = parser.parse_args(arguments)
    all_parts = list(parts(options.notebooks))
    if not all_parts:
        print(f"There are no exercises in {options.notebooks}.", file=sys.stderr)
        return 1
    options.build.mkdir(parents=True, exist_ok=True)
    path = options.build.resolve() / "handout.html"
    path.write_text(page(all_parts), encoding="utf-8")
    count = sum(len(part.exercises) for part in all_parts)
    print(f"{count} exercises with solutions: {path}")
    browser = chromium()
    if browser is None:
        print("No PDF: there is no Chromium. Open the page in any browser and print it.")
    else:
        print(f"The same on A4: {print_pdf(path, browser)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
