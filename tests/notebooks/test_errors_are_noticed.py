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
# A control that is set in a cell asks a widget of the course for a change, as a user would.
OWN = """\
import ipywidgets
from course_utils.widgets import BaseWidget, control, widget

def change(state, value):
    {body}
    return value

class Counter(BaseWidget):
    def __init__(self):
        super().__init__(0)
        self.new_picture()
        self.number = control(ipywidgets.IntSlider, "Number")
        self.listen(self.number, change)

counter = Counter()
counter.number.value = 3"""


def options() -> list[str]:
    """What the Makefile gives to nbval."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.search(r"^NBVAL := (.*)$", makefile, re.MULTILINE).group(1).split()


@pytest.mark.slow
def test_mistake_in_a_callback_fails_the_chapter(tmp_path: Path) -> None:
    for name, cell in (("interact", INTERACT), ("course", OWN)):
        for kind, body in (("sound", "pass"), ("mistaken", "1 / 0")):
            cells = [nbformat.v4.new_code_cell(cell.format(body=body))]
            notebook = nbformat.v4.new_notebook(cells=cells)
            nbformat.write(notebook, tmp_path / f"{kind}_{name}.ipynb")
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
    assert sorted(told) == [
        ("FAILED", "mistaken_course"),
        ("FAILED", "mistaken_interact"),
        ("PASSED", "sound_course"),
        ("PASSED", "sound_interact"),
    ], ended.stdout
    assert ended.stdout.count("ZeroDivisionError") >= 2
