"""`course_utils.health.forecast`: a reference that is whole, and arithmetic on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from course_utils.health import forecast

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def test_the_reference_knows_every_chapter_and_how_it_was_made() -> None:
    known = forecast.reference()
    assert sorted(known["chapters"]) == sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
    assert re.search(r"tools.author.forecast", known["how"])
    assert known["step_seconds"] > 0 and known["drawing_seconds"] > 0
    assert all(times["rest"] > 0 <= times["training"] for times in known["chapters"].values())


def test_training_and_the_rest_scale_on_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        "step_seconds": 0.01,
        "drawing_seconds": 0.1,
        "chapters": {"02_lenet": {"rest": 30.0, "training": 60.0}},
    }
    monkeypatch.setattr(forecast, "reference", lambda: known)
    same = {speed: forecast.minutes(speed, 0.01, 0.1)["02_lenet"] for speed in forecast.EPOCHS}
    assert same == {"look": 0.5, "train": 1.5, "full": 0.5 + 25.0}
    assert forecast.minutes("train", 0.02, 0.1) == {"02_lenet": 2.5}
    assert forecast.minutes("train", 0.01, 0.2) == {"02_lenet": 2.0}


def test_calibration_leaves_random_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "PATIENCE", 0.05)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    assert 1e-5 < forecast.step_seconds() < 5
    assert torch.equal(torch.rand(2), expected)
    assert 1e-4 < forecast.drawing_seconds() < 5
