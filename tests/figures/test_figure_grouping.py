"""The grouping diagram shows the regions that were estimated, and says so in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from course_utils.figures.grouping import grouping_diagram
from course_utils.metrics.grouping import GroupingLoss

ESTIMATE = GroupingLoss(
    plug_in=0.03,
    bias=0.01,
    induced=0.005,
    bin_of_region=np.array([0, 0, 1, 1]),
    region_confidence=np.array([0.6, 0.62, 0.9, 0.92]),
    region_accuracy=np.array([0.4, 0.8, 0.9, 1.0]),
    region_count=np.array([10, 30, 20, 20]),
)


def test_regions_and_bins_are_where_they_belong():
    (axes,) = grouping_diagram(ESTIMATE).figure.axes
    dots = axes.collections[0]
    expected = 100 * np.column_stack([ESTIMATE.region_confidence, ESTIMATE.region_accuracy])
    assert np.allclose(np.asarray(dots.get_offsets()), expected)
    sizes = dots.get_sizes()
    assert np.allclose(sizes / sizes[0], ESTIMATE.region_count / 10)
    line = axes.get_lines()[1]
    assert np.allclose(line.get_xdata(), [61.5, 91]) and np.allclose(line.get_ydata(), [70, 95])


def test_the_alt_text_says_what_is_seen():
    alt = grouping_diagram(ESTIMATE).alt
    for part in ("4 regions in 2 bins", "from 70", "to 95", "25", "up to 40", "At least 0.0150"):
        assert part in alt


def test_less_than_chance_is_no_grouping_loss():
    chance = replace(ESTIMATE, bias=0.04)
    assert chance.lower_bound < 0
    assert grouping_diagram(chance).alt.endswith("They show no grouping loss beyond chance.")


def test_nothing_to_draw():
    empty = GroupingLoss(0, 0, 0, *(np.array([]) for _ in range(4)))
    with pytest.raises(ValueError, match="no regions"):
        grouping_diagram(empty)
