"""The leaderboard: ranks, rooms apart, and files that are no cards."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from course_utils.exercises.office import card
from tools.presenter import leaderboard

FACTS: dict[str, Any] = {
    "format": card.FORMAT,
    "room": "tuesday",
    "streams": "c9058036cc39",
    "name": "Ada",
    "date": "2026-11-26",
    "network": "modest-packed-4",
    "claim": "At most 2 % are wrong.",
    "claimed": 0.02,
    "score": 100.0,
    "days": {card.YOURS: [300.0, 500.0], card.BEST: [200.0, 400.0], "Chow's rule": [700.0, 800.0]},
    "today": {"images": 150, "answered": 100, "wrong": 1, "wrong_at_all": 20},
    "kinds": {"clean": [150, 100, 1]},
    "missed": [[3, 4, -1]],
}


def written(folder: Path, file: str, **changes: Any) -> Path:
    """A card of these facts."""
    path = folder / file
    path.write_text(card.html(FACTS | changes, "<img alt=''>"), encoding="utf-8")
    return path


def board(folder: Path) -> str:
    assert leaderboard.main([str(folder)]) == 0
    return (folder / leaderboard.NAME).read_text(encoding="utf-8")


def test_ranks_rooms_and_copies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, "a.html", name="Ada", score=30.0)
    written(tmp_path, "b.html", name="Bob", score=-5.0)
    written(tmp_path, "b (1).html", name="Bob", score=-5.0)
    written(tmp_path, "c.html", name="", score=30.0)
    written(tmp_path, "d.html", room="friday", name="Dan", score=1.0)
    written(tmp_path, "e.html", streams="000000000000", name="Eve", score=0.0)
    page = board(tmp_path)
    assert "5 cards of 3 rooms, 0 files not read" in capsys.readouterr().out
    first, *others = page.split("<section>")[1:]
    assert "Room “tuesday”, streams c9058036cc39" in first
    assert len(others) == 2 and {"Dan", "Eve"} == {
        name for name in ("Dan", "Eve") if any(name in part for part in others)
    }
    assert first.index("Bob") < first.index("Ada") and "without a name" in first
    assert first.count("<td>2</td>") == 2 and "<td>3</td>" not in first  # Ada and nobody share it
    assert first.count("Bob") == 1 and "\N{MINUS SIGN}5" in first
    assert board(tmp_path) == page  # the page does not count as a card


def test_what_cannot_be_read_is_listed_with_a_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "good.html")
    text = path.read_text(encoding="utf-8")
    (tmp_path / "edited.html").write_text(text.replace('"score": 100.0', '"score": 1.0'))
    (tmp_path / "other.html").write_text("<p>hello")
    (tmp_path / "torn.html").write_text(text.replace('"facts": {', '"facts": {{'))
    (tmp_path / "bytes.html").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.html").write_bytes(b" " * (card.LARGEST + 1))
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "notes.txt").write_text("no page")
    written(tmp_path, "old.html", format="sorting-office/0")
    page = board(tmp_path).split("Not read")[1]
    for name, why in {
        "edited.html": "has been changed",
        "other.html": "no model card",
        "torn.html": "damaged",
        "bytes.html": "damaged",
        "large.html": "too large",
        "folder.html": "cannot be opened",
        "old.html": "another version",
    }.items():
        assert f"<strong>{name}</strong>: it " in page and why in page
    assert "good.html" not in page and "notes.txt" not in page


BAD: list[dict[str, Any]] = [
    {"score": float("nan")},
    {"score": 10**400},
    {"score": "1"},
    {"score": True},
    {"name": 3},
    {"name": "x" * 61},
    {"days": {card.YOURS: [1.0]}},
    {"days": {card.YOURS: [1.0], card.BEST: []}},
    {"days": {card.YOURS: [], card.BEST: []}},
    {"today": {}},
    {"today": FACTS["today"] | {"images": 0}},
    {"today": FACTS["today"] | {"wrong": 101}},
    {"today": FACTS["today"] | {"answered": -1}},
    {"claimed": 2.0},
    {"kinds": {"clean": [1]}},
    {"missed": 3},
]


@pytest.mark.parametrize("changes", BAD)
def test_a_card_with_the_right_checksum_and_impossible_numbers(changes: dict[str, Any]) -> None:
    assert card.opened(card.sealed(copy.deepcopy(FACTS))) == FACTS
    with pytest.raises(card.OfficeError):
        card.opened(card.sealed(FACTS | changes))


def test_words_on_a_card_stay_words(tmp_path: Path) -> None:
    markup = "</script><img src=x onerror=alert(1)>"
    written(tmp_path, "a&b.html", name=markup, room=markup)
    (tmp_path / "c&d.html").write_text("nothing")
    page = board(tmp_path)
    for text in (page, next(tmp_path.glob("a&b*")).read_text(encoding="utf-8")):
        assert "<img src=x" not in text and "&lt;img src=x" in text
    assert "c&amp;d.html" in page and "c&d" not in page


def test_an_empty_folder_and_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no model card in this folder yet" in board(tmp_path)
    for folder in ("", str(tmp_path / "nowhere"), str(tmp_path / leaderboard.NAME)):
        assert leaderboard.main([folder]) == 2
        assert "There is no folder" in capsys.readouterr().err
