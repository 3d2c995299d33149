"""What README and the guide for instructors say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)`", README))))
def test_every_make_target_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (REPOSITORY / link).exists()


@pytest.mark.parametrize("script", sorted(set(re.findall(r"\btools/\w+\.py", README))))
def test_every_script_exists(script: str) -> None:
    assert (REPOSITORY / script).is_file()


def test_the_instructors_guide_says_how_long_each_deck_takes() -> None:
    decks = sorted((REPOSITORY / "slides" / "src").glob("*.py"))
    minutes = [
        sum(map(int, re.findall(r"\*\*Minutes:\*\* (\d+)", deck.read_text("utf-8"))))
        for deck in decks
    ]
    guide = (REPOSITORY / "slides" / "INSTRUCTORS.md").read_text("utf-8")
    stated = re.search(r"exercises included: ([\d, ]+) and (\d+)\s+for decks 0 to 6", guide)
    assert [*map(int, stated.group(1).split(", ")), int(stated.group(2))] == minutes
