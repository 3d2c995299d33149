"""The one knob of the course, ``COURSE_SPEED``, read from the environment when it is needed."""

from __future__ import annotations

import os
from typing import Literal

Speed = Literal["look", "train", "full"]

SPEEDS: tuple[Speed, ...] = ("look", "train", "full")


def speed() -> Speed:
    """How much is trained live: ``"look"``, ``"train"`` (the default) or ``"full"``.

    ``look`` takes shipped weights, ``train`` trains for 3 epochs, ``full`` for 75.

    Raises
    ------
    ValueError
        If ``COURSE_SPEED`` holds anything else.
    """
    # An empty variable is how a shell or a Makefile says "not set".
    value = os.environ.get("COURSE_SPEED", "").strip() or "train"
    if value not in SPEEDS:
        raise ValueError(
            f"COURSE_SPEED is {value!r}: set it to look, train or full, or unset it for 'train'."
        )
    return value
