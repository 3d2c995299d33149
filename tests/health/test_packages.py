"""`course_utils.health.packages`: who has lost files, told from the RECORD that pip leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.health import packages

RECORD = """\
any/__init__.py,sha256=x,10
"any/a, b.py",sha256=x,10
any/__pycache__/__init__.cpython-311.pyc,,
../../bin/any,sha256=x,10
any_thing-1.0.post1.dist-info/RECORD,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where one package is installed, whole."""
    place = tmp_path / "lib" / "site-packages"
    info = place / "any_thing-1.0.post1.dist-info"
    for made in (place / "any", info, tmp_path / "bin"):
        made.mkdir(parents=True)
    for path in ("any/__init__.py", "any/a, b.py", "../../bin/any"):
        (place / path).touch()
    (info / "RECORD").write_text(RECORD)
    return place


def test_a_whole_package_is_not_broken(folder: Path) -> None:
    assert packages.broken(folder) == []


@pytest.mark.parametrize("lost", ["any/__init__.py", "any/a, b.py", "../../bin/any"])
def test_one_lost_file_is_enough(folder: Path, lost: str) -> None:
    (folder / lost).unlink()
    assert packages.broken(folder) == ["any_thing==1.0.post1"]


def test_what_pip_is_about_to_remove_and_what_others_installed_do_not_count(folder: Path) -> None:
    info = folder / "any_thing-1.0.post1.dist-info"
    (folder / "any/__init__.py").unlink()
    info.rename(folder / "~ny_thing-1.0.post1.dist-info")
    (folder / "debian-1.0.dist-info").mkdir()
    assert packages.broken(folder) == []


def test_this_environment_is_whole_and_says_so_without_other_packages() -> None:
    command = [sys.executable, "-S", "-m", "course_utils.health.packages"]
    asked = subprocess.run(command, capture_output=True, text=True)
    assert (asked.returncode, asked.stdout.strip(), asked.stderr) == (0, "", "")
