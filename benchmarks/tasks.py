"""What is measured, each a function for a process of its own (see `harness.Side`)."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback
from torch import nn

from benchmarks import ancestor
from benchmarks.harness import cpu_clock, wall_clock
from course_utils._support.device import device
from course_utils.images import SPLITS, ImageSet, batches, load_fashion_mnist, load_mnist
from course_utils.networks import evaluation, training, zoo

# Readable name -> architecture of the zoo, members.
MODELS = {"LeNet": ("lenet", 1), "DE-2": ("deep-ensemble 2", 2), "PE-4": ("packed 2 4", 4)}

_digits: int | None = None


@cache
def images() -> dict[str, ImageSet]:
    """The same four sets for both sides; OOD are 10,000 training clothes, as in the ancestor."""
    sets = {split: load_mnist(split) for split in SPLITS}
    sets["ood"] = load_fashion_mnist("train").subset(slice(0, len(sets["test"])))
    return {name: one.subset(slice(0, _digits)) for name, one in sets.items()}


def _build(name: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return zoo.build(MODELS[name][0])


def warm_up(digits: int | None = None) -> dict[str, str | int]:
    """Load libraries and images; the first run of anything is slower than the second.

    Parameters
    ----------
    digits : int, optional
        How many of each set this process works with from now on; by default all.
    """
    global _digits
    _digits = digits
    sets = images()
    torch.manual_seed(0)
    few, val = sets["train"].subset(slice(0, 1280)), sets["val"].subset(slice(0, 500))
    with tempfile.TemporaryDirectory() as folder:
        training.fit(zoo.build("lenet"), few, val, name="warm-up", folder=folder, epochs=1)
    where = device()
    name = torch.cuda.get_device_name(where) if where.type == "cuda" else "CPU"
    return {"device": name, "threads": torch.get_num_threads(), "digits": len(sets["train"])}


def ancestor_fit_and_test(
    name: str, seed: int, epochs: int, workers: tuple[int, int]
) -> dict[str, float]:
    """Train and test one network the ancestor's way, see `ancestor.fit_and_test`."""
    model, members = _build(name, seed), MODELS[name][1]
    with tempfile.TemporaryDirectory() as folder:
        return ancestor.fit_and_test(
            model, members, images(), epochs=epochs, folder=Path(folder), workers=workers
        )


def course_fit_and_test(name: str, seed: int, epochs: int) -> dict[str, float]:
    """The same for the course; the clock runs over all of ``fit`` and ``evaluate``."""
    sets, model = images(), _build(name, seed)
    with tempfile.TemporaryDirectory() as folder:
        start, cpu_start = wall_clock(), cpu_clock()
        fit = training.fit(
            model, sets["train"], sets["val"], name=name, folder=folder, epochs=epochs
        )
        fit_seconds, fit_cpu_seconds = wall_clock() - start, cpu_clock() - cpu_start
    start = wall_clock()
    table = evaluation.evaluate({name: fit.model}, sets["test"], sets["ood"])[name]
    test_seconds = wall_clock() - start
    return {
        "fit_seconds": fit_seconds,
        "fit_cpu_seconds": fit_cpu_seconds,
        "test_seconds": test_seconds,
        "num_steps": fit.num_steps,
        "val_accuracy": float(evaluation.predict(fit.model, sets["val"]).correct.mean()),
        "test_accuracy": table["Accuracy (%)"] / 100,
        "ood_auroc": table["OOD AUROC (%)"] / 100,
    }


class Reach(Callback):
    """Stops a training once validation accuracy is above a target; looking costs no time.

    Attributes
    ----------
    seconds : float or None
        Since the creation of the callback, without the looks; None if it never came so far.
    """

    def __init__(self, val: ImageSet, target: float, every: int = 5) -> None:
        self.val, self.target, self.every = val, target, every
        self.seconds: float | None = None
        self._start, self._paused = wall_clock(), 0.0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        if self.seconds is not None or trainer.global_step % self.every:
            return
        now = wall_clock()
        if self._look(pl_module) > self.target:
            self.seconds = now - self._start - self._paused
            trainer.should_stop = True
        self._paused += wall_clock() - now

    @torch.no_grad()
    def _look(self, routine: nn.Module) -> float:
        model = routine.model
        was_training = model.training
        model.eval()
        right = 0
        for inputs, labels in batches(self.val, 500, device=routine.device, seed=0):
            logits = model(inputs).unflatten(0, (-1, len(labels)))  # [m, B, C]
            right += int((logits.softmax(-1).mean(0).argmax(-1) == labels).sum())
        model.train(was_training)
        return right / len(self.val)


def course_reach(name: str, seed: int, epochs: int, target: float) -> float | None:
    """Seconds until the validation accuracy of the course's own training passes a target."""
    sets, model = images(), _build(name, seed)
    reach = Reach(sets["val"], target)
    more = {"name": name, "epochs": epochs, "callbacks": [reach]}
    with tempfile.TemporaryDirectory() as folder:
        training.fit(model, sets["train"], sets["val"], folder=folder, **more)
    return reach.seconds
