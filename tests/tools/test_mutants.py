"""The tool that breaks the metrics: what it makes of mutants, and how it counts them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

pytest.importorskip("resource")  # not on Windows
from tools.author import mutants
from tools.author.mutants import Mutant

WHOLE = "def halves(values):\n    unused = 1\n    return [one / 2 for one in values]\n"


def changed(before: str, after: str) -> Mutant:
    assert before in WHOLE
    return Mutant("scores", 2, before, after, WHOLE.replace(before, after))


WRONG = changed("one / 2", "one * 2")
ENDLESS = changed("return", "while True: pass\n    return")
UNNOTICED = changed("unused = 1", "unused = 2")
BROKEN = changed("unused = 1", "1 / 0")


def listed(*entries: Mutant) -> str:
    names = ("module", "before", "after")
    rows = [{**{name: getattr(one, name) for name in names}, "reason": "-"} for one in entries]
    return json.dumps(rows)


@pytest.mark.slow
def test_each_mutant_meets_the_tests_and_survivors_meet_them_again(tmp_path: Path) -> None:
    for name, text in {
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
        "course_utils/__init__.py": "",
        "course_utils/metrics/__init__.py": "",
        "course_utils/metrics/scores.py": WHOLE,
        "tests/metrics/equivalent_mutants.json": listed(),
        "tests/metrics/test_scores.py": "from course_utils.metrics.scores import halves\n\n"
        "def test_halves():\n    assert halves([4, 2]) == [2, 1]\n",
        "build/mutants/drawn.json": json.dumps(
            list(map(asdict, [WRONG, ENDLESS, UNNOTICED, BROKEN]))
        ),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    tool = tmp_path / "tools" / "author" / "mutants.py"
    tool.parent.mkdir(parents=True)
    shutil.copy(mutants.__file__, tool)

    def run() -> tuple[int, str]:
        command = [sys.executable, str(tool), "test"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
        return ended.returncode, ended.stdout

    status, said = run()
    assert status == 1, "three of four are too few"
    assert "1 survived" not in said.splitlines()[0] and "survived scores.py:2" in said
    assert "4 mutants drawn: 3 noticed (1 of them by never ending), 1 survived, 0 equi" in said
    assert (tmp_path / "course_utils/metrics/scores.py").read_text(encoding="utf-8") == WHOLE

    (tmp_path / "tests/metrics/equivalent_mutants.json").write_text(listed(UNNOTICED))
    outcomes = json.loads((tmp_path / "build/mutants/results.json").read_text(encoding="utf-8"))
    assert outcomes[WRONG.key].endswith("tests/metrics/test_scores.py::test_halves")

    status, said = run()
    assert "Mutants to try: 1." in said, "what was noticed once is not tried again"
    assert status == 0 and "100.0% of the 3 that can be noticed" in said


def test_what_is_called_equivalent_must_not_be_noticed(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(mutants, "EQUIVALENT", tmp_path / "list.json")
    mutants.EQUIVALENT.write_text(listed(WRONG), encoding="utf-8")
    others = [changed("values", f"values{number}") for number in range(99)]
    outcomes = {one.key: "test_a" for one in (WRONG, *others)}
    assert mutants.report([WRONG, *others], outcomes) == 1
    assert "listed as equivalent, but noticed by test_a: scores.py:2" in capsys.readouterr().out


@pytest.mark.parametrize(("survivors", "status"), [(5, 0), (6, 1)])
def test_95_percent_must_be_noticed(survivors, status, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mutants, "EQUIVALENT", tmp_path / "list.json")
    mutants.EQUIVALENT.write_text("[]", encoding="utf-8")
    drawn = [changed("values", f"values{number}") for number in range(100)]
    outcomes = {one.key: "survived" if i < survivors else "test_a" for i, one in enumerate(drawn)}
    assert mutants.report(drawn, outcomes) == status
