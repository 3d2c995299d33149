"""Random answers of classifiers: ties, certainty and extremes come up often."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.metrics.predictions import Predictions

SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6).filter(
    lambda shape: shape[-1] > 1
)
# A softmax of these has exact zeros and ones, and members that tie.
EXTREME = st.sampled_from([-1e4, -20.0, -1.0, 0.0, 0.5, 1.0, 30.0, 1e4])
ORDINARY = st.floats(-50, 50, width=32)


def logits(
    elements: st.SearchStrategy = EXTREME | ORDINARY, unique: bool = False
) -> st.SearchStrategy[np.ndarray]:
    """Float32 [N, M, C]."""
    return hnp.arrays(np.float32, SHAPES, elements=elements, unique=unique)


@st.composite
def exact_probabilities(draw: st.DrawFn) -> np.ndarray:
    """Float64 [N, M, C] of small fractions: 0, 1 and equal probabilities in most rows."""
    weights = draw(hnp.arrays(np.int64, draw(SHAPES), elements=st.integers(0, 3)))
    weights[..., 0] += weights.sum(axis=-1) == 0
    return weights / weights.sum(axis=-1, keepdims=True)


def answers() -> st.SearchStrategy[Predictions]:
    """Predictions from logits, and from probabilities of a foreign model."""
    return logits().map(Predictions) | exact_probabilities().map(Predictions.from_probabilities)


@st.composite
def labelled(draw: st.DrawFn, num_images: int = 40, num_classes: int = 4) -> Predictions:
    """Ordinary predictions of a model that is right more often than not, but not always."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    num_members, skill = draw(st.integers(1, 4)), draw(st.sampled_from([1.0, 2.0, 3.0]))
    labels = generator.integers(num_classes, size=num_images)
    given = generator.normal(scale=2, size=(num_images, num_members, num_classes))
    given[np.arange(num_images), :, labels] += skill
    given[0, :, labels[0]] -= 20  # one is wrong for certain, one right
    given[1, :, labels[1]] += 20
    truth = given[np.arange(num_images), :, labels]
    assume(((truth - given.mean(axis=-1)).mean(axis=0) > 0.2).all())  # better than guessing
    return Predictions(given, labels)


@st.composite
def ranked_answers(draw: st.DrawFn, max_size: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Uncertainties of which many are equal, [N], and whether each answer is right, [N]."""
    size = draw(st.integers(1, max_size))
    uncertainty = draw(hnp.arrays(np.float64, size, elements=st.integers(-4, 4)))
    return uncertainty, draw(hnp.arrays(np.bool_, size))


def orders(size: int) -> st.SearchStrategy[list[int]]:
    """The numbers 0 to size - 1 in any order."""
    return st.permutations(range(size))
