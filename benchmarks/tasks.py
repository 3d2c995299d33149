"""What is measured, each a function for a process of its own (see `processes.Side`)."""

from __future__ import annotations

import tempfile
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import ancestor
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import Callback
from processes import cpu_clock, wall_clock
from torch import nn

from course_utils.images import SPLITS, ImageSet, batches, load_fashion_mnist, load_mnist
from course_utils.networks import evaluation, training, zoo

# Readable name -> architecture of the zoo, members.
MODELS = {"LeNet": ("lenet", 1), "DE-2": ("deep-ensemble 2", 2), "PE-4": ("packed 2 4", 4)}


@cache
def images() -> dict[str, ImageSet]:
    """The same four sets for both sides; OOD as large as the test set, as in the ancestor.

    Its OOD images are from Fashion-MNIST's training set. The sample has none: its "test" instead.
    """
    sets = {split: load_mnist(split) for split in SPLITS}
    ood_split = "train" if sets["train"].source == "full" else "test"
    ood = load_fashion_mnist(ood_split)
    return sets | {"ood": ood.subset(slice(0, len(sets["test"])))}


def _build(name: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return zoo.build(MODELS[name][0])


def warm_up() -> dict[str, str | int]:
    """Load libraries and images; the first run of anything is slower than the second."""
    sets = images()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        training.fit(
            zoo.build("lenet"),
            sets["train"].subset(slice(0, 1280)),
            sets["val"].subset(slice(0, 500)),
            name="warm-up",
            folder=folder,
            epochs=1,
        )
    where = training.device()
    name = torch.cuda.get_device_name(where) if where.type == "cuda" else "CPU"
    return {"device": name, "threads": torch.get_num_threads(), "source": sets["train"].source}


def ancestor_fit_and_test(
    name: str, seed: int, epochs: int, training_workers: int, evaluation_workers: int
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return ancestor.fit_and_test(
            _build(name, seed),
            MODELS[name][1],
            images(),
            epochs=epochs,
            folder=Path(folder),
            training_workers=training_workers,
            evaluation_workers=evaluation_workers,
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
    seconds, accuracy : float or None
        Since the creation of the callback, without the looks; None if it never came so far.
    """

    def __init__(self, val: ImageSet, target: float, every: int) -> None:
        self.val, self.target, self.every = val, target, every
        self.seconds: float | None = None
        self.accuracy: float | None = None
        self.steps = 0
        self._start, self._paused = wall_clock(), 0.0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        if self.seconds is not None or trainer.global_step % self.every:
            return
        now = wall_clock()
        accuracy = self._look(pl_module)
        if accuracy > self.target:
            self.seconds, self.accuracy = now - self._start - self._paused, accuracy
            self.steps = trainer.global_step
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


def course_reach(name: str, seed: int, epochs: int, target: float, every: int) -> dict:
    """How long the course's own training takes until its validation accuracy passes a target."""
    sets, model = images(), _build(name, seed)
    with tempfile.TemporaryDirectory() as folder:
        reach = Reach(sets["val"], target, every)
        training.fit(
            model,
            sets["train"],
            sets["val"],
            name=name,
            folder=folder,
            epochs=epochs,
            callbacks=[reach],
        )
    return {"seconds": reach.seconds, "steps": reach.steps, "accuracy": reach.accuracy}


class _Stepper:
    """Forward, backward and step on batches that lie ready: nothing else can be saved."""

    def __init__(self, name: str, seed: int) -> None:
        where = training.device()
        model = _build(name, seed).to(where)
        self.model = model
        self.members = MODELS[name][1]
        self.optimizer = training.one_cycle_sgd(model, 1000, self.members)["optimizer"]
        self.optimizer.param_groups[0]["foreach"] = True
        train = images()["train"].subset(slice(0, 20 * training.BATCH_SIZE))
        ready = [
            (inputs, labels.repeat(self.members))
            for inputs, labels in batches(train, training.BATCH_SIZE, device=where, seed=seed)
        ]
        self.batches = cycle(ready)

    def __call__(self) -> None:
        inputs, labels = next(self.batches)
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(inputs), labels).backward()
        self.optimizer.step()


def floor(name: str, seed: int, steps: int) -> tuple[float, float]:
    """Seconds, and seconds of processors, for so many steps of pure computation."""
    step = _Stepper(name, seed)
    for _ in range(10):
        step()
    start, cpu_start = wall_clock(), cpu_clock()
    for _ in range(steps):
        step()
    return wall_clock() - start, cpu_clock() - cpu_start


def alternating_steps(seed: int, steps: int) -> dict[str, list[float]]:
    """Seconds of each step, the three networks taking turns, so that all meet the same machine."""
    steppers = {name: _Stepper(name, seed) for name in MODELS}
    seconds: dict[str, list[float]] = {name: [] for name in MODELS}
    for turn in range(steps + 5):
        for name, step in steppers.items():
            start = wall_clock()
            step()
            if turn >= 5:  # the first ones allocate
                seconds[name].append(wall_clock() - start)
    return seconds


def loader_epoch(seed: int) -> float:
    """Seconds that preparing the batches of one epoch takes, with nobody computing on them."""
    loader = batches(
        images()["train"],
        training.BATCH_SIZE,
        shuffle=True,
        crop_padding=4,
        device=training.device(),
        seed=seed,
    )
    for _ in islice(loader, 10):
        pass
    start = wall_clock()
    for _ in loader:
        pass
    return wall_clock() - start
