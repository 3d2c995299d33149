"""What one chapter hands on to the next: trained weights, predictions, and how they came about.

A chapter saves to ``runs/<source>-<speed>/``; a later one takes what is there, otherwise the zoo's,
and says which. So every chapter can be opened first.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import settings
from ._atomic import write_whole
from .data import ImageSet
from .predictions import Predictions

if TYPE_CHECKING:
    from torch import nn

    from .training import Fit

__all__ = ["Run", "folder", "load", "save"]

# What to take from the zoo when no earlier chapter has left anything, by COURSE_SPEED.
ZOO_NAMES = {
    "lenet": {"full": "lenet-0", "train": "short-lenet", "look": "short-lenet"},
    "deep-ensemble-2": {
        "full": "deep-ensemble-2",
        "train": "short-deep-ensemble-2",
        "look": "short-deep-ensemble-2",
    },
    "packed-4": {"full": "packed-4-0", "train": "short-packed-4", "look": "short-packed-4"},
}


@dataclass(frozen=True)
class Run:
    """One trained network with its history.

    Attributes
    ----------
    name : str
    model : nn.Module
        In evaluation mode, on the CPU.
    facts : dict
        ``epochs``, ``seconds``, ``device``, ``num_train``, ``data_hash`` of the training images.
    origin : str
        Where it comes from, in words.
    folder : Path or None
        Where its predictions are kept, None for one from the zoo.
    """

    name: str
    model: nn.Module
    facts: dict[str, Any]
    origin: str
    folder: Path | None = None

    def predictions(self, images: ImageSet) -> Predictions:
        """What the network says to these images, from file if an earlier chapter has kept it."""
        if self.folder is not None:
            path = self.folder / _file_name(self.name, images)
            if path.exists():
                return Predictions.load(path)
        from .training import predict

        return predict(self.model, images)


def folder(source: str) -> Path:
    """``runs/<source>-<speed>`` at the top of the course, or in ``COURSE_RUNS_DIR``."""
    here = Path.cwd()
    # Notebooks run in notebooks/ or work/. Away from the course's folder, as on Colab: here.
    top = here.parent if (here.parent / "course_utils").is_dir() else here
    return Path(os.environ.get("COURSE_RUNS_DIR") or top / "runs") / f"{source}-{settings.speed()}"


def save(fit: Fit, train: ImageSet, *image_sets: ImageSet) -> Run:
    """Hand a trained network on to later chapters, with its predictions for some images.

    Parameters
    ----------
    fit : Fit
        What `course_utils.training.fit` returned.
    train : ImageSet
        What it was trained on.
    *image_sets : ImageSet
        Whose predictions to keep.
    """
    from safetensors.torch import save as serialise

    from .training import predict

    where = folder(train.source)
    facts = {
        "epochs": fit.epochs,
        "seconds": round(fit.seconds, 2),
        "device": fit.device,
        "num_train": len(train),
        "data_hash": train.content_hash,
    }
    state = {key: value.contiguous() for key, value in fit.model.state_dict().items()}
    where.mkdir(parents=True, exist_ok=True)
    write_whole(where / f"{fit.name}.safetensors", serialise(state))
    for images in image_sets:
        predict(fit.model, images).save(where / _file_name(fit.name, images))
    # last: a run without its facts counts as unfinished
    write_whole(where / f"{fit.name}.json", json.dumps(facts, indent=1).encode())
    return Run(fit.name, fit.model, facts, "this chapter", where)


def load(name: str, source: str) -> Run:
    """The network an earlier chapter left, otherwise the zoo's; prints which.

    Parameters
    ----------
    name : str
        ``"lenet"``, ``"deep-ensemble-2"`` or ``"packed-4"``.
    source : str
        `ImageSet.source` of the training images.
    """
    from . import zoo

    if name not in ZOO_NAMES:
        raise ValueError(f"No chapter trains {name!r}: choose among {', '.join(ZOO_NAMES)}.")
    where = folder(source)
    try:
        facts = json.loads((where / f"{name}.json").read_text(encoding="utf-8"))
        model = zoo.build(zoo.facts(ZOO_NAMES[name]["train"])["architecture"])
        zoo.load_weights(model, where / f"{name}.safetensors")
        run = Run(name, model.eval(), facts, "your own training", where)
    except (OSError, ValueError, zoo.ZooError):
        # nothing there, or half of it: an interrupted chapter is no reason to stop this one
        stored = ZOO_NAMES[name][settings.speed()]
        run = Run(name, zoo.load(stored), zoo.facts(stored), f"the course's zoo ({stored})")
    print(
        f"{name}: from {run.origin}, {run.facts['epochs']} epochs on"
        f" {run.facts['num_train']:,} digits."
    )
    return run


def _file_name(name: str, images: ImageSet) -> str:
    # the hash keeps predictions for other images from being taken for these
    return f"{name}.{images.content_hash[:12]}.npz"
