"""The words for a kernel that was restarted (in a real JupyterLab they are met by `make drill`)."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_utils.health import kernel

CELLS = [
    "import torch.nn as nn\nfrom pathlib import Path",
    "%matplotlib inline\nlost = 1",  # magics: such a cell is passed over
    "digits: int = 3\nfor step in range(3):\n    def train(inner): outer = inner",
    "class Net: pass\nwith open(__file__) as file: print(used)",
]


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    cells.append(nbformat.v4.new_markdown_cell("prose = 1"))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "02_lenet.ipynb")
    return tmp_path / "02_lenet.ipynb"


def test_names_that_cells_make(notebook: Path) -> None:
    made = {"nn", "Path", "digits", "step", "train", "Net", "file"}
    assert kernel.names_made_in(notebook) == made


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"cells": [{}]})])
def test_what_is_no_notebook_makes_no_names(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.ipynb").write_text(content)
    assert kernel.names_made_in(tmp_path / "a.ipynb") == set()
    assert kernel.names_made_in(tmp_path / "none.ipynb") == set()
    assert kernel.names_made_in(Path("")) == set()


@pytest.fixture
def shell(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    shell = InteractiveShell()
    kernel.load_ipython_extension(shell)
    return shell


def test_a_name_of_another_cell_is_one_clear_sentence(shell, capsys) -> None:
    result = shell.run_cell("print(digits + 1)")
    assert type(result.error_in_exec) is NameError, "whoever asks for the error still gets it"
    told = capsys.readouterr().out
    assert "`digits` is made by another cell of this notebook" in told
    assert "Run > Run All Above Selected Cell" in told
    assert "digits + 1" not in told, "no traceback"


@pytest.mark.parametrize(
    "cell", ["digit + 1", "def f():\n    digits += 1\nf()"], ids=["typing error", "local"]
)
def test_other_name_errors_are_pythons_own(shell, capsys, cell) -> None:
    shell.run_cell(cell)
    told = capsys.readouterr().out
    assert "another cell" not in told
    assert "Traceback" in told and "digit" in told
