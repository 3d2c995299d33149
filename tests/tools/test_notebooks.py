"""Building notebooks: the same source gives the same bytes, and drift is noticed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from tools.author import notebooks
from tools.learner import colab_cells

HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""
SOURCE = (
    HEADER
    + """\
# %% [markdown]
# # Digits

# %%
1 + 1

# %%
1 + 1

# %% tags=["raises-exception"]
1 / 0
"""
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course of one chapter, built."""
    (tmp_path / "notebooks/src").mkdir(parents=True)
    (tmp_path / "notebooks/src/1_digits.py").write_text(SOURCE)
    notebooks.build(tmp_path)
    return tmp_path


def test_build_is_reproducible_and_clean(root: Path) -> None:
    target = root / "notebooks/1_digits.ipynb"
    first = target.read_bytes()
    target.unlink()
    assert notebooks.build(root) == [target]
    assert target.read_bytes() == first
    assert notebooks.build(root) == []
    assert notebooks.check(root) == []


def test_build_satisfies_jupytext_itself(root: Path, tmp_path: Path) -> None:
    target, copy = root / "notebooks/1_digits.ipynb", tmp_path / "copy.ipynb"
    copy.write_bytes(target.read_bytes())
    source = root / "notebooks/src/1_digits.py"
    command = [sys.executable, "-m", "jupytext", "--quiet", "--from", "py:percent"]
    subprocess.run(
        [*command, "--to", "ipynb", "--update", str(source), "-o", str(copy)], check=True
    )
    assert copy.read_bytes() == target.read_bytes()


def test_equal_cells_have_different_ids(root: Path) -> None:
    notebook = nbformat.read(root / "notebooks/1_digits.ipynb", as_version=4)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids) == 5


def test_an_edit_leaves_the_other_cells_as_they_were(root: Path) -> None:
    target = root / "notebooks/1_digits.ipynb"
    before = nbformat.read(target, as_version=4)
    source = root / "notebooks/src/1_digits.py"
    source.write_text(SOURCE.replace("# # Digits", "# # Handwritten digits"))
    notebooks.build(root)
    after = nbformat.read(target, as_version=4)
    assert before.cells[0].id != after.cells[0].id
    assert before.cells[1:] == after.cells[1:]


def test_planted_drift_is_reported(root: Path) -> None:
    source = root / "notebooks/src/1_digits.py"
    source.write_text(source.read_text().replace("1 / 0", "1 / 1"))
    assert [problem.split(" is ")[0] for problem in notebooks.check(root)] == ["1_digits.ipynb"]


def test_outputs_are_reported(root: Path) -> None:
    target = root / "notebooks/1_digits.ipynb"
    notebook = nbformat.read(target, as_version=4)
    notebook.cells[1].execution_count = 1
    nbformat.write(notebook, target)
    assert "carries outputs" in notebooks.check(root)[0]
    notebooks.build(root)
    assert notebooks.check(root) == []


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (SOURCE + "\n# %%\n" + "x = 1\n" * 26, "has 26 lines"),
        (SOURCE.removeprefix(HEADER), "no kernelspec"),
    ],
)
def test_bad_sources_are_reported(root: Path, source: str, complaint: str) -> None:
    (root / "notebooks/src/1_digits.py").write_text(source)
    notebooks.build(root)
    problems = notebooks.check(root)
    assert len(problems) == 1
    assert complaint in problems[0]


def test_cells_for_colab_are_not_put_in_twice(root: Path) -> None:
    target, source = root / "notebooks/1_digits.ipynb", root / "notebooks/src/1_digits.py"
    before = target.read_bytes()
    # as jupytext does it when an author saves the paired notebook
    command = [sys.executable, "-m", "jupytext", "--quiet", "--to", "py:percent"]
    subprocess.run([*command, str(target), "-o", str(source)], check=True)
    assert notebooks.build(root) == []
    assert target.read_bytes() == before
    assert source.read_text().count('tags=["colab"]') == 1
    assert notebooks.check(root) == []


@pytest.mark.parametrize("where", ["", "https://github.com/someone/course"])
def test_cells_for_colab_are_python_and_come_back_from_a_source(where: str) -> None:
    text = colab_cells.put_in(SOURCE, "notebooks/1_digits.ipynb", where)
    assert colab_cells.put_in(text, "notebooks/1_digits.ipynb", where) == text
    ast.parse(text)
    cells = [cell for cell in jupytext.reads(text, "py:percent").cells if colab_cells.belongs(cell)]
    code = colab_cells.INSTALL % where if where else colab_cells.NO_ADDRESS
    assert cells[-1].source == code and len(cells) == 1 + bool(where)


def test_missing_halves_are_reported(root: Path) -> None:
    target = root / "notebooks/1_digits.ipynb"
    target.rename(root / "notebooks/2_orphan.ipynb")
    missing, orphan = notebooks.check(root)
    assert missing == "1_digits.ipynb is missing: make notebooks."
    assert orphan == "2_orphan.ipynb has no source in notebooks/src."
