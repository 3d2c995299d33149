"""`install.py` of a kit: half a copy, a stick pulled out, another Python, no space."""

from __future__ import annotations

import ast
import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from room_examples import HERE, kit

from tools.presenter import room_install


@pytest.fixture
def source(tmp_path: Path) -> room_install.Folder:
    """A kit on a stick with a blank in its name."""
    return room_install.Folder(kit(tmp_path / "USB STICK"))


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]):
    """Call main and return exit status and what was said to stderr."""

    def call(*arguments: object) -> tuple[int, str]:
        status = room_install.main([str(argument) for argument in arguments])
        return status, capfd.readouterr().err

    return call


def one_sentence(words: str) -> bool:
    return words.count("\n") == 1 and words.endswith(".\n") and "Traceback" not in words


def test_script_needs_an_old_python_and_nothing_else() -> None:
    ast.parse(Path(room_install.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    command = [sys.executable, "-I", "-S", room_install.__file__, "--help"]  # no packages
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_a_whole_copy_is_whole(source: room_install.Folder) -> None:
    command = [sys.executable, str(source.path / "install.py"), "--check"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0 and ended.stdout.startswith("Complete: 7 files")


def test_a_half_copied_stick_is_noticed(source: room_install.Folder, tmp_path: Path, said) -> None:
    half = tmp_path / "half"
    shutil.copytree(source.path, half)
    (half / room_install.MANIFEST).unlink()  # in a copy it comes last, and here it never came
    for arguments in ([half], [half, "--check"], [tmp_path / "nothing"]):
        status, words = said(*arguments, "--to", tmp_path / "course")
        assert status == 1 and "no finished copy" in words and one_sentence(words)
    (half / room_install.MANIFEST).write_text('{"files": {')
    status, words = said(half)
    assert status == 1 and "copy the folder again" in words and one_sentence(words)


@pytest.mark.parametrize("damage", ["short", "gone", "changed"])
def test_missing_and_damaged_files_are_listed(
    source: room_install.Folder, said, damage: str, tmp_path: Path
) -> None:
    path = next(source.path.rglob("plain-*.whl"))
    content = path.read_bytes()
    path.write_bytes(content[:-5] if damage == "short" else content[:-1] + b"?")
    if damage == "gone":
        path.unlink()
    status, words = said(source, "--check")
    assert status == 1 and "plain-1.0" in words and one_sentence(words)
    if damage != "changed":  # before installing only sizes are compared: a stick is slow
        status, words = said(source, "--to", tmp_path / "course")
        assert status == 1 and "is not complete" in words
        assert not (tmp_path / "course").exists()


def test_a_stick_pulled_out_while_the_course_is_copied(
    source: room_install.Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = room_install.read_manifest(source)["files"]
    read = room_install.Folder.read

    def pulled(self: room_install.Folder, name: str) -> bytes:
        if name.endswith("install.py"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(self, name)

    monkeypatch.setattr(room_install.Folder, "read", pulled)
    with pytest.raises(room_install.RoomError, match="put the stick in again, then run"):
        room_install.copy_course(source, files, tmp_path / "course")
    monkeypatch.undo()
    room_install.copy_course(source, files, tmp_path / "course")
    assert (tmp_path / "course/tools/learner/install.py").exists()
    assert not list(tmp_path.rglob("*.part"))


def test_a_stick_pulled_out_while_pip_works(
    source: room_install.Folder, tmp_path: Path, said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(command: list, env: dict) -> SimpleNamespace:
        shutil.rmtree(source.path / "wheels")
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(room_install.subprocess, "run", pip)
    status, words = said(source, "--to", tmp_path / "course")
    assert status == 1 and "wheels" in words and "Put the stick in again" in words


def test_a_file_that_comes_damaged_is_not_written(
    source: room_install.Folder, tmp_path: Path
) -> None:
    files = room_install.read_manifest(source)["files"]
    (source.path / "course/notebooks/01_data.ipynb").write_bytes(b"<>")
    with pytest.raises(room_install.RoomError, match="came damaged"):
        room_install.copy_course(source, files, tmp_path / "course")
    assert not (tmp_path / "course/notebooks").exists()


def test_a_connection_that_breaks_is_one_sentence(tmp_path: Path, said) -> None:
    def break_off(server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 5000\r\n\r\nhalf")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=break_off, args=(server,), daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        status, words = said(address, "--to", tmp_path / "course")
    assert status == 1 and "ask the person who serves it" in words and one_sentence(words)


@pytest.mark.parametrize("typed", ["http://192.168.1.5:80a0", "http://[192.168.1.5"])
def test_a_mistyped_address_is_one_sentence(typed: str, tmp_path: Path, said) -> None:
    status, words = said(typed, "--to", tmp_path / "course")
    assert status == 1 and typed in words and one_sentence(words)


def test_what_else_lies_in_the_course_stays(source: room_install.Folder, tmp_path: Path) -> None:
    files = room_install.read_manifest(source)["files"]
    mine = tmp_path / "course" / "work" / "01_data.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    old = tmp_path / "course/notebooks/01_data.ipynb"
    old.parent.mkdir()
    old.write_text("an earlier version")
    room_install.copy_course(source, files, tmp_path / "course")
    assert mine.read_text() == "mine" and old.read_bytes() == b"{}"


def test_installation_asks_the_stick_and_nobody_else(
    source: room_install.Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org")
    monkeypatch.setenv("PIP_CONSTRAINT", "mine.txt")
    called = []

    def run(command: list, env: dict) -> SimpleNamespace:
        called.append((command, env))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(room_install.subprocess, "run", run)
    room_install.install(source, tmp_path / "course")
    ((command, pip),) = called
    assert command[1:] == [str(tmp_path / "course/tools/learner/install.py"), "lab"]
    wheels = (source.path / HERE.entry["wheels"]).as_uri()
    assert " " not in wheels
    assert {name: pip[name] for name in pip if name.startswith("PIP_")} == {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_no_space_on_the_laptop(
    source: room_install.Folder, tmp_path: Path, said, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=500_000)
    monkeypatch.setattr(room_install.shutil, "disk_usage", lambda path: usage)
    status, words = said(source, "--to", tmp_path / "course")
    assert status == 1 and "the course needs 1 MB" in words and "--to FOLDER" in words
    monkeypatch.undo()

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(room_install.os, "replace", full)
    status, words = said(source, "--to", tmp_path / "course")
    assert status == 1 and "No space left" in words and one_sentence(words)


# --- which Python ---


def entry(**changes: str) -> dict:
    return {**HERE.entry, **changes}


def test_this_python_is_preferred() -> None:
    other = entry(python="3.99")
    assert room_install.choose([other, entry()]) == (sys.executable, entry())


def test_another_python_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python3.99"
    script.write_text("#!/bin/sh\necho /usr/bin/python3.99\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = room_install.choose([entry(python="3.99")])
    assert found == ("/usr/bin/python3.99", entry(python="3.99"))


def test_no_packages_for_this_python_or_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(room_install.RoomError, match=r"Python 3\.98 or 3\.99, but this is Python"):
        room_install.choose([entry(python="3.98"), entry(python="3.99")])
    with pytest.raises(room_install.RoomError, match=r"for macOS \(m9\) with Python .* PLATFORMS"):
        room_install.choose([entry(system="Darwin", machine="m9")])


def test_interrupted_installation_is_one_sentence(
    source: room_install.Folder, tmp_path: Path, said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room_install, "copy_course", interrupted)
    status, words = said(source, "--to", tmp_path / "course")
    assert status == 130 and "the same command goes on" in words
