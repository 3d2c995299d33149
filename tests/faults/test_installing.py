"""Installations that are killed, meet each other, or lose files afterwards, with the real pip."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from own_process import PATIENCE, judge

from tools.learner import install

pytestmark = [
    pytest.mark.drill,
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="needs the signals of Unix"),
]
# Installs one package from a folder in place of the course; with SLOW, so slowly as to be killed.
PROGRAM = """\
import os, sys, time
from pathlib import Path
from tools.learner import install

class Small(install.Environment):
    def contents(self, extras):
        if os.environ.get("SLOW"):
            (self.folder / "half a package").touch()
            time.sleep(600)
        return ["thing"]

sys.exit(install.make(Small(Path.cwd()), {"lab"}))
"""
MODULE = b"works = True\n"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A folder with an awkward name, and the only package that its pip finds."""
    folder = tmp_path / "mein kurs ä ' (1)"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\n")
    about = b"Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"
    wheel = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content = {
        "thing/__init__.py": MODULE,
        "thing-1.0.dist-info/METADATA": about,
        "thing-1.0.dist-info/WHEEL": wheel,
    }
    record = ["thing-1.0.dist-info/RECORD,,"]
    for name, data in content.items():
        mark = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={mark},{len(data)}")
    content["thing-1.0.dist-info/RECORD"] = "\n".join(record).encode()
    with zipfile.ZipFile(tmp_path / "thing-1.0-py3-none-any.whl", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return folder


def start(course: Path, **variables: str) -> subprocess.Popen[str]:
    """Start an installation, without any index."""
    own = {
        "PYTHONPATH": str(install.ROOT),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(course.parent),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=course,
        env=os.environ | own | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What an installation said that went well."""
    words, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, words
    judge(words)
    return words


def works(course: Path) -> bool:
    """Whether the package is there."""
    command = [str(install.Environment(course).python), "-c", "import thing; assert thing.works"]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_killed_in_the_middle_of_the_first_installation(course: Path) -> None:
    process = start(course, SLOW="1")
    half = course / ".venv" / "half a package"
    limit = time.monotonic() + PATIENCE
    while not half.exists():
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "not complete: making it again" in finish(start(course))
    assert works(course) and not half.exists()


def test_two_installations_at_once(course: Path) -> None:
    words = "".join([finish(one) for one in [start(course), start(course)]])
    assert words.count("Installed in") == 1
    assert works(course)


def test_a_package_whose_folder_was_deleted(course: Path) -> None:
    finish(start(course))
    (folder,) = (course / ".venv" / "lib").glob("*/site-packages/thing")
    shutil.rmtree(folder)
    assert not works(course)
    words = finish(start(course))
    assert "Files are missing, so these are installed again: thing==1.0." in words
    assert works(course)
    assert finish(start(course)) == ""
