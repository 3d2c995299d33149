"""Machines that are set up otherwise: locale, names of folders, ends of lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from drill import REPOSITORY, environment, fault, finish, judge_words, start

COURSE = """
import os, sys
from pathlib import Path
os.environ["COURSE_DATA"] = "sample"
from trainings import few_digits, train
from course_utils import runs, zoo
from course_utils.exercises.chapter_1 import ex1_1
digits = few_digits()
runs.save(train(Path(sys.argv[1]), "lenet"), digits, digits)
run = runs.load("lenet", "sample")
print(run.predictions(digits), len(zoo.names()) > 9, sys.stdout.encoding)
assert ex1_1.check(...).because
"""


@fault("A locale that knows no UTF-8", "everything works, files are read and written in UTF-8")
def other_locale(place: Path) -> None:
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    notebook = start(COURSE, str(place), **variables)
    judge_words(finish(notebook), "from your own training", "True (ascii|ANSI)")


AWKWARD = "Kurs für Anfänger (2. Teil)"
NOTEBOOK = """
from pathlib import Path
from course_utils import data, runs, training
from course_utils.networks.models import LeNet
print(Path.cwd().name, data.data_dir().name)
digits = data.load_mnist("train").subset(slice(0, 500))
val = data.load_mnist("val").subset(slice(0, 100))
where = runs.folder()
fit = training.fit(LeNet(), digits, val, name="lenet", folder=where, epochs=1)
runs.save(fit, digits, digits)
print(runs.load("lenet", "sample").predictions(digits), fit.log)
"""


@fault(
    "The course lies in a folder with spaces and umlauts",
    "copies are handed out, a chapter runs in a kernel, pages are written",
)
def awkward_names(place: Path) -> None:
    import nbformat

    course = place / AWKWARD
    for folder in ("tools", "course_utils"):
        shutil.copytree(
            REPOSITORY / folder, course / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    (course / "notebooks").mkdir()
    cells = [nbformat.v4.new_code_cell(NOTEBOOK)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), course / "notebooks/1 Übung.ipynb")
    variables = environment(
        PYTHONPATH=str(course),
        COURSE_DATA="sample",
        COURSE_DATA_DIR=str(course / "Daten für alle"),
        COURSE_RUNS_DIR="",
    )

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=course, env=variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    judge_words(run("tools/learner/run.py"), "1 of 1 chapters", AWKWARD.split()[0])
    assert (course / "runs/sample-train/lenet.json").exists()
    assert "Daten für alle" in (course / "build/1 Übung.html").read_text(encoding="utf-8")
    hand_out = "import lab; lab.fill(lab.ROOT / 'notebooks', lab.ROOT / 'work')"
    run("-c", f"import sys; sys.path.insert(0, 'tools'); {hand_out}")
    assert (course / "work/1 Übung.ipynb").exists()


@fault(
    "Sources with Windows' ends of lines (a checkout with autocrlf)",
    "a new checkout has none; those that are there make the same notebooks",
)
def windows_lines(place: Path) -> None:
    sources = place / "notebooks/src"
    shutil.copytree(REPOSITORY / "notebooks/src", sources)
    shutil.copy(REPOSITORY / "jupytext.toml", place)
    for notebook in (REPOSITORY / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, place / "notebooks")
    for source in sources.glob("*.py"):
        source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    sys.path.insert(0, str(REPOSITORY / "tools"))
    from tools.author.notebooks import check

    wrong = check(place)
    judge_words("\n".join(wrong) or "Notebooks and sources are in step.")
    assert not wrong
    package = place / "course_utils"
    shutil.copytree(REPOSITORY / "course_utils", package)
    for kind in ("*.py", "*.js", "*.css", "*.json"):
        for file in package.rglob(kind):
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    notebook = start(COURSE, str(place), PYTHONPATH=os.pathsep.join([str(place), *sys.path]))
    judge_words(finish(notebook), "from your own training")
    if (REPOSITORY / ".git").exists() and shutil.which("git"):
        told = ["check-attr", "eol", "notebooks/src/1_data.py", "notebooks/1_data.ipynb"]
        answer = subprocess.run(["git", *told], cwd=REPOSITORY, capture_output=True, text=True)
        assert answer.stdout.count("eol: lf") == 2, answer.stdout
