"""Files that are damaged, disks that are full or read-only, folders that are shared."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from pathlib import Path

from drill import fault, finish, judge_words, read, start
from network import SAMPLE, STAND_IN, load_digits_and_clothes, mirrors, stand_in_for_mnist
from test_data import IMAGES, Server, pages, write_files

from course_utils.images import files as _files

LABELS = "t10k-labels-idx1-ubyte"


def flip_a_bit(path: Path) -> None:
    """In the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    """A file to half its length."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def exchange(path: Path, other: Path) -> None:
    """Two files."""
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


# --- images ---


def damaged_images(title: str, damage) -> None:
    """Enter a file of the data folder that is damaged, with a mirror and without any way."""

    @fault(title, "fetched again; without a network the sample, and never what is damaged")
    def damaged(place: Path) -> None:
        stand_in_for_mnist()
        raw = write_files(place / "data", STAND_IN, zipped=False) / "MNIST/raw"
        damage(raw)
        spoilt = (raw / IMAGES).read_bytes()
        mirrors()
        assert read(load_digits_and_clothes, "is damaged", SAMPLE) == "sample"
        assert (raw / IMAGES).read_bytes() == spoilt, (
            "what was there is not thrown away for nothing"
        )
        server = Server()
        server.pages = pages(STAND_IN)
        mirrors(room=server.url)
        assert read(lambda: _files.original_files("MNIST")) == STAND_IN
        assert (raw / IMAGES).read_bytes() == STAND_IN[IMAGES]


damaged_images("A file of images is cut off", lambda raw: cut(raw / IMAGES))
damaged_images(
    "Two files of images are exchanged", lambda raw: exchange(raw / IMAGES, raw / LABELS)
)
damaged_images("One bit of a file of images is flipped", lambda raw: flip_a_bit(raw / IMAGES))


# --- weights ---


def damaged_weights(title: str, damage) -> None:
    """Enter weights that come with the course and are damaged."""

    @fault(title, "refused with one sentence, the others load")
    def damaged(place: Path) -> None:
        from course_utils.networks import zoo

        zoo.FOLDER = Path(shutil.copytree(zoo.FOLDER, place / "zoo"))
        damage(zoo.FOLDER)
        words = "git checkout course_utils/assets/zoo"
        read(lambda: zoo.load("short-lenet"), "short-lenet", words, error=zoo.ZooError)
        assert zoo.load("short-packed-4")


damaged_weights("A file of weights is cut off", lambda zoo: cut(zoo / "short-lenet.safetensors"))
damaged_weights(
    "Two files of weights are exchanged",
    lambda zoo: exchange(zoo / "short-lenet.safetensors", zoo / "lenet-0.safetensors"),
)
damaged_weights(
    "One bit of a file of weights is flipped",
    lambda zoo: flip_a_bit(zoo / "short-lenet.safetensors"),
)


@fault(
    "One bit of a downloaded checkpoint is flipped",
    "refused with one sentence that says which file to delete",
)
def damaged_download(place: Path) -> None:
    from test_hub import checkpoint_bytes

    from course_utils.networks import hub
    from course_utils.networks.models import LeNet

    folder = place / "data/tutorial-models"
    folder.mkdir(parents=True)
    for name in hub.FILE_NAMES:
        (folder / name).write_bytes(checkpoint_bytes(LeNet()))
    flip_a_bit(folder / "version_2.ckpt")
    read(hub.checkpoints, "version_2.ckpt is damaged", "delete", error=hub.HubError)


@fault(
    "What an earlier chapter handed on is damaged",
    "one sentence, and the network that comes with the course steps in",
)
def damaged_run(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from trainings import few_digits, train

    from course_utils.networks import runs

    digits = few_digits()
    saved = runs.save(train(place, "lenet"), digits, digits)
    flip_a_bit(saved.folder / "lenet.safetensors")
    read(lambda: runs.load("lenet", "sample"), "is damaged", "from the course's zoo")


# --- disks ---


@fault(
    "The disk is full while images are written",
    "they stay in memory, one sentence, no half file",
    within="small disk",
)
def disk_full_of_images(place: Path) -> None:
    large = {name: os.urandom(300_000) for name in STAND_IN}
    stand_in_for_mnist(large)
    server = Server()
    server.pages = pages(large)
    mirrors(room=server.url)
    os.environ["COURSE_DATA_DIR"] = str(place / "disk/data")
    assert read(lambda: _files.original_files("MNIST"), "cannot be written", "in memory") == large
    for path in (place / "disk/data").rglob("*-ubyte"):
        assert path.read_bytes() == large[path.name]
    assert not list((place / "disk").rglob("*.part"))


@fault(
    "The disk is full while downloaded weights are written",
    "one sentence, and what has arrived is whole",
    within="small disk",
)
def disk_full_of_weights(place: Path) -> None:
    from network import hub_that_misbehaves

    from course_utils.networks import hub

    hub_that_misbehaves(lambda handler, name: False)
    folder = place / "disk/data/tutorial-models"
    read(lambda: hub.checkpoints(folder), "cannot be written", error=hub.HubError)
    for path in folder.glob("*.ckpt"):
        hub.read_checkpoint(path)


@fault(
    "The disk is full while a checkpoint is written",
    "one sentence; what an earlier chapter handed on is untouched, training elsewhere goes on",
    within="small disk",
)
def disk_full_of_checkpoints(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from trainings import few_digits, train

    from course_utils.networks import runs

    digits = few_digits()
    os.environ["COURSE_RUNS_DIR"] = str(place / "disk/runs")
    earlier = runs.save(train(place / "elsewhere", "lenet"), digits)
    words = ("cannot write its log or its checkpoints", "make room")
    read(lambda: train(place / "disk", "lenet", epochs=3), *words, error=OSError)
    assert read(lambda: runs.load("lenet", "sample"), "your own").facts == earlier.facts
    assert train(place / "elsewhere", "lenet").num_steps


@fault(
    "The disk is full while a trained network is handed on",
    "one sentence; the earlier one is whole, the new one is still in the notebook",
    within="small disk",
)
def disk_full_of_results(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from trainings import few_digits, train

    from course_utils.networks import evaluation, runs

    digits = few_digits()
    os.environ["COURSE_RUNS_DIR"] = str(place / "runs")
    first = runs.save(train(place, "lenet"), digits, digits)
    shutil.copytree(place / "runs", place / "disk/runs", dirs_exist_ok=True)
    os.environ["COURSE_RUNS_DIR"] = str(place / "disk/runs")
    second = train(place, "lenet", seed=1)
    (place / "disk/rest").write_bytes(bytes(100_000))
    read(lambda: runs.save(second, digits, digits), "cannot be kept", "make room", error=OSError)
    again = read(lambda: runs.load("lenet", "sample"), "from your own training")
    assert again.facts == first.facts
    os.environ["COURSE_RUNS_DIR"] = str(place / "elsewhere")
    assert evaluation.predict(runs.save(second, digits, digits).model, digits)


@fault(
    "The data folder can be read but not written",
    "the images stay in memory, one sentence",
    within="no rights of root",
)
def read_only(place: Path) -> None:
    stand_in_for_mnist()
    (place / "data").mkdir(mode=0o555)
    server = Server()
    server.pages = pages(STAND_IN)
    mirrors(room=server.url)
    assert (
        read(lambda: _files.original_files("MNIST"), "cannot be written", "in memory") == STAND_IN
    )
    assert _files.original_files("MNIST") == STAND_IN
    assert set(server.asked.values()) == {1}, "fetched twice"


# --- shared folders ---

LOAD = """
import json, sys
from course_utils import _files
_files.FILES = json.loads(sys.argv[1])
_files._torchvision_mirrors = lambda dataset: []
print("ready", flush=True)
sys.stdin.readline()
print(len(_files.original_files("MNIST")), "files")
"""


@fault(
    "Two notebooks fetch the images at once", "one fetches, the other waits, each file comes once"
)
def shared_cache(place: Path) -> None:
    stand_in_for_mnist()
    server = Server(delay=0.3)
    server.pages = pages(STAND_IN)
    both = [start(LOAD, json.dumps(_files.FILES), COURSE_DATA_MIRROR=server.url) for _ in range(2)]
    for notebook in both:
        assert notebook.stdout.readline() == "ready\n"
    for notebook in both:
        notebook.stdin.write("go\n")
        notebook.stdin.flush()
    judge_words("\n".join(map(finish, both)), "4 files", "waiting for it")
    assert sum(server.asked.values()) == 4, server.asked


SAVE = """
import sys
from pathlib import Path
from trainings import few_digits, train
from course_utils import runs
digits = few_digits()
fit = train(Path(sys.argv[1]), "lenet", seed=int(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(10): runs.save(fit, digits, digits)
print(runs.load("lenet", "sample").facts["sha256"])
"""


@fault(
    "Two notebooks hand on a network of the same name at once",
    "a third reads the one or the other, whole, at any moment",
)
def shared_runs(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from trainings import few_digits

    from course_utils.networks import runs

    both = [start(SAVE, str(place / str(seed)), str(seed)) for seed in range(2)]
    for notebook in both:
        assert "ready" in notebook.stdout.readline()
    for notebook in both:
        notebook.stdin.write("go\n")
        notebook.stdin.flush()
    facts, digits, origins = runs.folder() / "lenet.json", few_digits(), []
    while any(notebook.poll() is None for notebook in both):
        if facts.exists() or origins:
            with contextlib.redirect_stdout(None):
                run = runs.load("lenet", "sample")
            run.predictions(digits)
            origins.append(run.origin)
        time.sleep(0.05)
    for notebook in both:
        finish(notebook)
    assert set(origins) == {"your own training"}, set(origins)
    print(f"Read {len(origins)} times meanwhile.")


TRAIN = """
import sys
from pathlib import Path
from trainings import Wait, train
fit = train(Path(sys.argv[1]), "lenet", augment=Wait())
print(fit.num_steps, "steps")
"""


@fault(
    "Two notebooks train in the same folder at once",
    "the second is told in one sentence, the first ends undisturbed",
)
def shared_training(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from trainings import EPOCHS, STEPS, train

    first = start(TRAIN, str(place))
    assert "training" in first.stdout.readline()
    read(lambda: train(place, "lenet"), "Another notebook is training", error=ValueError)
    first.stdin.write("go on\n")
    first.stdin.flush()
    judge_words(finish(first), f"{EPOCHS * STEPS} steps")
