"""`course_utils.health.colab`: what it pins, what it takes for half installed, what it says."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from course_utils.health import colab


def distribution(folder: Path, name: str, version: str, *files: str) -> None:
    described = folder / f"{name}-{version}.dist-info"
    described.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (described / "METADATA").write_text(metadata)
    for file in files:
        (described / file).write_text("something\n")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the only packages are."""
    distribution(tmp_path, "whole", "2.11.0+cu128", "WHEEL", "INSTALLER")
    distribution(tmp_path, "half", "1.0", "WHEEL")
    distribution(tmp_path, "debian", "1.1build1")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_everything_is_pinned_that_pip_can_read(path: Path) -> None:
    assert colab.pins() == ["half==1.0", "whole==2.11.0+cu128"]


def test_only_an_interrupted_wheel_is_unfinished(path: Path) -> None:
    assert colab.unfinished() == ["half==1.0"]


def fake(monkeypatch: pytest.MonkeyPatch, *, works: bool, halves: list[str]) -> list[tuple]:
    calls: list[tuple] = []

    def pip(*arguments: str) -> bool:
        pins = Path(arguments[1]).read_text() if arguments[0] == "--constraint" else ""
        calls.append((pins, *arguments))
        return works

    monkeypatch.setattr(colab, "_pip", pip)
    monkeypatch.setattr(colab, "unfinished", lambda: halves)
    return calls


def test_installs_under_the_constraint_of_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = fake(monkeypatch, works=True, halves=[])
    assert colab.install() == 0
    ((pins, *arguments),) = calls
    for name in ("torch", "numpy", "ipywidgets"):
        assert f"{name}=={importlib.metadata.version(name)}" in pins.splitlines()
    assert any(text.startswith("lightning") for text in arguments)
    assert not any("extra" in text or text.startswith("jupyterlab") for text in arguments)
    told = capsys.readouterr().out
    assert "The course is installed" in told
    assert f"ipywidgets {importlib.metadata.version('ipywidgets')}" in told


def test_what_is_half_installed_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake(monkeypatch, works=True, halves=["torchmetrics==1.9.0"])
    assert colab.install() == 0
    assert calls[0][1:] == ("--no-deps", "--force-reinstall", "torchmetrics==1.9.0")
    assert len(calls) == 2


def test_failure_is_two_sentences_on_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch, works=False, halves=[])
    assert colab.install() == 1
    assert "Run this cell again" in capsys.readouterr().err
