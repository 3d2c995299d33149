"""A room without a network, from end to end: the kit, an installation from it, four chapters.

Building the kit takes packages from where pip finds them, which may be a network. What comes after
runs where every connection outside loopback is refused: in a network namespace of its own, or,
where the system does not allow that, in Pythons whose sockets refuse.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_utils import images as data
from tools.presenter import room_install, room_kit

pytestmark = [pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(900)]
CHAPTERS = ("1_data", "2_lenet", "3_deep_ensembles", "4_packed_ensembles")
# In a new namespace even loopback is down; kernels talk over it.
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    fcntl.ioctl(probe, 0x8914, struct.pack("16sH22x", b"lo", 0x41))  # SIOCSIFFLAGS, up and running
os.execvp(sys.argv[1], sys.argv[1:])
"""
NAMESPACE = ["unshare", "--net", "--map-root-user", sys.executable, "-c", LOOPBACK_UP]
REFUSE = """
import socket

def guarded(call):
    def connect(self, address):
        inside = self.family == getattr(socket, "AF_UNIX", None)
        if not inside and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(101, "Network is unreachable")
        return call(self, address)
    return connect

socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
"""
ASK_OUTSIDE = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), 5).close()
try:
    socket.create_connection(("192.0.2.1", 80), 5)  # an address that belongs to nobody
except TimeoutError:
    sys.exit("it was asked")
except OSError:
    print("refused")
"""


def namespaces_work() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0


class Offline:
    """Runs commands that reach nothing but this machine, in a home of their own."""

    def __init__(self, home: Path, *, namespace: bool) -> None:
        self.prefix = NAMESPACE if namespace else []
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COURSE_", "PIP_", "PYTHON", "XDG_"))
        }
        self.settings = {**kept, "HOME": str(home), "COURSE_SPEED": "look"}
        home.mkdir(exist_ok=True)
        if not namespace:
            (home / "refuse").mkdir()
            (home / "refuse" / "sitecustomize.py").write_text(REFUSE)
            self.settings["PYTHONPATH"] = str(home / "refuse")

    def run(self, *command: object) -> str:
        words = [*self.prefix, *map(str, command)]
        ended = subprocess.run(
            words, env=self.settings, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


@pytest.mark.parametrize("namespace", [True, False])
def test_outside_is_refused_and_loopback_is_not(tmp_path: Path, namespace: bool) -> None:
    if namespace and not namespaces_work():
        pytest.skip("needs Linux that allows network namespaces")
    offline = Offline(tmp_path / "home", namespace=namespace)
    assert offline.run(sys.executable, "-c", ASK_OUTSIDE) == "refused\n"


@pytest.fixture(scope="module")
def kit(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A kit for this machine; its slides, which tests of their own build, are stand-ins."""
    folder = tmp_path_factory.mktemp("room")
    slides = folder / "built"
    slides.mkdir()
    for deck in (room_kit.ROOT / "slides").glob("*.ipynb"):
        (slides / f"{deck.stem}.html").write_text("a deck")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_MIRROR", mirror)
        try:
            room_kit.build(folder / "USB STICK", [room_kit.this_machine()], slides=slides)
        except room_kit.KitError as error:
            if "does not answer" in str(error):
                pytest.skip("needs a package index, or pip's cache of one")
            raise
    yield folder / "USB STICK"
    shutil.rmtree(folder)
    data.forget_failures()


def test_four_chapters_run_from_a_stick_without_a_network(kit: Path) -> None:
    assert room_install.main([str(kit), "--check"]) == 0
    offline = Offline(kit.parent / "home", namespace=namespaces_work())
    course = kit.parent / "course"
    words = offline.run(sys.executable, kit / "install.py", "--to", course)
    assert "from now on nothing else is needed" in words and "3 GB" not in words
    kit.rename(kit.with_name("put away"))  # the stick goes to the next laptop
    try:
        notebooks = course / "notebooks"
        for path in notebooks.glob("*.ipynb"):
            if path.stem not in CHAPTERS:
                path.unlink()
        python = course / ".venv" / "bin" / "python"
        words = offline.run(python, course / "tools" / "run_course.py")
    finally:
        kit.with_name("put away").rename(kit)
    assert "4 of 4 chapters" in words
    page = (course / "build" / "index.html").read_text(encoding="utf-8")
    assert "COURSE_SPEED=look on the full data sets" in page
