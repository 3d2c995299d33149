"""What the members of an ensemble say, and how far they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from course_utils._support import validation as checks
from course_utils.metrics.agreement import pairwise_agreement, unanimous_share
from course_utils.metrics.classification import member_accuracy
from course_utils.metrics.scores import entropy_split

from . import style
from .picture import Picture

if TYPE_CHECKING:
    from course_utils.metrics.predictions import Predictions


@style.drawn
def disagreement_sheet(
    image: np.ndarray,
    probabilities: np.ndarray,
    *,
    label: int | str | None = None,
    active: Sequence[bool] | np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    member_names: Sequence[str] | None = None,
) -> Picture:
    """One image: what each member thinks, what the ensemble makes of it, and how uncertain it is.

    Parameters
    ----------
    image : uint8 [H, W]
    probabilities : float [M, C]
        Of each member, such as ``predictions.probabilities[i]``.
    label : int or str, optional
        True class; for an image of no class that the model knows what it is, such as "a bag".
    active : sequence of bool [M], optional
        Members that count; the others are drawn pale. All by default, at least one.
    class_names, member_names : sequence of str, optional
    """
    image = checks.one_image(image)
    probabilities = checks.member_probabilities(probabilities)
    members, classes = probabilities.shape
    names = checks.class_names(classes, class_names)
    people = checks.member_names(members, member_names)
    on = np.ones(members, bool) if active is None else np.asarray(active, dtype=bool)
    if on.shape != (members,):
        raise ValueError(f"There are {members} members but {on.size} switches; pass one for each.")
    if not on.any():
        raise ValueError("All members are switched off; leave at least one on.")
    if isinstance(label, (int, np.integer)) and not 0 <= label < classes:
        raise ValueError(f"The label {label} is none of the {classes} classes.")
    figure, places = _beside(names, people)
    parts = _parts(figure, places, image.shape, names, people)
    return Picture(figure, _fill_in(parts, image, probabilities, label, on, names), parts)


@dataclass(frozen=True)
class _Places:
    """Where the panels of a sheet stand, in inches from its lower left corner."""

    image: tuple[float, float, float, float]
    members: tuple[float, float, float, float]
    mean: tuple[float, float, float, float]
    bar: tuple[float, float, float, float]


MEAN_HEIGHT, MEAN_GAP = 1.7, 0.7  # of the row below the members, in text heights


def _below(names: Sequence[str]) -> float:
    """Height of the class names below the map, in text heights."""
    longest = max(map(len, names))
    return 1.6 + 0.36 * longest if longest > 3 else 3.2


def _beside(names: Sequence[str], people: Sequence[str]) -> tuple[Figure, _Places]:
    """Image, map and bar in a row."""
    em, below = style.current().em, _below(names)
    figure = style.canvas(8, 3.0 if max(map(len, names)) <= 3 else 3.2)
    wide, tall = figure.get_size_inches()
    bottom, height = below * em, tall - (below + 2.2) * em
    side = 11.5 * em
    left = side + em * (2.2 + 0.62 * max(max(map(len, people)), 4))
    right = wide - 17.2 * em
    mean = MEAN_HEIGHT * em
    above = mean + MEAN_GAP * em
    return figure, _Places(
        image=(0.8 * em, bottom + height - side, side, side),
        members=(left, bottom + above, right - left, height - above),
        mean=(left, bottom, right - left, mean),
        bar=(right + 4.2 * em, bottom, 1.6 * em, height),
    )


def _parts(
    figure: Figure,
    places: _Places,
    shape: tuple[int, int],
    names: Sequence[str],
    people: Sequence[str],
) -> dict[str, Any]:
    """Everything of a sheet that does not depend on what is shown, and empty parts for the rest."""
    look = style.current()
    wide, tall = figure.get_size_inches()
    classes, members = len(names), len(people)
    parts: dict[str, Any] = {}

    def panel(name: str) -> Any:
        x, y, width, height = getattr(places, name)
        axes = figure.add_axes((x / wide, y / tall, width / wide, height / tall))
        return style.styled(axes)

    def title(axes: Any) -> Any:
        return axes.set_title("", loc="left", pad=0.7 * look.text)

    left = style.bare(panel("image"))
    parts["image"] = left.imshow(np.zeros(shape, np.uint8), cmap="gray", vmin=0, vmax=255)
    parts["true"] = title(left)

    # members above, the mean below in a row of its own that stays readable with 32 members
    axes, row = panel("members"), panel("mean")
    for name, where, height in (("members", axes, members), ("mean", row, 1)):
        parts[name] = where.imshow(
            np.zeros((height, classes)),
            cmap=style.PROBABILITY,
            vmin=0,
            vmax=1,
            aspect="auto",
            interpolation="nearest",
        )
        where.tick_params(length=0)
    parts["says"] = title(axes)
    axes.set_xticks([])
    axes.set_yticks([])
    # Names of members are texts and not tick labels, because some of them are pale.
    transform, _, _ = axes.get_yaxis_text1_transform(0.3 * look.text)
    pitch = places.members[3] / members
    for index in range(0, members, max(1, int(np.ceil(1.15 * look.em / pitch - 1e-9)))):
        parts[f"name {index}"] = axes.text(
            *(0, index, people[index]), transform=transform, ha="right", va="center_baseline"
        )
    row.set_yticks([0], ["mean"])
    cell = places.mean[2] / classes
    long_names = max(map(len, names)) > 3
    stride = style.stride(names, cell)
    if long_names:
        stride = max(1, int(np.ceil(1.2 * look.em / cell)))
    row.set_xticks(range(0, classes, stride), names[::stride])
    if long_names:
        style.slant(row)
    else:
        style.label(row, x="class; mean in %")
    for ink in (style.CARD, style.BLACK):
        (parts[f"votes {ink}"],) = axes.plot(
            [], [], "o", color=ink, markersize=0.3 * look.text, label="votes"
        )
    if cell > 1.35 * look.em:
        for column in range(classes):
            parts[f"percent {column}"] = row.text(
                column, 0, "", ha="center", va="center_baseline", clip_on=False
            )

    bar = panel("bar")
    ceiling = float(np.log(classes))
    (parts["expected"],) = bar.bar([0], [0], width=1, color=style.EXPECTED)
    (parts["mutual"],) = bar.bar(
        [0], [0], width=1, color=style.MUTUAL, hatch="///", edgecolor=style.CARD, linewidth=0
    )
    bar.set(xlim=(-0.5, 0.5), ylim=(0, ceiling), xticks=[])
    bar.set_yticks([0, ceiling / 2, ceiling], ["0", f"{ceiling / 2:.2f}", f"{ceiling:.2f}"])
    parts["entropy"] = title(bar)
    for name, color in (("expected", style.EXPECTED), ("mutual", style.MUTUAL)):
        (parts[f"{name} leader"],) = bar.plot(
            [], [], color=color, linewidth=look.thin, clip_on=False
        )
        parts[f"{name} words"] = bar.text(
            *(1.25, 0, ""), va="center", linespacing=1.1, clip_on=False
        )

    # The frames lie on the edges of what they frame, so they are drawn after it.
    for name, where in (("image", left), ("members", axes), ("mean", row), ("bar", bar)):
        for edge, spine in where.spines.items():
            spine.set_visible(name != "bar" or edge in ("left", "bottom"))
            if spine.get_visible():
                parts[f"{name} {edge}"] = spine
    return parts


def _fill_in(
    parts: Mapping[str, Any],
    image: np.ndarray,
    probabilities: np.ndarray,
    label: int | str | None,
    on: np.ndarray,
    names: Sequence[str],
) -> str:
    """Write one image and its answers into the empty parts; returns the alt text."""
    long_names = max(map(len, names)) > 3
    mean = probabilities[on].mean(axis=0)
    total, expected, mutual = entropy_split(probabilities[on])
    answer = int(mean.argmax())
    votes, peaks = probabilities.argmax(axis=1), probabilities.max(axis=1)
    true, verdict = label, ""
    if isinstance(label, (int, np.integer)):
        true, verdict = names[label], ", right" if label == answer else ", wrong"
    known = bool(verdict)

    parts["image"].set_data(255 - image)
    parts["true"].set_text("" if true is None else f"true: {true}" if known else str(true))
    parts["members"].set_data(probabilities)
    parts["members"].set_alpha(np.where(on, 1.0, 0.3)[:, None] * np.ones(len(mean)))
    for index, one_on in enumerate(on):
        if f"name {index}" in parts:
            parts[f"name {index}"].set_color(style.INK if one_on else style.REFERENCE)
    inks = np.array(style.ink_on(style.PROBABILITY(peaks)))
    for ink in (style.CARD, style.BLACK):
        chosen = on & (inks == ink)
        parts[f"votes {ink}"].set_data(votes[chosen], np.flatnonzero(chosen))
    parts["mean"].set_data(mean[None])
    backgrounds = style.PROBABILITY(mean)
    if "percent 0" in parts:
        for column, ink in enumerate(style.ink_on(backgrounds)):
            number = parts[f"percent {column}"]
            number.set_text(f"{100 * mean[column]:.0f}" if mean[column] >= 0.005 else "")
            number.set_color(ink)
            # Where even the better of black and white is less than AAA, thicker strokes help.
            weak = style.contrast(ink, backgrounds[column]) < 7
            number.set_fontweight("bold" if weak else "normal")
    share = "" if long_names else f" ({style.percent(mean[answer])})"
    parts["says"].set_text(f"says {names[answer]}{share}{verdict}")
    _split_bar(parts, total, expected, mutual, float(np.log(len(mean))))
    one = "One image"
    if true is not None:
        one += f" of class {true}" if known else f" ({true})"
    who, agreement = "the network", ""
    if len(on) > 1:
        who = f"the ensemble of {style.plural(int(on.sum()), 'member')}"
        agreement = f" {(votes[on] == answer).sum()} of {on.sum()} members vote for it."
    alt = (
        f"{one}; {who} says {names[answer]} with {style.percent(mean[answer])}{verdict}."
        f"{agreement} Entropy {total:.2f} nats = expected entropy {expected:.2f} + mutual "
        f"information {mutual:.2f}; at most {np.log(len(mean)):.2f}."
    )
    others = [
        f"{names[c]} {style.percent(mean[c])}"
        for c in np.argsort(-mean, kind="stable")[1:3]
        if mean[c] >= 0.005
    ]
    return alt + (f" Next: {style.listing(others)}." if others else "")


def _split_bar(
    parts: Mapping[str, Any], total: float, expected: float, mutual: float, ceiling: float
) -> None:
    """Set the bar to an entropy and its two parts, and keep their words apart."""
    parts["expected"].set_height(expected)
    parts["mutual"].set(y=expected, height=mutual)
    parts["entropy"].set_text(f"entropy {total:.2f} nats")
    axes = parts["expected"].axes
    height = axes.get_position().height * axes.figure.get_size_inches()[1]
    em = parts["expected words"].get_fontsize() / 72
    line = 2.5 * em / height * ceiling
    marks = {"expected": expected / 2, "mutual": expected + mutual / 2}
    places = style.spread(list(marks.values()), line, 0.45 * line, ceiling - 0.45 * line)
    for (name, mark), place, words in zip(
        marks.items(),
        places,
        (f"expected\nentropy {expected:.2f}", f"mutual\ninformation {mutual:.2f}"),
        strict=True,
    ):
        parts[f"{name} words"].set(text=words, y=place)
        parts[f"{name} leader"].set_data([0.5, 1.2], [mark, place])


@style.drawn
def agreement_matrix(
    predictions: Predictions,
    *,
    member_names: Sequence[str] | None = None,
) -> Picture:
    """How often each pair of members gives the same answer.

    Parameters
    ----------
    predictions : Predictions
        Of at least two members; with labels the accuracy of each stands on the diagonal.
    member_names : sequence of str, optional
    """
    members = predictions.num_members
    if members < 2:
        raise ValueError(
            "Agreement needs at least two members; pass the predictions of an ensemble."
        )
    if len(predictions.mean) == 0:
        raise ValueError("Agreement needs at least one image; these predictions are empty.")
    names = checks.member_names(members, member_names)
    shares = pairwise_agreement(predictions)
    apart = ~np.eye(members, dtype=bool)
    pairs = shares[apart]
    unanimous = style.percent(unanimous_share(predictions))
    accuracy = None if predictions.labels is None else member_accuracy(predictions)

    look = style.current()
    figure = style.canvas(7, style.fitting(3.9))
    wide, tall = figure.get_size_inches()
    left, below, above = 1.4 + 0.62 * max(map(len, names)), 2.4, 2.2
    side = tall - look.em * (below + above)
    axes = style.styled(
        figure.add_axes((left * look.em / wide, below * look.em / tall, side / wide, side / tall))
    )
    # the lowest pair keeps a tint, so that its cell is seen
    low = min(float(pairs.min()), 1 - 1e-3)
    low -= 0.15 * (1 - low)
    shown = np.where(apart & np.tri(members, dtype=bool), shares, np.nan)
    artist = axes.imshow(
        100 * shown, cmap=style.PROBABILITY, vmin=100 * low, vmax=100, interpolation="nearest"
    )
    fits = side / members > 2.45 * look.em
    if fits:
        for i in range(members):
            for j in range(i):
                (ink,) = style.ink_on(artist.cmap(artist.norm(100 * shares[i, j])))
                axes.text(j, i, f"{100 * shares[i, j]:.1f}", ha="center", va="center", color=ink)
            if accuracy is not None:
                axes.text(
                    i, i, f"{100 * accuracy[i]:.1f}", ha="center", va="center", color=style.SOFT
                )
    step = max(1, int(np.ceil(1.15 * look.em / (side / members))))
    axes.set_yticks(range(0, members, step), names[::step])
    numbers = [str(index + 1) for index in range(members)] if member_names is None else names
    stride = style.stride(numbers, side / members)
    axes.set_xticks(range(0, members, stride), numbers[::stride])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    style.label(axes, title="same answer (% of images)")
    scale = style.styled(
        figure.add_axes(
            (
                (left * look.em + side + 1.4 * look.em) / wide,
                below * look.em / tall,
                0.9 * look.em / wide,
                0.6 * side / tall,
            )
        )
    )
    figure.colorbar(artist, cax=scale)
    scale.tick_params(labelsize=look.text, length=0.2 * look.text, color=style.FRAME)
    for spine in scale.spines.values():
        spine.set_visible(False)
    note = f"all members agree:\n{unanimous} of images"
    if fits and accuracy is not None:
        note += "\n\ngrey: accuracy of\neach member (%)"
    figure.text(
        (left * look.em + side + 7.2 * look.em) / wide,
        (below * look.em + side) / tall,
        note,
        va="top",
        linespacing=1.4,
        color=style.SOFT,
    )
    alt = (
        f"Agreement matrix of {members} members on {style.plural(len(predictions.mean), 'image')}: "
        f"two members give the same answer on {style.percent(pairs.min())} to "
        f"{style.percent(pairs.max())} of them, {style.percent(pairs.mean())} on average; all "
        f"agree on {unanimous}."
    )
    if accuracy is not None:
        alt += (
            f" Accuracy of single members: {style.percent(accuracy.min())} to "
            f"{style.percent(accuracy.max())}."
        )
    return Picture(figure, alt)
