"""Words and small tables between the pictures; they stay where no kernel is alive."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets

_CELL = "padding:3px 14px 3px 0;border-bottom:1px solid rgba(128,128,128,.4);white-space:nowrap"
_TABLE = (
    "border-collapse:collapse;font-size:14px;line-height:1.4;margin:4px 2px;"
    "font-variant-numeric:tabular-nums;color:var(--jp-ui-font-color1,inherit)"
)
_WORDS = (
    "font-size:14px;line-height:1.5;margin:4px 2px;max-width:56em;"
    "color:var(--jp-ui-font-color1,inherit)"
)


class Text(ipywidgets.HTML):
    """Real text in the page: a table, a note."""

    def still(self) -> str:
        """The same as HTML that needs no kernel."""
        return self.value


def table(name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as HTML: names in the first column, numbers aligned at the right.

    Parameters
    ----------
    name : str
        What it shows, for screen readers.
    head : sequence of str
        One per column; the first may be empty.
    rows : sequence of sequence of str
        The first cell of each names the row.
    """
    top = "".join(
        f'<th scope="col" style="{_CELL};text-align:{"right" if column else "left"}">'
        f"{escape(text)}</th>"
        for column, text in enumerate(head)
    )
    body = ""
    for first, *others in rows:
        cells = "".join(
            f'<td style="{_CELL};text-align:right">{escape(text)}</td>' for text in others
        )
        body += (
            f'<tr><th scope="row" style="{_CELL};text-align:left;font-weight:normal">'
            f"{escape(first)}</th>{cells}</tr>"
        )
    return (
        f'<table style="{_TABLE}" aria-label="{escape(name, quote=True)}">'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def note(sentence: str) -> str:
    """A sentence as HTML, in the size of the captions."""
    return f'<p style="{_WORDS}">{escape(sentence)}</p>'
