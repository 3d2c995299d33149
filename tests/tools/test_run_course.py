"""`tools/learner/run.py` on small chapters, some of which fail."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from jupyter_client.kernelspec import KernelSpec
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.learner import pages as course_pages
from tools.learner import run as run_course
from tools.learner.front_page import what_one_does

OPENING = """\
# Digits & clothes

What they are.

**Questions**

- Is `x < y` of
  any use?
- Or not?

**Time.** About 25 minutes to read. The code
needs 2 minutes."""
FORMULA = r"$$\hat p = \frac{1}{M}\sum_{m=1}^M p_m$$"
WIDGET = """\
import ipywidgets
from IPython.display import Image, display

picture = bytes.fromhex("89504e470d0a1a0a")
slider = ipywidgets.IntSlider(description="Level", value=3)
output = ipywidgets.Output()
with output:
    print("three members agree")
display(ipywidgets.VBox([slider, ipywidgets.Image(value=picture), output]))"""
HIDDEN = """\
import ipywidgets

@ipywidgets.interact(level=(0, 4))
def show(level):
    raise RuntimeError("inside a callback")"""


def write(folder: Path, name: str, *cells: nbformat.NotebookNode) -> None:
    """Write a chapter."""
    folder.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A course of three chapters in a repository, run once: its folder, exit status and words."""
    root = tmp_path_factory.mktemp("course")
    notebooks = root / "notebooks"
    allowed = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    sections = new_markdown_cell("## First\n\n" + FORMULA + "\n\n## Second")
    environment = new_code_cell("import sys; open('left', 'w').write('x'); print(sys.executable)")
    heading = new_markdown_cell(OPENING)
    write(notebooks, "1_good", heading, sections, environment, new_code_cell(WIDGET), allowed)
    failing = new_code_cell("raise ValueError('no such split: tset')")
    write(notebooks, "2_bad", new_markdown_cell("# Fails"), failing, new_code_cell("print(2)"))
    write(notebooks, "3_hidden", new_markdown_cell("# Hides"), new_code_cell(HIDDEN))
    source = run_course.ROOT
    (root / ".gitignore").write_text((source / ".gitignore").read_text())
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "."], check=True)
    options = ["--notebooks", str(notebooks), "--build", str(root / "build")]
    ended = subprocess.run(
        [sys.executable, "-m", "tools.learner.run", *options],
        # pytest finds the package by its configuration; an installed course needs no such help.
        cwd=source,
        env=os.environ | {"PYTHONPATH": str(source), "COURSE_SPEED": "look"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )
    return root, ended.returncode, ended.stdout + ended.stderr


def page(course: tuple[Path, int, str], name: str) -> BeautifulSoup:
    """One page of the course."""
    text = (course[0] / "build" / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser")


def test_failures_are_reported_and_do_not_stop_the_others(course: tuple[Path, int, str]) -> None:
    _, status, words = course
    assert status == 1
    assert "1_good: done" in words
    assert "2_bad, cell 2: ValueError: no such split: tset" in words
    assert "3_hidden, cell 2, in a widget: RuntimeError: inside a callback" in words
    assert "1 of 3 chapters" in words
    assert "Failed: 2_bad, 3_hidden." in words
    assert "Traceback" not in words


def test_executed_notebooks_are_kept_with_what_they_said(course: tuple[Path, int, str]) -> None:
    kept = {path.stem: path for path in (course[0] / "build" / "executed").iterdir()}
    assert set(kept) == {"1_good", "2_bad", "3_hidden"}
    printed = nbformat.read(kept["1_good"], as_version=4).cells[2].outputs[0]
    assert printed.text.strip() == sys.executable
    assert "no such split" in kept["2_bad"].read_text(encoding="utf-8")


def test_repository_stays_as_it_was(course: tuple[Path, int, str]) -> None:
    root = course[0]
    command = ["git", "-C", str(root), "status", "--porcelain"]
    status = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert {line[:2] for line in status.splitlines()} == {"A "}  # added above, nothing since


def test_index_leads_to_every_chapter(course: tuple[Path, int, str]) -> None:
    index = page(course, "index")
    assert [link["href"] for link in index.select(".card h3 a")] == [
        "1_good.html",
        "2_bad.html",
        "3_hidden.html",
    ]
    assert index.select_one(".card h3").text == "Digits & clothes"
    # taken from the chapter's own opening; a chapter that says neither has gaps
    assert [one.p.text for one in index.select(".card")] == ["Is x < y of any use?", "", ""]
    assert index.select_one(".card code").text == "x < y"
    assert [one.text for one in index.select(".minutes")] == ["25 min", "", ""]
    assert len(index.select(".card .failed")) == 2
    assert index.select_one(".button.primary")["href"] == "1_good.html"


def test_page_has_title_contents_and_neighbours(course: tuple[Path, int, str]) -> None:
    first, second = page(course, "1_good"), page(course, "2_bad")
    assert first.title.text == "Digits & clothes"
    entries = first.select(".course-contents a")
    assert [entry.text for entry in entries] == ["First", "Second"]
    assert all(first.find(id=entry["href"][1:]) for entry in entries)
    links = [link["href"] for link in second.select(".course-bar")[0].select("a")]
    assert links == ["1_good.html", "index.html", "3_hidden.html"]


def test_pages_ask_no_network(course: tuple[Path, int, str]) -> None:
    build = course[0] / "build"
    for name in ("index", "1_good", "2_bad", "3_hidden"):
        soup = page(course, name)
        sources = [tag["src"] for tag in soup.select("[src]")]
        sources += [tag["href"] for tag in soup.select("link[href]")]
        styles = "".join(tag.text for tag in soup.select("style"))
        sources += re.findall(r"(?:url\(|@import\s+)['\"]?([^'\")\s]+)", styles)
        outside = [source for source in sources if not source.startswith("data:")]
        missing = [source for source in outside if not (build / source.split("?")[0]).is_file()]
        assert missing == []
    scripts = page(course, "1_good").select("script[src]")
    assert [script["src"].split("?")[0] for script in scripts] == ["mathjax/MathJax.js"]


def test_a_widget_of_others_leaves_a_still(course: tuple[Path, int, str]) -> None:
    still = page(course, "1_good").select_one(".course-frozen")
    assert still.select_one(".control").text == "Level: 3"
    assert still.select_one("img")["src"] == "data:image/png;base64,iVBORw0KGgo="
    assert "three members agree" in still.text


def test_chapters_run_in_the_environment_of_the_command(course: tuple[Path, int, str]) -> None:
    assert sys.executable in page(course, "1_good").text


def test_pages_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    write(tmp_path / "notebooks", "1_one", new_code_cell("1 + 1"))
    build = tmp_path / "build"
    build.mkdir()
    (build / "9_old.html").touch()
    assert run_course.run_course(tmp_path / "notebooks", build) == 0
    assert sorted(path.name for path in build.glob("*.html")) == ["1_one.html", "index.html"]


def test_cell_that_hangs_ends(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("import time; time.sleep(60)")])
    errors = run_course.execute(notebook, tmp_path, 1, lambda cell: None)
    assert errors[0] == "a cell did not end within 1 s"


def test_dead_kernel_is_reported(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("import os; os._exit(1)")])
    errors = run_course.execute(notebook, tmp_path, 30, lambda cell: None)
    assert errors == ["the kernel died (out of memory?)"]


