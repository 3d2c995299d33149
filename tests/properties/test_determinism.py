"""The same seed gives the same result, to the bit; another number of threads nearly the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from course_utils.images import load_mnist
from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions

torch = pytest.importorskip("torch")

from course_utils.networks import augmentation, evaluation, training, zoo  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _keeps_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def answers_after_training(architecture: str, folder: Path, threads: int = 1) -> Predictions:
    """Train on 256 digits, with crops and random rotations, and predict 200 others."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = zoo.build(architecture)
    digits = load_mnist("train").subset(slice(0, 3000, 8)).subset(slice(0, 256))
    others = load_mnist("val").subset(slice(0, 1000, 5))
    training.fit(
        model, digits, others, name=architecture, folder=folder, epochs=2,
        augment=augmentation.random_affine,
    )  # fmt: skip
    torch.manual_seed(1)  # mc-dropout draws while it predicts
    return evaluation.predict(model, others)


@pytest.mark.parametrize(
    "architecture", ["lenet", "packed 2 4", "deep-ensemble 2", "mc-dropout 0.2 3"]
)
def test_the_same_seed_gives_the_same_answers_to_the_bit(architecture, tmp_path):
    first, second = (answers_after_training(architecture, tmp_path) for _ in range(2))
    assert first.logits.tobytes() == second.logits.tobytes()
    assert np.ptp(first.logits) > 0
    for score in scores.available(first).values():
        assert score(first).tobytes() == score(second).tobytes()
    curves = [selective.risk_coverage(scores.entropy(one), one.correct) for one in (first, second)]
    assert (curves[0].aurc, curves[0].augrc) == (curves[1].aurc, curves[1].augrc)


def test_two_threads_repeat_themselves_and_nearly_agree_with_one(tmp_path):
    one = answers_after_training("packed 2 4", tmp_path, threads=1)
    two, again = (answers_after_training("packed 2 4", tmp_path, threads=2) for _ in range(2))
    assert two.logits.tobytes() == again.logits.tobytes()
    # sums in another order differ in the last digit of float32, and four steps make more of it
    assert two.mean == pytest.approx(one.mean, abs=1e-4)


@pytest.mark.slow
def test_another_process_gives_the_same_answers_to_the_bit(tmp_path):
    program = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "import hashlib, test_determinism\n"
        "found = test_determinism.answers_after_training('packed 2 4', Path(sys.argv[1]))\n"
        "print(hashlib.sha256(found.logits.tobytes()).hexdigest())\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(REPOSITORY), str(Path(__file__).parent)],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    here = answers_after_training("packed 2 4", tmp_path)
    assert finished.stdout.split()[-1] == hashlib.sha256(here.logits.tobytes()).hexdigest()
