"""Behind the sorting office: its streams, the networks it admits, the judge, and the card."""

from __future__ import annotations


class OfficeError(ValueError):
    """Something that the office cannot use. A notebook shows the sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [str(self)]
