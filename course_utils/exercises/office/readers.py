"""Who may read the mail: only networks that cannot have seen a digit of it before.

The streams are made of MNIST's training digits, so a network that has learned from all of them
would remember and not read. Three things are looked at:

- how a network of the course was trained: the zoo records a hash of the images, and so does
  ``runs.save`` of your own trainings;
- the images that you say your network has learned from: all of them must be among the 2,000. Its
  weights are compared with the zoo's, whatever you say;
- what it knows by heart. A network that reads well and has learned from 2,000 digits alone is much
  better on these than on the mail. To one that has learned from all digits they are all alike.

What cannot be seen is a network that has learned from all digits first and from the 2,000 by heart
afterwards, if you hand in the wrong images with it. And a policy is free to look up labels: every
image of the course lies open. The office trusts its learners that far.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, update_wrapper
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exercises import guard
from course_utils.images import ImageSet, load_mnist
from course_utils.metrics.predictions import Predictions

from . import OfficeError
from .streams import Room, modest_digits

if TYPE_CHECKING:
    from torch import nn

EIGHT = "modest-deep-ensemble-8"
GOOD = 0.02  # error rate below which a network must know its own 2,000 digits better than others
CLEARLY = 2.0  # standard errors by which it does
SMALLEST = 100  # numbers in a tensor by which weights are recognised
_KNOWN_BY_HEART = "the mail among them: it would remember, not read"


@dataclass(frozen=True, eq=False)
class Reader:
    """A network that the office admits.

    Attributes
    ----------
    name : str
        As the model card has it.
    model : nn.Module
    """

    name: str
    model: nn.Module

    def predictions(self, images: ImageSet) -> Predictions:
        """What it says of images that you have: [N] labels, logits [N, M, 10]."""
        if not isinstance(images, ImageSet):
            raise OfficeError(
                "A reader reads an ImageSet, such as `office.validation` or what `corrupt` makes "
                "of it."
            )
        from course_utils.networks.evaluation import predict

        def call() -> Predictions:
            return predict(self.model, images)

        update_wrapper(call, type(self.model).forward)  # an error is quoted from there
        try:
            predictions: Predictions = guard.call(call)
        except guard.Failed as failed:
            said = str(failed).replace("your function", "the network", 1)
            raise OfficeError(
                f"{self.name} cannot read images of 28 by 28 pixels: {said}"
            ) from None
        if predictions.num_classes != 10:
            raise OfficeError(
                f"{self.name} knows {predictions.num_classes} classes: a reader answers with one "
                "of ten digits."
            )
        return predictions

    def __repr__(self) -> str:
        return f"Reader({self.name!r})"


@cache
def eight_on_validation() -> Predictions:
    """What the modest ensemble of eight says of the validation digits."""
    return _from_zoo(EIGHT).predictions(load_mnist("val"))


def admitted_names() -> list[str]:
    """Networks of the zoo that may read."""
    from course_utils.networks import zoo

    return [name for name in zoo.names() if _is_modest(zoo.facts(name))]


def admit(network: object, trained_on: object, room: Room) -> Reader:
    """Admit a network, or say why not.

    Parameters
    ----------
    network : str, Run, Fit or nn.Module
    trained_on : ImageSet or None
        What a network of your own has learned from.
    room : Room

    Raises
    ------
    OfficeError
    """
    if isinstance(network, Reader):
        return network
    if isinstance(network, str):
        return _from_zoo(network)
    facts, name = getattr(network, "facts", None), getattr(network, "name", None)
    model: Any = getattr(network, "model", network)  # of a Run or a Fit
    name = name if isinstance(name, str) else type(model).__name__
    if isinstance(facts, dict) and "data_hash" in facts:
        if not _is_modest(facts):
            raise OfficeError(
                f"{name} has learned from {facts.get('num_train', 0):,} digits, {_KNOWN_BY_HEART}. "
                "Train it on `office.training`, or take one of the modest networks."
            )
    elif not hasattr(model, "state_dict"):
        raise OfficeError(
            f"This is a `{type(network).__name__}`, not a network. Give the name of one, such as "
            f'"{EIGHT}", or your own with the images that it has learned from.'
        )
    else:
        _check_images(trained_on)
    reader = Reader(f"own {name}"[:60], model)
    check_weights(reader)
    _check_memory(reader, room)
    return reader


def _is_modest(facts: dict[str, Any]) -> bool:
    return facts["data_hash"] == _hash_of_modest()


@cache
def _hash_of_modest() -> str:
    return modest_digits().content_hash


@cache
def _from_zoo(name: str) -> Reader:
    from course_utils.networks import zoo

    known = admitted_names()
    if name in known:
        return Reader(name, zoo.load(name))
    choices = f"Admitted are {', '.join(known)}."
    if name in zoo.names():
        count = zoo.facts(name)["num_train"]
        raise OfficeError(f"{name} has learned from {count:,} digits, {_KNOWN_BY_HEART}. {choices}")
    raise OfficeError(f"There is no network {name[:60]!r}. {choices}")


def _check_images(trained_on: object) -> None:
    if trained_on is None:
        raise OfficeError(
            "Say what your network has learned from: `office.admit(model, "
            "trained_on=office.training)`."
        )
    if not isinstance(trained_on, ImageSet) or not len(trained_on):
        raise OfficeError(
            "`trained_on` takes the ImageSet that your network has learned from, before any crops "
            "or other changes that were made while it was trained."
        )
    known = {image.tobytes() for image in modest_digits().images}
    others = sum(image.tobytes() not in known for image in trained_on.images)
    if others:
        raise OfficeError(
            f"{others:,} of the {len(trained_on):,} images that your network has learned from are "
            f"not among the {len(known):,} digits of `office.training`, and may be in the mail. "
            "Train it on these."
        )


def _fingerprints(state: dict[str, Any]) -> Iterator[str]:
    for value in state.values():
        if value.numel() >= SMALLEST:
            yield hashlib.sha256(value.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


@cache
def _immodest_weights() -> dict[str, str]:
    from safetensors.torch import load_file

    from course_utils.networks import zoo

    return {
        fingerprint: name
        for name in zoo.names()
        if "members" not in zoo.facts(name) and not _is_modest(zoo.facts(name))
        for fingerprint in _fingerprints(load_file(zoo.FOLDER / f"{name}.safetensors"))
    }


def check_weights(reader: Reader) -> None:
    """Refuse weights of a network that has learned from other digits.

    Raises
    ------
    OfficeError
    """
    known = _immodest_weights()
    for fingerprint in _fingerprints(reader.model.state_dict()):
        if fingerprint in known:
            raise OfficeError(
                f"These are weights of {known[fingerprint]}, which has learned from all training "
                f"digits, {_KNOWN_BY_HEART}."
            )


def _check_memory(reader: Reader, room: Room) -> None:
    """Refuse a network that reads well, and its own 2,000 digits no better than the mail."""
    clean = room.kinds == "clean"
    mail = reader.predictions(room.images.subset(clean)).predicted != room.truth[clean]
    own = ~reader.predictions(modest_digits()).correct
    share = np.concatenate([mail, own]).mean()
    error = np.sqrt(share * (1 - share) * (1 / len(mail) + 1 / len(own)))
    if mail.mean() < GOOD and mail.mean() - own.mean() <= CLEARLY * error:
        raise OfficeError(
            f"{reader.name} errs on {100 * own.mean():.2f} % of the 2,000 digits that it should "
            f"have learned from, and on {100 * mail.mean():.2f} % of the mail's undamaged ones. So "
            "good a network would know its own digits better: it seems to have seen the mail "
            "before. Train it on `office.training` alone."
        )
