"""A question to click on, in a notebook and in a page without a kernel alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from course_utils.widgets.front_end import LiveWidget, widget

from . import progress_file
from .exercise import blocks, inline

if TYPE_CHECKING:
    from .kinds import Choice


class Question(LiveWidget):
    """A question with its possible answers.

    Parameters
    ----------
    exercise : Choice
    *more
        What its right answer depends on, if anything.
    task : bool
        Whether the question's text stands above the answers; otherwise the notebook has it.

    Attributes
    ----------
    answer : str
        Letter of the chosen answer in ``exercise.options``; empty until one is clicked. It can be
        set as well.
    checked : str
        Letter of the answer that was checked last.
    """

    answer = traitlets.Unicode().tag(sync=True)
    checked = traitlets.Unicode().tag(sync=True)

    def __init__(self, exercise: Choice, *more: Any, task: bool = False) -> None:
        letters = progress_file.shuffled(exercise.name, list(exercise.options))
        verdicts = {letter: exercise.judge(letter, *more) for letter in letters}
        self.exercise = exercise
        self.right = {letter for letter in letters if verdicts[letter].right}
        solution = next((exercise.options[one] for one in letters if one in self.right), "")
        given = {
            "title": exercise.title,
            "task": exercise.task if task else "",
            "options": [[letter, exercise.options[letter]] for letter in letters],
            "verdicts": {
                letter: [verdict.kind, verdict.because, verdict.right]
                for letter, verdict in verdicts.items()
            },
            "hints": list(exercise.hints),
            "solution": f"{solution.rstrip('.')}. {exercise.why}",
        }
        super().__init__(kind="question", given=given)

    @traitlets.validate("answer", "checked")
    def _one_of_the_options(self, proposal: Any) -> str:
        if proposal["value"] and proposal["value"] not in self.exercise.options:
            raise ValueError(f"The answers are {', '.join(self.exercise.options)}.")
        return proposal["value"]

    @traitlets.observe("checked")
    def _remember(self, change: Any) -> None:
        if change["new"] in self.right:
            progress_file.record(self.exercise.name)

    def still(self) -> str:
        """The answers as a list, with hints and solution folded, for a page without JavaScript."""
        options = "".join(f"<li>{inline(words)}</li>" for _, words in self.given["options"])
        task = blocks(self.given["task"])
        asked = f"<p><strong>{inline(self.exercise.title)}</strong></p>{task}" if task else ""
        return (
            f'<div class="course-live" data-widget="{self.model_id}"><div class="course-still">'
            f"{asked}<ul>{options}</ul>{self.exercise.help._repr_html_()}</div></div>"
        )


@widget
def ask(exercise: Choice, *more: Any, task: bool = False) -> Question:
    """Show a question; see :class:`Question`."""
    return Question(exercise, *more, task=task)
