"""What a notebook does when a fault meets it: `python scenes.py NAME PLACE` runs one function."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from course_utils.images import ImagesError, load_fashion_mnist, load_mnist
from course_utils.images.files import torchvision_root
from course_utils.networks import evaluation, runs, training, zoo
from course_utils.networks.models import LeNet

EPOCHS = 2
STEPS = 4  # in an epoch of the few digits
DIGITS = load_mnist("train").subset(slice(0, 500))
VAL = load_mnist("val").subset(slice(0, 100))


def train(folder: Path, *, seed: int = 0, **more: Any) -> training.Fit:
    """A LeNet, trained for a second."""
    torch.manual_seed(seed)
    more = {"epochs": EPOCHS, **more}
    return training.fit(LeNet(), DIGITS, VAL, name="lenet", folder=folder, **more)


class Steps:
    """A change to the images that changes nothing: it counts steps, and waits at one of them."""

    def __init__(self, wait_at: int = 0) -> None:
        self.done, self.wait_at = 0, wait_at

    def __call__(self, images: Any) -> Any:
        self.done += 1
        if self.done == self.wait_at:
            print("training", flush=True)
            sys.stdin.readline()
        return images


def sentence(action: Callable[[], Any], kind: type[Exception]) -> None:
    """Print the error that must come; it must be a sentence in one line."""
    try:
        action()
    except kind as error:
        assert str(error).endswith(".") and "\n" not in str(error), str(error)
        print(f"{type(error).__name__}: {error}")
    else:
        raise AssertionError(f"{kind.__name__} did not come")


# --- disks ---


def full_of_images(place: Path) -> None:
    """A folder for torchvision on a disk that has no room for it."""
    sentence(lambda: torchvision_root(place / "disk/data"), ImagesError)
    for path in (place / "disk/data").rglob("*"):
        assert path.is_dir() or path.stat().st_size in (10_008, 60_008), f"half a file: {path}"
    assert len(load_mnist("test")) == 10_000


def full_of_checkpoints(place: Path) -> None:
    """A training that writes to a full disk, after an earlier one was handed on."""
    os.environ["COURSE_RUNS_DIR"] = str(place / "disk/runs")
    earlier = runs.save(train(place / "elsewhere"), DIGITS)
    sentence(lambda: train(place / "disk", epochs=3), OSError)
    assert runs.load("lenet").facts == earlier.facts
    assert train(place / "elsewhere").num_steps == EPOCHS * STEPS


def full_of_results(place: Path) -> None:
    """A network that is handed on to a full disk, where an earlier one lies."""
    os.environ["COURSE_RUNS_DIR"] = str(place / "disk/runs")
    first = runs.save(train(place / "elsewhere"), DIGITS)
    second = train(place / "elsewhere", seed=1)
    (place / "disk/rest").write_bytes(bytes(100_000))
    sentence(lambda: runs.save(second, DIGITS, DIGITS), OSError)
    assert runs.load("lenet").facts == first.facts
    os.environ["COURSE_RUNS_DIR"] = str(place / "elsewhere/runs")
    assert evaluation.predict(runs.save(second, DIGITS).model, DIGITS)


# --- trainings ---


def wait_in_training(place: Path) -> None:
    """Stand still in the middle of the second epoch, and say when interrupted."""
    # a shell that starts tests in the background has its children ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        train(runs.folder(), augment=Steps(wait_at=STEPS + 2))
    except KeyboardInterrupt as interruption:
        print("KeyboardInterrupt:", interruption)


def resume(place: Path) -> None:
    """Go on from the last whole epoch."""
    steps = Steps()
    fit = train(runs.folder(), augment=steps, resume=True)
    print(f"{steps.done} steps were left of {fit.num_steps}")


def hand_on(place: Path) -> None:
    """Train and hand on, as chapter 2 does."""
    print(runs.save(train(runs.folder()), DIGITS, DIGITS).facts["sha256"])


def take_up(place: Path) -> None:
    """Load what was handed on, as chapter 4 does."""
    print(runs.load("lenet").facts["sha256"])


# --- everything else ---


def whole_course(place: Path) -> None:
    """Prepare, train, hand on, load, predict, evaluate, and ask an exercise."""
    from torchvision.datasets import MNIST

    from course_utils.exercises.chapter_01 import ex1_1

    assert len(MNIST(torchvision_root(place / "data"), train=True)) == 60_000
    assert len(load_fashion_mnist("test")) == 10_000
    runs.save(train(runs.folder()), DIGITS, DIGITS)
    own = runs.load("lenet")
    print(own.predictions(DIGITS), sys.stdout.encoding)
    table = evaluation.evaluate({"own": own.model, "zoo": zoo.load("short-lenet")}, DIGITS)
    assert table.loc["Accuracy (%)", "zoo"] > 90
    assert ex1_1.check(...).because


def wait_and_prepare(place: Path) -> None:
    """Prepare torchvision's folder at the same moment as another notebook."""
    print("ready", flush=True)
    sys.stdin.readline()
    print(sorted(path.name for path in torchvision_root(place / "data").rglob("*-ubyte")))


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
