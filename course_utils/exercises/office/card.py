"""The model card: one page that can be printed, and read back by a leaderboard.

Everything a card says is in it a second time, as JSON with a checksum. The checksum notices a slip
of the hand in an editor. It is no signature: who wants to forge a card can.
"""

from __future__ import annotations

import hashlib
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from course_utils.figures import style

from . import OfficeError
from .claims import Promise

FORMAT = "sorting-office/1"
LARGEST = 3_000_000  # bytes of a card; two figures take a tenth of that
YOURS, BEST = "this policy", "best in hindsight"
LARGEST_NUMBER = 1e7
_DATA = re.compile(
    r'<script type="application/json" id="sorting-office-card">(.*?)</script>', re.DOTALL
)
_TEXTS = {"format": 40, "room": 60, "streams": 12, "name": 60, "date": 10, "network": 60}
_TEXTS |= {"claim": 300}
_NUMBERS = ("claimed", "score")
_TODAY = ("images", "answered", "wrong", "wrong_at_all")


def checksum(facts: dict[str, Any]) -> str:
    """Sixteen letters that change if anything in the facts does."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sealed(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts together with their checksum."""
    return {"facts": facts, "checksum": checksum(facts)}


def opened(content: object) -> dict[str, Any]:
    """The facts, if they are whole and could have come from the office.

    Raises
    ------
    OfficeError
        The end of a sentence: what is wrong.
    """
    if not isinstance(content, dict) or not isinstance(content.get("facts"), dict):
        raise OfficeError("it holds no result of the sorting office")
    facts = content["facts"]
    if facts.get("format") != FORMAT:
        raise OfficeError("it comes from another version of the sorting office")
    if content.get("checksum") != checksum(facts):
        raise OfficeError("it has been changed since it was written")
    if not _fits(facts):
        raise OfficeError("its numbers are not those of a result")
    return facts


def _fits(facts: dict[str, Any]) -> bool:
    """Whether everything that is shown has the type and the size that it should have."""
    try:
        days, kinds, missed = facts["days"], facts["kinds"], facts["missed"]
        today = facts["today"]
        lists = [*days.values(), *kinds.values(), *missed]
        numbers = [facts[key] for key in _NUMBERS]
        numbers += [today[key] for key in _TODAY]
        numbers += [one for values in lists for one in values]
        return (
            all(isinstance(facts[key], str) for key in _TEXTS)
            and all(len(facts[key]) <= most for key, most in _TEXTS.items())
            and all(type(one) in (int, float) and abs(one) <= LARGEST_NUMBER for one in numbers)
            and all(type(today[key]) is int for key in _TODAY)
            and set(today) == set(_TODAY)
            and 0 <= today["wrong"] <= today["answered"] <= today["images"]
            and 0 <= today["wrong_at_all"] <= today["images"] >= 1
            and 0 <= facts["claimed"] <= 1
            and {YOURS, BEST} <= set(days)
            and len({len(values) for values in days.values()}) == 1
            and 1 <= len(days[BEST]) <= 100
            and 2 <= len(days) <= 10
            and all(len(values) == 3 for values in [*kinds.values(), *missed])
            and len(kinds) <= 10
            and len(missed) <= 100
            and all(len(name) <= 60 for name in [*days, *kinds])
        )
    except (KeyError, TypeError, AttributeError):
        return False


def promise(facts: dict[str, Any]) -> Promise:
    """What became of the claim."""
    return Promise(facts["claimed"], **facts["today"])


def minutes(value: float) -> str:
    """Minutes for 1,000 images, whole ones."""
    return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")


def mean_costs(facts: dict[str, Any]) -> dict[str, float]:
    """Mean cost of every policy over the days, the cheapest first."""
    means = {name: sum(days) / len(days) for name, days in facts["days"].items()}
    return dict(sorted(means.items(), key=lambda item: item[1]))


