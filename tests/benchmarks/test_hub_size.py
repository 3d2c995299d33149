"""Attendees of a hub are measured while they work, and a failing one is not passed over."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import hub_size

ROOT = hub_size.ROOT
HOLD = "held = bytearray(300_000_000)\nimport time; time.sleep(2)"
KEEP = """\
import os
from pathlib import Path
runs = Path(os.environ["COURSE_RUNS_DIR"])
runs.mkdir()
(runs / "kept").write_bytes(bytes(5_000_000))"""


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest finds the package by its configuration; an installed course needs no such help.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COURSE_SPEED", "look")


def chapter(folder: Path, *cells: str) -> Path:
    nbformat.write(new_notebook(cells=[*map(new_code_cell, cells)]), folder / "2_lenet.ipynb")
    return folder


@pytest.mark.slow
def test_memory_and_disk_of_two_attendees(tmp_path: Path) -> None:
    notebooks = chapter(tmp_path, HOLD, KEEP)
    options = ["--attendees", "2", "--notebooks", str(notebooks), "--folder", str(tmp_path)]
    record = hub_size.main(options)
    assert json.loads((tmp_path / "hub_size.json").read_text()) == record
    memory, disk = record["megabytes"]["memory"], record["megabytes"]["disk"]
    assert 330 < memory["kernel, proportional"] < 500
    assert memory["kernel, resident"] >= memory["kernel, proportional"] - 5
    assert memory["kernel, proportional"] < memory["kernels together"]
    assert memory["kernels together"] <= 2 * memory["kernel, proportional"] + 1
    assert 30 < memory["JupyterLab server"] < 500
    assert disk["runs, each"] == 5.0 and disk["course, once"] > 5
    assert record["megabytes"]["attendees"] == 2 and record["cores"] == os.cpu_count()


def test_an_attendee_that_fails_ends_the_measurement(tmp_path: Path) -> None:
    notebooks = chapter(tmp_path, "raise ValueError('no digits')")
    with pytest.raises(SystemExit, match="no digits"):
        hub_size.main(
            ["--attendees", "1", "--notebooks", str(notebooks), "--folder", str(tmp_path)]
        )


def test_the_committed_measurement_is_of_chapter_2_for_three() -> None:
    measured = json.loads((ROOT / "benchmarks" / "hub_size.json").read_text())["megabytes"]
    assert (measured["chapter"], measured["attendees"]) == ("2_lenet", 3)
    assert (measured["speed"], measured["source"]) == ("train", "full")


def test_the_readme_says_what_was_measured() -> None:
    measured = json.loads((ROOT / "benchmarks" / "hub_size.json").read_text())["megabytes"]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    said = re.search(
        r"needed ([\d.]+) GB of memory each, and the server of an attendee ([\d.]+) GB; "
        r"the environment takes ([\d.]+) GB of disk",
        readme,
    ).groups()
    memory, disk = measured["memory"], measured["disk"]
    megabytes = (
        memory["kernel, proportional"],
        memory["JupyterLab server"],
        disk["environment, once"],
    )
    assert [float(one) for one in said] == pytest.approx([mb / 1000 for mb in megabytes], abs=0.05)
