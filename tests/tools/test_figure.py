"""`make figure`: an example of a figure, as a file to look at."""

from __future__ import annotations

from pathlib import Path

from tools.author import figure


def test_a_figure_is_drawn_and_told(tmp_path: Path, capsys) -> None:
    assert figure.main(["risk_coverage_curves"], tmp_path) == 0
    path, alt = capsys.readouterr().out.splitlines()
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    assert Path(path).name == "risk_coverage_curves.png" and len(alt) > 80


def test_without_a_name_all_are_listed(tmp_path: Path, capsys) -> None:
    assert figure.main([""], tmp_path) == 2
    assert "  reliability_diagram\n" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()