def test_a_kernel_that_does_not_start_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = KernelSpec(argv=[sys.executable, "-c", "raise SystemExit(1)"], language="python")
    monkeypatch.setattr(run_course.ThisPythonKernel, "kernel_spec", spec)
    notebook = new_notebook(cells=[new_code_cell("1 + 1")])
    (error,) = run_course.execute(notebook, tmp_path, 30, lambda cell: None)
    assert error.startswith("the kernel did not start (")


def test_unknown_speed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COURSE_SPEED", "fast")
    with pytest.raises(SystemExit) as ended:
        run_course.run_course(tmp_path, tmp_path / "build")
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "build").exists()


# --- stopped, one chapter, two at once ----------------------------------------------------------

SLOW = "import time; open('started', 'w').close(); time.sleep(120)"


def start(root: Path, *options: str) -> subprocess.Popen[str]:
    """Start `make run` on the chapters of a folder."""
    places = ["--notebooks", str(root / "notebooks"), "--build", str(root / "build")]
    return subprocess.Popen(
        [sys.executable, "-m", "tools.learner.run", *places, *options],
        cwd=run_course.ROOT,
        env=os.environ | {"PYTHONPATH": str(run_course.ROOT), "COURSE_SPEED": "look"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until(happened: Callable[[], bool], seconds: float = 120) -> None:
    """Return as soon as it has happened."""
    limit = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.1)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_ends_in_one_line_and_keeps_the_pages(tmp_path: Path, number: int) -> None:
    write(tmp_path / "notebooks", "1_one", new_markdown_cell("# One"), new_code_cell("6 * 7"))
    write(tmp_path / "notebooks", "2_slow", new_markdown_cell("# Slow"), new_code_cell(SLOW))
    write(tmp_path / "notebooks", "3_never", new_markdown_cell("# Never"))
    build = tmp_path / "build"
    running = start(tmp_path)
    try:
        wait_until((build / "scratch" / "started").exists)
        assert "42" in (build / "1_one.html").read_text(encoding="utf-8")  # before the end
        running.send_signal(number)
        words, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    lines = words.splitlines()
    assert lines[-1] == f"Stopped. 1 of 3 chapters have run. Their pages: {build}/index.html"
    assert lines[-2] == "[2/3] 2_slow ..."
    assert sorted(path.name for path in build.glob("*.html")) == ["1_one.html", "index.html"]
    index = BeautifulSoup((build / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert [link["href"] for link in index.select(".card a")] == ["1_one.html"]
    assert index.text.count("not run yet") == 2
    assert [path.name for path in (build / "executed").iterdir()] == ["1_one.ipynb"]


def test_one_chapter_leaves_the_other_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("02_lenet", "03_deep_ensembles"):
        write(tmp_path / "notebooks", name, new_code_cell("1 + 1"))
    build = tmp_path / "build"
    build.mkdir()
    (build / "02_lenet.html").touch()
    places = ["--notebooks", str(tmp_path / "notebooks"), "--build", str(build)]
    opened: list[str] = []
    monkeypatch.setattr(run_course, "has_display", lambda: True)
    monkeypatch.setattr(run_course.webbrowser, "open", opened.append)
    assert run_course.main([*places, "--chapter", "3"]) == 0 and not opened
    assert run_course.main([*places, "--chapter", "3", "--open"]) == 0
    assert [one.rpartition("/")[2] for one in opened] == ["03_deep_ensembles.html"]
    page = build / "03_deep_ensembles.html"
    assert capsys.readouterr().out.splitlines()[-1] == str(page)
    assert page.exists() and (build / "02_lenet.html").read_text() == ""
    assert run_course.main([*places, "--chapter", "4"]) == 2
    assert "There is no chapter 4: choose among 2, 3." in capsys.readouterr().err


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    write(tmp_path / "notebooks", "1_one", new_code_cell("import time; time.sleep(1)"))
    both = [start(tmp_path) for _ in range(2)]
    words = [running.communicate(timeout=120)[0] for running in both]
    assert [running.returncode for running in both] == [0, 0]
    assert all("1 of 1 chapters" in one for one in words)
    assert (tmp_path / "build" / "1_one.html").exists()


def test_damage_that_cannot_be_repaired_ends_before_the_first_chapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_course.shipped, "repair", lambda: False)
    assert run_course.main(["--build", str(tmp_path)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


def test_every_chapter_opens_with_what_the_index_shows() -> None:
    for path in run_course.paths_of(run_course.ROOT / "notebooks"):
        chapter = course_pages.Chapter(path.stem, nbformat.read(path, as_version=4), 0.0)
        assert re.match(r"\d+\. \w", chapter.title), path
        assert chapter.question.endswith("?") and "\n" not in chapter.question, path
        assert re.fullmatch(r"\d+ min", chapter.minutes), path


def test_the_welcome_notebook_says_of_every_chapter_what_one_does_and_how_long() -> None:
    notebooks = run_course.ROOT / "notebooks"
    welcome = nbformat.read(notebooks / "welcome.ipynb", as_version=4)
    chapters = run_course.read_chapters(run_course.paths_of(notebooks))
    assert set(what_one_does(welcome)) == {chapter.name for chapter in chapters}
    words = " ".join(cell.source for cell in welcome.cells)
    for chapter in chapters:
        minutes = chapter.minutes.replace("min", "minutes")
        assert f"[{chapter.title}]({chapter.name}.ipynb), {minutes}. " in words


def test_the_welcome_notebook_runs_first_and_opens_the_index(tmp_path: Path) -> None:
    write(tmp_path / "notebooks", "1_one", new_markdown_cell("# One"))
    failing = new_code_cell("1 / 0")
    write(tmp_path / "notebooks", "welcome", new_markdown_cell("# Hello"), failing)
    assert run_course.run_course(tmp_path / "notebooks", tmp_path / "build") == 1
    index = (tmp_path / "build" / "index.html").read_text(encoding="utf-8")
    hero = BeautifulSoup(index, "html.parser").select_one(".hero")
    assert hero.h1.text == "Hello" and "division by zero" in hero.select_one(".failed").text
    assert not (tmp_path / "build" / "welcome.html").exists()
