"""The knobs: defaults, allowed values, and a clear sentence for everything else."""

from __future__ import annotations

import pytest

from course_utils._support import settings


@pytest.mark.parametrize(
    ("function", "variable", "default", "allowed"),
    [
        (settings.speed, "COURSE_SPEED", "train", ("look", "train", "full")),
        (settings.data_mode, "COURSE_DATA", "auto", ("auto", "sample", "full")),
    ],
)
class TestKnob:
    def test_default(self, function, variable, default, allowed, monkeypatch):
        monkeypatch.delenv(variable, raising=False)
        assert function() == default

    @pytest.mark.parametrize("empty", ["", "  "])
    def test_empty_means_default(self, function, variable, default, allowed, monkeypatch, empty):
        monkeypatch.setenv(variable, empty)
        assert function() == default

    def test_allowed(self, function, variable, default, allowed, monkeypatch):
        for value in allowed:
            monkeypatch.setenv(variable, f" {value} ")
            assert function() == value

    @pytest.mark.parametrize("wrong", ["fast", "FULL", "1"])
    def test_unknown(self, function, variable, default, allowed, monkeypatch, wrong):
        monkeypatch.setenv(variable, wrong)
        with pytest.raises(ValueError, match=f"{variable} is '{wrong}'") as raised:
            function()
        assert all(value in str(raised.value) for value in allowed)
