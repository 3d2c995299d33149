"""A map of the course: how far a learner is in each chapter, and what comes next."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

# Notebook and title of every chapter, in order; a test compares them with the notebooks.
CHAPTERS = {
    "00_story": "The whole story",
    "01_data": "Data",
    "02_lenet": "LeNet",
    "03_metrics": "Reading the table",
    "04_deep_ensembles": "Deep Ensembles",
    "05_disagreement": "What members disagree about",
    "06_packed_ensembles": "Packed-Ensembles",
    "07_selective_classification": "Selective classification",
    "08_deciding": "Deciding",
    "09_calibration": "Calibration, and what it misses",
    "10_shift": "When the world changes",
    "11_sorting_office": "The sorting office",
    "12_bug_hunt": "The bug hunt",
    "13_quiz": "Twenty questions",
}


@dataclass(frozen=True)
class Row:
    """A chapter on the map.

    Attributes
    ----------
    number : int
    title : str
    notebook : str
        Its file name.
    left : list of str
        What is still to be done there, such as ``"2.3 The calibration error"``.
    total : int
        How many exercises it has.
    minutes : int
        That they state together.
    """

    number: int
    title: str
    notebook: str
    left: list[str]
    total: int
    minutes: int = 0

    @property
    def text(self) -> str:
        """How far one is there, in words."""
        return f"{self.total - len(self.left)} of {self.total}" if self.total else ""


class CourseMap:
    """How far a learner is, and what comes next; a notebook shows it as a table with links.

    Parameters
    ----------
    rows : sequence of Row
        All chapters in their order.
    here : int, optional
        The chapter that asks.
    """

    def __init__(self, rows: Sequence[Row], here: int | None = None) -> None:
        self.rows, self.here = list(rows), here

    @property
    def sentence(self) -> str:
        """What is done in this chapter, or in the whole course, and what is left."""
        rows = [row for row in self.rows if self.here in (None, row.number)]
        left = [one for row in rows for one in row.left]
        total = sum(row.total for row in rows)
        text = f"{total - len(left)} of {total} exercises done."
        if self.here is None or not left or len(left) == total:
            return text
        return f"{text} Left: {'; '.join(left)}{'' if left[-1].endswith('?') else '.'}"

    @property
    def next(self) -> tuple[str, str] | None:
        """The next thing to do: a notebook and words for it; None when all is done."""
        first = next((place for place, row in enumerate(self.rows) if row.number == self.here), 0)
        for row in (*self.rows[first:], *self.rows[:first]):
            if row.left:
                return row.notebook, f"exercise {row.left[0]}"
        return None

    def __repr__(self) -> str:
        lines = [self.sentence]
        if self.next:
            lines.append(f"Next: {self.next[1]} ({self.next[0]}).")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr{' style=font-weight:600' if row.number == self.here else ''}>"
            f'<td style="text-align:left"><a href="{row.notebook}">{row.number}. '
            f"{html.escape(row.title)}</a></td>"
            f'<td style="text-align:left"><progress max="{row.total}" '
            f'value="{row.total - len(row.left)}" aria-label="{html.escape(row.title)}"></progress>'
            f" {row.text}</td></tr>"
            for row in self.rows
            if row.total
        )
        following = ""
        if self.next:
            notebook, words = self.next
            following = f' Next: <a href="{notebook}">{html.escape(words)}</a>'
            following += "" if words.endswith("?") else "."
        folded = "" if self.here is None else "<details><summary>Map of the course</summary>"
        return (
            f'<div role="status" style="line-height:1.5"><p>{html.escape(self.sentence)}{following}'
            f'</p>{folded}<table style="border:0;margin:0.3em 0">{rows}</table>'
            f"{'</details>' if folded else ''}</div>"
        )
