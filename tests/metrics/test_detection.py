"""OOD detection: scikit-learn's areas, torch-uncertainty's false alarms, and pairs counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.metrics.detection import auroc, ood_detection

GENERATOR = np.random.default_rng(0)
KNOWN, STRANGE = GENERATOR.normal(0, 1, 300), GENERATOR.normal(1.5, 1, 200)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
)
def test_areas_are_those_of_scikit_learn(known: list[int], ood: list[int]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    result = ood_detection(np.array(known, float), np.array(ood, float))
    scores, positive = known + ood, [0] * len(known) + [1] * len(ood)
    assert result.auroc == pytest.approx(metrics.roc_auc_score(positive, scores))
    assert result.aupr == pytest.approx(metrics.average_precision_score(positive, scores))
    false, true, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    assert result.fpr95 == pytest.approx(false[np.argmax(true >= 0.95)])
    np.testing.assert_allclose(result.false_positive, false)
    np.testing.assert_allclose(result.true_positive, true)
    assert result.precision[0] == 1, "where none is flagged, none is flagged in error"
    found, wrongly = true[1:] * len(ood), false[1:] * len(known)
    np.testing.assert_allclose(result.precision[1:], found / (found + wrongly))


@pytest.mark.filterwarnings("ignore:Metric `FPR95` will save")
def test_false_alarms_are_those_of_torch_uncertainty() -> None:
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torch_uncertainty.metrics")
    metric = metrics.FPR95(pos_label=1)
    metric.update(
        torch.from_numpy(np.concatenate([KNOWN, STRANGE])),
        torch.from_numpy(np.repeat([0, 1], [300, 200])),
    )
    assert ood_detection(KNOWN, STRANGE).fpr95 == pytest.approx(float(metric.compute()))


def test_exactly_95_percent_found_are_enough() -> None:
    found = ood_detection(known=[1.5, 2.5, 3.5, 30], ood=np.arange(1.0, 21))
    assert found.fpr95 == 3 / 4  # 19 of 20 are found at a score of 2; the last would cost 1.5 too
    assert (found.num_known, found.num_ood) == (4, 20)


VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12).map(np.array)


@settings(max_examples=60, deadline=None)
@given(known=VALUES, ood=VALUES)
def test_auroc_is_the_share_of_pairs(known: np.ndarray, ood: np.ndarray) -> None:
    pairs = (ood[:, None] > known) + 0.5 * (ood[:, None] == known)
    assert auroc(known, ood) == pytest.approx(pairs.mean())
    assert auroc(known, ood) == pytest.approx(ood_detection(known, ood).auroc)


@pytest.mark.parametrize(
    ("known", "ood", "sentence"),
    [
        (KNOWN, STRANGE[:0], "at least one each"),
        (KNOWN[:0], STRANGE, "at least one each"),
        (np.full(3, np.nan), STRANGE, "known images holds values that are not finite"),
        (KNOWN, STRANGE[:, np.newaxis], r"OOD images must have the shape \[N\]"),
    ],
)
def test_scores_that_make_no_sense_are_refused(known, ood, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ood_detection(known, ood)
