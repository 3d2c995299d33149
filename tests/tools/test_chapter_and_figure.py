"""What authors call while they write: `make chapter` and `make figure`."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.author import chapter, figure


def test_a_chapter_becomes_a_page(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COURSE_SPEED", "look")
    opened: list[str] = []
    monkeypatch.setattr(chapter.webbrowser, "open", opened.append)
    monkeypatch.setattr(chapter, "has_display", lambda: True)
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    cells = [new_markdown_cell("# Sums"), new_code_cell("print(6 * 7)")]
    nbformat.write(new_notebook(cells=cells), notebooks / "03_sums.ipynb")
    assert chapter.main(["3"], tmp_path) == 0
    page = tmp_path / "build" / "chapter" / "03_sums.html"
    assert "42" in page.read_text(encoding="utf-8")
    assert str(page) in capsys.readouterr().out
    assert opened == [page.as_uri()]


def test_a_chapter_that_is_not_there_is_named(tmp_path: Path, capsys) -> None:
    (tmp_path / "notebooks").mkdir()
    assert chapter.main(["30"], tmp_path) == 2
    assert capsys.readouterr().err.startswith("There is no chapter 30 in ")


def test_a_figure_is_drawn_and_told(tmp_path: Path, capsys) -> None:
    assert figure.main(["risk_coverage_curves"], tmp_path) == 0
    path, alt = capsys.readouterr().out.splitlines()
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    assert Path(path).name == "risk_coverage_curves.png" and len(alt) > 80


def test_without_a_name_all_are_listed(tmp_path: Path, capsys) -> None:
    assert figure.main([""], tmp_path) == 2
    assert "  reliability_diagram\n" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()
