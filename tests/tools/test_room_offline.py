"""A room without a network, from end to end: the kit, an installation from it, a chapter.

Building the kit takes packages from where uv and pip find them, which may be a network. What comes
after runs in a network namespace of its own, where nothing but loopback answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.presenter import room_install, room_kit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# In a new namespace even loopback is down; kernels talk over it.
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    fcntl.ioctl(probe, 0x8914, struct.pack("16sH22x", b"lo", 0x41))  # SIOCSIFFLAGS, up and running
os.execvp(sys.argv[1], sys.argv[1:])
"""
OFFLINE = ["unshare", "--net", "--map-root-user", sys.executable, "-c", LOOPBACK_UP]
OUTSIDE = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"  # nobody's address


def offline(home: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a command that reaches nothing but this machine, in a home of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COURSE_", "PIP_", "PYTHON", "XDG_"))
    }
    return subprocess.run(
        [*OFFLINE, *map(str, command)],
        env={**kept, "HOME": str(home), "COURSE_SPEED": "look"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def stand_ins(root: Path, target: Path) -> None:
    """Put something in the place of the decks, which have tests of their own."""
    target.mkdir()
    (target / "01_data.html").write_text("a deck")


def test_a_chapter_runs_from_a_stick_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("unshare") or offline(tmp_path, "true").returncode != 0:
        pytest.skip("needs Linux that allows network namespaces")
    asked = offline(tmp_path, sys.executable, "-c", OUTSIDE)
    assert "Network is unreachable" in asked.stderr

    stick, course = tmp_path / "USB STICK", tmp_path / "course"
    monkeypatch.setattr(room_kit, "copy_slides", stand_ins)
    here = room_kit.Machine(room_kit.this_platform(), "{}.{}".format(*sys.version_info))
    try:
        room_kit.build(stick, [here])
    except room_kit.KitError as error:
        if "does not answer" in str(error):
            pytest.skip("needs a package index")
        raise
    assert room_install.main([str(stick), "--check"]) == 0
    home = tmp_path / "home"
    home.mkdir()
    installed = offline(home, sys.executable, stick / "install.py", "--to", course)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert "from now on nothing else is needed" in installed.stdout

    shutil.rmtree(stick)  # it goes to the next laptop
    first, *others = sorted((course / "notebooks").glob("*.ipynb"))
    for path in others:
        path.unlink()
    python = course / ".venv" / "bin" / "python"
    ran = offline(home, "env", "-C", course, python, "-m", "tools.learner.run")
    assert "1 of 1 chapters" in ran.stdout, ran.stdout + ran.stderr
    assert (course / "build" / f"{first.stem}.html").exists()
