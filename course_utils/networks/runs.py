"""What one chapter hands on to the next: trained weights, predictions, and how they came about.

A chapter saves to ``runs/<speed>/``; a later one takes what is there, otherwise the zoo's,
and says which. So every chapter can be opened first.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils._support import settings
from course_utils._support.atomic import remove_leftovers, write_whole
from course_utils._support.places import course_folder
from course_utils.images import ImageSet
from course_utils.metrics.predictions import Predictions

from .registry import chapters

if TYPE_CHECKING:
    from torch import nn

    from .training import Fit

__all__ = ["Run", "folder", "load", "save"]


@dataclass(frozen=True)
class Run:
    """One trained network with its history.

    Attributes
    ----------
    name : str
    model : nn.Module
        In evaluation mode, on the CPU.
    facts : dict
        ``epochs``, ``seconds``, ``device``, ``num_train``, ``data_hash`` of the training images,
        ``sha256`` of the weights.
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
            try:
                return Predictions.load(self.folder / _file_name(self.name, self.facts, images))
            except (OSError, ValueError):
                pass  # never kept, or damaged since: the network can say it again
        from .evaluation import predict

        return predict(self.model, images)


def folder() -> Path:
    """``runs/<speed>`` at the top of the course, or in ``COURSE_RUNS_DIR``."""
    given = os.environ.get("COURSE_RUNS_DIR", "").strip()
    top = Path(given).expanduser().absolute() if given else course_folder() / "runs"
    return top / settings.speed()


def save(fit: Fit, train: ImageSet, *image_sets: ImageSet) -> Run:
    """Hand a trained network on to later chapters, with its predictions for some images.

    Parameters
    ----------
    fit : Fit
        What `course_utils.networks.training.fit` returned.
    train : ImageSet
        What it was trained on.
    *image_sets : ImageSet
        Whose predictions to keep.

    Raises
    ------
    OSError
        If the folder is full or cannot be written to; what an earlier training left is still there.
    """
    from safetensors.torch import save as serialise

    from .evaluation import predict

    where = folder()
    state = {key: value.contiguous() for key, value in fit.model.state_dict().items()}
    weights = serialise(state)
    facts = {
        "epochs": fit.epochs,
        "seconds": round(fit.seconds, 2),
        "device": fit.device,
        "num_train": len(train),
        "data_hash": train.content_hash,
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    try:
        where.mkdir(parents=True, exist_ok=True)
        remove_leftovers(where, ".new-*", age=3600)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=where) as staging:
            new = Path(staging)
            write_whole(new / f"{fit.name}.safetensors", weights)
            for images in image_sets:
                predict(fit.model, images).save(new / _file_name(fit.name, facts, images))
            write_whole(new / f"{fit.name}.json", json.dumps(facts, indent=1).encode())
            with _alone(where):
                _replace(fit.name, where, new)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{fit.name} cannot be kept in {where} ({error.strerror}): make room, or set"
            " COURSE_RUNS_DIR to another folder, then run this cell again. The network is still in"
            " this notebook, and what was kept before stays.",
        ) from None
    return Run(fit.name, fit.model, facts, "this chapter", where)


def _replace(name: str, where: Path, new: Path) -> None:
    """Put new files in the place of all those of an earlier training; needs no room on the disk."""
    # the facts go first and come last: a run without them counts as unfinished
    for earlier in (where / f"{name}.json", *where.glob(f"{name}.*.npz")):
        earlier.unlink(missing_ok=True)
    for path in sorted(new.iterdir(), key=lambda path: path.suffix == ".json"):
        os.replace(path, where / path.name)


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    """Keep other notebooks from replacing files that belong together, while they are looked at."""
    import filelock

    lock = filelock.FileLock(where / ".lock")
    # a folder without locks, or read-only: a run that does not fit together is noticed by its hash
    with suppress(OSError, NotImplementedError):
        lock.acquire(timeout=30)
    try:
        yield
    finally:
        lock.release()


def load(name: str) -> Run:
    """The network an earlier chapter left, otherwise the zoo's; prints which.

    Parameters
    ----------
    name : str
        ``"lenet"``, ``"deep-ensemble-2"`` or ``"packed-4"``.
    """
    from . import zoo

    known = chapters()
    if name not in known:
        raise ValueError(f"No chapter trains {name!r}: choose among {', '.join(known)}.")
    where = folder()
    run = _own(name, known[name].architecture, where) if where.is_dir() else None
    if run is None:
        # an interrupted chapter is no reason to stop this one
        stored = known[name].stored(settings.speed())
        run = Run(name, zoo.load(stored), zoo.facts(stored), f"the course's zoo ({stored})")
    print(
        f"{name}: from {run.origin}, {run.facts['epochs']} epochs on"
        f" {run.facts['num_train']:,} digits."
    )
    return run


def _own(name: str, architecture: str, where: Path) -> Run | None:
    from . import zoo

    try:
        with _alone(where):
            facts = json.loads((where / f"{name}.json").read_text(encoding="utf-8"))
            if not {"epochs", "num_train", "sha256"} <= set(facts):
                raise ValueError("The facts are incomplete.")
            model = zoo.build(architecture)
            zoo.load_weights(model, where / f"{name}.safetensors", facts["sha256"])
    except FileNotFoundError:  # nothing was left here, or not to its end
        return None
    except (OSError, ValueError, KeyError, TypeError, zoo.ZooError):
        print(f"{name}: what is in {where} is damaged or belongs to another network.")
        return None
    return Run(name, model.eval(), facts, "your own training", where)


def _file_name(name: str, facts: dict[str, Any], images: ImageSet) -> str:
    # the hashes keep predictions of other weights, or for other images, from being taken for these
    return f"{name}.{facts['sha256'][:12]}.{images.content_hash[:12]}.npz"
