"""Find measured numbers and claims in prose, and hold them to the results ledger.

How texts mark them::

    The ensemble reaches 99.6 %<!--ledger:deep-ensemble-8.test.accuracy--> on the test digits.
    Its interval begins at 99.5 %<!--ledger:deep-ensemble-8.test.accuracy#low-->.
    AUROC .992<!--ledger:deep-ensemble-8.ood.energy.auroc--> (a share: up to 1 and without %).
    Lower by 0.003 nats<!--ledger:claims.more-members-lower-nll.difference-->.
    More members lower the NLL<!--claim:more-members-lower-nll supported-->.

A number that is marked must be the ledger's, rounded to the digits shown. Percentages, seconds and
decimals between 0 and 1 with at least two digits that are not marked are refused, unless
``texts_allowed.txt`` has them with a reason. A marked claim carries its verdict; where the verdict
is *undecided* the sentence must leave it open, where it is *refuted* it must deny it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from course_utils.metrics.ledger import Entry, Ledger, LedgerError

UNITS = r"%|percentage points?\b|per ?cent\b|milliseconds?\b|seconds?\b|ms\b|s\b"
NUMBER = r"(?<![\w.,])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))"
WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|hundred"
)

MARKER = re.compile(r"<!--\s*(ledger|claim)\s*:(.*?)-->", re.DOTALL)
# what may stand between a number and its marker: the unit, emphasis, a closing bracket
MARKED = re.compile(
    rf"(?P<number>{NUMBER})\s*(?:(?P<unit>{UNITS})|nats)?[*_)\]]*\s*"
    r"<!--\s*ledger\s*:\s*(?P<key>[^\s#>]+?)(?:#(?P<end>low|high))?\s*-->"
)
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
DENIED = re.compile(
    r"\b(not|no|never|neither|nor|refuted|opposite|contrary|worse|fails?)\b|n't\b", re.IGNORECASE
)


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
    for pattern in ("README.md", "slides/*.md", "slides/src/*.md", "benchmarks/*.md"):
        for path in sorted(root.glob(pattern)):
            if path.name == "upstream.md":
                continue  # a note to another project, with the snippets that print its numbers
            content = path.read_text(encoding="utf-8")
            if pattern.startswith("benchmarks"):
                content = _without_tables(content)
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


def _without_tables(content: str) -> str:
    # Tables in benchmarks/ are the printed record of a measurement, not a text about one.
    return "\n".join("" if line.lstrip().startswith("|") else line for line in content.split("\n"))


def problems(text: Text, ledger: Ledger, allowed: list[Allowed] | None = None) -> list[str]:
    """What is wrong with one text, a sentence each; empty where all is well."""
    found: list[tuple[int, str]] = []
    covered: list[tuple[int, int]] = []
    used_markers = set()
    for match in MARKED.finditer(text.content):
        covered.append(match.span())
        used_markers.add(match.end())
        problem = _number_problem(match, ledger)
        if problem:
            found.append((match.start(), problem))
    for match in MARKER.finditer(text.content):
        kind, body = match.groups()
        if kind == "claim":
            problem = _claim_problem(text.content, match, body.split(), ledger)
            if problem:
                found.append((match.start(), problem))
        elif match.end() not in used_markers:
            found.append((match.start(), f"the marker {match.group()} follows no number"))
    covered += [match.span() for match in NOT_PROSE.finditer(text.content)]
    for entry in allowed or []:
        covered += entry.spans(text)
    for match in MEASURED.finditer(text.content):
        if not any(low <= match.start() and match.end() <= high for low, high in covered):
            shown = " ".join(match.group().split())
            found.append(
                (match.start(), f"{shown!r} looks measured: mark it, or allow it with a reason")
            )
    return [
        f"{text.name}, line {text.line(position)}: {problem}."
        for position, problem in sorted(found)
    ]


def _number_problem(match: re.Match, ledger: Ledger) -> str | None:
    key = match["key"]
    try:
        entry = ledger.value(key)
    except LedgerError as error:
        return str(error).rstrip(".")
    shown = match["number"].replace(",", "").replace("\u2212", "-")
    decimals = len(shown.partition(".")[2])
    expected = {None: entry.value, "low": entry.low, "high": entry.high}[match["end"]]
    if expected is None:
        return f"{key} has no interval"
    factor = _factor(match["unit"], entry, float(shown))
    if factor is None:
        return f"{match['unit']!r} is not the unit of {key} ({entry.unit or 'a pure number'})"
    if key.startswith("claims.") and shown[0] not in "+-":
        expected = abs(expected)  # "lower by 0.003"
    if abs(float(shown) - expected * factor) > 0.5 * 10**-decimals * (1 + 1e-9):
        return f"{match['number']} stands where the ledger has {expected * factor:.6g} for {key}"
    return None


def _factor(unit: str | None, entry: Entry, shown: float) -> float | None:
    """From the ledger's unit to the one shown; None where they do not fit."""
    percent = entry.unit in ("%", "percentage points")
    if unit is None:
        # up to 1 a share, above it a column of percentages
        return 0.01 if percent and abs(shown) <= 1 else 1.0
    unit = unit.lower()
    if unit.startswith("percentage"):
        return 1.0 if percent else None
    if unit == "%" or unit.startswith("per"):
        return 1.0 if entry.unit == "%" else None
    if unit == "ms" or unit.startswith("milli"):
        return 1000.0 if entry.unit == "s" else None
    return 1.0 if entry.unit == "s" else None


def _claim_problem(content: str, match: re.Match, body: list[str], ledger: Ledger) -> str | None:
    if len(body) != 2:
        return f"the marker {match.group()} needs the claim and its verdict"
    claim_id, verdict = body
    try:
        claim = ledger.claim(claim_id)
    except LedgerError as error:
        return str(error).rstrip(".")
    if verdict != claim.verdict:
        return f"the claim {claim_id} is {claim.verdict} on the ledger, the text says {verdict}"
    sentence = _sentence_before(content[: match.start()])
    if verdict == "undecided" and not OPEN.search(sentence):
        return f"the claim {claim_id} is undecided, and its sentence does not leave it open"
    if verdict == "refuted" and not DENIED.search(sentence):
        return f"the claim {claim_id} is refuted, and its sentence does not deny it"
    return None


def _sentence_before(content: str) -> str:
    """From the end of the sentence before to the marker; a full stop before it belongs to it."""
    prose = MARKER.sub("", content).rstrip()
    start = max(
        (match.end() for match in re.finditer(r"[.!?:]\s+|\n\s*\n|^\s*[-*#|]\s", prose)), default=0
    )
    return prose[start:]
