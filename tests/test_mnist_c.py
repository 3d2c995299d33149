"""MNIST-C from a stand-in archive: found, fetched, unpacked, and read by torch-uncertainty."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import socket
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch_uncertainty")
from torch_uncertainty.datasets import MNISTC

from course_utils import _files, mnist_c
from course_utils.data import DataUnavailableError

NUM_IMAGES = 4


def archive(outer_folder: str) -> bytes:
    """A few images for each corruption, which show the corruption's number."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:

        def put(name: str, array: np.ndarray) -> None:
            buffer = io.BytesIO()
            np.save(buffer, array)
            file.writestr(outer_folder + name, buffer.getvalue())

        for number, subset in enumerate(["identity", *MNISTC.mnistc_subsets]):
            images = np.full((NUM_IMAGES, 28, 28, 1), number, np.uint8)
            put(f"{subset}/test_images.npy", images)
            put(f"{subset}/test_labels.npy", np.arange(NUM_IMAGES))
            put(f"{subset}/train_images.npy", images)
    return content.getvalue()


@pytest.fixture(params=["mnist_c/", ""], ids=["folder in archive", "no folder in archive"])
def content(request, monkeypatch, tmp_path):
    """The bytes of the archive; nobody asks the real address."""
    content = archive(request.param)
    monkeypatch.setattr(MNISTC, "zip_md5", hashlib.md5(content).hexdigest())
    monkeypatch.setattr(MNISTC, "url", str(tmp_path / "nowhere" / "mnist_c.zip"))
    monkeypatch.setenv("COURSE_DATA", "auto")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COURSE_DATA_MIRROR", raising=False)
    monkeypatch.setattr(mnist_c, "_failed", {})
    monkeypatch.setattr(_files, "_unreachable", {})
    return content


def put_archive(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "mnist_c.zip").write_bytes(content)


def check_readable(root: Path) -> None:
    everything = MNISTC(root, subset="all")
    assert len(everything) == NUM_IMAGES * len(MNISTC.mnistc_subsets)
    assert everything.labels.tolist()[: NUM_IMAGES + 1] == [0, 1, 2, 3, 0]
    assert everything.samples[::NUM_IMAGES, 0, 0, 0].tolist() == list(range(1, 16))
    fog = MNISTC(root, subset="fog")
    assert (fog.samples == 1 + MNISTC.mnistc_subsets.index("fog")).all()
    assert fog.labels.tolist() == [0, 1, 2, 3]


def test_an_archive_put_there_by_hand(content, tmp_path):
    put_archive(tmp_path / "data", content)
    root = mnist_c.folder()
    check_readable(root)
    assert not list(root.rglob("train_*"))
    assert not list(root.rglob("*.part"))


def test_an_archive_from_a_mirror_folder(content, tmp_path, monkeypatch):
    put_archive(tmp_path / "mirror", content)
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(tmp_path / "mirror"))
    check_readable(mnist_c.folder())
    # the second call needs the mirror no more
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(tmp_path / "gone"))
    check_readable(mnist_c.folder())


def test_a_lost_file_is_unpacked_again(content, tmp_path):
    put_archive(tmp_path / "data", content)
    (mnist_c.folder() / "mnist_c" / "fog" / "test_images.npy").unlink()
    check_readable(mnist_c.folder())


class Server(ThreadingHTTPServer):
    daemon_threads = True


