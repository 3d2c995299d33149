"""The paired bootstrap: known cases, SciPy's, pairing, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.metrics.intervals import Interval, paired_bootstrap, wilson_interval


def accuracy_difference(first, second):
    return first.mean() - second.mean()


def test_a_constant_has_no_width():
    interval = paired_bootstrap(np.mean, np.ones(50), num_resamples=20)
    assert interval == Interval(1.0, 1.0, 1.0, 0.95)
    assert 1.0 in interval, "an interval holds its ends"


def test_the_ends_are_the_percentiles():
    values = iter(range(1002))
    interval = paired_bootstrap(lambda array: next(values), np.ones(3), num_resamples=1001)
    assert (interval.low, interval.high) == pytest.approx((25, 975))


def test_width_of_a_mean_is_the_one_of_theory():
    correct = np.arange(2000) % 20 != 0  # 95 %
    interval = paired_bootstrap(np.mean, correct, num_resamples=2000)
    half_width = 1.96 * np.sqrt(0.95 * 0.05 / 2000)
    assert interval.estimate == 0.95
    assert interval.high - interval.low == pytest.approx(2 * half_width, rel=0.1)
    assert 0.95 in interval
    assert 0.9 not in interval


def test_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(3).exponential(size=300)
    ours = paired_bootstrap(np.median, values, num_resamples=3000, level=0.9)
    theirs = stats.bootstrap(
        (values,), np.median, n_resamples=3000, confidence_level=0.9, method="percentile"
    ).confidence_interval
    spread = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.15 * spread)
    assert ours.high == pytest.approx(theirs.high, abs=0.15 * spread)


def test_pairing_removes_what_both_share():
    generator = np.random.default_rng(0)
    first = generator.random(1000) < 0.8
    second = first.copy()
    second[:20] = False  # the same images are hard for both, but for a few
    paired = paired_bootstrap(accuracy_difference, first, second)
    mixed = paired_bootstrap(accuracy_difference, first, generator.permutation(second))
    assert paired.low > 0
    assert 0 in mixed
    assert (paired.high - paired.low) < (mixed.high - mixed.low) / 3


def test_arrays_of_any_shape_are_indexed_by_the_same_draw():
    table = np.random.default_rng(0).random((40, 3, 2))
    seen = []

    def statistic(values, copies):
        seen.append(np.array_equal(values, copies))
        return values.mean()

    paired_bootstrap(statistic, table, table.copy(), num_resamples=5)
    assert seen == [True] * 6


def test_the_seed_decides():
    values = np.random.default_rng(0).random(30)
    assert paired_bootstrap(np.mean, values) == paired_bootstrap(np.mean, values)
    assert paired_bootstrap(np.mean, values, seed=1) != paired_bootstrap(np.mean, values)


def test_it_reads_well():
    assert str(Interval(0.98504, 0.9812, 0.9891, 0.95)) == "0.985 [0.9812, 0.9891]"


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ((), {}, "at least one array"),
        ((np.ones(3), np.ones(4)), {}, "same images"),
        ((np.ones(0),), {}, "at least one array"),
        ((np.float64(1),), {}, "at least one array"),
        ((np.ones(3),), {"num_resamples": 0}, "at least 1"),
        ((np.ones(3),), {"level": 95}, "95 % is 0.95"),
        ((np.full(3, np.nan),), {}, "NaN or infinite for 1000 of 1000"),
    ],
)
def test_bad_input_gets_one_clear_sentence(arrays, options, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(lambda *given: given[0].mean(), *arrays, **options)


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_an_interval_of_a_share_is_scipys(level):
    stats = pytest.importorskip("scipy.stats")
    hits, count = np.array([0, 1, 7, 20, 999]), np.array([1, 3, 20, 20, 1000])
    low, high = wilson_interval(hits, count, level)
    for index in range(len(hits)):
        theirs = stats.binomtest(int(hits[index]), int(count[index])).proportion_ci(level, "wilson")
        assert (low[index], high[index]) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_an_interval_of_a_share_never_leaves_0_to_1():
    count = np.arange(1, 1000)
    assert wilson_interval(0 * count, count)[0].min() == 0
    assert wilson_interval(count, count)[1].max() == 1


@pytest.mark.parametrize(
    ("hits", "count", "level", "sentence"),
    [
        ([1], [0], 0.95, "counts of at least 1"),
        ([3], [2], 0.95, "hits within them"),
        ([1, 2], [3], 0.95, "hits within them"),
        ([1], [3, 4], 0.95, "hits within them"),
        ([-1], [3], 0.95, "hits within them"),
        ([1], [2], 95, "level must lie between"),
    ],
)
def test_an_interval_of_no_share_is_refused(hits, count, level, sentence):
    with pytest.raises(ValueError, match=sentence):
        wilson_interval(hits, count, level)
