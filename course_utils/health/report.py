"""What the doctor finds, and how it is written down: as lines, or as a table of a page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "note", "problem"]

STYLE = """\
.course-findings { border-collapse: collapse; margin: .3em 0; font-size: inherit; }
.course-findings :is(th, td) { text-align: left !important; vertical-align: top;
  padding: .3em .8em .3em 0 !important; white-space: normal !important; }
.course-findings tbody tr { border-top: 1px solid #8886; background: none !important; }
.course-findings td.problem, .course-findings td.note { font-weight: bold; }
.course-findings code { overflow-wrap: anywhere; }"""


@dataclass(frozen=True)
class Finding:
    """What one check has found.

    Attributes
    ----------
    name : str
        What was looked at.
    state : {"fine", "note", "problem"}
        With a note the course runs, but something is worth knowing.
    seen : str
        What was found, in words.
    fix : str
        The command that fixes it; empty where there is nothing to fix.
    """

    name: str
    state: State
    seen: str
    fix: str = ""


def text(findings: Sequence[Finding]) -> str:
    """The findings as lines for a terminal."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.name:9} {finding.state:8} {finding.seen}")
        if finding.fix:
            lines.append(f"{'':9} {'':8} Fix: {finding.fix}")
    return "\n".join(lines)


def table(findings: Sequence[Finding]) -> str:
    """The findings as an HTML table; each state is a word."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(finding.name)}</th>'
        f'<td class="{finding.state}">{finding.state}</td><td>{html.escape(finding.seen)}'
        + (f"<br>Fix: <code>{html.escape(finding.fix)}</code>" if finding.fix else "")
        + "</td></tr>"
        for finding in findings
    )
    head = "".join(f'<th scope="col">{title}</th>' for title in ("Check", "State", "Found"))
    return (
        f'<style>{STYLE}</style><table class="course-findings"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
