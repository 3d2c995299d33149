"""Scores: hand-computed values, ranges, invariances, and torch-uncertainty's metrics."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions


def make(num_images=300, num_members=4, num_classes=10, seed=0, scale=3.0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=scale, size=(num_images, num_members, num_classes))
    return Predictions(logits, generator.integers(0, num_classes, num_images))


small_logits = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=6),
    # Few distinct values: equal votes and equal probabilities come up often.
    elements=st.sampled_from([-20.0, -1.0, 0.0, 0.5, 1.0, 30.0]),
)


# By hand


def test_hand_computed_two_members():
    # p_1 = (1, 1)/2, p_2 = (1, 3)/4: mean (3, 5)/8.
    predictions = Predictions(np.log([[[1.0, 1.0], [1.0, 3.0]]]))
    total = -(3 / 8 * np.log(3 / 8) + 5 / 8 * np.log(5 / 8))
    expected = (np.log(2) + (np.log(4) - 3 / 4 * np.log(3))) / 2
    by_hand = {
        "Maximum probability": 3 / 8,
        "Entropy": total,
        "Expected entropy": expected,
        "Mutual information": total - expected,
        "Variation ratio": 1 / 2,
        "Disagreement": 1.0,
        # The mean logits are (0, ln(3) / 2).
        "Energy": -np.log(1 + np.sqrt(3)),
        "Maximum logit": -np.log(3) / 2,
    }
    assert by_hand.keys() == scores.SCORES.keys()
    for name, value in by_hand.items():
        assert scores.SCORES[name](predictions) == pytest.approx([value], abs=1e-6), name


def test_votes_by_hand():
    # Votes 0 0 1 2 of four members: of 6 pairs one agrees, five do not.
    logits = np.zeros((1, 4, 3))
    logits[0, [0, 1, 2, 3], [0, 0, 1, 2]] = 5
    predictions = Predictions(logits)
    assert scores.variation_ratio(predictions) == pytest.approx([1 / 2])
    assert scores.disagreement(predictions) == pytest.approx([5 / 6])


def test_uniform_and_certain_are_the_ends_of_the_range():
    predictions = Predictions([[[0.0] * 4] * 2, [[1000.0, 0, 0, 0]] * 2])
    assert scores.max_probability(predictions) == pytest.approx([3 / 4, 0])
    for score in (scores.entropy, scores.expected_entropy):
        assert score(predictions) == pytest.approx([np.log(4), 0])
    for score in (scores.mutual_information, scores.variation_ratio, scores.disagreement):
        assert score(predictions).tolist() == [0, 0]


def test_certain_but_opposed_members():
    predictions = Predictions([[[1000.0, 0.0], [0.0, 1000.0]]])
    assert scores.mutual_information(predictions) == pytest.approx([np.log(2)])
    assert scores.expected_entropy(predictions) == pytest.approx([0])
    assert scores.disagreement(predictions) == pytest.approx([1])


def test_very_certain_images_do_not_tie():
    predictions = Predictions([[[gap, 0.0]] for gap in (38.0, 40.0, 60.0, 600.0)])
    assert (1 - predictions.mean.max(axis=-1)).tolist() == [0.0] * 4  # the subtraction is blind
    assert (np.diff(scores.max_probability(predictions)) < 0).all()
    assert (np.diff(scores.entropy(predictions)) < 0).all()


# Properties


@settings(max_examples=150, deadline=None)
@given(small_logits)
def test_ranges_and_definitions(logits):
    predictions = Predictions(logits)
    num_images, num_members, num_classes = logits.shape
    limits = {
        "Maximum probability": 1 - 1 / num_classes,
        "Entropy": np.log(num_classes),
        "Expected entropy": np.log(num_classes),
        "Mutual information": np.log(min(num_members, num_classes)),
        "Variation ratio": 1 - 1 / min(num_members, num_classes),
        "Disagreement": 1.0,
    }
    for name, score in scores.SCORES.items():
        values = score(predictions)
        assert values.shape == (num_images,)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        if name in limits:
            assert (values >= 0).all(), name
            assert (values <= limits[name] + 1e-12).all(), name
    assert scores.max_probability(predictions) == pytest.approx(
        1 - predictions.mean.max(axis=-1), abs=1e-12
    )
    votes = predictions.member_predicted
    for image in range(num_images):
        pairs = [
            votes[image, first] != votes[image, second]
            for first in range(num_members)
            for second in range(first)
        ]
        assert scores.disagreement(predictions)[image] == pytest.approx(np.mean(pairs))
        modal = max(np.mean(votes[image] == c) for c in range(num_classes))
        assert scores.variation_ratio(predictions)[image] == pytest.approx(1 - modal)


@settings(max_examples=100, deadline=None)
@given(small_logits)
def test_mutual_information_is_clipped_for_rounding_only(logits):
    predictions = Predictions(logits)
    raw = scores.entropy(predictions) - scores.expected_entropy(predictions)
    assert (raw > -1e-12).all()
    assert scores.mutual_information(predictions) == pytest.approx(raw, abs=1e-12)


@pytest.mark.parametrize("name", scores.SCORES)
def test_order_of_members_and_images_does_not_matter(name):
    predictions = make()
    score = scores.SCORES[name]
    values = score(predictions)
    assert score(predictions.subset(members=[3, 1, 0, 2])) == pytest.approx(values, abs=1e-12)
    order = np.random.default_rng(1).permutation(len(predictions))
    assert np.array_equal(score(predictions.take(order)), values[order])


@pytest.mark.parametrize("name", scores.SCORES)
def test_a_constant_on_all_logits_moves_energy_and_max_logit_only(name):
    predictions = make(scale=1.0)
    moved = Predictions(predictions.logits + np.float32(4), predictions.labels)
    shift = -4 if scores.SCORES[name].needs_logits else 0
    values = scores.SCORES[name](predictions)
    assert scores.SCORES[name](moved) == pytest.approx(values + shift, abs=1e-5)


def test_copies_of_one_member_change_nothing():
    single = make(num_members=1)
    copies = Predictions.combine([single] * 3)
    for name, score in scores.SCORES.items():
        assert score(copies) == pytest.approx(score(single), abs=1e-12), name


# What cannot be scored


def test_scores_that_need_logits_say_so():
    foreign = Predictions.from_probabilities(make().probabilities)
    for score in scores.SCORES.values():
        if score.needs_logits:
            with pytest.raises(ValueError, match="needs logits"):
                score(foreign)
        else:
            assert np.array_equal(score(foreign), score(make()))


def test_available_offers_what_can_rank():
    ensemble, single = make(), make(num_members=1)
    foreign = Predictions.from_probabilities(single.probabilities)
    assert scores.available(ensemble) == scores.SCORES
    assert set(scores.available(single)) == {
        name for name, score in scores.SCORES.items() if not score.needs_members
    }
    assert list(scores.available(foreign)) == ["Maximum probability", "Entropy", "Expected entropy"]
    for name, score in scores.SCORES.items():
        constant = np.ptp(score(single)) == 0
        assert constant == score.needs_members, name


def test_every_entry_of_the_registry_is_complete():
    for name, score in scores.SCORES.items():
        assert score.name == name and score.source and score.direction == "higher = less certain"
        assert getattr(scores, score.function.__name__) is score.function
    assert scores.DEFAULT_SCORE in scores.SCORES
    assert scores.SCORES["Mutual information"].key == "mutual-information"


def test_every_score_calls_an_even_answer_less_certain_than_a_sure_one():
    sure, torn = [[8.0, 0.0], [8.0, 0.0]], [[0.5, 0.0], [0.0, 0.5]]
    predictions = Predictions([sure, torn])
    for name, score in scores.SCORES.items():
        certain, uncertain = score(predictions)
        assert certain < uncertain, name


# The split of a single image


@pytest.mark.parametrize("members", [1, 2, 8])
def test_split_is_that_of_the_scores(members):
    predictions = make(num_members=members)
    expected = np.stack(
        [
            scores.entropy(predictions),
            scores.expected_entropy(predictions),
            scores.mutual_information(predictions),
        ],
        axis=1,
    )
    found = np.array([scores.entropy_split(one) for one in predictions.probabilities])
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_certain_members_that_contradict_each_other():
    total, expected, mutual = scores.entropy_split(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert (total, expected, mutual) == pytest.approx((np.log(2), 0, np.log(2)))


# Against torch-uncertainty


@pytest.fixture(scope="module")
def torch_uncertainty():
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries at import
        import torch_uncertainty.metrics
        import torch_uncertainty.ood_criteria

    return torch_uncertainty


def tensor(array):
    import torch

    return torch.from_numpy(np.array(array))


@pytest.mark.parametrize("scale", [0.5, 3.0, 20.0])
def test_same_numbers_as_the_metrics(torch_uncertainty, scale):
    predictions = make(scale=scale)
    metrics = torch_uncertainty.metrics
    members = tensor(predictions.probabilities)
    pairs = [
        (scores.entropy, metrics.Entropy, tensor(predictions.mean)),
        (scores.expected_entropy, metrics.Entropy, members),
        (scores.mutual_information, metrics.MutualInformation, members),
        (scores.disagreement, metrics.Disagreement, members),
    ]
    for ours, metric_class, given_probabilities in pairs:
        metric = metric_class(reduction="none")
        metric.update(given_probabilities)
        theirs = metric.compute().numpy()
        # Disagreement divides in float32 whatever it is given.
        assert ours(predictions) == pytest.approx(theirs, abs=1e-7), metric_class


def test_same_numbers_as_the_ood_criteria(torch_uncertainty):
    predictions = make()
    logits = tensor(predictions.logits)
    criteria = torch_uncertainty.ood_criteria
    for ours, name in [(scores.energy, "energy"), (scores.max_logit, "logit")]:
        theirs = criteria.get_ood_criterion(name)(logits).numpy()
        assert ours(predictions) == pytest.approx(theirs, abs=1e-5), name
    theirs = criteria.get_ood_criterion("msp")(tensor(predictions.mean)).numpy()
    assert scores.max_probability(predictions) == pytest.approx(1 + theirs, abs=1e-12)
    # Their "entropy" is the mean entropy of the members.
    theirs = criteria.get_ood_criterion("entropy")(tensor(predictions.probabilities)).numpy()
    assert scores.expected_entropy(predictions) == pytest.approx(theirs, abs=1e-12)


def test_variation_ratio_differs_only_where_the_mean_is_not_the_most_voted(torch_uncertainty):
    predictions = make(2000, scale=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "will save all predictions in buffer"
        metric = torch_uncertainty.metrics.VariationRatio(probabilistic=False, reduction="none")
    metric.update(tensor(predictions.probabilities).transpose(0, 1))
    theirs = metric.compute().numpy()
    ours = scores.variation_ratio(predictions)
    votes_for_mean = (predictions.member_predicted == predictions.predicted[:, None]).mean(axis=1)
    mean_is_modal = np.isclose(1 - votes_for_mean, ours)
    assert 0 < np.count_nonzero(~mean_is_modal) < 1000
    assert ours[mean_is_modal] == pytest.approx(theirs[mean_is_modal], abs=1e-6)
    assert (theirs[~mean_is_modal] > ours[~mean_is_modal]).all()


def test_disagreement_of_a_single_model_is_their_nan(torch_uncertainty):
    single = make(num_members=1)
    metric = torch_uncertainty.metrics.Disagreement(reduction="none")
    metric.update(tensor(single.probabilities))
    assert np.isnan(metric.compute().numpy()).all()
    assert not scores.disagreement(single).any()
