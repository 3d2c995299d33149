"""Metric against number of members, and the Packed-Ensemble diagram."""

from __future__ import annotations

import numpy as np
import pytest
from figure_examples import ACCURACY, DEEP, MEMBERS, NLL
from matplotlib.collections import PolyCollection

from course_utils import figures
from course_utils.figures import MemberSeries
from course_utils.metrics.subsets import Choices


def test_values_ranges_and_references() -> None:
    picture = figures.metric_against_members({"accuracy": ACCURACY, "NLL": NLL})
    accuracy, nll = picture.figure.axes
    np.testing.assert_array_equal(accuracy.lines[0].get_xdata(), MEMBERS)
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), 100 * ACCURACY.value)
    (ranges,) = accuracy.collections
    for segment, low, high in zip(ranges.get_segments(), ACCURACY.low, ACCURACY.high, strict=True):
        assert segment[:, 1] == pytest.approx((100 * low, 100 * high))
    assert accuracy.lines[1].get_ydata()[0] == pytest.approx(97.55)
    np.testing.assert_allclose(nll.lines[0].get_ydata(), NLL.value)
    assert not nll.collections
    titles = [axes.get_title(loc="left") for axes in (accuracy, nll)]
    assert titles == ["accuracy (%) ↑", "NLL ↓"]
    (legend,) = picture.figure.legends
    entries = [text.get_text() for text in legend.get_texts()]
    assert entries == ["Deep Ensemble", "range over subsets", "PE-4"]
    assert "accuracy goes from 97.0 % with 1 member to 97.9 % with 8" in picture.alt
    assert "PE-4 has 97.5 %" in picture.alt or "PE-4 has 97.6 %" in picture.alt


def test_series_are_taken_over_all_subsets() -> None:
    three = DEEP.subset([0, 1, 2])
    series = figures.series_over_subsets(Choices(three))
    assert list(series) == ["Accuracy", "NLL", "ECE"]
    accuracy, nll = series["Accuracy"], series["NLL"]
    assert accuracy.percent and accuracy.higher_is_better
    assert not nll.percent and not nll.higher_is_better
    np.testing.assert_array_equal(accuracy.members, [1, 2, 3])
    pairs = [three.subset(pair).correct.mean() for pair in ([0, 1], [0, 2], [1, 2])]
    found = (accuracy.low[1], accuracy.value[1], accuracy.high[1])
    np.testing.assert_allclose(found, (min(pairs), np.mean(pairs), max(pairs)))
    assert accuracy.low[2] == accuracy.value[2] == accuracy.high[2] == three.correct.mean()


def test_the_legend_holds_for_all_panels() -> None:
    """Names that the course does not know get spare colours, the same in each panel."""
    one, two = np.array([1]), np.array([0.5])
    picture = figures.metric_against_members(
        {
            "accuracy": MemberSeries(one, two, references={"mine": 0.7}),
            "NLL": MemberSeries(one, two, references={"yours": 0.7, "mine": 0.8}),
        }
    )
    colors: dict[str, set] = {}
    for axes in picture.figure.axes:
        for line in axes.lines[1:]:
            colors.setdefault(line.get_label(), set()).add(line.get_color())
    assert set(colors) == {"mine", "yours"}
    assert colors["mine"].isdisjoint(colors["yours"])
    assert {len(known) for known in colors.values()} == {1}


def test_one_number_of_members_is_enough() -> None:
    one = MemberSeries(np.array([1]), np.array([0.5]))
    figures.metric_against_members({"NLL": one}).png()


