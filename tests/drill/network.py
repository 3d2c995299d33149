"""Networks that are absent, hang, refuse, or send something else."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from drill import REPOSITORY, fault, judge_words, read
from test_data import IMAGES, Server, SilentServer, pages, wrong_bodies

from course_utils import images as data
from course_utils.images import SPLITS, load_fashion_mnist, load_mnist
from course_utils.images import files as _files

SAMPLE = r"the bundled sample is used"
# MNIST's four files, but short: transfers are real, and take milliseconds
STAND_IN = {name: name.encode() * 50 for name in _files.FILES["MNIST"]}


def stand_in_for_mnist(contents: dict[str, bytes] = STAND_IN) -> None:
    """Let these be the four files whose hashes the course knows."""
    import hashlib

    known = {
        name: (len(content), hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    }
    _files.FILES = {"MNIST": known, "FashionMNIST": known}


def mirrors(room: str = "", torchvision: str = "http://127.0.0.1:1") -> None:
    """The mirror of the room, and the address that torchvision knows; nobody listens by default."""
    os.environ["COURSE_DATA_MIRROR"] = room
    _files._torchvision_mirrors = lambda dataset: [f"{torchvision}/"]


def load_digits_and_clothes() -> str:
    """As the first cell of a chapter does. Returns the source."""
    return {load_mnist(split).source for split in SPLITS}.pop() + (
        "" if load_fashion_mnist("test").source == "sample" else " and more"
    )


# --- no network, at each stage ---


@fault(
    "No network while the course is installed",
    "one sentence, and the same command works later",
    within="no network",
)
def installing(place: Path) -> None:
    # a course of its own, and no folder of packages on this machine
    shutil.copytree(REPOSITORY / "tools", place / "tools")
    shutil.copy(REPOSITORY / "pyproject.toml", place)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    variables |= {"PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull}
    command = [sys.executable, "tools/learner/install.py", "lab"]
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True)
    assert done.returncode == 1
    # pip's own lines come before those of the course
    judge_words("\n".join(done.stderr.splitlines()[-1:]), "package index does not answer")


@fault(
    "No network when a chapter loads its images",
    "the bundled sample, and one sentence in all",
    within="no network",
)
def images_without_network(place: Path) -> None:
    source = read(load_digits_and_clothes, SAMPLE, "COURSE_DATA_MIRROR")
    assert source == "sample"


@fault(
    "No network when the tutorial's weights are downloaded",
    "one sentence, and the chapter goes on with its own",
    within="no network",
)
def weights_without_network(place: Path) -> None:
    from course_utils.networks import hub

    read(hub.checkpoints, "cannot be reached", error=hub.HubError)


@fault(
    "No network when MNIST-C is wanted",
    "one sentence that says where to put it",
    within="no network",
)
def corruptions_without_network(place: Path) -> None:
    from course_utils.networks import mnist_c

    read(mnist_c.folder, "MNIST-C cannot be had", "restart the kernel", error=RuntimeError)


@fault(
    "No network while networks are trained, loaded, handed on and evaluated",
    "everything works",
    within="no network",
)
def everything_else(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from trainings import few_digits, train

    from course_utils.networks import evaluation, runs, zoo

    digits = few_digits()
    runs.save(train(place, "lenet"), digits, digits)
    own = read(lambda: runs.load("lenet", "sample"), "from your own training")
    table = evaluation.evaluate({"own": own.model, "zoo": zoo.load("short-lenet")}, digits)
    assert table.loc["Accuracy (%)", "zoo"] > 90


# --- servers that hang ---


@fault(
    "A name server that never answers",
    f"given up after {_files.CONNECT_TIMEOUT:.0f} s, then the sample",
)
def look_up_hangs(place: Path) -> None:
    # a look-up blocks in the C library, where nobody can interrupt it: so does this
    socket.getaddrinfo = lambda *_, **__: time.sleep(60)
    mirrors(torchvision="http://images.invalid")
    read(load_digits_and_clothes, "no connection within 5 s", SAMPLE)


def hanging(title: str, **behaviour: object) -> None:
    """Enter a server that accepts and then sends no files."""

    @fault(title, f"given up after {_files.STALL_TIMEOUT:.0f} s without progress, then the sample")
    def hangs(place: Path) -> None:
        server = SilentServer(**behaviour)
        mirrors(torchvision=server.url)
        started = time.monotonic()
        read(load_digits_and_clothes, "no progress for 15 s", SAMPLE)
        assert time.monotonic() - started < _files.STALL_TIMEOUT + 15
        assert server.connections == 1, "it was waited for twice"


hanging("A server that accepts connections and never answers")
hanging("A server that sends a byte now and then", opening=b"HTTP/1.0 200 OK\r\n\r\n", drip=0.1)


@fault("A server that is slow, but sends", "it is waited for")
def slow(place: Path) -> None:
    stand_in_for_mnist()
    server = Server(delay=2.0)
    server.pages = pages(STAND_IN)
    mirrors(room=server.url)
    assert read(lambda: _files.original_files("MNIST")) == STAND_IN
    print("All four files came.")


# --- servers that send something else ---


def refusing(title: str, answer: Callable[[], tuple[int, bytes]], reason: str) -> None:
    """Enter a mirror of the room that answers wrongly, and a good server behind it."""

    @fault(title, "passed over with its reason, nothing wrong is kept; alone, then the sample")
    def refused(place: Path) -> None:
        stand_in_for_mnist()
        bad, good = Server(), Server()
        bad.pages = pages(STAND_IN) | {f"/MNIST/raw/{IMAGES}.gz": answer()}
        good.pages = pages(STAND_IN, "/")
        mirrors(bad.url, good.url)
        assert read(lambda: _files.original_files("MNIST"), "Passed over", reason) == STAND_IN
        (place / "data/MNIST/raw" / IMAGES).unlink()
        mirrors(bad.url)
        data.forget_failures()
        assert read(load_digits_and_clothes, reason, SAMPLE) == "sample"
        assert not (place / "data/MNIST/raw" / IMAGES).exists()


def body(kind: str) -> tuple[int, bytes]:
    """One of the wrong answers that the tests of the images know."""
    return wrong_bodies(STAND_IN)[kind][:2]


refusing("A mirror that answers 403", lambda: body("refused"), "403 Forbidden")
refusing("A mirror that answers 429", lambda: (429, b"slow down"), "429 Too Many Requests")
refusing("A mirror that answers 500", lambda: body("broken"), "500 Internal Server Error")
refusing("A hotel's log-in page in place of the file", lambda: body("log-in page"), "a web page")
refusing("A body that breaks off", lambda: body("truncated"), "truncated")
refusing(
    "Another file under the right name",
    lambda: (200, gzip.compress(STAND_IN["train-labels-idx1-ubyte"])),
    "sha256 differs",
)


# --- the hub ---


def hub_that_misbehaves(misbehave: Callable) -> object:
    """A stand-in for the Hugging Face hub with the eight files."""
    import threading

    from test_hub import StandIn, checkpoint_bytes

    from course_utils.networks import hub
    from course_utils.networks.models import LeNet

    server = StandIn({name: checkpoint_bytes(LeNet()) for name in hub.FILE_NAMES})
    server.misbehave = misbehave
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_address[1]}"
    return server


@fault(
    "The hub refuses after the third of eight files (429)",
    "one sentence, three files are kept, and the next try asks for five",
)
def rate_limited(place: Path) -> None:
    from course_utils.networks import hub

    late = hub.FILE_NAMES[3:]
    server = hub_that_misbehaves(lambda handler, name: name in late and handler.refuse(429))
    read(hub.checkpoints, "shares one limit", error=hub.HubError)
    kept = sorted(path.name for path in (place / "data/tutorial-models").glob("*.ckpt"))
    assert kept == list(hub.FILE_NAMES[:3])
    server.misbehave = lambda handler, name: False
    server.requests.clear()
    assert len(read(hub.checkpoints)) == 8
    assert server.sent == list(late)
    print("Later: all eight.")


@fault("The hub accepts and says nothing", "given up after some seconds, one sentence")
def silent_hub(place: Path) -> None:
    from course_utils.networks import hub

    server = hub_that_misbehaves(lambda handler, name: handler.server.released.wait(60) or True)
    started = time.monotonic()
    read(hub.checkpoints, "did not answer within 5 s", error=hub.HubError)
    assert time.monotonic() - started < hub.TOTAL_TIMEOUT
    server.released.set()


@fault("The hub sends another network", "refused with one sentence, nothing is loaded")
def foreign_weights(place: Path) -> None:
    from test_hub import checkpoint_bytes

    from course_utils.networks import hub
    from course_utils.networks.models import PackedLeNet

    server = hub_that_misbehaves(lambda handler, name: False)
    server.files[hub.FILE_NAMES[5]] = checkpoint_bytes(PackedLeNet())
    read(hub.checkpoints, "does not hold the weights", "delete", error=hub.HubError)