@pytest.fixture
def serve():
    """Start servers on this machine that answer with a function; they end with the test."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            def log_message(self, *_):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_archive_from_an_address(content, monkeypatch, serve):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(content)

    monkeypatch.setenv("COURSE_DATA_MIRROR", serve(answer))
    check_readable(mnist_c.folder())
    assert asked == ["/mnist_c.zip"]


def test_a_server_that_never_answers_costs_its_time_out_once(content, monkeypatch, serve):
    monkeypatch.setattr(_files, "STALL_TIMEOUT", 0.4)
    release = threading.Event()
    monkeypatch.setenv("COURSE_DATA_MIRROR", serve(lambda handler: release.wait(20)))
    started = time.monotonic()
    try:
        with pytest.raises(DataUnavailableError, match="no progress"):
            mnist_c.folder()
        assert time.monotonic() - started < 5
        with pytest.raises(DataUnavailableError, match="no progress"):
            mnist_c.folder()
    finally:
        release.set()


def test_a_transfer_that_would_take_too_long_is_given_up(content, monkeypatch, serve):
    monkeypatch.setattr(mnist_c, "TOTAL_PATIENCE", 0.5)
    monkeypatch.setattr(_files, "MINIMUM_PROGRESS", 1)

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b"0")
                time.sleep(0.05)
        except OSError:
            pass

    monkeypatch.setenv("COURSE_DATA_MIRROR", serve(answer))
    started = time.monotonic()
    with pytest.raises(DataUnavailableError, match=r"only 0 MB came"):
        mnist_c.folder()
    assert time.monotonic() - started < 4


NEEDS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")


@NEEDS_FULL
@pytest.mark.parametrize("way", ["address", "folder"])
def test_a_full_disk_is_not_taken_for_the_network(content, tmp_path, monkeypatch, serve, way):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(content)

    @contextlib.contextmanager
    def on_a_full_disk(root):
        with contextlib.suppress(OSError), open("/dev/full", "wb") as file:
            yield file

    put_archive(tmp_path / "mirror", content)
    address = serve(answer)
    mirror = address if way == "address" else str(tmp_path / "mirror")
    monkeypatch.setenv("COURSE_DATA_MIRROR", mirror)
    monkeypatch.setattr(MNISTC, "url", f"{address}/second")
    monkeypatch.setattr(mnist_c, "_partial_file", on_a_full_disk)
    with pytest.raises(DataUnavailableError, match=r"cannot be written \(No space left") as raised:
        mnist_c.folder()
    assert "set COURSE_DATA_DIR to" in str(raised.value)
    assert "/second" not in asked, "another server would not help"


def test_a_folder_that_cannot_be_made_is_told_before_anybody_is_asked(
    content, tmp_path, monkeypatch, serve
):
    (tmp_path / "data").write_text("a file where the folder should be")
    asked = []
    monkeypatch.setenv("COURSE_DATA_MIRROR", serve(asked.append))
    with pytest.raises(DataUnavailableError, match=r"data cannot be written .*COURSE_DATA_DIR"):
        mnist_c.folder()
    assert not asked


def test_a_disk_that_gets_full_while_unpacking(content, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put_archive(tmp_path / "data", content)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataUnavailableError, match=r"data cannot be written \(No space left"):
        mnist_c.folder()


def test_a_connection_that_comes_too_late_leaves_nothing(content, tmp_path, monkeypatch, serve):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(content)

    monkeypatch.setenv("COURSE_DATA_MIRROR", serve(answer))
    monkeypatch.setattr(_files, "CONNECT_TIMEOUT", 0.1)
    look_up, given_up, late = socket.getaddrinfo, threading.Event(), []

    def look_up_late(*arguments, **keywords):
        late.append(threading.current_thread())
        given_up.wait(20)
        return look_up(*arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_late)
    try:
        with pytest.raises(DataUnavailableError, match="no connection within"):
            mnist_c.folder()
    finally:
        given_up.set()
    (transfer,) = late
    transfer.join(20)
    assert not transfer.is_alive()
    assert not list((tmp_path / "data").iterdir())


def test_what_a_killed_process_left_is_removed_unless_it_may_be_growing(content, tmp_path):
    put_archive(tmp_path / "data", content)
    old, new = (tmp_path / "data" / f".mnist_c.zip.{name}.part" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    mnist_c.folder()
    assert new.exists() and not old.exists()


def test_a_damaged_archive_is_not_used(content, tmp_path, monkeypatch):
    put_archive(tmp_path / "mirror", content[:-1] + b"?")
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(DataUnavailableError, match="md5 differs"):
        mnist_c.folder()
    assert not list((tmp_path / "data").rglob("*.part"))
    assert not list((tmp_path / "data").rglob("*.zip"))


def test_an_archive_without_the_images_is_named(content, tmp_path, monkeypatch):
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("identity/test_labels.npy", b"")
    monkeypatch.setattr(MNISTC, "zip_md5", hashlib.md5(other.getvalue()).hexdigest())
    put_archive(tmp_path / "data", other.getvalue())
    with pytest.raises(DataUnavailableError, match=r"lacks brightness/test_images\.npy"):
        mnist_c.folder()


def test_without_any_way_the_sentence_says_what_to_do(content, tmp_path):
    with pytest.raises(DataUnavailableError, match=r"put mnist_c\.zip .* into .*data"):
        mnist_c.folder()


def test_the_sample_asks_no_network(content, monkeypatch, serve):
    asked = []
    monkeypatch.setenv("COURSE_DATA_MIRROR", serve(asked.append))
    monkeypatch.setenv("COURSE_DATA", "sample")
    with pytest.raises(DataUnavailableError, match="COURSE_DATA is 'sample'"):
        mnist_c.folder()
    assert not asked
