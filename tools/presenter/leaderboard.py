"""A leaderboard for a room: read the model cards in a folder, and write one page beside them.

    python -m tools.presenter.leaderboard FOLDER      or: make leaderboard FOLDER=/media/stick

The cards are the `.html` files that the sorting office has written. Nothing is sent anywhere. Their
checksums find cards that were changed by accident; they don't stop anybody who means to cheat.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

from course_utils._support.atomic import write_whole
from course_utils.exercises.office import OfficeError, card

NAME = "leaderboard.html"
MOST = 2_000  # files looked at: a class has forty, a home folder could have anything
STYLE = """
main { max-width: 62rem; }
.wide { overflow-x: auto; }
td:nth-child(2), th:nth-child(2) { text-align: left; }
th:nth-child(2) { min-width: 11rem; }
td { vertical-align: top; }
.reference td, .reference th { color: var(--soft); font-style: italic; }
"""


def read_cards(folder: Path) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """The facts of all cards in a folder, and the names of files that are none, with the reason.

    Two copies of the same card count once.
    """
    found: dict[str, dict[str, Any]] = {}
    unreadable: list[tuple[str, str]] = []
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".html", ".htm"))
    for path in paths[:MOST]:
        if path.name.startswith(".") or path.name == NAME:
            continue
        try:
            facts = card.read(path)
        except OfficeError as error:
            unreadable.append((path.name, str(error)))
        else:
            found[card.checksum(facts)] = facts
    if len(paths) > MOST:
        unreadable.append((f"{len(paths) - MOST:,} more files", "only so many are looked at"))
    return list(found.values()), unreadable


def ranked(cards: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Rank and card, the smallest regret first; equal scores share a rank."""
    cards = sorted(cards, key=lambda facts: (facts["score"], facts["name"].casefold()))
    scores = [facts["score"] for facts in cards]
    return [(scores.index(facts["score"]) + 1, facts) for facts in cards]


def row(rank: int, facts: dict[str, Any]) -> str:
    """The row of one card."""
    kept, today = card.promise(facts), facts["today"]
    measured = f"{100 * today['wrong'] / today['answered']:.2f} %" if today["answered"] else ""
    name = facts["name"] or f"without a name ({card.checksum(facts)[:4]})"
    kind = {"kept": "kept", "broken": "broken"}.get(kept.verdict, "not")
    return (
        f"<tr><td>{rank}</td><th scope=row>{escape(name)}</th>"
        f"<td><strong>{card.minutes(facts['score'])}</strong></td>"
        f"<td>{card.minutes(card.mean_costs(facts)[card.YOURS])}</td>"
        f"<td>{card.style.percent(today['answered'] / today['images'])}</td>"
        f"<td>{card.style.percent(facts['claimed'])}</td><td>{measured}</td>"
        f'<td><span class="{kind}">{kept.verdict}</span></td>'
        f"<td>{escape(facts['network'])}</td></tr>"
    )


def references(facts: dict[str, Any]) -> str:
    """Rows of the policies that everybody is compared with; they are the same on every card."""
    means = card.mean_costs(facts)
    return "".join(
        f'<tr class="reference"><td></td><th scope=row>{escape(name)}</th>'
        f"<td>{card.minutes(mean - means[card.BEST])}</td><td>{card.minutes(mean)}</td>"
        "<td></td><td></td><td></td><td></td><td></td></tr>"
        for name, mean in means.items()
        if name != card.YOURS
    )


HEAD = "".join(
    f"<th scope=col>{words}</th>"
    for words in (
        *("Rank", "Name", "Regret", "Cost", "Answered", "Claimed risk", "Measured", "Promise"),
        "Network",
    )
)


def room_table(title: str, cards: list[dict[str, Any]]) -> str:
    """One room's table."""
    rows = "".join(row(rank, facts) for rank, facts in ranked(cards))
    return (
        f"<section><h2>{escape(title)}</h2>"
        f'<div class="wide" tabindex="0"><table><thead><tr>{HEAD}</tr></thead>'
        f"<tbody>{rows}{references(cards[0])}</tbody></table></div></section>"
    )


def board(cards: list[dict[str, Any]], unreadable: list[tuple[str, str]]) -> str:
    """The page: a table for every room code, the fullest room first, and what can't be read."""
    rooms: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for facts in cards:
        rooms[facts["room"], facts["streams"]].append(facts)
    codes = [code for code, _ in rooms]
    parts = []
    for (code, streams), members in sorted(rooms.items(), key=lambda item: -len(item[1])):
        # the same code and other streams: another version of the course, not to be compared
        more = f", streams {streams}" if codes.count(code) > 1 else ""
        parts.append(room_table(f"Room “{code}”{more}", members))
    if not cards:
        parts.append("<p>There is no model card in this folder yet.</p>")
    if unreadable:
        listed = "".join(
            f"<li><strong>{escape(name)}</strong>: {escape(why)}.</li>" for name, why in unreadable
        )
        parts.append(f"<section><h2>Not read</h2><ul>{listed}</ul></section>")
    return card.page(
        "Leaderboard of the sorting office",
        "<h1>Leaderboard of the sorting office</h1>"
        + "".join(parts)
        + '<p class="soft">Regret and cost are in minutes for 1,000 images, means over twenty days;'
        " less is better. The promise is about the first day's answers. Checksums find cards that "
        "were changed by accident, not those that were changed on purpose.</p>",
        STYLE,
    )


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and write the page. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", help="where the cards are, such as a USB stick")
    given = parser.parse_args(arguments).folder.strip()
    folder = Path(given).expanduser()
    if not given or not folder.is_dir():
        print(
            f"There is no folder {given!r}: make leaderboard FOLDER=/media/stick", file=sys.stderr
        )
        return 2
    try:
        cards, unreadable = read_cards(folder)
        path = write_whole(folder / NAME, board(cards, unreadable).encode())
    except OSError as error:
        print(f"{folder} can't be read or written ({error.strerror}).", file=sys.stderr)
        return 1
    rooms = len({(facts["room"], facts["streams"]) for facts in cards})
    print(f"{len(cards)} cards of {rooms} rooms, {len(unreadable)} files not read: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
