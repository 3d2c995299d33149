"""Rankings of images for each model and score, and of scores by the mistakes they find."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.rankings import Rankings, rank_scores, rounded_up, share_to_refer

GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.integers(3, size=300)
MODELS = {
    "one": Predictions(GENERATOR.normal(size=(300, 1, 3)), LABELS),
    "sure": Predictions.from_probabilities(GENERATOR.dirichlet(np.ones(3), 300), LABELS),
}


def test_a_ranking_is_that_of_its_model_and_score() -> None:
    ranking = Rankings(MODELS).ranking("one", "Entropy")
    uncertainty = scores.entropy(MODELS["one"])
    np.testing.assert_array_equal(
        ranking.uncertainty[ranking.order], np.sort(rounded_up(uncertainty))
    )
    np.testing.assert_array_equal(ranking.correct, MODELS["one"].correct)
    for threshold in (0.0, 0.5, 1.0, 2.0):
        assert ranking.answered(threshold) == (uncertainty <= threshold).sum()


def test_a_ranking_is_computed_once() -> None:
    rankings = Rankings(MODELS)
    assert rankings.ranking("one", "Entropy") is rankings.ranking("one", "Entropy")
    assert rankings.ranking("one", "Entropy") is not rankings.ranking("sure", "Entropy")


def test_scores_are_those_that_the_models_allow() -> None:
    rankings = Rankings(MODELS)
    assert rankings.with_score("Entropy") == ["one", "sure"]
    assert rankings.with_score("Energy") == ["one"]  # the other has no logits
    assert len(rankings) == 300 and rankings.num_classes == 3
    np.testing.assert_array_equal(rankings.labels, LABELS)


def test_other_images_are_refused() -> None:
    model = MODELS["one"]
    turned = Predictions(model.logits, LABELS[::-1])
    for other, sentence in (
        (turned, "one and other must predict the same images"),
        (model.take(slice(200)), "300 images of one but 200 of other"),
        (model.take([*range(300), 0]), "300 images of one but 301 of other"),
    ):
        with pytest.raises(ValueError, match=sentence):
            Rankings({"one": model, "other": other})
    with pytest.raises(ValueError, match="other must be Predictions, not ndarray"):
        Rankings({"one": model, "other": model.mean})


@pytest.mark.parametrize("name", scores.SCORES)
@pytest.mark.parametrize("spread", [1e-3, 1.0, 100.0])
def test_rounding_up_keeps_the_ranking_and_what_a_threshold_answers(
    name: str, spread: float
) -> None:
    logits = np.random.default_rng(3).normal(size=(2_000, 4, 10)) * spread
    exact = scores.SCORES[name](Predictions(np.round(logits, 2)))
    rounded = rounded_up(exact)
    assert (rounded >= exact).all()
    np.testing.assert_allclose(rounded, exact, rtol=2e-7, atol=0)
    values, places = np.unique(exact, return_inverse=True)
    short = np.unique(rounded)
    assert len(short) == len(values)  # no new ties
    np.testing.assert_array_equal(short[places], rounded)  # and the same order
    for threshold in short[:: max(1, len(short) // 50)]:
        assert (exact <= threshold).sum() == (rounded <= threshold).sum()


def test_rounding_up_leaves_few_bits_where_few_are_needed() -> None:
    third = rounded_up(np.array([1 / 3, -1 / 3, 0.0, 1e-300]))
    assert (third.view(np.int64) % 2**29 == 0).all()
    near = np.array([1.0 + 2**-52, 1.0 + 2**-51])
    np.testing.assert_array_equal(rounded_up(near), near)


def test_scores_are_ranked_by_the_mistakes_they_find() -> None:
    wrong = ~MODELS["one"].correct
    table = rank_scores(MODELS["one"], {"oracle": wrong, "upside down": -wrong.astype(float)})
    assert table.index[0] == "oracle" and table.index[-1] == "upside down"
    assert table.loc["oracle", "AUROC"] == 1 and table.loc["upside down", "AUROC"] == 0
    entropy = scores.entropy(MODELS["one"])
    assert table.loc["Entropy", "AUROC"] == pytest.approx(roc_auc_score(wrong, entropy))
    curve = selective.risk_coverage(entropy, ~wrong)
    assert table.loc["Entropy", "AURC"] == curve.aurc
    assert set(table.index) == {"oracle", "upside down", *scores.available(MODELS["one"])}


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"Entropy": np.zeros(300)}, "already"),
        ({"mine": np.zeros(299)}, "299 values of the score"),
        ({"mine": np.full(300, np.nan)}, "not finite"),
        ({"mine": np.zeros((300, 2))}, "shape"),
    ],
)
def test_scores_that_cannot_be_ranked_are_refused(own: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rank_scores(MODELS["one"], own)


def test_ranking_scores_needs_mistakes() -> None:
    right = Predictions(np.eye(3)[:, None], np.arange(3))
    with pytest.raises(ValueError, match="at least one of each"):
        rank_scores(right)


def test_share_to_refer_counts_all_that_are_as_uncertain() -> None:
    generator = np.random.default_rng(5)
    uncertainty = generator.integers(0, 8, 60) / 8  # many ties
    expected = [(uncertainty >= one).mean() for one in uncertainty]
    assert np.allclose(share_to_refer(uncertainty), expected)
