"""Palette, the one switch, numbers in words, labels that move apart."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from course_utils.figures import style


def contrast(first: str, second: str = style.CARD) -> float:
    def luminance(color: str) -> float:
        rgb = np.array(to_rgb(color))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "color",
    sorted(
        {one.color for one in (*style.MODEL_STYLES.values(), *style.SPARE_STYLES)}
        | {style.RIGHT, style.WRONG, style.OOD, *style.MEMBER_COLORS}
    ),
)
def test_lines_have_a_contrast_of_three(color: str) -> None:
    assert contrast(color) >= 3


@pytest.mark.parametrize("color", [style.INK, style.SOFT, style.REFERENCE])
def test_text_has_a_contrast_of_four_and_a_half(color: str) -> None:
    assert contrast(color) >= 4.5


def test_models_differ_without_colour() -> None:
    for (one, first), (two, second) in combinations(style.MODEL_STYLES.items(), 2):
        assert first.marker != second.marker, (one, two)
        assert (first.color, first.line) != (second.color, second.line), (one, two)


def test_known_models_look_the_same_in_every_company() -> None:
    alone = style.model_styles(["PE-4"])["PE-4"]
    assert style.model_styles(["mine", "LeNet", "PE-4"])["PE-4"] == alone
    mine, yours = style.model_styles(["mine", "yours"]).values()
    assert mine != yours


def test_text_on_a_colour_has_the_better_contrast() -> None:
    colors = style.PROBABILITY(np.linspace(0, 1, 50))
    for color, ink in zip(colors, style.ink_on(colors), strict=True):
        best = max(contrast(style.BLACK, color), contrast(style.CARD, color))
        assert contrast(ink, color) == pytest.approx(best)
        assert best >= 4.5


def test_style_is_switched_in_one_place_and_comes_back() -> None:
    assert style.current().name == "notebook"
    with style.use("slides") as inside:
        assert inside is style.current() and inside.text >= 18
        with style.use("notebook"):
            assert style.current().text >= 10
        assert style.current().name == "slides"
    assert style.current().name == "notebook"
    style.use("slides")
    assert style.current().name == "slides"
    style.use("notebook")


def test_style_comes_back_after_an_error() -> None:
    with pytest.raises(RuntimeError), style.use("slides"):
        raise RuntimeError
    assert style.current().name == "notebook"


def test_unknown_style_is_named() -> None:
    with pytest.raises(ValueError, match=r"no figure style 'poster'; use 'notebook' or 'slides'"):
        style.use("poster")
    assert style.current().name == "notebook"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (1, "100 %"), (0.985, "98.5 %"), (0.0012, "0.12 %"), (0.99996, "99.996 %"),
     (0.00004, "0.004 %"), (1e-9, "< 0.0001 %"), (1 - 1e-9, "> 99.9999 %"), (0.5, "50.0 %")],
)  # fmt: skip
def test_percent(share: float, words: str) -> None:
    assert style.percent(share) == words


@given(st.floats(0, 1))
def test_percent_never_rounds_to_all_or_nothing(share: float) -> None:
    words = style.percent(share)
    assert (words == "0 %") == (share == 0)
    assert (words == "100 %") == (100 * share == 100)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.3))
def test_labels_move_apart_and_keep_their_order(positions: list[float], gap: float) -> None:
    moved = style.spread(positions, gap)
    ranked = sorted(moved)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(ranked))
    order = np.argsort(positions, kind="stable")
    assert np.array(moved)[order] == pytest.approx(ranked)
    assert sum(moved) == pytest.approx(sum(positions), abs=1e-6)


@given(st.lists(st.floats(-1, 2), min_size=1, max_size=9))
def test_labels_stay_between_the_ends(positions: list[float]) -> None:
    moved = style.spread(positions, 0.1, 0, 1)
    assert min(moved) >= -1e-9 and max(moved) <= 1 + 1e-9
    assert all(b - a >= 0.1 - 1e-9 for a, b in pairwise(sorted(moved)))


def test_labels_with_room_stay_where_they_are() -> None:
    assert style.spread([0.9, 0.1, 0.5], 0.2) == [0.9, 0.1, 0.5]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.2)), min_size=1, max_size=5))
def test_labels_of_different_height_do_not_overlap(labels: list[tuple[float, float]]) -> None:
    positions, heights = zip(*labels, strict=True)
    half = np.array(heights) / 2
    moved = np.array(style.spread(positions, heights, half, 1 - half))
    order = np.argsort(positions, kind="stable")
    lower, upper = (moved - half)[order], (moved + half)[order]
    assert (lower[1:] >= upper[:-1] - 1e-9).all()
    assert lower[0] >= -1e-9 and upper[-1] <= 1 + 1e-9


def test_the_taller_label_gets_the_larger_room() -> None:
    # three touch around .5: heights .1, .3, .1, so that the centres are .2 apart
    assert style.spread([0.5, 0.5, 0.5], [0.1, 0.3, 0.1]) == pytest.approx([0.3, 0.5, 0.7])


def test_class_names() -> None:
    assert len(style.DIGITS) == len(set(style.FASHION)) == 10
    assert style.CLASS_NAMES == {"mnist": style.DIGITS, "fashion": style.FASHION}
