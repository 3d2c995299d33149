"""The grouping loss: near the truth where it is known, zero where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.metrics.grouping import GroupingLoss, grouping_loss, without_groups


def two_groups(gap: float, count: int = 20_000, seed: int = 0, num_noise: int = 3):
    """Calibrated confidences; the hidden group is worth `gap` up or down: the truth is gap^2."""
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.6, 0.85, count)
    group = generator.choice([-1.0, 1.0], count)
    correct = generator.random(count) < confidence + gap * group
    features = np.column_stack([group, generator.normal(size=(count, num_noise))])
    return confidence, correct, features


@pytest.mark.parametrize("gap", [0.05, 0.1, 0.15])
def test_near_the_truth_where_it_is_known(gap):
    bounds = [grouping_loss(*two_groups(gap, seed=seed)).lower_bound for seed in range(3)]
    # a lower bound: where the groups differ little, not every tree finds them
    assert (0.6 if gap < 0.1 else 0.9) < np.mean(bounds) / gap**2 < 1.1


def test_zero_where_there_are_no_groups():
    bounds = np.array(
        [grouping_loss(*two_groups(0, 4_000, seed)).lower_bound for seed in range(30)]
    )
    error = bounds.std(ddof=1) / np.sqrt(len(bounds))
    assert abs(bounds.mean()) < 3 * error
    plug_in = np.array([grouping_loss(*two_groups(0, 4_000, seed)).plug_in for seed in range(5)])
    assert plug_in.min() > 5 * abs(bounds.mean()), "without debiasing, chance looks like groups"


def test_calibrated_or_not_does_not_matter():
    confidence, correct, features = two_groups(0.1)
    calibrated = grouping_loss(confidence, correct, features)
    overconfident = grouping_loss(confidence**0.25, correct, features)
    assert overconfident.lower_bound == pytest.approx(calibrated.lower_bound, rel=1e-6)


def test_features_that_know_nothing_find_nothing():
    confidence, correct, features = two_groups(0.15)
    found = grouping_loss(confidence, correct, features[:, 1:])
    assert abs(found.lower_bound) < 0.1 * 0.15**2


def test_what_a_wide_bin_mixes_is_no_grouping_loss():
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1, 20_000)
    correct = generator.random(20_000) < confidence
    found = grouping_loss(confidence, correct, confidence, num_bins=1)
    variance = 0.5**2 / 12
    assert found.explained == pytest.approx(variance, rel=0.1)
    assert found.induced == pytest.approx(variance, rel=0.1)
    assert abs(found.lower_bound) < 0.1 * variance


def test_by_hand():
    """One bin, two regions of equally many images: accuracies 3/4 and 1/4, in both halves."""
    group = np.tile([0, 1], 32)
    correct = np.empty(64, bool)
    order = np.random.default_rng(0).permutation(64)
    for half in (order[::2], order[1::2]):
        # each half must see both groups alike, whatever the shuffle
        group[half] = np.repeat([0, 1], 16)
        correct[half] = np.tile([True, True, True, False], 4).tolist() + [True] * 4 + [False] * 12
    found = grouping_loss(np.full(64, 0.5), correct, group, num_bins=1, images_per_region=16)
    within = 0.75 * 0.25 / 15
    assert found.plug_in == pytest.approx(0.25**2)
    assert found.bias == pytest.approx(within - 0.25 / 31)
    assert found.induced == 0
    assert found.lower_bound == pytest.approx(0.25**2 - within + 0.25 / 31)
    assert found.region_count.tolist() == [16] * 4
    assert sorted(found.region_accuracy) == [0.25, 0.25, 0.75, 0.75]


def halves_of(count: int, seed: int = 0) -> list[np.ndarray]:
    order = np.random.default_rng(seed).permutation(count)
    return [order[::2], order[1::2]]


def test_every_image_is_measured_once_by_the_trees_of_the_other_half():
    first, second = halves_of(64)
    correct = np.zeros(64)
    correct[first[:8]], correct[second[:24]] = 1, 1
    found = grouping_loss(np.full(64, 0.5), correct, np.zeros(64), num_bins=1)
    assert found.region_count.tolist() == [32, 32]
    assert sorted(found.region_accuracy) == [8 / 32, 24 / 32]


def test_a_leaf_is_at_most_half_of_a_bin():
    group, confidence = np.zeros(16), np.full(16, 0.5)
    for half in halves_of(16):
        group[half[:4]] = 1
    found = grouping_loss(confidence, group == 1, group, num_bins=1, images_per_region=30)
    assert sorted(found.region_accuracy) == [0, 0, 1, 1]


@pytest.mark.parametrize(("in_each_half", "bins"), [((1, 2), {0}), ((2, 1), {0}), ((2, 2), {0, 1})])
def test_a_bin_needs_two_images_to_learn_from_and_two_to_measure(in_each_half, bins):
    confidence = np.full(64, 0.5)
    for half, count in zip(halves_of(64), in_each_half, strict=True):
        confidence[half[:count]] = 0.9
    found = grouping_loss(confidence, np.arange(64) % 2, np.zeros(64), num_bins=2)
    assert set(found.bin_of_region) == bins


def test_the_smallest_input_that_fits():
    confidence = np.linspace(0, 1, 200)  # 8 images for each of 25 bins, 0 and 1 among them
    found = grouping_loss(
        confidence, np.arange(200) % 2, confidence, num_bins=25, images_per_region=1
    )
    assert np.isfinite(found.lower_bound)


def test_regions_cover_all_images_and_agree_with_the_answers():
    confidence, correct, features = two_groups(0.1, 3_000)
    found = grouping_loss(confidence, correct, features, num_bins=10)
    assert isinstance(found, GroupingLoss)
    assert 2_900 < found.region_count.sum() <= 3_000  # regions of a single image are left out
    assert set(found.bin_of_region) == set(range(10))
    mean = np.average(found.region_accuracy, weights=found.region_count)
    assert mean == pytest.approx(correct.mean(), abs=0.01)
    # every region has images of its own bin only
    assert (
        np.diff(found.region_confidence[np.argsort(found.bin_of_region, kind="stable")]) > -0.03
    ).all()


def test_worlds_without_groups_are_not_above_zero_and_below_the_real_one():
    data = two_groups(0.15, 3_000)
    chance = without_groups(*data, num_draws=20)
    assert chance.shape == (20,) and chance.std() > 0
    # a lower bound: below 0 where a bin mixes confidences and its regions do not follow them
    assert -0.1 * 0.15**2 < chance.mean() < 4 * chance.std() / np.sqrt(20)
    assert grouping_loss(*data).lower_bound > chance.max()


def test_same_seed_same_number():
    data = two_groups(0.1, 2_000)
    assert grouping_loss(*data, seed=3).lower_bound == grouping_loss(*data, seed=3).lower_bound
    assert grouping_loss(*data, seed=3).lower_bound != grouping_loss(*data, seed=4).lower_bound


def test_all_right_is_no_loss():
    found = grouping_loss(np.linspace(0.9, 1, 200), np.ones(200), np.arange(200.0), num_bins=5)
    assert (found.plug_in, found.bias, found.induced) == (0, 0, 0)


def test_ties_of_confidence_are_no_problem():
    _, correct, features = two_groups(0.1, 4_000)
    assert np.isfinite(grouping_loss(np.ones(4_000), correct, features).lower_bound)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"confidence": np.full(200, 1.5)}, "between 0 and 1"),
        ({"confidence": np.full(200, np.nan)}, "between 0 and 1"),
        ({"correct": np.full(200, 7)}, "true or false"),
        ({"confidence": np.full((2, 100), 0.5), "correct": np.ones((2, 100))}, r"\[2, 100\]"),
        ({"correct": np.ones(100)}, r"\[200\], \[100\]"),
        ({"features": np.ones((100, 3))}, "100 images and confidences of 200"),
        ({"features": np.full((200, 2), np.inf)}, "finite"),
        ({"features": np.ones((200, 2, 2))}, r"\[200, 2, 2\]"),
        ({"num_bins": 26}, "at most 25 bins"),
        ({"num_bins": 0}, "at least 1"),
        ({"images_per_region": 0}, "at least 1"),
    ],
)
def test_input_that_does_not_fit(changes, sentence):
    given = {
        "confidence": np.linspace(0.5, 1, 200),
        "correct": np.arange(200) % 2,
        "features": np.arange(200.0),
    }
    with pytest.raises(ValueError, match=sentence):
        grouping_loss(**(given | changes))
