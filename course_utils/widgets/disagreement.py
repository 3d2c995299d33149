"""Disagreement explorer: pick an image, switch members on and off, and see who is unsure why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from course_utils._support import validation as checks
from course_utils.figures import Picture, disagreement_sheet, style
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions

from .front_end import LiveWidget, stored, widget
from .sending import pictures, shown

DISPUTED, UNSURE = "most disputed first", "most unsure first"
ORDERS = (
    DISPUTED,
    "unsure without dispute first",
    UNSURE,
    "surest first",
    "most confident mistake first",
    "by number",
)
NOT_KNOWN = "none of these"
FOREIGN = 2_000  # strange images in a page: as varied as 10,000, and a fifth of their 8 MB


class DisagreementExplorer(LiveWidget):
    """The widget of :func:`disagreement_explorer`; its traits can be read, set and linked.

    Attributes
    ----------
    model : str
    members : list of bool [M]
        Which members answer.
    index, foreign_index : int
        The image on each side.
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
        foreign: Mapping[str, Predictions] | Predictions | None = None,
        foreign_images: Any = None,
        foreign_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.models = _checked_models(models)
        first = next(iter(self.models.values()))
        stack = checks.images_for(images, len(first))
        if stack is None:
            raise ValueError("The images are missing; pass those that the models predicted.")
        self.images = stack
        labels = _labels(self.models)
        given: dict[str, Any] = {
            "models": _sent(self.models),
            "images": pictures(self.images),
            "labels": None if labels is None else stored(labels),
            "class_names": checks.class_names(first.num_classes, class_names),
        }
        ensembles = [name for name, one in self.models.items() if one.num_members > 1]
        model = [*ensembles, *self.models][0]
        order = DISPUTED if ensembles else UNSURE
        start = {
            "model": model,
            "members": [True] * self.models[model].num_members,
            "order": order,
            "foreign_order": order,
            "index": _first(self.models[model], order),
        }
        if foreign is not None or foreign_images is not None:
            strange = _checked_foreign(self.models, foreign, foreign_images)
            words = _foreign_words(strange, foreign_images, foreign_names)
            strangers = checks.images_for(foreign_images, len(words))
            assert strangers is not None  # `_checked_foreign` refuses that
            strange = {name: one.take(slice(FOREIGN)) for name, one in strange.items()}
            given["foreign"] = {
                "models": _sent(strange),
                "images": pictures(strangers[:FOREIGN]),
                "words": words[:FOREIGN],
                "note": f"These are the first {FOREIGN:,} of {len(words):,}."
                if len(words) > FOREIGN
                else "",
            }
            start["foreign_index"] = _first(strange[model], order)
        super().__init__(kind="disagreement", given=given, **start)

    @traitlets.validate("model", "order", "foreign_order")
    def _known_word(self, proposal: Any) -> str:
        name = proposal["trait"].name
        names = list(self.models) if name == "model" else ORDERS
        return checks.one_of(proposal["value"], names, name.removeprefix("foreign_"))

    @traitlets.validate("index")
    def _known_image(self, proposal: Any) -> int:
        if not 0 <= proposal["value"] < len(self.images):
            raise ValueError(
                f"Images are numbered from 0 to {len(self.images) - 1:,}; there is no number "
                f"{proposal['value']}."
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

    @property
    def probabilities(self) -> np.ndarray:
        """What the members that are on say about the image, [members, classes]."""
        rows = self.models[self.model].take([self.index]).probabilities[0]
        return rows[np.array(self.members)]

    def picture(self) -> Picture:
        predictions = self.models[self.model].take([self.index])
        label = None if predictions.labels is None else int(predictions.labels[0])
        return disagreement_sheet(
            self.images[self.index],
            predictions.probabilities[0],
            label=label,
            class_names=self.given["class_names"],
        )


def _sent(models: Mapping[str, Predictions]) -> list[dict[str, Any]]:
    return [{"name": name, **shown(one)} for name, one in models.items()]


def _first(predictions: Predictions, order: str) -> int:
    """The image that comes first."""
    score = scores.mutual_information if order == DISPUTED else scores.entropy
    return int(np.argmax(score(predictions)))


def _checked_models(models: Any) -> dict[str, Predictions]:
    """Names and predictions that fit together."""
    if isinstance(models, Predictions):
        models = {"ensemble": models}
    checks.named(models, "This widget")
    for name, predictions in models.items():
        if not isinstance(predictions, Predictions):
            raise ValueError(
                f"{name} must be Predictions, not {type(predictions).__name__}; "
                "training.predict returns them."
            )
        if len(predictions) == 0:
            raise ValueError(f"{name} has no predictions; pass those of at least one image.")
    first_name, first = next(iter(models.items()))
    for name, predictions in models.items():
        checks.same_length(len(first), len(predictions), f"images of {first_name}", f"of {name}")
        if predictions.num_classes != first.num_classes:
            raise ValueError(
                f"{first_name} has {first.num_classes} classes and {name} has "
                f"{predictions.num_classes}; compare models of the same classes."
            )
    return dict(models)


def _labels(models: Mapping[str, Predictions]) -> np.ndarray | None:
    """The labels of the models that have them, which must agree."""
    labelled = {name: one.labels for name, one in models.items() if one.labels is not None}
    for name, labels in labelled.items():
        first_name, first = next(iter(labelled.items()))
        if not np.array_equal(labels, first):
            raise ValueError(
                f"{first_name} and {name} must predict the same images in the same order; "
                "their labels differ."
            )
    return next(iter(labelled.values()), None)


def _checked_foreign(
    models: Mapping[str, Predictions], foreign: Any, images: Any
) -> dict[str, Predictions]:
    """Predictions of images of no class that the models know, by the same models."""
    if foreign is None or images is None:
        missing = "foreign" if foreign is None else "foreign_images"
        raise ValueError(
            "For images out of distribution pass both predictions and images; "
            f"{missing} is missing."
        )
    if isinstance(foreign, Predictions):
        foreign = {next(iter(models)): foreign}
    checks.named(foreign, "foreign")
    missing_models = [name for name in models if name not in foreign]
    if missing_models:
        raise ValueError(
            f"There are no foreign predictions of {style.listing(missing_models)}; pass those of "
            "every model."
        )
    foreign = _checked_models({name: foreign[name] for name in models})
    for name, predictions in foreign.items():
        for what in ("num_members", "num_classes"):
            if getattr(predictions, what) != getattr(models[name], what):
                raise ValueError(
                    f"{name} has {getattr(models[name], what)} {what[4:]} for the known images but "
                    f"{getattr(predictions, what)} for the foreign ones; pass the same model's."
                )
    return foreign


def _foreign_words(
    foreign: Mapping[str, Predictions], images: Any, names: Sequence[str] | None
) -> list[str]:
    """What each foreign image is."""
    labels = getattr(images, "labels", None)
    if labels is None:
        labels = _labels(foreign)
    count = len(next(iter(foreign.values())))
    if names is None or labels is None:
        return [NOT_KNOWN] * count
    if len(labels) == 0 or max(labels) >= len(names):
        raise ValueError(
            f"There are {len(names)} foreign_names, but a foreign image has the label "
            f"{max(labels, default=0)}; pass one name per class."
        )
    return [str(names[label]) for label in labels]


@widget
def disagreement_explorer(
    models: Mapping[str, Predictions] | Predictions,
    images: Any,
    *,
    foreign: Mapping[str, Predictions] | Predictions | None = None,
    foreign_images: Any = None,
    foreign_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> DisagreementExplorer:
    """Look at what each member says about an image, and switch members on and off.

    Parameters
    ----------
    models : Predictions, or mapping of name to Predictions
        For the same N images; labels are shown if they are there.
    images : ImageSet or uint8 [N, H, W]
    foreign : Predictions, or mapping of name to Predictions, optional
        By the same models, for images out of distribution; they are shown beside the others.
    foreign_images : ImageSet or uint8 [K, H, W], optional
    foreign_names : sequence of str, optional
        Names of the classes of the foreign images, such as ``figures.FASHION``.
    class_names : sequence of str, optional

    Returns
    -------
    DisagreementExplorer
        Where the input makes no sense, a widget that says so.
    """
    return DisagreementExplorer(models, images, foreign, foreign_images, foreign_names, class_names)
