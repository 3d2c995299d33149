"""`tools/learner/run.py` on small chapters, some of which fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from jupyter_client.kernelspec import KernelSpec
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import images as data
from tools.learner import pages as course_pages
from tools.learner import run as run_course

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
    source = Path(run_course.__file__).parents[1]
    (root / ".gitignore").write_text((source / ".gitignore").read_text())
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "."], check=True)
    options = ["--notebooks", str(notebooks), "--build", str(root / "build")]
    ended = subprocess.run(
        [sys.executable, run_course.__file__, *options],
        # pytest finds the package by its configuration; an installed course needs no such help.
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
    assert [link["href"] for link in index.select("td a")] == [
        "1_good.html",
        "2_bad.html",
        "3_hidden.html",
    ]
    assert index.select_one("td a").text == "Digits & clothes"
    # taken from the chapter's own opening; a chapter that says neither has gaps
    assert [one.text for one in index.select("td .question")] == ["Is x < y of any use?"]
    assert index.select_one("td .question code").text == "x < y"
    times = [row.select("td.seconds")[0].text for row in index.select("tr")[1:]]
    assert times == ["25 min", "", ""]
    assert len(index.select("td.failed")) == 2


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


def test_widget_leaves_a_still(course: tuple[Path, int, str]) -> None:
    still = page(course, "1_good").select_one(".course-still")
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


def test_network_is_waited_for_once_not_in_every_chapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA", "auto")
    monkeypatch.setattr(data, "load_mnist", lambda split: SimpleNamespace(source="sample"))
    monkeypatch.setattr(data, "load_fashion_mnist", lambda split: SimpleNamespace(source="sample"))
    assert "sample" in run_course.settle_images()
    assert os.environ["COURSE_DATA"] == "sample"  # what the kernels inherit


def test_every_chapter_opens_with_what_the_index_shows() -> None:
    root = Path(run_course.__file__).parents[1] / "notebooks"
    for path in sorted(root.glob("*.ipynb")):
        chapter = course_pages.Chapter(path.stem, nbformat.read(path, as_version=4), 0.0)
        assert re.match(r"\d\. \w", chapter.title), path
        assert chapter.question.endswith("?") and "\n" not in chapter.question, path
        assert re.fullmatch(r"\d+ min", chapter.minutes), path
