"""How many minutes the chapters will compute on this machine, from a calibration of a second.

Two things take the time of a chapter: training, and everything else (imports, predictions,
drawings). ``python -m tools.author.forecast`` measured both on one core of some machine, and how
long that core takes for a step of training and for a drawing; ``assets/forecast.json`` holds these
four. What this machine takes for a step and a drawing says how much longer, or shorter, the rest
will be.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils._support.settings import Speed

if TYPE_CHECKING:
    import torch

__all__ = ["drawing_seconds", "minutes", "reference", "step_seconds"]

FILE = Path(__file__).parents[1] / "assets" / "forecast.json"
EPOCHS = {"look": 0, "train": 3, "full": 75}
BATCH_SIZE = 128
PATIENCE = 0.7  # seconds for each calibration
FEWEST = 5  # on a crowded machine, a single step may by chance take fifty times as long

Clock = Callable[[], float]


def reference() -> dict[str, Any]:
    """What was measured on the reference machine; ``"how"`` says in words how and where."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def minutes(speed: Speed, step: float, drawing: float) -> dict[str, float]:
    """Minutes of computing for each chapter.

    Parameters
    ----------
    speed : {"look", "train", "full"}
    step, drawing : float
        What `step_seconds` and `drawing_seconds` say on this machine, in seconds.

    Returns
    -------
    dict
        Name of the chapter -> minutes.
    """
    known = reference()
    training = step / known["step_seconds"] * EPOCHS[speed] / EPOCHS["train"]
    rest = drawing / known["drawing_seconds"]
    return {
        chapter: (seconds["rest"] * rest + seconds["training"] * training) / 60
        for chapter, seconds in known["chapters"].items()
    }


def step_seconds(device: str | torch.device = "cpu", clock: Clock = time.perf_counter) -> float:
    """Seconds of a step of training, LeNet on 128 digits; torch's random numbers stay as they are.

    Parameters
    ----------
    device : str or torch.device
    clock : callable
        What counts as time, in seconds.
    """
    import torch
    from torch import nn

    with torch.random.fork_rng():
        # LeNet's layers from torch alone: importing torch-uncertainty for `models` takes seconds
        network = nn.Sequential(
            *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()),
            nn.Linear(84, 10),
        ).to(device)
        # the strides of the course's own batches: they decide how fast a convolution is
        images = torch.rand(BATCH_SIZE, 28, 28, 1).movedim(-1, 1).to(device)
        labels = torch.randint(10, (BATCH_SIZE,)).to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True)

    def step() -> None:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        loss.item()  # waits for a GPU

    return _seconds(step, clock)


def drawing_seconds(clock: Clock = time.perf_counter) -> float:
    """Seconds of drawing one figure: Python and compiled code on one core."""
    import numpy as np
    from matplotlib.figure import Figure

    values = np.linspace(0, 1, 400).reshape(20, 20)

    def draw() -> None:
        figure = Figure(figsize=(8, 3))
        for axes in figure.subplots(1, 4):
            axes.imshow(values)
            axes.plot(values[0] * 19, values[-1] * 19)
        figure.savefig(io.BytesIO(), format="png")

    return _seconds(draw, clock)


def _seconds(work: Callable[[], None], clock: Clock) -> float:
    work()  # the first time is never like the others
    seconds: list[float] = []
    started = time.perf_counter()
    while len(seconds) < FEWEST or time.perf_counter() - started < PATIENCE:
        before = clock()
        work()
        seconds.append(clock() - before)
    return min(seconds)  # other work on the machine can only make it longer
