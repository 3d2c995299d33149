"""What the commands for other Pythons and for the lowest versions do with what they find."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from tools.author import each_python, lowest

REPOSITORY = each_python.install.ROOT


@pytest.fixture
def environment(tmp_path):
    """A course of its own, to be tested by this Python."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n    full\n")
    (tmp_path / "tests").mkdir()
    return SimpleNamespace(python=sys.executable, root=tmp_path, whole=True)


def test_verdict_is_that_of_pytest(environment, capfd) -> None:
    file = environment.root / "tests" / "test_it.py"
    good = "def test_good():\n    pass\n"
    file.write_text(f"import pytest\n{good}@pytest.mark.slow\ndef test_slow():\n    assert False\n")
    status, line = each_python.test(environment)
    assert status == 0
    assert re.fullmatch(r"1 passed, 1 deselected in [\d.]+s", line)
    file.write_text(f"{good}def test_bad():\n    assert 'this' == 'that'\n")
    status, line = each_python.test(environment)
    assert status == 1
    assert re.fullmatch(r"1 failed, 1 passed in [\d.]+s", line)
    assert "assert 'this' == 'that'" in capfd.readouterr().out


def test_without_tests_it_is_no_success(environment) -> None:
    status, _ = each_python.test(environment)
    assert status != 0


def test_light_half_is_there_and_in_the_ranges_of_the_course() -> None:
    assert all((REPOSITORY / path).exists() for path in each_python.LIGHT)
    stated = [Requirement(text) for text in each_python.light_requirements()]
    assert {one.name for one in stated} == each_python.LIGHT_PACKAGES
    assert all(one.specifier for one in stated)


def test_floor_that_nothing_reaches_is_named(monkeypatch) -> None:
    stated = [
        *("numpy>=2.0", "filelock", 'Py_Rattler>=0.28; extra == "dev"', "rich>=13,<15"),
        'numpy>=2.1; extra == "lab"',  # all extras are there, so the higher floor counts
    ]
    monkeypatch.setattr(lowest.metadata, "requires", lambda name: stated)
    found = {"numpy": "2.1", "filelock": "3.1", "py-rattler": "0.28", "rich": "13.0.0"}
    assert lowest.wrong_floors(found) == []
    sentences = lowest.wrong_floors(found | {"py-rattler": "0.30", "filelock": "4"})
    assert sentences == ["py-rattler: 0.28 is stated, 0.30 is the lowest that fits."]
