"""A mistake inside a widget of a notebook fails the run that ``make test`` makes of chapters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
INTERACT = """\
import ipywidgets

@ipywidgets.interact(level=(0, 4))
def show(level):
    {body}"""


def options() -> list[str]:
    """What the Makefile gives to nbval."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.search(r"^NBVAL := (.*)$", makefile, re.MULTILINE).group(1).split()


@pytest.mark.slow
def test_mistake_in_a_callback_fails_the_chapter(tmp_path: Path) -> None:
    for kind, body in (("sound", "pass"), ("mistaken", "1 / 0")):
        cells = [nbformat.v4.new_code_cell(INTERACT.format(body=body))]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{kind}.ipynb")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options(), "-rA", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    told = re.findall(r"^(PASSED|FAILED) (\w+)\.ipynb", ended.stdout, re.MULTILINE)
    assert sorted(told) == [("FAILED", "mistaken"), ("PASSED", "sound")], ended.stdout
    assert "ZeroDivisionError" in ended.stdout
