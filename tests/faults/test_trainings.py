"""Trainings that are interrupted with Ctrl-C or killed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from own_process import finish, judge, play, start

pytestmark = [
    pytest.mark.drill,
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs the signals of Unix"),
]


def stopped(place: Path, number: signal.Signals) -> str:
    """What a notebook says that gets a signal in the middle of the second epoch."""
    notebook = start("wait_in_training", place)
    assert "training" in notebook.stdout.readline()
    notebook.send_signal(number)
    return finish(notebook, None)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGINT, [r"KeyboardInterrupt: .* interrupted"]), (signal.SIGKILL, [])],
    ids=["Ctrl-C", "kill -9, or out of memory"],
)
def test_resuming_goes_on_from_the_last_whole_epoch(
    tmp_path: Path, number: signal.Signals, words: list[str]
) -> None:
    judge(stopped(tmp_path, number), *words)
    judge(play("resume", tmp_path), "4 steps were left of 8")


def test_a_training_killed_halfway_leaves_the_earlier_network(tmp_path: Path) -> None:
    first = play("hand_on", tmp_path).splitlines()[-1]
    stopped(tmp_path, signal.SIGKILL)
    again = play("take_up", tmp_path)
    judge(again, "from your own training", first)
