"""The quiz: ten of chapter 13's questions, drawn for each learner, and ten others the next time."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import display

from . import of_chapter, progress_file
from .kinds import Choice
from .question import Question, ask

CHAPTER = 13
LENGTH = 10


class Round:
    """Some questions; a notebook shows them one below the other."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = list(questions)

    def __repr__(self) -> str:
        return f"{len(self.questions)} questions"

    def _ipython_display_(self) -> None:
        for question in self.questions:
            display(question)


def drawn(number: int) -> list[Choice]:
    """The questions of a round: a learner gets the same ones on coming back."""
    pool = {one.name: one for one in of_chapter(CHAPTER) if isinstance(one, Choice)}
    order = progress_file.shuffled("quiz", list(pool))
    return [pool[name] for name in order[LENGTH * (number - 1) : LENGTH * number]]


def ten(round: int = 1) -> Round | None:
    """Ten questions to click on.

    Parameters
    ----------
    round : {1, 2}
        The second round asks the ten that the first left out.
    """
    if round not in (1, 2):
        print("There are two rounds: quiz.ten() and quiz.ten(round=2).")
        return None
    return Round([ask(choice, task=True) for choice in drawn(round)])
