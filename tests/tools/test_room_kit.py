"""The folder for a room without a network: what it collects, what may go wrong, how it goes on."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from room_examples import HERE, packages, wheel

from course_utils.images import files as _files
from tools.learner import install
from tools.presenter import room_install, room_kit

COURSE = [Requirement("course[lab]")]
WINDOWS = room_kit.Machine("Windows", "AMD64", "3.12", ("win_amd64",))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip asks nobody but whom a test names."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(install, "answers", lambda url, seconds: False)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the role of the package index."""
    folder = packages(tmp_path / "index")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> room_kit.Wheels:
    """Where packages are collected; the first version of `plain` is the one installed here."""
    (tmp_path / "wheels").mkdir()
    return room_kit.Wheels(tmp_path / "wheels", {"plain": "1.0"})


def names(found: set[Path]) -> set[str]:
    return {"-".join(path.name.split("-")[:2]) for path in found}


# --- packages ---


def test_packages_for_this_machine_are_those_installed_here_and_fetched_once(
    index: Path, wheels: room_kit.Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, missing = wheels.collect(COURSE, HERE)
    assert names(found) == {"course-1.0", "plain-1.0", "deep-1.0", "own-1.0"}
    assert missing == []
    assert {path.name for path in wheels.folder.iterdir()} == {path.name for path in found}

    def refuse(*arguments: object) -> bool:
        raise AssertionError("nothing may be fetched")

    monkeypatch.setattr(wheels, "download", refuse)
    old = wheel(wheels.folder, "plain", "0.9")
    assert wheels.collect(COURSE, HERE)[0] == found
    wheels.keep_only(found)
    assert not old.exists() and set(wheels.folder.glob("*.whl")) == found


def test_packages_for_another_kind_of_machine_and_what_could_not_be_had(
    index: Path, wheels: room_kit.Wheels
) -> None:
    found, missing = wheels.collect(COURSE, WINDOWS)
    assert names(found) == {"course-1.0", "plain-1.0", "deep-1.0", "win-1.0"}
    assert missing == ["own"]


def test_another_version_is_taken_where_the_installed_one_has_no_wheel(
    index: Path, wheels: room_kit.Wheels
) -> None:
    wheels.pins["plain"] = "3.0"
    found, missing = wheels.collect(COURSE, WINDOWS)
    assert "plain-2.0" in names(found) and missing == ["own"]


def test_a_package_for_this_machine_must_be_there(index: Path, wheels: room_kit.Wheels) -> None:
    next(index.glob("own-*")).unlink()
    with pytest.raises(room_kit.KitError, match=r"No package index has own .* log in"):
        wheels.collect(COURSE, HERE)


@pytest.mark.parametrize("asked", ["amiga", "win_amd64"])
def test_an_unknown_platform_is_one_sentence(
    asked: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert room_kit.main(["--to", str(tmp_path / "kit"), "--platforms", asked]) == 1
    words = capsys.readouterr().err
    assert "windows, macos, linux" in words and words.count("\n") == 1


def test_kinds_of_machines() -> None:
    found = room_kit.machines(["windows", "macos"], ["3.12", "3.13"])
    assert found[0] == HERE
    assert [(one.system, one.python) for one in found[1:]] == [
        *(("Windows", "3.12"), ("Windows", "3.13"), ("Darwin", "3.12"), ("Darwin", "3.13")),
    ]
    marks = {str(tag) for tag in found[3].tags()}
    assert {"cp312-cp312-macosx_11_0_arm64", "py3-none-any", "cp39-abi3-macosx_11_0_arm64"} <= marks
    assert not any("win_amd64" in mark for mark in marks)
    assert found[1].markers()["sys_platform"] == "win32"


@pytest.mark.parametrize("guide", ["README.md", "slides/INSTRUCTORS.md"])
def test_the_guides_name_machines_that_exist(guide: str) -> None:
    text = (Path(__file__).resolve().parents[2] / guide).read_text(encoding="utf-8")
    (asked,) = re.findall(r'PLATFORMS="([^"]+)"\s+PYTHONS="([^"]+)"', text)
    found = room_kit.machines(*(words.split() for words in asked))
    assert {one.system for one in found} == {"Windows", "Darwin", "Linux"}
    assert {one.python for one in found[1:]} == {"3.11", "3.12", "3.13"}


# --- networks that are none ---


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[str], bytes]], str]]:
    """Start an index on loopback that answers every path by a function; pip asks it."""
    started = []

    def start(answer: Callable[[str], bytes]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = answer(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        started.append(server)
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        return address

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


LOG_IN = b"<!DOCTYPE html><html><title>Welcome to the hotel</title></html>"


def test_a_proxy_that_answers_a_page_to_everything(
    serve: Callable, wheels: room_kit.Wheels
) -> None:
    serve(lambda path: LOG_IN)
    with pytest.raises(room_kit.KitError, match="asks you to log in"):
        wheels.collect(COURSE, HERE)
    assert list(wheels.folder.glob("*")) == []


def test_a_page_that_comes_as_a_file_is_refused(serve: Callable, wheels: room_kit.Wheels) -> None:
    link = b'<!DOCTYPE html><a href="/course-1.0-py3-none-any.whl">course-1.0-py3-none-any.whl</a>'
    serve(lambda path: link if path.startswith("/simple") else LOG_IN)
    with pytest.raises(room_kit.KitError, match=r"log.in"):
        wheels.collect([Requirement("course")], HERE)
    assert list(wheels.folder.glob("*")) == []


def test_no_network_is_said_at_once(
    wheels: room_kit.Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    with pytest.raises(room_kit.KitError, match="does not answer: check the network"):
        wheels.collect(COURSE, WINDOWS)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: LOG_IN, "a web page instead of the file"),
        (lambda content: content[: len(content) // 2], "not a readable zip"),
        (lambda content: content.replace(b"ready = True", b"ready = trUE"), "is damaged"),
    ],
)
def test_damaged_wheels_are_seen(tmp_path: Path, spoil: Callable, reason: str) -> None:
    path = wheel(tmp_path, "plain", "1.0")
    assert room_kit.damage(path) == ""
    path.write_bytes(spoil(path.read_bytes()))
    assert reason in room_kit.damage(path)


# --- the whole ---


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course of few files, with a deck that is built."""
    folder = tmp_path / "root"
    for name in ("course_utils/__init__.py", "notebooks/1_data.ipynb", "slides/1_data.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "course_utils" / "__pycache__").mkdir()
    (folder / "course_utils" / "__pycache__" / "x.pyc").touch()
    (folder / "tests").mkdir()
    (folder / "tests" / "test_x.py").touch()
    built = folder / "build" / "slides"
    built.mkdir(parents=True)
    for name in ("1_data.html", "1_data.pdf"):
        (built / name).write_text(name)
    return folder


@pytest.fixture
def tiny(index: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Images of a few bytes, and packages copied without pip, which takes seconds."""
    contents = {"labels": b"12345", "images": b"67890" * 9}
    known = {name: (len(c), hashlib.sha256(c).hexdigest()) for name, c in contents.items()}
    monkeypatch.setattr(room_kit, "FILES", {"MNIST": known})
    monkeypatch.setattr(_files, "FILES", {"MNIST": known})
    monkeypatch.setattr(room_kit, "original_files", lambda dataset: contents)
    monkeypatch.setattr(room_kit, "course_wheel", lambda wheels, course: COURSE[0])
    wheel(index, "setuptools", "99.0")
    wheel(index, "pip", "99.0")
    monkeypatch.setattr(room_kit, "installed_versions", lambda: {"plain": "1.0"})
    stock = room_kit.Wheels(index, {})

    def bring(self: room_kit.Wheels, wanted: list[str], machine: room_kit.Machine) -> bool:
        found = [stock.find(Requirement(one), machine, pinned=False) for one in wanted]
        for path in filter(None, found):
            shutil.copy(path, self.folder)
        return None not in found

    monkeypatch.setattr(room_kit.Wheels, "download", bring)
    return contents


def test_a_kit_is_complete_and_says_so(root: Path, tiny: dict, tmp_path: Path) -> None:
    kit = tmp_path / "a stick" / "kit"
    manifest = room_kit.build(kit, [HERE, WINDOWS], root)
    there = {path.relative_to(kit).as_posix() for path in kit.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == there - {room_install.MANIFEST}
    others = {name for name in there if not name.startswith("wheels/")}
    assert others == {
        *("README.txt", "index.html", "install.py", "manifest.json"),
        *("course/course_utils/__init__.py", "course/notebooks/1_data.ipynb"),
        *("course/slides/1_data.ipynb", "slides/1_data.html", "slides/1_data.pdf"),
        *("data/MNIST/raw/labels.gz", "data/MNIST/raw/images.gz"),
    }
    assert gzip.decompress((kit / "data/MNIST/raw/images.gz").read_bytes()) == tiny["images"]
    assert room_install.problems(kit, manifest["files"], thorough=True) == []
    words = (kit / "README.txt").read_text()
    assert room_install.described(vars(HERE)) in words
    assert "Windows (AMD64) with Python 3.12 (could not be had: own)" in words
    page = (kit / "index.html").read_text()
    assert '<a href="install.py" download>' in page and 'href="slides/1_data.pdf"' in page


def test_a_folder_of_somebody_else_is_left_alone(root: Path, tiny: dict, tmp_path: Path) -> None:
    mine = tmp_path / "stick" / "data" / "thesis.tex"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    with pytest.raises(room_kit.KitError, match="has data, which is not from here"):
        room_kit.build(tmp_path / "stick", [HERE], root)
    assert mine.read_text() == "years of work" and len(list(mine.parent.iterdir())) == 1


def test_what_else_lies_on_the_stick_is_not_in_the_manifest(
    root: Path, tiny: dict, tmp_path: Path
) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "private.txt").write_text("x")
    manifest = room_kit.build(tmp_path / "stick", [HERE], root)
    assert "private.txt" not in manifest["files"]


def test_an_interrupted_kit_is_no_kit_and_goes_on(
    root: Path, tiny: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = tmp_path / "kit"
    room_kit.build(kit, [HERE], root)

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room_kit, "copy_slides", interrupted)
        with pytest.raises(KeyboardInterrupt):
            room_kit.build(kit, [HERE], root)
    with pytest.raises(room_install.RoomError, match="no finished copy"):
        room_install.read_manifest(room_install.Folder(kit))
    monkeypatch.setattr(room_kit.Wheels, "download", interrupted)  # all packages are there
    room_kit.build(kit, [HERE], root)
    assert room_install.main([str(kit), "--check"]) == 0


def test_damaged_images_and_old_files_are_replaced(root: Path, tiny: dict, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    room_kit.build(kit, [HERE], root)
    images = kit / "data/MNIST/raw/images.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[:9])
    (root / "notebooks/1_data.ipynb").rename(root / "notebooks/1_images.ipynb")
    room_kit.build(kit, [HERE], root)
    assert images.read_bytes() == whole
    assert [path.name for path in (kit / "course/notebooks").iterdir()] == ["1_images.ipynb"]


def test_too_little_space_is_said_before_anything_is_fetched(
    root: Path, tiny: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=300_000_000)
    monkeypatch.setattr(room_kit.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(room_kit.KitError, match=r"300 MB free.*takes about 700 MB.*TO=/path"):
        room_kit.build(tmp_path / "kit", [HERE], root)
    assert list((tmp_path / "kit").iterdir()) == []


def test_a_disk_that_fills_up_is_one_sentence(
    root: Path,
    tiny: dict,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(room_kit, "ROOT", root)
    kit = tmp_path / "kit"
    assert room_kit.main(["--to", str(kit)]) == 1
    words = capsys.readouterr().err
    assert words.count("\n") == 1 and "No space left" in words and "make room there" in words
    assert not (kit / room_install.MANIFEST).exists()
    assert [path for path in kit.rglob("*") if path.is_file()] == [], "no half-written file"


def test_slides_are_built_where_they_are_older_than_their_source(
    root: Path, tiny: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []

    class Done:
        returncode = 1

    def run(command: list[str]) -> Done:
        called.append(command)
        return Done()

    monkeypatch.setattr(room_kit.subprocess, "run", run)
    built, sources = root / "build" / "slides", root / "slides"
    room_kit.copy_slides(built, tmp_path / "slides", sources)
    assert called == []
    os.utime(built / "1_data.html", (1, 1))
    with pytest.raises(room_kit.KitError, match="make slides"):
        room_kit.copy_slides(built, tmp_path / "slides", sources)
    assert called[0][1].endswith("make_slides.py")
