"""Find measured numbers and claims in prose, and hold the claims to the results ledger.

A number is measured and shown by a cell, never typed: percentages, seconds and decimals between 0
and 1 with at least two digits are refused in prose, unless ``texts_allowed.txt`` has them with a
reason. A claim that a table does not show on the spot carries a marker behind its words:

    **Entropy** rises.<!--claim:shift-raises-entropy supported-->

The verdict must be the ledger's, *supported* or *undecided*; the sentence must have the words that
the ledger keeps with the claim ("rises"), and leave it open where it is undecided. A sentence has
one marker at most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from course_utils.metrics.ledger import Ledger, LedgerError

UNITS = r"%|percentage points?\b|per ?cent\b|milliseconds?\b|seconds?\b|ms\b|s\b"
NUMBER = r"(?<![\w.,])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))"
WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|hundred"
)

MARKER = re.compile(r"<!--\s*claim\s*:(.*?)-->", re.DOTALL)
MEASURED = re.compile(
    rf"(?!\d{{4}}s\b){NUMBER}\s*-?(?:{UNITS})"  # a percentage or a time, not the 1990s
    r"|(?<![\w.,])[01]?\.\d{2,}(?![\w.]*\d)"  # such as 0.98 or .9862
    rf"|\b(?:{WORDS})\s+(?:percent\b|per cent\b|seconds?\b|percentage points?\b)",
    re.IGNORECASE,
)
# Not prose: code, formulas, addresses, comments of other kinds.
NOT_PROSE = re.compile(
    r"```.*?```|~~~.*?~~~|`[^`\n]+\n?[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)\s]*\)|https?://\S+|arXiv:\S+"
    r"|<!--.*?-->|<[a-zA-Z/][^>\n]*>",
    re.DOTALL,
)
OPEN = re.compile(
    r"\b(may|might|could|undecided|unclear|cannot (?:say|tell)|not clear|too close|open|whether"
    r"|too few|within the noise)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[.!?:]\0?\s+|\n\s*\n|^\s*[-*#|]\s")  # \0 stands for a marker


@dataclass(frozen=True)
class Text:
    """Prose of one file.

    Attributes
    ----------
    name : str
        Path below the repository.
    content : str
        Markdown; for notebooks the markdown cells with line breaks where the code was.
    """

    name: str
    content: str

    def line(self, position: int) -> int:
        return self.content.count("\n", 0, position) + 1


@dataclass(frozen=True)
class Allowed:
    """One line of ``texts_allowed.txt``: where, what, why."""

    files: str
    wanted: str
    reason: str

    @property
    def is_pattern(self) -> bool:
        return len(self.wanted) > 2 and self.wanted[0] == self.wanted[-1] == "/"

    def spans(self, text: Text) -> list[tuple[int, int]]:
        """Where it occurs in a text."""
        if not Path(text.name).match(self.files):
            return []
        pattern = self.wanted[1:-1] if self.is_pattern else re.escape(self.wanted)
        # a line break in the source is a space to the reader
        pattern = pattern.replace("\\ ", " ").replace(" ", r"\s+")
        return [match.span() for match in re.finditer(pattern, text.content)]


def read_allowed(path: Path) -> list[Allowed]:
    """Parse the allow-list; raises ValueError for a line without files, snippet and reason."""
    allowed = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("::")]
        if len(parts) != 3 or not all(parts) or len(parts[2]) < 10:
            raise ValueError(f"{path.name}, line {number}: write files :: snippet :: reason.")
        allowed.append(Allowed(*parts))
    return allowed


def texts(root: Path) -> list[Text]:
    """All prose that is held to the ledger."""
    found = []
    for pattern in ("notebooks/src/*.py", "slides/src/*.py"):
        for path in sorted(root.glob(pattern)):
            content = markdown_of(path.read_text(encoding="utf-8"))
            found.append(Text(path.relative_to(root).as_posix(), content))
    for pattern in ("README.md", "slides/*.md", "slides/src/*.md"):
        for path in sorted(root.glob(pattern)):
            content = path.read_text(encoding="utf-8")
            found.append(Text(path.relative_to(root).as_posix(), content))
    return found


def markdown_of(source: str) -> str:
    """The markdown cells of a py:percent file; other lines are left empty, so lines keep count."""
    lines, inside = [], False
    for line in source.splitlines():
        if line.startswith("# %%"):
            inside = "[markdown]" in line or "[md]" in line
            lines.append("")
        elif inside and line.startswith("#"):
            lines.append(line.removeprefix("#").removeprefix(" "))
        else:
            lines.append("")
    return "\n".join(lines)


def problems(text: Text, ledger: Ledger, allowed: list[Allowed] | None = None) -> list[str]:
    """What is wrong with one text, a sentence each; empty where all is well."""
    found: list[tuple[int, str]] = []
    for match in MARKER.finditer(text.content):
        sentence = _sentence_before(text.content[: match.start()])
        problem = _claim_problem(sentence, match[1].split(), ledger)
        if problem:
            found.append((match.start(), problem))
    covered = [match.span() for match in NOT_PROSE.finditer(text.content)]
    for entry in allowed or []:
        covered += entry.spans(text)
    for match in MEASURED.finditer(text.content):
        if not any(low <= match.start() and match.end() <= high for low, high in covered):
            shown = " ".join(match.group().split())
            advice = "show it in a cell, or allow it with a reason"
            found.append((match.start(), f"{shown!r} looks measured: {advice}"))
    return [
        f"{text.name}, line {text.line(position)}: {problem}."
        for position, problem in sorted(found)
    ]


def _claim_problem(sentence: str, body: list[str], ledger: Ledger) -> str | None:
    if len(body) != 2:
        return f"the marker {' '.join(body)!r} needs the claim and its verdict"
    claim_id, verdict = body
    try:
        claim = ledger.claim(claim_id)
    except LedgerError as error:
        return str(error).rstrip(".")
    if verdict != claim.verdict or verdict == "refuted":
        return f"the claim {claim_id} is {claim.verdict} on the ledger, the text says {verdict}"
    if "\0" in sentence:
        return f"the claim {claim_id} is the second one of its sentence"
    if claim.says not in " ".join(sentence.replace("*", "").split()):
        return f"the sentence of the claim {claim_id} lacks its words {claim.says!r}"
    if verdict == "undecided" and not OPEN.search(sentence):
        return f"the claim {claim_id} is undecided, and its sentence does not leave it open"
    return None


def _sentence_before(content: str) -> str:
    """From the end of the sentence before to the marker; a full stop before it belongs to it."""
    prose = MARKER.sub("\0", content).rstrip()
    return prose[max((match.end() for match in SENTENCE_END.finditer(prose)), default=0) :]
