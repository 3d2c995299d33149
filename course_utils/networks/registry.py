"""Every network of the course, once: its architecture, how it is trained, and what it stands for.

A new network of the zoo is one entry in `NETWORKS` (or in `ENSEMBLES`, if it combines stored ones)
and ``make zoo``; a new architecture is one more function in `ARCHITECTURES`. Nothing here needs
PyTorch before a network is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from course_utils._support.settings import Speed

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "ARCHITECTURES",
    "ENSEMBLES",
    "NETWORKS",
    "Ensemble",
    "Network",
    "Recipe",
    "chapters",
    "positions_of",
]


@dataclass(frozen=True)
class Recipe:
    """Everything a training needs besides the network and the seed.

    Attributes
    ----------
    epochs : int
    num_train : int
        How many digits to train on, equally many of each class unless it is all of them.
    learning_rate, weight_decay : float
        The highest learning rate, and the weight decay of a network trained alone.
    crop_padding : int
        Random crops after padding by this many pixels.
    warm_up : float
        Share of the steps in which the learning rate rises.
    affine : bool
        Whether images are also rotated, scaled and sheared a little.
    """

    epochs: int
    num_train: int = 55_000
    learning_rate: float = 0.05
    weight_decay: float = 5e-4
    crop_padding: int = 4
    warm_up: float = 0.4
    affine: bool = False


# Chosen on the validation digits.
LONG = Recipe(epochs=75, warm_up=0.2, affine=True)
SHORT = Recipe(epochs=3)  # what the lessons train live
# Too few digits, on purpose: networks that make mistakes worth looking at.
MODEST = Recipe(epochs=54, num_train=2000, crop_padding=0)


def positions_of(labels: NDArray[np.int64], num_train: int) -> NDArray[np.int64]:
    """Which of the training digits a recipe takes that trains on fewer than all.

    The first of each class, equally many: the same ones for every network.

    Parameters
    ----------
    labels : int64, shape [N]
        Of all the training digits.
    num_train : int

    Returns
    -------
    int64, shape [num_train]
        Ascending.
    """
    of_each = [np.flatnonzero(labels == digit)[: num_train // 10] for digit in range(10)]
    return np.sort(np.concatenate(of_each))


@dataclass(frozen=True)
class Network:
    """A network that the zoo stores.

    Attributes
    ----------
    architecture : str
        A name of `ARCHITECTURES` and the numbers it takes.
    recipe : Recipe
    seed : int
    chapter : str or None
        What a chapter calls the network of its own that this one can stand in for.
    keeps_log : bool
        Whether the log of the training is stored too, for a chapter that draws it.
    """

    architecture: str
    recipe: Recipe
    seed: int = 0
    chapter: str | None = None
    keeps_log: bool = False


@dataclass(frozen=True)
class Ensemble:
    """Stored networks that were trained independently and are combined at evaluation."""

    members: tuple[str, ...]
    chapter: str | None = None


NETWORKS: dict[str, Network] = {
    "short-lenet": Network("lenet", SHORT, chapter="lenet", keeps_log=True),
    "short-deep-ensemble-2": Network("deep-ensemble 2", SHORT, chapter="deep-ensemble-2"),
    "short-packed-4": Network("packed 2 4", SHORT, chapter="packed-4"),
    "short-mc-dropout": Network("mc-dropout 0.1 16", SHORT),
    "short-batch-ensemble-4": Network("batch-ensemble 4", SHORT),
    **{f"modest-lenet-{seed}": Network("lenet", MODEST, seed) for seed in range(8)},
    "modest-packed-4": Network("packed 2 4", MODEST),
    "lenet-0": Network("lenet", LONG, chapter="lenet"),
    **{f"lenet-{seed}": Network("lenet", LONG, seed) for seed in range(1, 8)},
    "packed-4-0": Network("packed 2 4", LONG, chapter="packed-4"),
    **{f"packed-4-{seed}": Network("packed 2 4", LONG, seed) for seed in range(1, 5)},
    "packed-4-wide": Network("packed 4 4", LONG),
    "mc-dropout": Network("mc-dropout 0.1 16", LONG),
}

ENSEMBLES: dict[str, Ensemble] = {
    "deep-ensemble-2": Ensemble(("lenet-0", "lenet-1"), chapter="deep-ensemble-2"),
    "deep-ensemble-8": Ensemble(tuple(f"lenet-{seed}" for seed in range(8))),
    "modest-deep-ensemble-2": Ensemble(("modest-lenet-0", "modest-lenet-1")),
    "modest-deep-ensemble-8": Ensemble(tuple(f"modest-lenet-{seed}" for seed in range(8))),
}


@dataclass(frozen=True)
class ChapterNetwork:
    """A network that a chapter trains: its architecture, and the zoo's that stand in for it."""

    architecture: str
    short: str
    long: str

    def stored(self, speed: Speed) -> str:
        """The zoo's name of what was trained for as long as this speed trains."""
        return self.long if speed == "full" else self.short


def chapters() -> dict[str, ChapterNetwork]:
    """The networks that chapters train and hand on, by the names they have there."""
    short = {
        network.chapter: name
        for name, network in NETWORKS.items()
        if network.chapter and network.recipe == SHORT
    }
    stored: dict[str, Network | Ensemble] = {**NETWORKS, **ENSEMBLES}
    long = {
        entry.chapter: name
        for name, entry in stored.items()
        if entry.chapter and name not in short.values()
    }
    return {
        chapter: ChapterNetwork(NETWORKS[name].architecture, name, long[chapter])
        for chapter, name in short.items()
    }


# --- architectures -------------------------------------------------------------------------------
def _lenet() -> nn.Module:
    from .models import LeNet

    return LeNet()


def _deep_ensemble(num_members: str) -> nn.Module:
    from torch_uncertainty.methods import deep_ensembles

    return deep_ensembles(_lenet(), int(num_members))


def _packed(alpha: str, num_members: str) -> nn.Module:
    from .models import PackedLeNet

    return PackedLeNet(alpha=float(alpha), num_estimators=int(num_members))


def _mc_dropout(rate: str, num_passes: str) -> nn.Module:
    from torch_uncertainty.methods import mc_dropout
    from torch_uncertainty.models.classification.lenet import lenet

    network = lenet(1, 10, dropout_rate=float(rate))
    # pass after pass: all in one batch leaves a CPU's cache, and takes three times as long
    return mc_dropout(network, num_estimators=int(num_passes), on_batch=False)


def _batch_ensemble(num_members: str) -> nn.Module:
    from torch_uncertainty.methods import batch_ensemble

    return batch_ensemble(_lenet(), int(num_members), convert_layers=True)


#: What an architecture's first word stands for; the words after it are the function's arguments.
ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "lenet": _lenet,
    "deep-ensemble": _deep_ensemble,
    "packed": _packed,
    "mc-dropout": _mc_dropout,
    "batch-ensemble": _batch_ensemble,
}
