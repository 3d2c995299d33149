"""The two knobs of the course, read from the environment at the moment they are needed.

``COURSE_SPEED`` says how much is trained live, ``COURSE_DATA`` which images are used.
"""

from __future__ import annotations

import os
from typing import Literal, cast

Speed = Literal["look", "train", "full"]
DataMode = Literal["auto", "sample", "full"]

SPEEDS: tuple[Speed, ...] = ("look", "train", "full")
DATA_MODES: tuple[DataMode, ...] = ("auto", "sample", "full")


def speed() -> Speed:
    """How much is trained live: ``"look"``, ``"train"`` (the default) or ``"full"``.

    ``look`` takes shipped weights, ``train`` trains for 3 epochs, ``full`` for 75.

    Raises
    ------
    ValueError
        If ``COURSE_SPEED`` holds anything else.
    """
    return cast(Speed, _choice("COURSE_SPEED", SPEEDS, default="train"))


def data_mode() -> DataMode:
    """Which images are used: ``"auto"`` (the default), ``"sample"`` or ``"full"``.

    ``auto`` takes the full data sets if they can be had and the bundled sample otherwise.

    Raises
    ------
    ValueError
        If ``COURSE_DATA`` holds anything else.
    """
    return cast(DataMode, _choice("COURSE_DATA", DATA_MODES, default="auto"))


def _choice(variable: str, allowed: tuple[str, ...], default: str) -> str:
    # An empty variable is how a shell or a Makefile says "not set".
    value = os.environ.get(variable, "").strip() or default
    if value not in allowed:
        choices = ", ".join(allowed[:-1]) + f" or {allowed[-1]}"
        raise ValueError(
            f"{variable} is {value!r}: set it to {choices}, or unset it for {default!r}."
        )
    return value
