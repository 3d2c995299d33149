"""The folder for a room without a network: what it collects, what may go wrong, how it goes on."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from room_examples import HERE, OWN_TAG, WINDOWS, wheel

from tools.presenter import room_install, room_kit

PROJECT = """\
[build-system]
requires = ["setuptools>=77"]

[project]
name = "course"
version = "1.0"
requires-python = ">=3.10"
dependencies = ["plain", "win; os_name == 'nt'", "own; os_name != 'nt'"]

[project.optional-dependencies]
lab = ["lab"]
"""
LOG_IN = b"<!DOCTYPE html><html><title>Welcome to the hotel</title></html>"
Serve = Callable[[Callable[[str], bytes]], None]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv and pip ask nobody but the index that a test names, and keep nothing."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(room_kit, "cpu_index_answers", lambda: False)
    monkeypatch.setattr(room_kit, "tested_versions", lambda: "plain==1.0\n")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a package index on loopback that answers every path by a function."""
    started = []

    def start(answer: Callable[[str], bytes]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = answer(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        started.append(server)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def index(tmp_path: Path, serve: Serve) -> Path:
    """A folder whose packages the index has."""
    folder = tmp_path / "index"
    wheel(folder, "plain", "1.0", needs="deep>=1")
    wheel(folder, "plain", "2.0", needs="deep>=1")
    wheel(folder, "own", "1.0", tag=OWN_TAG)
    wheel(folder, "win", "1.0", tag="cp312-cp312-win_amd64")
    for name in ("deep", "lab", "setuptools"):
        wheel(folder, name, "99.0")

    def answer(path: str) -> bytes:
        name = path.strip("/").split("/")[-1]
        if name.endswith(".whl"):
            return (folder / name).read_bytes()
        found = folder.glob(f"{name}-*.whl")
        links = [
            f'<a href="/{one.name}#sha256={room_install.sha256_of(one)}">{one.name}</a>'
            for one in found
        ]
        return ("<!DOCTYPE html>" + "".join(links)).encode()

    serve(answer)
    return folder


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A folder that has the course, and no packages yet."""
    folder = tmp_path / "kit"
    (folder / "course").mkdir(parents=True)
    (folder / "course" / "pyproject.toml").write_text(PROJECT)
    return folder


def collect(kit: Path, machine: room_kit.Machine) -> set[str]:
    """The packages in a kit for one machine."""
    room_kit.resolve(kit, machine)
    room_kit.fetch(kit, machine)
    found = (kit / machine.entry["wheels"]).glob("*.whl")
    return {"-".join(path.name.split("-")[:2]) for path in found}


# --- packages ---

PURE = {"plain-1.0", "deep-99.0", "lab-99.0", "setuptools-99.0"}


def test_every_machine_has_its_packages_in_the_tested_versions(index: Path, kit: Path) -> None:
    assert collect(kit, HERE) == PURE | {"own-1.0"}
    assert collect(kit, WINDOWS) == PURE | {"win-1.0"}


def test_another_version_is_taken_where_the_tested_one_is_gone(index: Path, kit: Path) -> None:
    next(index.glob("plain-1.0-*")).unlink()
    assert collect(kit, HERE) - PURE == {"plain-2.0", "own-1.0"}


def test_the_second_time_only_damaged_and_old_wheels_are_replaced(index: Path, kit: Path) -> None:
    before = collect(kit, HERE)
    folder = kit / HERE.entry["wheels"]
    whole, damaged = sorted(folder.glob("*.whl"))[:2]
    os.utime(whole, (1, 1))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-9])
    old = wheel(folder, "plain", "0.9")
    assert collect(kit, HERE) == before
    assert whole.stat().st_mtime == 1 and damaged.read_bytes() == content and not old.exists()


def test_a_package_that_no_index_has_is_named(index: Path, kit: Path) -> None:
    next(index.glob("win-*")).unlink()
    with pytest.raises(room_kit.KitError, match=r"for Windows \(AMD64\) .*\bwin\b.* log in"):
        room_kit.resolve(kit, WINDOWS)


def test_a_network_that_answers_a_page_to_everything(serve: Serve, kit: Path) -> None:
    serve(lambda path: LOG_IN)
    with pytest.raises(room_kit.KitError, match="asks you to log in"):
        room_kit.resolve(kit, HERE)


def test_a_page_that_comes_as_a_file_is_refused(index: Path, kit: Path) -> None:
    room_kit.resolve(kit, HERE)
    for path in index.glob("*.whl"):
        path.write_bytes(LOG_IN)
    with pytest.raises(room_kit.KitError, match="asks you to log in"):
        room_kit.fetch(kit, HERE)
    assert not list(kit.rglob("*.whl"))


def test_no_network_is_said(kit: Path) -> None:
    with pytest.raises(room_kit.KitError, match="does not answer: check the network"):
        room_kit.resolve(kit, WINDOWS)
    (kit / WINDOWS.entry["wheels"] / "requirements.txt").write_text("plain==1.0")
    with pytest.raises(room_kit.KitError, match="does not answer: check the network"):
        room_kit.fetch(kit, WINDOWS)


def test_a_machine_that_there_are_no_kits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_kit.platform, "machine", lambda: "m9")
    with pytest.raises(room_kit.KitError, match=r"PLATFORMS .* windows, macos, linux"):
        room_kit.this_platform()


@pytest.mark.parametrize("guide", ["README.md", "slides/INSTRUCTORS.md"])
def test_the_guides_name_machines_that_exist(guide: str) -> None:
    text = (room_kit.ROOT / guide).read_text(encoding="utf-8")
    ((names, pythons),) = re.findall(r'PLATFORMS="([^"]+)"\s+PYTHONS="([^"]+)"', text)
    assert set(names.split()) == {"windows", "macos", "linux"} <= set(room_kit.PLATFORMS)
    assert set(pythons.split()) <= set(room_kit.PYTHONS)


# --- the whole ---


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course of few files, with a deck that is built."""
    folder = tmp_path / "root"
    for name in (
        *("course_utils/__init__.py", "course_utils/__pycache__/x.pyc", "tests/test_x.py"),
        *("notebooks/01_data.ipynb", "slides/01_data.ipynb"),
        *("build/slides/01_data.html", "build/slides/01_data.pdf"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "pyproject.toml").write_text(PROJECT)
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One package for every machine, without uv and pip."""

    def fetch(kit: Path, machine: room_kit.Machine) -> None:
        wheel(kit / machine.entry["wheels"], "plain", "1.0")

    monkeypatch.setattr(room_kit, "fetch", fetch)
    monkeypatch.setattr(room_kit, "resolve", lambda kit, machine: None)


def test_a_kit_is_complete_and_says_so(root: Path, quick: None, tmp_path: Path) -> None:
    kit = tmp_path / "a stick" / "kit"
    manifest = room_kit.build(kit, [HERE, WINDOWS], root)
    there = {path.relative_to(kit).as_posix() for path in kit.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == there - {room_install.MANIFEST}
    assert {name for name in there if not name.startswith("wheels/")} == {
        *("README.txt", "index.html", "install.py", "manifest.json", "course/pyproject.toml"),
        *("course/course_utils/__init__.py", "course/notebooks/01_data.ipynb"),
        *("course/slides/01_data.ipynb", "slides/01_data.html", "slides/01_data.pdf"),
    }
    assert room_install.problems(kit, manifest["files"], thorough=True) == []
    words = (kit / "README.txt").read_text()
    assert str(HERE) in words and "Windows (AMD64) with Python 3.12: `wheels/windows-3.12`" in words
    page = (kit / "index.html").read_text()
    assert '<a href="install.py" download>' in page and 'href="slides/01_data.pdf"' in page


def test_what_is_not_ours_on_a_stick_is_left_alone(root: Path, quick: None, tmp_path: Path) -> None:
    mine = tmp_path / "stick" / "course" / "thesis.tex"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    with pytest.raises(room_kit.KitError, match="has course, which is not from here"):
        room_kit.build(tmp_path / "stick", [HERE], root)
    assert mine.read_text() == "years of work" and len(list(mine.parent.iterdir())) == 1
    beside = mine.rename(tmp_path / "stick" / "thesis.tex")
    mine.parent.rmdir()
    assert "thesis.tex" not in room_kit.build(tmp_path / "stick", [HERE], root)["files"]
    assert beside.exists()


def test_an_interrupted_kit_is_no_kit_and_goes_on(
    root: Path, quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = tmp_path / "kit"
    room_kit.build(kit, [HERE, WINDOWS], root)

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room_kit, "fetch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            room_kit.build(kit, [HERE], root)
    with pytest.raises(room_install.RoomError, match="no finished copy"):
        room_install.read_manifest(room_install.Folder(kit))
    (root / "notebooks/01_data.ipynb").rename(root / "notebooks/1_images.ipynb")
    room_kit.build(kit, [HERE], root)
    assert room_install.main([str(kit), "--check"]) == 0
    assert [path.name for path in (kit / "course/notebooks").iterdir()] == ["1_images.ipynb"]
    assert [path.name for path in (kit / "wheels").iterdir()] == [f"{HERE.name}-{HERE.python}"]


def test_a_disk_that_fills_up_is_one_sentence(
    root: Path,
    quick: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(room_kit.shutil, "copyfile", full)
    kit = tmp_path / "kit"
    assert room_kit.main(["--to", str(kit)]) == 1
    words = capsys.readouterr().err
    assert words.count("\n") == 1 and "No space left" in words and "make room there" in words
    assert not (kit / room_install.MANIFEST).exists()


def test_slides_are_built_where_they_are_older_than_their_source(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    monkeypatch.setattr(room_kit.slides, "main", lambda given: called.append(given) or 1)
    room_kit.copy_slides(root, tmp_path / "slides")
    assert called == []
    os.utime(root / "build" / "slides" / "01_data.html", (1, 1))
    with pytest.raises(room_kit.KitError, match="make slides"):
        room_kit.copy_slides(root, tmp_path / "slides")
    assert called
