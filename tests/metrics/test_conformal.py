"""Prediction sets: by hand, against torch-uncertainty, and the promise over many draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from course_utils.metrics import conformal


def answers(
    num_images: int = 600, num_classes: int = 6, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels drawn from them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, size=(num_images, num_classes))
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return probabilities, labels


ONE_IMAGE = np.array([[0.2, 0.5, 0.3]])


def test_the_scores_by_hand():
    assert conformal.threshold_scores(ONE_IMAGE) == pytest.approx(np.array([[0.8, 0.5, 0.7]]))
    assert conformal.adaptive_scores(ONE_IMAGE) == pytest.approx(np.array([[1.0, 0.5, 0.8]]))
    with_noise = conformal.adaptive_scores(ONE_IMAGE, [0.5])
    assert with_noise == pytest.approx(np.array([[0.9, 0.25, 0.65]]))
    penalised = conformal.adaptive_scores(ONE_IMAGE, penalty=0.1, free_rank=2)
    assert penalised == pytest.approx(np.array([[1.1, 0.5, 0.8]]))


@pytest.mark.parametrize(
    ("count", "alpha", "rank"), [(9, 0.1, 9), (99, 0.1, 90), (19, 0.05, 19), (100, 0.05, 96)]
)
def test_the_corrected_quantile_is_the_right_one_of_the_sorted_scores(count, alpha, rank):
    scores = np.random.default_rng(0).permutation(count) + 1.0
    assert conformal.quantile(scores, alpha) == rank


def test_too_few_images_for_the_promise_name_all_classes():
    threshold = conformal.quantile(np.linspace(0, 1, 18), alpha=0.05)
    assert threshold == math.inf
    assert conformal.prediction_sets(ONE_IMAGE, threshold).all()
    assert np.isfinite(conformal.quantile(np.linspace(0, 1, 19), alpha=0.05))
    assert conformal.expected_coverage(18, 0.05) == 1
    assert conformal.expected_coverage(19, 0.05) == 19 / 20
    assert conformal.expected_coverage(19, 0.05 - 2e-10) == 1, "a little more is promised"


def test_the_plain_quantile_is_never_above_the_corrected_one():
    generator = np.random.default_rng(1)
    for count in (5, 10, 37, 200):
        scores = generator.random(count)
        for alpha in (0.02, 0.1, 0.3):
            plain = conformal.quantile(scores, alpha, corrected=False)
            assert plain <= conformal.quantile(scores, alpha)


def test_the_class_whose_score_is_the_quantile_is_named():
    true_scores = np.arange(1.0, 10)
    sets = conformal.prediction_sets(
        true_scores[:, np.newaxis], conformal.quantile(true_scores, 0.2)
    )
    assert sets[:, 0].tolist() == 8 * [True] + [False]  # 9 images: the 8th score is the quantile


def test_sets_may_be_empty_unless_a_class_is_always_named():
    scores = np.array([[0.4, 0.6], [0.1, 0.9]])
    assert conformal.prediction_sets(scores, 0.2).sum(axis=1).tolist() == [0, 1]
    with_first = conformal.prediction_sets(scores, 0.2, always=[0, 0])
    assert with_first.sum(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("name", ["THR", "APS", "RAPS"])
def test_the_same_sets_as_torch_uncertainty(name):
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset
    from torch_uncertainty import post_processing

    probabilities, labels = answers()
    logits = torch.tensor(np.log(probabilities))
    loader = DataLoader(TensorDataset(logits, torch.tensor(labels)), batch_size=100)
    options = {} if name == "THR" else {"randomized": False}
    if name == "RAPS":
        options |= {"penalty": 0.05, "regularization_rank": 2}
    wrapped = getattr(post_processing, f"ConformalCls{name}")(
        alpha=0.1, model=torch.nn.Sequential(), enable_ts=False, **options
    )
    wrapped.fit(loader)
    theirs = wrapped.conformal(logits).numpy() > 0

    scores = {
        "THR": conformal.threshold_scores(probabilities),
        "APS": conformal.adaptive_scores(probabilities),
        "RAPS": conformal.adaptive_scores(probabilities, penalty=0.05, free_rank=2),
    }[name]
    true_scores = scores[np.arange(len(labels)), labels]
    threshold = conformal.quantile(true_scores, 0.1, corrected=False)
    assert threshold == pytest.approx(float(wrapped.quantile), abs=1e-6)
    # up to the last digit, which decides for the image whose score is the quantile itself
    ours = conformal.prediction_sets(scores, threshold + 1e-9, always=probabilities.argmax(axis=1))
    theirs_near = np.abs(scores - threshold) < 1e-6
    assert (ours == theirs)[~theirs_near].all()
    assert theirs_near.sum() <= 2


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("score", ["threshold", "adaptive"])
def test_the_promise_holds_on_average_for_any_model_however_bad(alpha, score):
    generator = np.random.default_rng(2)
    _, labels = answers(num_images=2_000)
    foreign = generator.dirichlet(np.ones(6), size=2_000)  # knows nothing of the labels
    scores = (
        conformal.threshold_scores(foreign)
        if score == "threshold"
        else conformal.adaptive_scores(foreign, generator.random(2_000))
    )
    draws = conformal.coverage_of_draws(scores, labels, alpha, 40, num_draws=4_000)
    wanted = conformal.expected_coverage(40, alpha)
    error = draws.coverage.std() / np.sqrt(4_000)
    # the one pool of images that all draws share adds about 1/N of error of its own
    assert draws.coverage.mean() == pytest.approx(wanted, abs=5 * error + 1e-3)
    assert wanted >= 1 - alpha
    assert draws.size.mean() == pytest.approx(6 * (1 - alpha), abs=0.3)


def test_without_the_correction_few_images_break_the_promise():
    probabilities, labels = answers(num_images=3_000)
    scores = conformal.threshold_scores(probabilities)
    plain = conformal.coverage_of_draws(scores, labels, 0.1, 10, num_draws=3_000, corrected=False)
    corrected = conformal.coverage_of_draws(scores, labels, 0.1, 10, num_draws=3_000)
    error = plain.coverage.std() / np.sqrt(3_000)
    assert plain.coverage.mean() < 0.9 - 10 * error
    assert corrected.coverage.mean() > 0.9
    many = conformal.coverage_of_draws(scores, labels, 0.1, 2_000, num_draws=300, corrected=False)
    assert many.coverage.mean() == pytest.approx(0.9, abs=0.005)


def test_draws_count_exactly_the_images_that_did_not_calibrate():
    probabilities, labels = answers(num_images=50)
    scores = conformal.threshold_scores(probabilities)
    draws = conformal.coverage_of_draws(scores, labels, 0.2, 20, num_draws=5, seed=3)
    generator = np.random.default_rng(3)
    for draw in range(5):
        chosen = generator.choice(50, 20, replace=False, shuffle=False)
        rest = np.setdiff1d(np.arange(50), chosen)
        threshold = conformal.quantile(scores[chosen, labels[chosen]], 0.2)
        sets = conformal.prediction_sets(scores[rest], threshold)
        assert draws.coverage[draw] == pytest.approx(sets[np.arange(30), labels[rest]].mean())
        assert draws.size[draw] == pytest.approx(sets.sum(axis=1).mean())


def test_equal_seeds_give_equal_draws():
    probabilities, labels = answers(num_images=100)
    scores = conformal.threshold_scores(probabilities)
    first, second, other = (
        conformal.coverage_of_draws(scores, labels, 0.1, 30, num_draws=20, seed=seed).coverage
        for seed in (0, 0, 1)
    )
    assert first.tolist() == second.tolist() != other.tolist()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: conformal.threshold_scores(np.zeros((2, 3, 4))), r"predictions\.mean"),
        (lambda: conformal.adaptive_scores(ONE_IMAGE, [2.0]), "between 0 and 1"),
        (lambda: conformal.adaptive_scores(ONE_IMAGE, [math.nan]), "between 0 and 1"),
        (lambda: conformal.adaptive_scores(ONE_IMAGE, penalty=-1), "at least 0"),
        (lambda: conformal.quantile([], 0.1), "at least one"),
        (lambda: conformal.quantile([0.5], 10), "share between 0 and 1"),
        (lambda: conformal.expected_coverage(0, 0.1), "At least one"),
        (lambda: conformal.coverage_of_draws(ONE_IMAGE, [0], 0.1, 1), "1 to 0 can calibrate"),
        (lambda: conformal.coverage_of_draws(ONE_IMAGE, [0, 1], 0.1, 1), "same images"),
    ],
)
def test_what_makes_no_sense_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