def costs_table(facts: dict[str, Any]) -> str:
    """An HTML table of what each policy costs, and of its regret."""
    means = mean_costs(facts)
    rows = "".join(
        f"<tr{' class=you' if name == YOURS else ''}>"
        f"<th scope=row>{escape(name)}</th><td>{minutes(mean)}</td>"
        f"<td>{minutes(mean - means[BEST])}</td></tr>"
        for name, mean in means.items()
    )
    return (
        "<table><thead><tr><th scope=col>Policy</th><th scope=col>Cost</th>"
        f"<th scope=col>Regret</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def kinds_table(facts: dict[str, Any]) -> str:
    """An HTML table of what came in on the first day, and what became of it."""
    rows = "".join(
        f"<tr><th scope=row>{escape(kind)}</th>"
        + "".join(f"<td>{number:,.0f}</td>" for number in numbers)
        + "</tr>"
        for kind, numbers in facts["kinds"].items()
    )
    return (
        "<table><thead><tr><th scope=col>Images</th><th scope=col>Came in</th>"
        "<th scope=col>Answered</th><th scope=col>Wrong</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1b1f24; --soft: #57606a; --line: #d5dbe1;
  --panel: #f6f8fa; --good: #00694d; --bad: #a84300; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #15181c; --text: #e3e6ea; --soft: #a5adb6; --line: #3a4149; --panel: #1e2329;
    --good: #4fd3a5; --bad: #ff9a5c; }
  img { filter: brightness(0.92); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 1.5rem 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.1rem; margin: 1.3rem 0 .3rem; }
p { margin: .3rem 0; }
.soft { color: var(--soft); font-size: .9rem; }
.score { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline;
  margin: 1rem 0 0; padding: .7rem 1rem; border-radius: 8px; background: var(--panel); }
.score strong { font-size: 2.2rem; line-height: 1.1; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
  gap: 0 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { padding: .25rem .4rem; border-bottom: 1px solid var(--line); text-align: right;
  font-variant-numeric: tabular-nums; }
th { font-weight: normal; }
td, thead th { white-space: nowrap; overflow-wrap: normal; }
th:first-child { text-align: left; }
thead th { color: var(--soft); }
.you th, .you td { font-weight: 700; background: var(--panel); }
.kept { color: var(--good); font-weight: 700; }
.broken, .not { color: var(--bad); font-weight: 700; }
blockquote { margin: .3rem 0; padding-left: .8rem; border-left: 3px solid var(--line); }
figure { margin: .4rem 0 0; overflow-x: auto; }
img { display: block; max-width: 100%; height: auto; }
@media screen { figure img { min-width: 32rem; } } /* its words stay readable on a phone */
@page { size: A4; margin: 12mm; }
@media print {
  html { font-size: 10pt; }
  body { font-size: 1rem; line-height: 1.3; }
  h1 { font-size: 15pt; }
  th, td { padding: .1rem .3rem; }
  .score { padding: .3rem .8rem; }
  .score strong { font-size: 18pt; }
  main { max-width: none; padding: 0; }
  h2 { margin-top: .5rem; }
  .columns { grid-template-columns: 1fr 1fr; }
  .score { border: 1px solid var(--line); margin-top: .5rem; }
  img { max-height: 6cm; width: auto; }
  h2, figure, table { break-inside: avoid; }
}
"""


def page(title: str, body: str, extra_style: str = "") -> str:
    """A whole page in the card's look, in one file."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}{extra_style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def html(facts: dict[str, Any], missed: str) -> str:
    """The model card of a submission.

    Parameters
    ----------
    facts : dict
        As `opened` returns them.
    missed : str
        HTML of the figure of what was missed.
    """
    kept, today = promise(facts), facts["today"]
    by = f" by <strong>{escape(facts['name'])}</strong>" if facts["name"] else ""
    title = f"Model card: the sorting office “{facts['room']}”"
    data = json.dumps(sealed(facts)).replace("<", "\\u003c")
    answered = style.percent(today["answered"] / today["images"])
    kind = {"kept": "kept", "broken": "broken"}.get(kept.verdict, "not")
    body = f"""<header>
<h1>{escape(title)}</h1>
<p class="soft">Submitted{by} on {escape(facts["date"])}. Network: {escape(facts["network"])},
trained on 2,000 digits.</p>
</header>
<div class="score"><strong>{minutes(facts["score"])}</strong>
<span>minutes of regret for 1,000 images, the mean of {len(facts["days"][BEST])} days</span></div>
<div class="columns">
<section><h2>What it costs</h2>{costs_table(facts)}
<p class="soft">Minutes for 1,000 images. Regret is what a policy costs more than the best in
hindsight: thresholds chosen each day by somebody who knew the truth.</p></section>
<section><h2>What came in on the first day</h2>{kinds_table(facts)}
<p class="soft">It answered {answered} of {today["images"]:,.0f} images and referred the rest.</p>
</section>
</div>
<section><h2>What it promised</h2>
<blockquote>{escape(facts["claim"])}</blockquote>
<p><span class="{kind}">{kept.verdict.capitalize()}.</span> {escape(kept.because)}</p></section>
<section><h2>What it missed on the first day, the costliest first</h2>
<figure tabindex="0">{missed}</figure></section>
<section><h2>Where it may be used</h2>
<p>For images that were scanned, damaged and mixed like these, in these shares, at costs like these.
It was measured on no others.</p>
<p class="soft">The streams follow from the room code; another code gives others. The numbers are in
this file a second time, with the checksum {checksum(facts)}, which notices accidental edits and is
no signature.</p></section>
<script type="application/json" id="sorting-office-card">{data}</script>"""
    return page(title, body)


def read(path: Path) -> dict[str, Any]:
    """The facts on a card.

    Raises
    ------
    OfficeError
        The end of a sentence: why it cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise OfficeError("it is far too large for a card")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise OfficeError(f"it cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise OfficeError("it is damaged") from None
    found = _DATA.findall(text)
    if len(found) != 1:
        raise OfficeError("it is no model card")
    try:
        content = json.loads(found[0])
    except (ValueError, RecursionError):
        raise OfficeError("it is damaged") from None
    return opened(content)
