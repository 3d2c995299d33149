"""Sentences of chapters that are checked where they stand."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.author import statements

CELLS = [new_code_cell("risk = 0.1"), new_markdown_cell("So the risk\nis low."), new_code_cell("1")]


def run(tmp_path: Path, listed: str) -> int:
    (tmp_path / "notebooks" / "appendix").mkdir(parents=True)
    nbformat.write(new_notebook(cells=CELLS), tmp_path / "notebooks" / "01_data.ipynb")
    nbformat.write(new_notebook(cells=CELLS), tmp_path / "notebooks" / "appendix" / "more.ipynb")
    (tmp_path / "statements").mkdir()
    (tmp_path / "statements" / "01_data.py").write_text(f"STATEMENTS = {listed}")
    return statements.main(
        [f"--{name}={tmp_path / name}" for name in ("notebooks", "statements", "target")]
    )


def test_a_check_stands_below_its_sentence(tmp_path: Path) -> None:
    assert run(tmp_path, "[('the risk is low', 'risk < 0.2')]") == 0
    cells = nbformat.read(tmp_path / "target" / "01_data.ipynb", as_version=4).cells
    assert [cell.source for cell in cells][2] == "assert (risk < 0.2), 'the risk is low'"
    assert len(cells) == len(CELLS) + 1
    assert (tmp_path / "target" / "appendix" / "more.ipynb").exists()


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("[('the risk is high', 'risk > 1')]", "01_data: 'the risk is high' stands in 0 cells"),
        ("[('the risk is low', 'risk <')]", "is no expression"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, capsys, listed: str, words: str) -> None:
    assert run(tmp_path, listed) == 1
    assert words in capsys.readouterr().err


def test_a_list_without_a_chapter_is_named(tmp_path: Path, capsys) -> None:
    (tmp_path / "statements").mkdir()
    (tmp_path / "statements" / "99_gone.py").write_text("STATEMENTS = []")
    (tmp_path / "notebooks").mkdir()
    names = ("notebooks", "statements", "target")
    assert statements.main([f"--{name}={tmp_path / name}" for name in names]) == 1
    assert "no notebook 99_gone" in capsys.readouterr().err
