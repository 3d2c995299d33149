"""What README and the guide for instructors say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course_utils.exercises.bug_hunt import BUGS
from course_utils.networks.training import EPOCHS

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
NUMBERS = {3: "three", 8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve"}
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)`", README))))
def test_every_make_target_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (REPOSITORY / link).exists()


@pytest.mark.parametrize(
    "script",
    sorted({name.replace(".", "/") for name in re.findall(r"-m (tools\.[\w.]+)", README)})
    + sorted(set(re.findall(r"\btools/[\w/]+(?=\.py)", README))),
)
def test_every_script_exists(script: str) -> None:
    assert (REPOSITORY / f"{script}.py").is_file()


def test_pythons_are_those_of_the_package() -> None:
    lowest, highest = re.search(r"Python 3\.(\d+) to 3\.(\d+)", README).groups()
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">=3.{lowest},<3.{int(highest) + 1}"' in project


def test_as_many_faults_and_epochs_as_stated() -> None:
    assert re.search(r"to find (\w+) faults", README)[1] == NUMBERS[len(BUGS)]
    assert f"`full` trains for {EPOCHS['full']} epochs" in README
    assert f"for {NUMBERS[EPOCHS['train']]} epochs; `look`" in README


def test_the_instructors_guide_says_how_long_each_deck_takes() -> None:
    decks = sorted((REPOSITORY / "slides" / "src").glob("*.py"))
    minutes = [
        sum(map(int, re.findall(r"\*\*Minutes:\*\* (\d+)", deck.read_text("utf-8"))))
        for deck in decks
    ]
    guide = (REPOSITORY / "slides" / "INSTRUCTORS.md").read_text("utf-8")
    stated = re.search(r"exercises included: ([\d, ]+) and (\d+)\s+for the seven decks", guide)
    assert [*map(int, stated.group(1).split(", ")), int(stated.group(2))] == minutes
