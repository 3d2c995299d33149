"""Disagreement explorer: pick an image, switch members on and off, and see who is unsure why."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, disagreement_sheet, style
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import of_same_images

from .front_end import LiveWidget, stored, widget
from .sending import noun_of, pictures, shown

DISPUTED, UNSURE = "most disputed first", "most unsure first"
ORDERS = (
    DISPUTED,
    "unsure without dispute first",
    UNSURE,
    "surest first",
    "most confident mistake first",
    "by number",
)
# Images of a side in a page: 10,000 by eight members are 6 MB, more than anybody looks through.
SHOWN = 2_000
FIRST = SHOWN // 2  # of them in the order of the data; the others are the interesting ones


class DisagreementExplorer(LiveWidget):
    """Look at what each member says about an image, and switch members on and off.

    Of many images the widget holds 2,000: those that the models get wrong or are least sure about,
    and the first ones of the data.

    Parameters
    ----------
    models : Predictions, or mapping of name to Predictions
        For the same images, with labels or without.
    images : ImageSet or uint8 [N, H, W]
    foreign : Predictions, or mapping of name to Predictions, optional
        The same models' predictions of images of no class they know, such as Fashion-MNIST.
    foreign_images : ImageSet or uint8 [K, H, W], optional
        Those images; of many the first 2,000 are shown.
    foreign_names : sequence of str, optional
        Names of their classes.
    class_names : sequence of str, optional

    Attributes
    ----------
    model : str
    members : list of bool [M]
        Which members answer.
    index, foreign_index : int
        The image on each side, by its number in the data.
    order, foreign_order : str
        In which order of ``ORDERS`` "next" and "previous" go.
    """

    model = traitlets.Unicode().tag(sync=True)
    members = traitlets.List(traitlets.Bool()).tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    foreign_index = traitlets.Int(0).tag(sync=True)
    order = traitlets.Unicode(DISPUTED).tag(sync=True)
    foreign_order = traitlets.Unicode(DISPUTED).tag(sync=True)

    def __init__(
        self,
        models: Mapping[str, Predictions] | Predictions,
        images: Any,
        *,
        foreign: Mapping[str, Predictions] | Predictions | None = None,
        foreign_images: Any = None,
        foreign_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.models = _checked(models)
        first = next(iter(self.models.values()))
        stack = checks.images_for(images, len(first))
        if stack is None:
            raise ValueError("The images are missing; pass those that the models predicted.")
        self.images, labels = stack, _labels(self.models)
        self.shown = {"index": _interesting(self.models, labels)}
        names = checks.class_names(first.num_classes, class_names)
        given = {
            **_side(self.models, stack, self.shown["index"]),
            "labels": None if labels is None else stored(labels[self.shown["index"]]),
            "set": zlib.crc32(stack.tobytes()),  # by which other widgets know it
            "class_names": names,
            "noun": noun_of(names),
        }
        ensembles = [name for name, one in self.models.items() if one.num_members > 1]
        model = [*ensembles, *self.models][0]
        order = DISPUTED if ensembles else UNSURE
        index = _top(self.models[model], order, self.shown["index"])
        foreign_index = 0
        if foreign is not None or foreign_images is not None:
            strange = _checked_foreign(self.models, foreign, foreign_images)
            count = len(next(iter(strange.values())))
            strangers = checks.images_for(foreign_images, count)
            self.shown["foreign_index"] = kept = np.arange(min(count, SHOWN))
            words = _foreign_words(strange, foreign_images, foreign_names)[: len(kept)]
            given["foreign"] = {**_side(strange, strangers, kept), "words": words}
            foreign_index = _top(strange[model], order, kept)
        super().__init__(
            kind="disagreement",
            given=given,
            model=model,
            members=[True] * self.models[model].num_members,
            index=index,
            foreign_index=foreign_index,
            order=order,
            foreign_order=order,
        )

    @traitlets.validate("model", "order", "foreign_order")
    def _known_word(self, proposal: Any) -> str:
        name = proposal["trait"].name
        names = list(self.models) if name == "model" else ORDERS
        return checks.one_of(proposal["value"], names, name.removeprefix("foreign_"))

    @traitlets.validate("index", "foreign_index")
    def _held_image(self, proposal: Any) -> int:
        held = self.shown.get(proposal["trait"].name, [0])
        if proposal["value"] not in held:
            raise ValueError(
                f"The widget holds {style.plural(len(held), 'image')} with numbers from {held[0]} "
                f"to {held[-1]}, but not number {proposal['value']}."
            )
        return proposal["value"]

    @traitlets.validate("members")
    def _as_many(self, proposal: Any) -> list[bool]:
        count = self.models[self.model].num_members if self.model else len(proposal["value"])
        if len(proposal["value"]) != count and not self.from_page:
            members = style.plural(count, "member")
            raise ValueError(f"{self.model} has {members}; say True or False for each.")
        return proposal["value"]

    @traitlets.observe("model")
    def _all_members(self, change: Any) -> None:
        if not self.from_page and change["old"]:
            self.members = [True] * self.models[self.model].num_members

    def picture(self) -> Picture:
        predictions, names = self.models[self.model], self.given["class_names"]
        return sheet(self.images[self.index], predictions.take([self.index]), names)


def sheet(image: np.ndarray, predictions: Predictions, names: Sequence[str]) -> Picture:
    """The figure of one image and the predictions of it."""
    label = None if predictions.labels is None else int(predictions.labels[0])
    members = predictions.probabilities[0]
    return disagreement_sheet(image, members, label=label, class_names=names)


def _side(models: Mapping[str, Predictions], images: Any, kept: np.ndarray) -> dict[str, Any]:
    """What the page gets of one side."""
    return {
        "models": [{"name": name, **shown(one.take(kept))} for name, one in models.items()],
        "images": pictures(images[kept]),
        "numbers": None if len(kept) == len(images) else stored(kept),
        "total": len(images),
    }


def _interesting(models: Mapping[str, Predictions], labels: np.ndarray | None) -> np.ndarray:
    """Numbers of the images that a page holds: half are the first, half wrong or unsure."""
    doubt = np.max([scores.entropy(one) for one in models.values()], axis=0)
    if labels is not None:  # a mistake comes before all others, however sure the model is
        doubt[np.any([one.predicted != labels for one in models.values()], axis=0)] += 100
    doubt[:FIRST] = np.inf
    return np.sort(np.argsort(-doubt, kind="stable")[:SHOWN])


def _top(predictions: Predictions, order: str, kept: np.ndarray) -> int:
    """The image that comes first."""
    score = scores.mutual_information if order == DISPUTED else scores.entropy
    return int(kept[np.argmax(score(predictions.take(kept)))])


def _checked(models: Any) -> dict[str, Predictions]:
    """Names and predictions that fit together."""
    if isinstance(models, Predictions):
        models = {"ensemble": models}
    models = of_same_images(models, "This widget")
    first_name, first = next(iter(models.items()))
    for name, one in models.items():
        if one.num_classes != first.num_classes:
            raise ValueError(
                f"{first_name} has {first.num_classes} classes and {name} has {one.num_classes}; "
                "compare models of the same classes."
            )
    return models


def _labels(models: Mapping[str, Predictions]) -> np.ndarray | None:
    return next((one.labels for one in models.values() if one.labels is not None), None)


def _checked_foreign(
    models: Mapping[str, Predictions], foreign: Any, images: Any
) -> dict[str, Predictions]:
    """Predictions of images of no class that the models know, by the same models."""
    if foreign is None or images is None:
        missing = "foreign" if foreign is None else "foreign_images"
        raise ValueError(
            f"Images out of distribution need both predictions and images; {missing} is missing."
        )
    if isinstance(foreign, Predictions):
        foreign = {next(iter(models)): foreign}
    found = _checked(foreign)
    for name, one in models.items():
        same = found.get(name)
        if not same or (same.num_members, same.num_classes) != (one.num_members, one.num_classes):
            raise ValueError(
                f"foreign needs the predictions of {name}, with {one.num_members} members and "
                f"{one.num_classes} classes as for the known images."
            )
    return {name: found[name] for name in models}


def _foreign_words(
    foreign: Mapping[str, Predictions], images: Any, names: Sequence[str] | None
) -> list[str]:
    """What each foreign image is."""
    labels = getattr(images, "labels", None)
    labels = _labels(foreign) if labels is None else labels
    if names is None or labels is None:
        return ["none of these"] * len(next(iter(foreign.values())))
    if max(labels) >= len(names):
        raise ValueError(
            f"There are {len(names)} foreign_names, but a foreign image has the label "
            f"{max(labels)}; pass one name per class."
        )
    return [str(names[label]) for label in labels]


disagreement_explorer = widget(DisagreementExplorer)
