"""Every chapter in a real JupyterLab and as a page: it runs, its widgets move, all can read it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from driving import REPOSITORY, errors, run_all, shoot
from looking import cut_off, move_all, violations

from tools.learner import pages as course_pages

pytestmark = pytest.mark.timeout(900)
CHAPTERS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
# Generous: a chapter takes seconds on an idle machine, minutes on a crowded one.
SECONDS = 300
# The rest of the page is JupyterLab's own: its menus, its tool bars, its editor.
OURS = [".course-widget", ".jp-Notebook .jp-RenderedMarkdown", ".jp-Notebook .jp-OutputArea-output"]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for pages, with what they need beside them."""
    folder = tmp_path_factory.mktemp("pages")
    course_pages.copy_mathjax(folder)
    return folder


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that ends the kernel of its notebook as it goes."""
    opened = browser.new_page(viewport={"width": 1280, "height": 1200})
    opened.set_default_timeout(60_000)
    yield opened
    opened.evaluate("window.jupyterapp?.shell.currentWidget?.context.sessionContext.shutdown()")
    opened.close()


def report(problems: list[str]) -> None:
    """Fail with all problems, if there are any."""
    assert not problems, "\n" + "\n".join(problems)


def read_as_page(page: Any, folder: Path, name: str) -> list[str]:
    """Open an exported page, keep its picture, and return what axe-core finds."""
    page.goto((folder / f"{name}.html").as_uri())
    page.evaluate("window.MathJax && new Promise(done => MathJax.Hub.Queue(done))")
    shoot(page, f"{name}-page", full_page=True)
    return violations(page)


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter(name: str, lab: Any, page: Any, browser: Any, pages: Path) -> None:
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    shutil.copy(REPOSITORY / "notebooks" / f"{name}.ipynb", lab.folder)
    run_all(page, lab.address, name, seconds=SECONDS)
    report(errors(page))
    shown = page.locator(".course-widget").count()
    problems = move_all(page, name)
    problems += cut_off(page) + violations(page, OURS)
    shoot(page, name)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    report(problems + errors(page) + thrown)

    notebook = nbformat.read(lab.folder / f"{name}.ipynb", as_version=4)
    chapter = course_pages.Chapter(name, notebook, 1.0)
    html = course_pages.chapter_page(chapter, chapter, chapter)
    assert html.count('class="course-still"') >= shown
    (pages / f"{name}.html").write_text(html, encoding="utf-8")
    with browser.new_page(viewport={"width": 1280, "height": 900}) as exported:
        report(read_as_page(exported, pages, name))


def test_a_chapter_that_failed(page: Any, pages: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Digits")])
    bad = course_pages.Chapter("bad", notebook, 12.0, ["cell 3: ValueError: no such split"])
    (pages / "bad.html").write_text(course_pages.chapter_page(bad, None, None))
    report(read_as_page(page, pages, "bad"))


# Writes to a comm of the front end's own choice, as JupyterLab does for its own ends.
WRITE = """async ([target, comm_id]) => {
    const kernel = jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
    const send = (msg_type, more) => kernel.sendShellMessage({
        header: {
            msg_id: crypto.randomUUID(), msg_type, session: kernel.clientId,
            username: '', version: '5.2', date: '',
        },
        parent_header: {}, metadata: {}, content: { comm_id, data: {}, ...more },
        channel: 'shell', buffers: [],
    }, false, true);
    if (target) send('comm_open', { target_name: target });
    send('comm_msg', {});
    await kernel.requestKernelInfo();
}"""


# A widget that lived for a moment; returns its number.
LIVE_AND_DIE = """async () => {
    const kernel = jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
    const code = 'import ipywidgets; made = ipywidgets.IntSlider();'
        + ' it = made.model_id; made.close()';
    const reply = await kernel.requestExecute({ code, user_expressions: { it: 'it' } }).done;
    return reply.content.user_expressions.it.data['text/plain'].slice(1, -1);
}"""


@pytest.mark.slow
def test_only_what_a_kernel_opened_counts_as_a_complaint(lab: Any, page: Any) -> None:
    lab.write("comms", ["1 + 1"])
    run_all(page, lab.address, "comms")
    page.evaluate(WRITE, ["jupyter.widget.control", "a-question"])  # ipywidgets is not there yet
    page.evaluate(WRITE, [None, "opened-before-the-cells-ran"])
    number = page.evaluate(LIVE_AND_DIE)
    page.evaluate(WRITE, [None, number])
    page.evaluate(WRITE, ["another", "one"])
    page.wait_for_timeout(500)
    assert {line.strip() for line in errors(page)} == {
        f"No such comm: {number}",
        "No such comm target registered: another",
    }


# Widgets that are right in all but one thing each.
IMPORTED = """
import ipywidgets
from course_utils.widgets import packed_calculator, risk_coverage_explorer

def hearing(heard):
    calculator = packed_calculator()
    calculator.observe(heard, "num_members")
    return calculator
"""
MISTAKES = {
    "sound": ("packed_calculator()", None),
    "mistake": ("hearing(lambda change: 1 / 0)", "ZeroDivisionError"),
    "complaint": ("risk_coverage_explorer({})", "complains: Ranking images takes a dictionary"),
    "frozen": ("risk_coverage_explorer({})", "cannot be moved by keyboard"),
    "caught": (
        "@ipywidgets.interact(level=(0, 4))\ndef show(level):\n    1 / 0",
        "ZeroDivisionError",
    ),
    "nameless": ("ipywidgets.HTML('<img src=\"/favicon.ico\">')", "image-alt (critical)"),
}


@pytest.mark.slow
def test_faults_of_widgets_are_noticed(lab: Any, page: Any) -> None:
    """One notebook with a widget for each kind of fault, and one that has none."""
    lab.write("faulty", [IMPORTED, *(cell for cell, _ in MISTAKES.values())])
    run_all(page, lab.address, "faulty")
    problems = move_all(page, "faulty")
    problems += errors(page) + cut_off(page) + violations(page, OURS)
    found = {
        name: [line for line in problems if expected and expected in line]
        for name, (_, expected) in MISTAKES.items()
    }
    assert {name for name, lines in found.items() if not lines} == {"sound"}
    assert not [line for line in problems if "widget 1 of" in line]
    assert len([line for line in problems if "ZeroDivisionError" in line]) >= 2
