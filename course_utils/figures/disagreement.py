"""What the members of an ensemble say, and how far they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from . import checks, style
from .picture import Picture

if TYPE_CHECKING:
    from ..predictions import Predictions

EXPECTED, MUTUAL = style.SKY, style.VERMILLION


def entropy_split(probabilities: np.ndarray) -> tuple[float, float, float]:
    """Entropy of the mean, expected entropy and mutual information of one image, in nats.

    Parameters
    ----------
    probabilities : float [M, C]
        One row per member.

    Notes
    -----
    H[mean] = mean H[p_m] + I; Depeweg et al. 2018, arXiv:1710.07283. The same numbers as
    ``scores.entropy``, ``expected_entropy`` and ``mutual_information``.
    """

    def entropy(p: np.ndarray) -> np.ndarray:
        return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)

    total = float(entropy(probabilities.mean(axis=0)))
    expected = float(entropy(probabilities).mean())
    return max(total, 0.0), max(expected, 0.0), max(total - expected, 0.0)


def _map_of_members(probabilities: np.ndarray) -> np.ndarray:
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or 0 in probabilities.shape:
        raise ValueError(
            "The probabilities of one image must have the shape [members, classes], "
            f"not {list(probabilities.shape)}; take predictions.probabilities[i]."
        )
    if not np.isfinite(probabilities).all() or (probabilities < -1e-9).any():
        raise ValueError("Probabilities must be finite and not negative; look at the logits.")
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-4):
        raise ValueError("Each member's probabilities must add up to 1; pass them after softmax.")
    return probabilities


@style.drawn
def disagreement_sheet(
    image: np.ndarray,
    probabilities: np.ndarray,
    *,
    label: int | str | None = None,
    active: Sequence[bool] | None = None,
    class_names: Sequence[str] | None = None,
    member_names: Sequence[str] | None = None,
    figure: Figure | None = None,
) -> Picture:
    """One image: what each member thinks, what the ensemble makes of it, and how uncertain it is.

    Parameters
    ----------
    image : uint8 [H, W]
    probabilities : float [M, C]
        Of each member, such as ``predictions.probabilities[i]``.
    label : int or str, optional
        True class; a word for an image of no class the model knows, such as "Fashion: Bag".
    active : sequence of bool [M], optional
        Members that count; the others are drawn pale. All by default, at least one.
    class_names, member_names : sequence of str, optional
    """
    image = checks.one_image(image)
    probabilities = _map_of_members(probabilities)
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
    mean = probabilities[on].mean(axis=0)
    answer = int(mean.argmax())
    total, expected, mutual = entropy_split(probabilities[on])

    long_names = max(map(len, names)) > 3
    look = style.current()
    below = 3.2 if not long_names else 1.6 + 0.36 * max(map(len, names))
    figure = style.canvas(8, 3.0 if not long_names else 3.2, figure)
    wide, tall = figure.get_size_inches()
    picture_side = 11.5 * look.em
    map_left = picture_side + look.em * (2.2 + 0.62 * max(max(map(len, people)), 4))
    map_right = wide - 17.2 * look.em
    bottom, height = below * look.em / tall, 1 - (below + 2.2) * look.em / tall

    left = style.bare(
        figure.add_axes(
            (
                0.8 * look.em / wide,
                bottom + height - picture_side / tall,
                picture_side / wide,
                picture_side / tall,
            )
        )
    )
    left.imshow(255 - image, cmap="gray", vmin=0, vmax=255)
    true = names[label] if isinstance(label, (int, np.integer)) else label
    style.label(left, title="" if true is None else f"true: {true}")
    for spine in left.spines.values():
        spine.set_visible(True)

    # members above, the mean below in a row of its own that stays readable with 32 members
    width = (map_right - map_left) / wide
    mean_height, gap = 1.7 * look.em / tall, 0.7 * look.em / tall
    member_height = height - mean_height - gap
    axes = style._styled(
        figure.add_axes((map_left / wide, bottom + mean_height + gap, width, member_height))
    )
    row = style._styled(figure.add_axes((map_left / wide, bottom, width, mean_height)))
    pale = np.where(on, 1.0, 0.3)[:, None] * np.ones(classes)
    for where, values, strength in ((axes, probabilities, pale), (row, mean[None], None)):
        where.imshow(
            values,
            cmap=style.PROBABILITY,
            vmin=0,
            vmax=1,
            alpha=strength,
            aspect="auto",
            interpolation="nearest",
        )
        where.spines[:].set_visible(True)
        where.tick_params(length=0)
    axes.set_xticks([])
    step = max(1, int(np.ceil(1.15 * look.em * members / (member_height * tall))))
    ticks = list(range(0, members, step))
    axes.set_yticks(ticks, [people[tick] for tick in ticks])
    for text, tick in zip(axes.get_yticklabels(), ticks, strict=True):
        if not on[tick]:
            text.set_color(style.REFERENCE)
    row.set_yticks([0], ["mean"])
    cell = (map_right - map_left) / classes
    stride = style.stride(names, cell)
    if long_names:
        stride = max(1, int(np.ceil(1.2 * look.em / cell)))
    row.set_xticks(range(0, classes, stride), names[::stride])
    if long_names:
        style.slant(row)
    else:
        style.label(row, x="class; mean in %")
    votes, peaks = probabilities.argmax(axis=1), probabilities.max(axis=1)
    inks = np.array(style.ink_on(style.PROBABILITY(peaks)))
    for ink in (style.CARD, style.BLACK):
        chosen = on & (inks == ink)
        axes.plot(
            votes[chosen],
            np.flatnonzero(chosen),
            "o",
            color=ink,
            markersize=0.3 * look.text,
            label="votes",
        )
    if cell > 1.35 * look.em:
        for column, ink in enumerate(style.ink_on(style.PROBABILITY(mean))):
            if mean[column] >= 0.005:
                row.text(
                    column,
                    0,
                    f"{100 * mean[column]:.0f}",
                    ha="center",
                    va="center_baseline",
                    color=ink,
                )
    verdict = ""
    if isinstance(label, (int, np.integer)):
        verdict = ", right" if int(label) == answer else ", wrong"
    share = "" if long_names else f" ({style.percent(mean[answer])})"
    says = f"says {names[answer]}{share}{verdict}"
    style.label(axes, title=says)

    bar = style._styled(
        figure.add_axes(((map_right + 4.2 * look.em) / wide, bottom, 1.6 * look.em / wide, height))
    )
    ceiling = float(np.log(classes))
    bar.bar([0], [expected], width=1, color=EXPECTED)
    bar.bar(
        [0],
        [mutual],
        width=1,
        bottom=[expected],
        color=MUTUAL,
        hatch="///",
        edgecolor=style.CARD,
        linewidth=0,
    )
    bar.set(xlim=(-0.5, 0.5), ylim=(0, ceiling), xticks=[])
    bar.set_yticks([0, ceiling / 2, ceiling], ["0", f"{ceiling / 2:.2f}", f"{ceiling:.2f}"])
    style.label(bar, title=f"entropy {total:.2f} nats")
    bar.title.set_position((0, 1))
    marks = [expected / 2, expected + mutual / 2]
    line = 2.5 * look.em / (height * tall) * ceiling
    places = style.spread(marks, line, 0.45 * line, ceiling - 0.45 * line)
    for text, color, mark, place in zip(
        (f"expected\nentropy {expected:.2f}", f"mutual\ninformation {mutual:.2f}"),
        (EXPECTED, MUTUAL),
        marks,
        places,
        strict=True,
    ):
        bar.annotate(
            text,
            (0.5, mark),
            xytext=(0.5 + 0.75, place),
            va="center",
            linespacing=1.1,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": look.thin,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )

    agreeing = int((votes[on] == answer).sum())
    alt = (
        ("One image" if true is None else f"One image of class {true}")
        + f"; the ensemble of {style.plural(int(on.sum()), 'member')} says {names[answer]} with "
        f"{style.percent(mean[answer])}{verdict}. {agreeing} of {int(on.sum())} members vote for "
        f"it. Entropy {total:.2f} nats = expected entropy {expected:.2f} + mutual information "
        f"{mutual:.2f}; at most {ceiling:.2f}."
    )
    others = [
        f"{names[c]} {style.percent(mean[c])}"
        for c in np.argsort(-mean, kind="stable")[1:3]
        if mean[c] >= 0.005
    ]
    if others:
        alt += f" Next: {style.listing(others)}."
    return Picture(figure, alt)


def agreement(predictions: Predictions) -> np.ndarray:
    """Share of images on which two members predict the same class, float64 [M, M]."""
    votes = predictions.probabilities.argmax(axis=2)
    return (votes[:, :, None] == votes[:, None, :]).mean(axis=0)


@style.drawn
def agreement_matrix(
    predictions: Predictions,
    *,
    member_names: Sequence[str] | None = None,
    figure: Figure | None = None,
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
    shares = agreement(predictions)
    apart = ~np.eye(members, dtype=bool)
    pairs = shares[apart]
    accuracy = None
    if predictions.labels is not None:
        votes = predictions.probabilities.argmax(axis=2)
        accuracy = (votes == np.asarray(predictions.labels)[:, None]).mean(axis=0)

    look = style.current()
    figure = style.canvas(7, 3.9, figure)
    wide, tall = figure.get_size_inches()
    left, below, above = 1.4 + 0.62 * max(map(len, names)), 2.4, 2.2
    side = tall - look.em * (below + above)
    axes = style._styled(
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
    scale = style._styled(
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
    note = f"all members agree:\n{style.percent(_unanimous(predictions))} of images"
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
        f"agree on {style.percent(_unanimous(predictions))}."
    )
    if accuracy is not None:
        alt += (
            f" Accuracy of single members: {style.percent(accuracy.min())} to "
            f"{style.percent(accuracy.max())}."
        )
    return Picture(figure, alt)


def _unanimous(predictions: Predictions) -> float:
    votes = predictions.probabilities.argmax(axis=2)
    return float((votes == votes[:, :1]).all(axis=1).mean())
