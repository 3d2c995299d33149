"""What a chapter writes out, or has learners write, is what the package runs, to the word.

Compared are syntax trees turned back into text: docstrings count, comments and line breaks do not
(a cell has fewer lines to spend than a module).
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from course_utils import exercises

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "notebooks" / "src"
NETWORKS = ROOT / "course_utils" / "networks"

# what is defined, the chapter that writes it out, the module that later chapters import it from
LESSONS = [
    ("one_cycle_sgd", "02_lenet", "training"),
    ("PackedLeNet", "06_packed_ensembles", "models"),
]


def definition(text: str, name: str) -> str:
    """Return the class or function of a name at the top level of a source, in one layout."""
    found = [
        node
        for node in ast.parse(text).body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name
    ]
    assert len(found) == 1, f"{name} is defined {len(found)} times, not once"
    return ast.unparse(found[0])


def solved(chapter: str) -> str:
    """Return a chapter's source with the solutions in place of the stubs."""
    text = (SOURCES / f"{chapter}.py").read_text(encoding="utf-8")
    for exercise in exercises.of_chapter(int(chapter[:2])):
        text = text.replace(exercise.stub.strip(), exercise.answer.strip())
    return text


@pytest.mark.parametrize(("name", "chapter", "module"), LESSONS, ids=[row[0] for row in LESSONS])
def test_lesson_and_package_say_the_same(name: str, chapter: str, module: str) -> None:
    lesson = solved(chapter)
    package = (NETWORKS / f"{module}.py").read_text(encoding="utf-8")
    assert definition(lesson, name) == definition(package, name)


def test_the_lenet_that_learners_write_is_that_of_the_package() -> None:
    from course_utils.exercises.chapter_02 import ex2_1

    package = (NETWORKS / "models.py").read_text(encoding="utf-8")
    assert definition(ex2_1.answer, "LeNet") == definition(package, "LeNet")


def test_a_changed_number_or_docstring_is_noticed() -> None:
    text = (NETWORKS / "models.py").read_text(encoding="utf-8")
    original = definition(text, "LeNet")
    assert definition(text.replace("120, 84", "120, 85"), "LeNet") != original
    assert definition(text.replace("with ReLU and", "with sigmoid and"), "LeNet") != original


def test_layout_and_comments_do_not_count() -> None:
    one = "def area(width,\n         height):\n    return width * height  # in pixels\n"
    other = "def area(width, height):\n    return (\n        width * height\n    )\n"
    assert definition(one, "area") == definition(other, "area")


def test_every_row_of_the_table_is_explained_in_chapter_3() -> None:
    """A new metric of a single network needs its paragraph; those of ensembles come later."""
    from course_utils.networks.evaluation import METRICS

    lesson = (SOURCES / "03_metrics.py").read_text(encoding="utf-8")
    explained = {line.split("**")[1] for line in lesson.splitlines() if line.startswith("# - **")}
    rows = {
        readable.removesuffix(" (%)") for key, (readable, _) in METRICS.items() if "ens_" not in key
    }
    assert rows <= explained, f"not explained: {sorted(rows - explained)}"
