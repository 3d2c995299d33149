"""Trainings that are interrupted, killed, or diverge; GPUs that are absent or full."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from drill import fault, finish, judge_words, read, start

EPOCHS = 2
STEPS = 4  # in an epoch of the few digits
INTERRUPT_AT = STEPS + 2  # in the middle of the second epoch


def few_digits() -> Any:
    """The images that networks are trained on here."""
    from course_utils.images import load_mnist

    return load_mnist("train").subset(slice(0, 3000, 6))


def train(folder: Path, name: str, *, seed: int = 0, epochs: int = EPOCHS, **more: Any) -> Any:
    """A LeNet, trained for a second."""
    import torch

    from course_utils.images import load_mnist
    from course_utils.networks import training
    from course_utils.networks.models import LeNet

    torch.manual_seed(seed)
    few = few_digits()
    val = load_mnist("val").subset(slice(0, 100))
    return training.fit(LeNet(), few, val, name=name, folder=folder, epochs=epochs, **more)


class Wait:
    """A change to the images that changes nothing: at one step it says so, and waits for a line."""

    def __init__(self, at: int = INTERRUPT_AT) -> None:
        self.left = at

    def __call__(self, images: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            print("training", flush=True)
            sys.stdin.readline()
        return images


HALF = """
import os, signal, sys
from pathlib import Path
os.environ["COURSE_DATA"] = "sample"
# a shell that starts the drill in the background has its children ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
from trainings import Wait, train
try:
    train(Path(sys.argv[1]), "lenet", augment=Wait())
except KeyboardInterrupt as interruption:
    print("KeyboardInterrupt:", interruption)
    sys.exit(3)
"""


def stopped(place: Path, number: signal.Signals) -> str:
    """What a notebook says that gets a signal in the middle of the second epoch."""
    notebook = start(HALF, str(place))
    assert "training" in notebook.stdout.readline()
    notebook.send_signal(number)
    output, _ = notebook.communicate(timeout=200)
    return output


def resumed(place: Path) -> None:
    """Go on, and compare with a training that nobody has stopped."""
    os.environ["COURSE_DATA"] = "sample"

    class Count:
        steps = 0

        def __call__(self, images: Any) -> Any:
            self.steps += 1
            return images

    counted = Count()
    fit = read(lambda: train(place, "lenet", augment=counted, resume=True))
    assert (fit.num_steps, counted.steps) == (EPOCHS * STEPS, (EPOCHS - 1) * STEPS)
    print(f"Resumed: {counted.steps} steps were left, {fit.num_steps} in all.")


@fault(
    "A training is interrupted with Ctrl-C",
    "one sentence, and resuming goes on from the last whole epoch",
)
def interrupted(place: Path) -> None:
    judge_words(stopped(place, signal.SIGINT), "was interrupted: run it again to start anew or with resume=True")
    resumed(place)


@fault(
    "A training is killed (kill -9, a machine that runs out of memory)",
    "resuming goes on from the last whole epoch",
)
def killed(place: Path) -> None:
    judge_words(stopped(place, signal.SIGKILL))
    resumed(place)


@fault(
    "A training is killed while an earlier network of that name is handed on",
    "the earlier one is still whole",
)
def killed_before_handing_on(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from course_utils.networks import runs

    digits = few_digits()
    first = runs.save(train(runs.folder(), "lenet"), digits, digits)
    stopped(runs.folder(), signal.SIGKILL)
    assert read(lambda: runs.load("lenet", "sample"), "your own training").facts == first.facts


@fault("The loss becomes NaN", "the training stops, and says why and what to try")
def diverged(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from course_utils.networks import training

    def reckless(model: Any, num_steps: int, num_members: int) -> dict:
        return training.one_cycle_sgd(model, num_steps, num_members, learning_rate=1e6)

    words = ("not a number any more after", "lower learning rate")
    read(lambda: train(place, "lenet", recipe=reckless), *words, error=FloatingPointError)


# --- GPUs ---


@fault("A GPU is asked for, and there is none", "one sentence; the course itself takes the CPU")
def absent_gpu(place: Path) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["COURSE_DATA"] = "sample"
    from course_utils.images import batches
    from course_utils.networks import training

    ask = ("no GPU here", "falls back to the CPU")
    read(lambda: batches(few_digits(), 10, device="cuda"), *ask, error=ValueError)
    assert training.device().type == "cpu"
    assert train(place, "lenet").device.startswith("CPU")


class Hungry:
    """Stands in for a full GPU: a network that raises PyTorch's error for too many images."""

    def __new__(cls, most: int) -> Any:
        import torch

        from course_utils.networks.models import LeNet

        class Network(LeNet):
            def forward(self, images: torch.Tensor) -> torch.Tensor:
                if len(images) > most:
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
                return super().forward(images)

        return Network().eval()


@fault(
    "The GPU's memory is full while a network predicts (simulated)",
    "smaller batches, one sentence, the same answers",
)
def full_gpu(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    import numpy as np

    from course_utils.networks import evaluation

    hungry, fed = Hungry(most=50), Hungry(most=10_000)
    fed.load_state_dict(hungry.state_dict())
    found = read(lambda: evaluation.predict(hungry, few_digits()), "smaller ones are tried")
    expected = evaluation.predict(fed, few_digits())
    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-5)


@fault(
    "The GPU's memory is full while a network is trained (simulated)", "one sentence: what to do"
)
def full_gpu_in_training(place: Path) -> None:
    os.environ["COURSE_DATA"] = "sample"
    from course_utils.images import load_mnist
    from course_utils.networks import training

    def attempt() -> None:
        val = load_mnist("val").subset(slice(0, 100))
        training.fit(Hungry(most=48), few_digits(), val, name="x", folder=place, epochs=1)

    read(attempt, "GPU's memory does not suffice", "CUDA_VISIBLE_DEVICES", error=MemoryError)


# --- several at once ---


@fault("Two notebooks train different networks at once", "both are handed on")
def side_by_side(place: Path) -> None:
    both = [start(BOTH, str(place), name) for name in ("lenet", "packed-4")]
    judge_words("\n".join(finish(one) for one in both), "lenet: from your own", "packed-4: from")


BOTH = """
import os, sys
from pathlib import Path
os.environ["COURSE_DATA"] = "sample"
from trainings import few_digits
from course_utils import data, runs, training, zoo
from course_utils.networks.registry import chapters
name, digits = sys.argv[2], few_digits()
val = load_mnist("val").subset(slice(0, 100))
model = zoo.build(chapters()[name].architecture)
folder = runs.folder()
runs.save(training.fit(model, digits, val, name=name, folder=folder, epochs=1), digits, digits)
runs.load(name, "sample")
"""
