"""Predictions of any numbers: their parts, and the way to a file and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from property_strategies import SHAPES, answers, exact_probabilities, logits, orders

from course_utils.metrics.predictions import Predictions

# zeros of both signs, the tiniest, the largest: all of float32 but NaN and infinity
ANYTHING = hnp.arrays(
    np.float32, SHAPES, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)


@given(ANYTHING.map(Predictions) | exact_probabilities().map(Predictions.from_probabilities))
def test_a_file_holds_every_number_to_the_bit(tmp_path_factory, predictions):
    path = predictions.save(tmp_path_factory.getbasetemp() / "any.npz")
    loaded = Predictions.load(path)
    for name in ("logits", "given_probabilities", "labels"):
        before, after = getattr(predictions, name), getattr(loaded, name)
        assert (before is None) == (after is None)
        if before is not None:
            assert after.tobytes() == before.tobytes()
            assert (after.dtype, after.shape) == (before.dtype, before.shape)


@given(ANYTHING)
def test_probabilities_of_any_logits_are_probabilities(given_logits):
    predictions = Predictions(given_logits)
    assert ((predictions.probabilities >= 0) & (predictions.probabilities <= 1)).all()
    assert predictions.probabilities.sum(axis=-1) == pytest.approx(1, abs=1e-12)
    assert predictions.mean.sum(axis=-1) == pytest.approx(1, abs=1e-12)
    votes = np.take_along_axis(
        predictions.probabilities, predictions.member_predicted[..., np.newaxis], axis=-1
    )
    assert (votes[..., 0] == predictions.probabilities.max(axis=-1)).all()


@given(st.data(), answers())
def test_parts_put_together_are_the_whole(data, predictions):
    parts = [predictions.subset(members=member) for member in range(predictions.num_members)]
    whole = Predictions.combine(parts)
    assert np.array_equal(whole.probabilities, predictions.probabilities)
    images = data.draw(orders(len(predictions)))
    back = predictions.take(images).take(np.argsort(images))
    assert np.array_equal(back.probabilities, predictions.probabilities)
    assert np.array_equal(back.predicted, predictions.predicted)


@given(logits())
def test_stacked_by_member_is_sorted_by_image(given_logits):
    num_images, num_members, num_classes = given_logits.shape
    stacked = np.concatenate([given_logits[:, member] for member in range(num_members)])
    predictions = Predictions.from_stacked(stacked, num_members)
    assert np.array_equal(predictions.logits, given_logits)
    assert len(predictions) == num_images and predictions.num_classes == num_classes
