"""The benchmark compares the right numbers, and measures a training from end to end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import one_of_many

SECONDS = {
    "before": {"alone": 4.0, "three at once": 60.0, "beside a busy process": 90.0},
    "after": {"alone": 5.0, "three at once": 10.0, "beside a busy process": 7.5},
}


def test_factors_compare_with_one_alone():
    assert list(one_of_many.factors(SECONDS).values()) == [1.25, 2.0, 1.5]


def test_the_table_names_each_goal():
    shown = one_of_many.table({"fit": SECONDS})
    assert "fit, three at once                      60.0      10.0" in shown
    assert "fit, alone, after to before: 1.25 (at most 1.4)" in shown
    assert "fit, three at once to alone: 2.00 (at most 3.5)" in shown
    assert "fit, beside a busy process to alone: 1.50 (at most 2.5)" in shown


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_many.KINDS)
def test_a_small_training_is_measured(kind):
    assert 0 < one_of_many.measure("beside a busy process", kind, "after", 256, 1) < 100
