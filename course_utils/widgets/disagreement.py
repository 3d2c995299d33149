"""Disagreement explorer: pick an image, switch members on and off, and watch who is unsure why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from course_utils._support import validation as checks
from course_utils.figures import Picture, disagreement_sheet, style
from course_utils.figures.disagreement import refill_sheet
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions

from .base import BaseWidget, control, heading, row, widget
from .blitting import BlittedFigure

DISPUTED = "most disputed first"
UNDISPUTED = "unsure without dispute first"
#: What an order counts, from the entropy of the mean and the expected entropy; highest first.
ORDERS: dict[str, Callable[[NDArray, NDArray], NDArray]] = {
    DISPUTED: lambda total, expected: total - expected,  # mutual information
    # What the members say of themselves, less what only their contradiction adds.
    UNDISPUTED: lambda total, expected: expected - (total - expected),
    "most unsure first": lambda total, expected: total,
    "surest first": lambda total, expected: -total,
    "by number": lambda total, expected: -np.arange(len(total)),
}
CHUNK = 10_000  # images whose probabilities are in memory at once
COLUMN = "414px"
NOT_KNOWN = "none of these"
MOST_LETTERS = 14  # of a class of OOD images, above its image


# --- what there is to look at -------------------------------------------------------------------
class Pile:
    """Images, and what each model says about them, in any order.

    Parameters
    ----------
    models : mapping of name to Predictions
        For the same N images and C classes.
    images : ImageSet or uint8 [N, H, W]
    truth : sequence of int or str [N], optional
        Class of each image, or a word if it is of none that the models know.
    """

    def __init__(
        self, models: Mapping[str, Predictions], images: Any, truth: Sequence[Any] | None = None
    ) -> None:
        self.models = dict(models)
        stack = checks.images_for(images, len(next(iter(self.models.values()))))
        if stack is None:
            raise ValueError("The images are missing; pass those that the models predicted.")
        self.images = stack
        self.truth = truth
        self._entropies: dict[str, tuple[NDArray, NDArray]] = {}
        self._orders: dict[tuple[str, str], tuple[NDArray, NDArray]] = {}

    def __len__(self) -> int:
        return len(self.images)

    def label(self, index: int) -> int | str | None:
        """What an image truly is, as far as it is known."""
        return None if self.truth is None else self.truth[index]

    def probabilities(self, model: str, index: int) -> NDArray[np.float64]:
        """Of each member for one image, [M, C]."""
        return self.models[model].take([index]).probabilities[0]

    def order(self, model: str, order: str) -> NDArray[np.intp]:
        """The images in an order, judged by all members of a model."""
        return self._ordered(model, order)[0]

    def place(self, model: str, order: str, index: int) -> int:
        """Where an image stands in an order, from 0."""
        return int(self._ordered(model, order)[1][index])

    def _ordered(self, model: str, order: str) -> tuple[NDArray, NDArray]:
        if (model, order) not in self._orders:
            if model not in self._entropies:
                # In chunks, because the probabilities of a million images fill the memory.
                parts = [
                    self.models[model].take(slice(start, start + CHUNK))
                    for start in range(0, len(self), CHUNK)
                ]
                self._entropies[model] = (
                    np.concatenate([scores.entropy(part) for part in parts]),
                    np.concatenate([scores.expected_entropy(part) for part in parts]),
                )
            images = np.argsort(-ORDERS[order](*self._entropies[model]), kind="stable")
            places = np.empty_like(images)
            places[images] = np.arange(len(images))
            self._orders[model, order] = images, places
        return self._orders[model, order]


# --- state --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Look:
    """One image of a pile.

    Attributes
    ----------
    index : int
    order : str
        Of ``ORDERS``, in which to go on.
    """

    index: int
    order: str = DISPUTED


@dataclass(frozen=True)
class Exploration:
    """What the user chose.

    Attributes
    ----------
    model : str
    on : tuple of bool [M]
        Which members answer.
    looks : tuple of Look
        One for each pile.
    """

    model: str
    on: tuple[bool, ...]
    looks: tuple[Look, ...]


def start(piles: Sequence[Pile]) -> Exploration:
    """All members of the first model that has several, and its most disputed images."""
    models = piles[0].models
    ensembles = [name for name, predictions in models.items() if predictions.num_members > 1]
    model = [*ensembles, *models][0]
    predictions = models[model]
    order = DISPUTED if ensembles else "most unsure first"
    looks = tuple(Look(int(pile.order(model, order)[0]), order) for pile in piles)
    return Exploration(model, (True,) * predictions.num_members, looks)


def choose_model(piles: Sequence[Pile], state: Exploration, model: str) -> Exploration:
    """Another model, with all its members, on the same images."""
    model = checks.one_of(model, list(piles[0].models), "model")
    return replace(state, model=model, on=(True,) * piles[0].models[model].num_members)


def switch(state: Exploration, member: int, on: bool) -> Exploration:
    """Let a member answer or be silent."""
    if not 0 <= member < len(state.on):
        raise ValueError(f"There are {len(state.on)} members; there is no number {member + 1}.")
    return replace(state, on=(*state.on[:member], bool(on), *state.on[member + 1 :]))


def switch_all(state: Exploration, on: bool) -> Exploration:
    """Let all members answer, or none."""
    return replace(state, on=(bool(on),) * len(state.on))


def only_one(state: Exploration) -> Exploration:
    """Let one member answer alone: the first, and from then on the next."""
    alone = (state.on.index(True) + 1) % len(state.on) if sum(state.on) == 1 else 0
    return replace(state, on=tuple(member == alone for member in range(len(state.on))))


def _with_look(state: Exploration, which: int, **changes: Any) -> Exploration:
    looks = list(state.looks)
    looks[which] = replace(looks[which], **changes)
    return replace(state, looks=tuple(looks))


def go_to(pile: Pile, which: int, state: Exploration, index: int | None) -> Exploration:
    """Another image, by its number."""
    if index is None or not 0 <= index < len(pile):
        there_are = f"There are {style.plural(len(pile), 'image')}, numbered from 0"
        raise ValueError(
            f"{there_are} to {len(pile) - 1:,}; there is no number {index}."
            if len(pile) > 1
            else "There is one image; its number is 0."
        )
    return _with_look(state, which, index=int(index))


def go_to_place(pile: Pile, which: int, state: Exploration, place: int) -> Exploration:
    """Another image, by its place in the order, from 1."""
    if not 1 <= place <= len(pile):
        raise ValueError(f"There are {len(pile):,} places in this order; there is no {place}.")
    order = pile.order(state.model, state.looks[which].order)
    return _with_look(state, which, index=int(order[place - 1]))


def choose_order(pile: Pile, which: int, state: Exploration, order: str) -> Exploration:
    """The first image of another order."""
    order = checks.one_of(order, list(ORDERS), "order")
    return _with_look(state, which, order=order, index=int(pile.order(state.model, order)[0]))


def go_on(pile: Pile, which: int, state: Exploration) -> Exploration:
    """The next image of the order."""
    look = state.looks[which]
    place = pile.place(state.model, look.order, look.index)
    if place + 1 == len(pile):
        raise ValueError("This is the last image in this order; choose another order.")
    return go_to_place(pile, which, state, place + 2)


# --- words --------------------------------------------------------------------------------------
def _answer(probabilities: NDArray, names: Sequence[str], label: int | str | None) -> str:
    """What some members say together, and how unsure they are."""
    mean = probabilities.mean(axis=0)
    said = int(mean.argmax())
    verdict = ""
    if isinstance(label, (int, np.integer)):
        verdict = ", right" if said == label else ", wrong"
    total, expected, mutual = scores.entropy_split(probabilities)
    return (
        f"{names[said]} with {style.percent(mean[said])}{verdict}. Entropy {total:.2f} = "
        f"expected entropy {expected:.2f} + mutual information {mutual:.2f}."
    )


def describe(pile: Pile, state: Exploration, which: int, names: Sequence[str]) -> str:
    """An image of a pile in words and numbers."""
    look, on = state.looks[which], np.array(state.on)
    place = pile.place(state.model, look.order, look.index)
    where = f"Image {look.index:,}, place {place + 1:,} of {len(pile):,} ({look.order})."
    if not on.any():
        return f"{where}\nAll members are switched off, so nobody answers. Switch at least one on."
    probabilities, label = pile.probabilities(state.model, look.index), pile.label(look.index)
    if len(on) == 1:
        answer = _answer(probabilities, names, label)
        return f"{where}\nThere is one member, and nobody to disagree with. It says {answer}"
    votes = Counter(probabilities[on].argmax(axis=1).tolist()).most_common()
    said = [f"{count} for {names[vote]}" for vote, count in votes]
    say = "says" if on.sum() == 1 else "together say"
    answer = _answer(probabilities[on], names, label)
    words = f"{where}\n{on.sum()} of {len(on)} members {say} {answer}"
    if on.sum() == 1:
        words += " One member alone has nobody to disagree with."
    else:
        words += f" Votes: {style.listing(said)}."
    if not on.all():
        words += f"\nAll {len(on)} together say {_answer(probabilities, names, label)}"
    return words


# --- the widget ---------------------------------------------------------------------------------
class BlittedSheet(BlittedFigure):
    """A blitted sheet, with the names of the members in the background, in two colours.

    Text is the slowest part of a sheet. The background is drawn twice, once with all names dark
    and once with all pale, and each name is then taken from one of the two.
    """

    def sheet(self, picture: Picture) -> None:
        """Draw everything that stays; ``picture.parts`` move, except the names."""
        names = {key: part for key, part in picture.parts.items() if key.startswith("name ")}
        moving = {key: part for key, part in picture.parts.items() if key not in names}
        self._faces = []
        for color in (style.REFERENCE, style.INK):
            for name in names.values():
                name.set_color(color)
            self.set_up(picture, moving)
            self._faces.append(self._pixels().copy())
        height = self._pixels().shape[0]
        self._boxes = {}
        for key, name in names.items():
            box = name.get_window_extent().padded(2)
            rows = slice(max(0, int(height - box.y1)), int(height - box.y0) + 1)
            columns = slice(max(0, int(box.x0)), int(box.x1) + 1)
            self._boxes[int(key.split()[1])] = rows, columns
        self._on: Any = None

    def switch(self, on: Sequence[bool]) -> None:
        """Darken the names of members that are on."""
        if self._on == tuple(on):
            return
        pale, dark = self._faces
        pixels = self._pixels()
        pixels[...] = dark
        for member, box in self._boxes.items():
            if not on[member]:
                pixels[box] = pale[box]
        figure = self.picture.figure
        self._background = figure.canvas.copy_from_bbox(figure.bbox)
        self._on = tuple(on)

    def _pixels(self) -> NDArray[np.uint8]:
        return np.asarray(self.picture.figure.canvas.buffer_rgba())

    def clear(self) -> None:
        """Let go of the figure."""
        super().clear()
        self._faces, self._boxes, self._on = [], {}, None


class Side:
    """A pile with its controls and its sheet; the members are switched for all sides at once."""

    def __init__(
        self, explorer: DisagreementExplorer, which: int, pile: Pile, prefix: str, upright: bool
    ) -> None:
        self.which, self.pile, self.upright = which, pile, upright
        self.picture, self.blitted = explorer.new_picture(), BlittedSheet()
        explorer.blitted_figures.append(self.blitted)  # to be cleared with the others
        self._background: int | None = None  # number of members that the sheet is set up for
        self._shown: Any = None

        def named(word: str) -> str:
            return f"{prefix} {word}" if prefix else word.capitalize()

        look = explorer.state.looks[which]
        self.order = control(
            ipywidgets.Dropdown,
            named("order"),
            options=list(ORDERS),
            value=look.order,
            width="calc(100% - 8px)" if upright else "23em",
        )
        box = 160 if prefix else 130  # pixels
        self.place = control(
            ipywidgets.IntSlider,
            named("place"),
            min=1,
            max=max(len(pile), 2),  # a slider with no way to go is an error in the page
            disabled=len(pile) == 1,
            width=f"calc(100% - {box + 30}px)",
        )
        self.number = control(ipywidgets.IntText, named("image"), width=f"{box}px")
        buttons = {
            "Most disputed": partial(choose_order, order=DISPUTED),
            "Unsure, undisputed": partial(choose_order, order=UNDISPUTED),
            "Next": go_on,
        }
        self.buttons = {
            name: control(ipywidgets.Button, name, tooltip=f"{name}: {prefix or 'image'}")
            for name in buttons
        }
        for moved, change in (
            (self.order, choose_order),
            (self.place, go_to_place),
            (self.number, go_to),
        ):
            explorer.listen(moved, partial(change, pile, which))
        for name, change in buttons.items():
            explorer.press(self.buttons[name], partial(change, pile, which))

    def children(self) -> list[Any]:
        """Controls and picture, from the top."""
        if self.upright:
            rows = [self.order, row(*self.buttons.values()), row(self.number, self.place)]
        else:
            rows = [row(self.order, *self.buttons.values()), row(self.number, self.place)]
        return [*rows, self.picture]

    def follow(self, explorer: DisagreementExplorer) -> None:
        """Set the controls to the state."""
        look = explorer.state.looks[self.which]
        explorer.put(self.order, value=look.order)
        place = self.pile.place(explorer.state.model, look.order, look.index)
        explorer.put(self.place, value=place + 1)
        explorer.put(self.number, value=look.index)

    def draw(self, state: Exploration, names: Sequence[str]) -> None:
        """Move the parts of the sheet; draw it anew only for another number of members."""
        shown = (state.model, state.on, state.looks[self.which])
        if self._shown == shown and not self.picture.problem:
            return
        index = state.looks[self.which].index
        image, label = self.pile.images[index], self.pile.label(index)
        probabilities = self.pile.probabilities(state.model, index)
        if self._background != len(probabilities):
            picture = disagreement_sheet(
                image, probabilities, label=label, class_names=names, upright=self.upright
            )
            self.blitted.sheet(picture)
            self._background = len(probabilities)
        if isinstance(label, str) and len(label) > MOST_LETTERS:
            label = label[: MOST_LETTERS - 1] + "…"
        alt = refill_sheet(
            self.blitted.picture,
            image,
            probabilities,
            label=label,
            active=state.on,
            class_names=names,
        )
        self.blitted.switch(state.on)
        words = describe(self.pile, state, self.which, names)
        alt = f"Image {index:,}. {alt}"
        self.picture.show(self.blitted.png(), alt, caption=words, width=self.blitted.width)
        self._shown = shown


class DisagreementExplorer(BaseWidget):
    """What :func:`disagreement_explorer` returns."""

    def __init__(
        self,
        models: Mapping[str, Predictions] | Predictions,
        images: Any,
        ood: Mapping[str, Predictions] | Predictions | None,
        ood_images: Any,
        ood_names: Sequence[str] | None,
        class_names: Sequence[str] | None,
    ) -> None:
        models = _checked_models(models)
        first = next(iter(models.values()))
        self.names = checks.class_names(first.num_classes, class_names)
        piles = [Pile(models, images, _labels(models))]
        if ood is not None or ood_images is not None:
            piles.append(_ood_pile(models, ood, ood_images, ood_names))
        self.piles = piles
        super().__init__(start(piles))

        self.model = control(ipywidgets.Dropdown, "Model", options=list(models), width="17em")
        self.listen(self.model, partial(choose_model, piles))
        most = max(predictions.num_members for predictions in models.values())
        self.members = [
            control(ipywidgets.Checkbox, name, width="100px", value=True, indent=False)
            for name in checks.member_names(most, None)
        ]
        for member, box in enumerate(self.members):
            self.listen(box, lambda state, on, member=member: switch(state, member, on))
        self.switches = ipywidgets.HBox(layout={"flex_flow": "row wrap", "width": "100%"})
        self.all, self.none, self.one = (
            control(ipywidgets.Button, name, tooltip=meaning)
            for name, meaning in (
                ("All on", "Let all members answer"),
                ("All off", "Let no member answer"),
                ("One at a time", "Let one member answer alone, then the next"),
            )
        )
        self.press(self.all, lambda state: switch_all(state, True))
        self.press(self.none, lambda state: switch_all(state, False))
        self.press(self.one, only_one)

        upright = len(piles) > 1
        prefixes = ("", "OOD")
        self.sides = [
            Side(self, which, pile, prefixes[which], upright) for which, pile in enumerate(piles)
        ]
        self.children = [
            row(self.model, self.all, self.none, self.one),
            self.switches,
            *(self._columns() if upright else self.sides[0].children()),
        ]
        self.refresh()

    def _columns(self) -> list[Any]:
        titles = ("In distribution", "Out of distribution (OOD)")
        columns = [
            ipywidgets.VBox(
                [heading(title), *side.children()],
                layout={"width": COLUMN, "max_width": "100%"},
            )
            for title, side in zip(titles, self.sides, strict=True)
        ]
        layout = {"flex_flow": "row wrap", "width": "100%", "justify_content": "space-between"}
        return [ipywidgets.HBox(columns, layout=layout)]

    def follow(self) -> None:
        state = self.state
        self.put(self.model, value=state.model)
        boxes = tuple(self.members[: len(state.on)])
        if self.switches.children != boxes:
            self.switches.children = boxes
        for box, on in zip(boxes, state.on, strict=True):
            self.put(box, value=on)
        for side in self.sides:
            side.follow(self)

    def draw(self) -> None:
        for side in self.sides:
            side.draw(self.state, self.names)

    def close(self) -> None:
        """End the widget, with the switches that the model shown last did not have."""
        for box in getattr(self, "members", ()):
            for part in (box, box.layout, box.style):
                part.close()
        super().close()


# --- what comes in ------------------------------------------------------------------------------
def _checked_models(models: Any) -> dict[str, Predictions]:
    """Names and predictions that fit together."""
    if isinstance(models, Predictions):
        models = {"ensemble": models}
    checks.named(models, "The disagreement explorer")
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


def _labels(models: Mapping[str, Predictions]) -> NDArray[np.int64] | None:
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


def _ood_pile(
    models: Mapping[str, Predictions], ood: Any, images: Any, names: Sequence[str] | None
) -> Pile:
    """Images of no class that the models know."""
    if ood is None or images is None:
        missing = "ood" if ood is None else "ood_images"
        raise ValueError(
            "For images out of distribution pass both predictions and images; "
            f"{missing} is missing."
        )
    if isinstance(ood, Predictions):
        ood = {next(iter(models)): ood}
    checks.named(ood, "ood")
    missing_models = [name for name in models if name not in ood]
    if missing_models:
        raise ValueError(
            f"There are no OOD predictions of {style.listing(missing_models)}; pass those of "
            "every model."
        )
    ood = _checked_models({name: ood[name] for name in models})
    for name, predictions in ood.items():
        for what in ("num_members", "num_classes"):
            if getattr(predictions, what) != getattr(models[name], what):
                raise ValueError(
                    f"{name} has {getattr(models[name], what)} {what[4:]} for the known images but "
                    f"{getattr(predictions, what)} for the OOD ones; pass the same model's."
                )
    labels = getattr(images, "labels", None)
    if labels is None:
        labels = _labels(ood)
    count = len(next(iter(ood.values())))
    if names is None or labels is None:
        return Pile(ood, images, [NOT_KNOWN] * count)
    if len(labels) == 0 or max(labels) >= len(names):
        raise ValueError(
            f"There are {len(names)} ood_names, but an OOD image has the label "
            f"{max(labels, default=0)}; pass one name per class."
        )
    return Pile(ood, images, [str(names[label]) for label in labels])


@widget
def disagreement_explorer(
    models: Mapping[str, Predictions] | Predictions,
    images: Any,
    *,
    ood: Mapping[str, Predictions] | Predictions | None = None,
    ood_images: Any = None,
    ood_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> DisagreementExplorer:
    """Look at what each member says about an image, and switch members on and off.

    Parameters
    ----------
    models : Predictions, or mapping of name to Predictions
        For the same N images; labels are shown if they are there.
    images : ImageSet or uint8 [N, H, W]
    ood : Predictions, or mapping of name to Predictions, optional
        By the same models, for images out of distribution; they are shown beside the others.
    ood_images : ImageSet or uint8 [K, H, W], optional
    ood_names : sequence of str, optional
        Names of the classes of the OOD images, such as ``figures.FASHION``.
    class_names : sequence of str, optional

    Returns
    -------
    DisagreementExplorer
        Where the input makes no sense, a widget that says so.
    """
    return DisagreementExplorer(models, images, ood, ood_images, ood_names, class_names)
