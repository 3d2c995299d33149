"""What learners write: wrong answers with the words they must get, and other right ones.

One module per chapter, ``planted_<chapter>.py``, holds ``PLANTED``: name of exercise -> Planted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Planted:
    """Answers to one exercise, as code that takes the place of the stub.

    Attributes
    ----------
    wrong : sequence of (code, words)
        At least three; the verdict on each must contain its words.
    right : sequence of code
        At least one that is not the solution of the package.
    given : mapping of name to value
        What the notebook has defined before, and the code or ``check`` uses.
    """

    wrong: Sequence[tuple[str, str]]
    right: Sequence[str]
    given: Mapping[str, Any] = field(default_factory=dict)
