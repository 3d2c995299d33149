"""Machines that are set up otherwise: locale, names of folders, ends of lines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from own_process import REPOSITORY, environment, judge, play

from tools.author import notebooks

pytestmark = [pytest.mark.drill, pytest.mark.slow]
AWKWARD = "mein kurs ä ' (1)"
CHAPTER = """\
from pathlib import Path
from course_utils.images import load_mnist
from course_utils.networks import runs, training
from course_utils.networks.models import LeNet

digits = load_mnist("train").subset(slice(0, 500))
val = load_mnist("val").subset(slice(0, 100))
fit = training.fit(LeNet(), digits, val, name="lenet", folder=runs.folder(), epochs=1)
runs.save(fit, digits)
print(runs.load("lenet").predictions(digits), "in", runs.folder())"""


def test_a_locale_that_knows_no_utf_8(tmp_path: Path) -> None:
    variables = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    judge(play("whole_course", tmp_path, **variables), "from your own training", "ascii|ANSI")


def copy_course(place: Path) -> Path:
    """The tools and the package, without what nobody commits."""
    for folder in ("tools", "course_utils"):
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / folder, place / folder, ignore=unwanted)
    return place


def test_a_folder_with_spaces_quotes_and_umlauts(tmp_path: Path) -> None:
    course = copy_course(tmp_path / AWKWARD)
    (course / "notebooks").mkdir()
    cells = [nbformat.v4.new_code_cell(CHAPTER)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), course / "notebooks/1 Übung.ipynb")
    variables = environment(course, PYTHONPATH=str(course), COURSE_RUNS_DIR="", LC_ALL="C")

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=course,
            env=variables,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    judge(run("-m", "tools.learner.run"), "1 of 1 chapters", "mein kurs")
    assert (course / "runs/train/lenet.json").exists()
    assert "mein kurs ä" in (course / "build/1 Übung.html").read_text(encoding="utf-8")
    run("-c", "from tools.learner import lab; lab.fill(lab.ROOT / 'notebooks', lab.ROOT / 'work')")
    assert (course / "work/1 Übung.ipynb").exists()


def test_a_checkout_with_the_line_ends_of_windows(tmp_path: Path) -> None:
    sources = tmp_path / "notebooks/src"
    shutil.copytree(REPOSITORY / "notebooks/src", sources)
    shutil.copy(REPOSITORY / "jupytext.toml", tmp_path)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for notebook in (REPOSITORY / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, tmp_path / "notebooks")
    before = notebooks.check(tmp_path)
    with_windows_lines(sources, "*.py")
    assert notebooks.check(tmp_path) == before
    copy_course(tmp_path)
    for kind in ("*.py", "*.js", "*.css", "*.json"):
        with_windows_lines(tmp_path / "course_utils", kind)
    words = play("whole_course", tmp_path, PYTHONPATH=str(tmp_path))
    judge(words, "from your own training")


def with_windows_lines(folder: Path, pattern: str) -> None:
    """Rewrite files as git does on Windows with autocrlf."""
    for file in folder.rglob(pattern):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
