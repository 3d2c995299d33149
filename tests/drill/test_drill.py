"""The drill: every fault that a room meets ends as expected (`make drill` prints the table)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DRILL = Path(__file__).resolve().parent


@pytest.mark.skipif(os.name == "nt", reason="the drill needs signals and limits of Unix")
def test_a_surprise_is_counted_and_told(tmp_path: Path) -> None:
    """The runner itself: one fault ends well, one badly, one hangs, one cannot be injected."""
    (tmp_path / "rehearsal.py").write_text(
        "import time\n"
        "from drill import FAULTS, NotInjected, fault, judge_words\n"
        "fault('well', 'w')(lambda place: judge_words('a sentence.', 'sentence'))\n"
        "fault('badly', 'b')(lambda place: judge_words('Traceback (most recent call last)'))\n"
        "fault('hangs', 'h', seconds=3)(lambda place: time.sleep(60))\n"
        "def cannot(place): raise NotInjected('no such disk')\n"
        "fault('cannot', 'c')(cannot)\n"
    )
    program = (DRILL / "__main__.py").read_text(encoding="utf-8")
    program = re.sub(r"for _part in \(.*?\)", 'for _part in ("rehearsal",)', program)
    (tmp_path / "__main__.py").write_text(program, encoding="utf-8")
    (tmp_path / "drill.py").write_text(
        (DRILL / "drill.py")
        .read_text(encoding="utf-8")
        .replace("HERE = Path(__file__).resolve().parent", f"HERE = Path({str(tmp_path)!r})")
        .replace("REPOSITORY = HERE.parents[1]", f"REPOSITORY = Path({str(DRILL.parents[1])!r})"),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "4 faults, 1 as expected, 1 not injected on this machine." in done.stdout
    assert re.search(
        r"Expected: b\. SURPRISE.*\n.*\n(.*\n)*?.*! AssertionError: a bare", done.stdout
    )
    assert "Expected: h. HUNG for 3 s" in done.stdout
    assert "| no such disk" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.skipif(os.name == "nt", reason="the drill needs signals and limits of Unix")
def test_every_fault_ends_as_expected() -> None:
    done = subprocess.run([sys.executable, str(DRILL)], capture_output=True, text=True)
    print(done.stdout)
    rows = re.split(r"\n(?=[ \d]\d\. )", done.stdout)
    surprises = [row for row in rows if not re.search(r"as expected, \d|NOT INJECTED", row)]
    assert done.returncode == 0, "\n".join([*surprises, done.stderr])
    count = int(re.search(r"^(\d+) faults", done.stdout, re.MULTILINE).group(1))
    assert count >= 30
