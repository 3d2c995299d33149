"""The knob: its default, the allowed values, and a clear sentence for everything else."""

from __future__ import annotations

import pytest

from course_utils import speed


def test_default(monkeypatch):
    monkeypatch.delenv("COURSE_SPEED", raising=False)
    assert speed() == "train"


@pytest.mark.parametrize("empty", ["", "  "])
def test_empty_means_default(monkeypatch, empty):
    monkeypatch.setenv("COURSE_SPEED", empty)
    assert speed() == "train"


@pytest.mark.parametrize("value", ["look", "train", "full"])
def test_allowed(monkeypatch, value):
    monkeypatch.setenv("COURSE_SPEED", f" {value} ")
    assert speed() == value


@pytest.mark.parametrize("wrong", ["fast", "FULL", "1"])
def test_unknown(monkeypatch, wrong):
    monkeypatch.setenv("COURSE_SPEED", wrong)
    with pytest.raises(ValueError, match=f"COURSE_SPEED is '{wrong}': set it to look, train"):
        speed()
