"""Tints behind the votes of members, the same in every figure that shows single votes."""

from __future__ import annotations

TINT_TRUE, TINT_ANSWER, TINT_OTHER = "#CBE3F2", "#F8D8C0", "#E8E8E8"


def vote_tint(vote: int, label: int, answer: int) -> str:
    """Blue for the true class, orange for the wrong answer, grey for other classes."""
    if vote == label:
        return TINT_TRUE
    return TINT_ANSWER if vote == answer else TINT_OTHER
