"""What chapter 10 says of the calibration of each kind of damage, for the networks it loads."""

from __future__ import annotations

import numpy as np

from course_utils.images import load_mnist
from course_utils.images.corruptions import CORRUPTIONS, corrupt
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.predictions import Predictions
from course_utils.networks import zoo

MODELS = ("modest-lenet-0", "modest-deep-ensemble-8", "modest-packed-4")


def answers(model: str, kind: str) -> Predictions:
    """Of one network, to some of the test digits at severity 5."""
    from course_utils.networks.evaluation import predict

    digits = load_mnist("test").subset(slice(None, None, 33))
    return predict(zoo.load(model), corrupt(digits, kind, severity=5))


def excess(predictions: Predictions) -> float:
    """Mean confidence minus accuracy: above 0 is overconfident."""
    return float((predictions.mean.max(axis=1) - predictions.correct).mean())


def test_moved_digits_make_overconfident_and_pale_ones_too_cautious() -> None:
    pale = {model: excess(answers(model, "contrast")) for model in MODELS}
    for model in MODELS:
        assert min(excess(answers(model, kind)) for kind in ("shift", "rotation")) > 0.2
        assert pale[model] < -0.2
    alone, *ensembles = (pale[model] for model in MODELS)
    assert max(ensembles) < alone  # "the ensembles most of all"


def test_a_pool_is_never_calibrated_worse_than_its_kinds_on_average() -> None:
    each = [answers(MODELS[1], kind) for kind in CORRUPTIONS]
    pool = Predictions(
        np.concatenate([one.logits for one in each]), np.concatenate([one.labels for one in each])
    )
    errors = [expected_calibration_error(one) for one in each]
    assert expected_calibration_error(pool) < np.mean(errors) - 0.05  # they cancel in part
