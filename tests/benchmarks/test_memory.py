"""Memory is measured, the record is within its limit, and running a chapter again needs no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

from benchmarks import harness, memory

REPOSITORY = Path(__file__).resolve().parents[2]
RECORD = json.loads((REPOSITORY / "benchmarks" / "memory.json").read_text(encoding="utf-8"))
HEAVIEST = max(
    (row for row in RECORD["rows"] if row["speed"] == "look"), key=lambda row: row["peak"]
)["chapter"]


def write(path: Path, *cells: str) -> Path:
    """A notebook of these cells."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(made, path)
    return path


def test_memory_of_a_kernel_and_of_a_process_it_starts_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "LOOK_EVERY", 0.05)
    program = "import time; block = bytearray(120_000_000); time.sleep(1)"
    there = write(
        tmp_path / "there.ipynb",
        "kept = bytearray(150_000_000)",
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])",
    )
    found = memory.measure(there, times=2)
    assert found["errors"] == []
    assert 270 < found["peak"] < 700
    assert len(found["after"]) == 2
    assert 150 < found["after"][0] < found["peak"]


def test_processes_that_were_there_before_are_not_counted():
    """As JupyterLab and a browser are, where other tests have started them."""
    program = "import sys; held = bytearray(100_000_000); print('held', flush=True); "
    program += "sys.stdin.read()"
    command = [sys.executable, "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as former:
        assert former.stdout.readline() == "held\n"
        peak = harness.Peak(set(psutil.Process().children()))
        peak.look()
        assert peak.megabytes == 0
        with subprocess.Popen(command, **pipes) as later:
            assert later.stdout.readline() == "held\n"
            peak.look()
            later.stdin.close()
        former.stdin.close()
    assert 100 < peak.megabytes < 200


def test_a_chapter_that_keeps_what_it_makes_is_noticed(tmp_path):
    leaking = write(
        tmp_path / "leaking.ipynb",
        "import sys; kept = getattr(sys, 'kept', []); sys.kept = kept",
        "kept.append(bytearray(80_000_000))",
    )
    found = memory.measure(leaking, times=3)
    assert found["after"][2] - found["after"][1] == pytest.approx(80, abs=10)


def test_a_chapter_that_fails_is_told(tmp_path, capsys):
    write(tmp_path / "1_bad.ipynb", "1 / 0")
    options = ["--notebooks", str(tmp_path), "--json", str(tmp_path / "memory.json")]
    assert memory.main([*options, "--train"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_every_chapter_is_recorded_within_the_limit():
    chapters = {path.stem for path in (REPOSITORY / "notebooks").glob("[0-9]*.ipynb")}
    assert {row["chapter"] for row in RECORD["rows"] if row["speed"] == "look"} == chapters
    assert any(row["speed"] == "train" for row in RECORD["rows"])
    for row in RECORD["rows"]:
        assert row["errors"] == []
        assert 20 < row["peak"] <= memory.LARGEST, row["chapter"]


@pytest.mark.slow
def test_the_heaviest_chapter_run_twice_in_one_kernel_ends_with_the_same_memory(monkeypatch):
    monkeypatch.setenv("COURSE_SPEED", "look")
    found = memory.measure(REPOSITORY / "notebooks" / f"{HEAVIEST}.ipynb", times=2)
    assert found["errors"] == []
    assert found["peak"] <= memory.LARGEST
    first, second = found["after"]
    # Jupyter keeps what cells display, and allocators what they were given: a tenth, not a copy
    assert second <= 1.1 * first