@pytest.mark.parametrize(
    ("series", "sentence"),
    [
        ({}, "dictionary"),
        ({"NLL": MemberSeries(MEMBERS, NLL.value[:3])}, "series of NLL needs as many values"),
        ({"NLL": MemberSeries(MEMBERS[:0], NLL.value[:0])}, "at least one"),
        ({"NLL": MemberSeries(MEMBERS, NLL.value, low=NLL.value)}, "needs both ends"),
    ],
)
def test_members_say_what_is_wrong(series, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.metric_against_members(series)


def test_plan_of_the_course() -> None:
    plan = figures.packed_plan(4, 2)
    assert plan.lenet == (6, 16, 120, 84, 10)
    assert plan.member == (3, 8, 60, 42, 10)
    assert plan.packed == (12, 32, 240, 168, 40)
    assert plan.lenet_parameters == 44_426
    assert plan.member_parameters == 11_418
    assert plan.packed_parameters == 45_672


@pytest.mark.parametrize(
    ("members", "alpha"),
    [(1, 1), (2, 1), (2, 3), (3, 1.5), (4, 2), (4, 8), (5, 2.5), (6, 3), (8, 4), (10, 5), (16, 8),
     (4, 1), (4, 3), (7, 2), (9, 3), (3, 2), (5, 2), (2, 0.5), (3, 1.1), (1, 1.1), (7, 7),
     (2, 7), (9, 9), (3, 4.5)],
)  # fmt: skip
def test_plan_builds_where_torch_uncertainty_builds(members: int, alpha: float) -> None:
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torch_uncertainty.models.classification.lenet")
    try:
        network = models.packed_lenet(
            in_channels=1, num_classes=10, num_estimators=members, alpha=alpha
        )
        network(torch.zeros(2, 1, 28, 28))
    except (ValueError, RuntimeError):
        with pytest.raises(ValueError, match="can't be built"):
            figures.packed_plan(members, alpha)
        return
    plan = figures.packed_plan(members, alpha)
    assert plan.packed_parameters == sum(p.numel() for p in network.parameters())
    layers = (network.conv1.conv, network.conv2.conv)
    assert tuple(layer.out_channels for layer in layers) == plan.packed[:2]


def polygons(axes, label: str) -> list[np.ndarray]:
    (found,) = [
        c for c in axes.collections if isinstance(c, PolyCollection) and c.get_label() == label
    ]
    return [path.vertices[:4] for path in found.get_paths()]


@pytest.mark.parametrize(("members", "alpha"), [(1, 1), (4, 2), (3, 1.5), (8, 4)])
def test_heights_are_channels_by_one_scale(members: int, alpha: float) -> None:
    picture = figures.packed_diagram(members, alpha)
    plan = figures.packed_plan(members, alpha)
    lenet, small, grouped = picture.figure.axes
    unit = np.ptp(polygons(lenet, "channels")[2][:, 1]) / 120
    for axes, count, channels in (
        (lenet, 1, plan.lenet), (small, members, plan.member), (grouped, members, plan.member),
    ):  # fmt: skip
        blocks = polygons(axes, "channels")
        assert len(blocks) == 5 * count
        assert len(polygons(axes, "connections")) == 4 * count
        for block, number in zip(blocks, channels * count, strict=True):
            if unit * number > 0.07:
                assert np.ptp(block[:, 1]) == pytest.approx(unit * number)


def test_members_touch_in_the_grouped_network_and_never_cross() -> None:
    grouped = figures.packed_diagram(4, 2).figure.axes[2]
    blocks = np.array(polygons(grouped, "channels")).reshape(4, 5, 4, 2)
    for layer in (2, 3):
        tops, bottoms = blocks[:, layer, :, 1].min(axis=1), blocks[:, layer, :, 1].max(axis=1)
        assert bottoms[:-1] == pytest.approx(tops[1:])


def test_numbers_in_the_diagram_and_its_alt_text() -> None:
    picture = figures.packed_diagram(4, 2)
    lenet, small, grouped = picture.figure.axes
    assert [text.get_text() for text in lenet.texts] == ["6", "16", "120", "84", "10"]
    assert [text.get_text() for text in small.texts] == ["3", "8", "60", "42", "10"]
    assert [text.get_text() for text in grouped.texts] == ["12", "32", "240", "168", "40"]
    assert lenet.get_xlabel() == "44,426 parameters"
    assert grouped.get_xlabel() == "45,672 parameters"
    assert "12, 32, 240, 168, 40 channels and 45,672 parameters, 1.03 times" in picture.alt


@pytest.mark.parametrize(
    ("members", "alpha", "sentence"),
    [
        (
            7,
            2,
            "M = 7 with alpha = 2 can't be built: conv 1 would have 12 channels, which 7 members",
        ),
        (0, 2, "whole number from 1"),
        (2.5, 2, "whole number from 1"),
        (4, -1, "positive number"),
        (4, float("nan"), "positive number"),
    ],
)
def test_diagram_says_what_does_not_build(members, alpha, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.packed_diagram(members, alpha)
