"""The handout: every exercise is on the page, whole, and the page can be printed."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup

from course_utils.exercises import Choice, Exercise, bug_hunt
from tools.presenter import handout
from tools.presenter.slides import chromium

PARTS = list(handout.parts(handout.ROOT / "notebooks"))
ALL = [exercise for part in PARTS for exercise in part.exercises]


@pytest.fixture(scope="module")
def page() -> BeautifulSoup:
    """The handout of the course."""
    return BeautifulSoup(handout.page(PARTS), "html.parser")


def plain(text: str) -> str:
    """Letters and digits alone: markdown, quotes and line breaks become other signs in HTML."""
    text = re.sub(r"\$[^$\n]+\$", "", text)  # formulas are drawn
    return re.sub(r"[\W_]+", " ", text).strip()


def test_every_chapter_and_the_bug_hunt_are_there() -> None:
    numbers = [part.number for part in PARTS]
    assert numbers == sorted(set(numbers))
    modules = Path(bug_hunt.__file__).parent.glob("chapter_*.py")
    assert {int(path.stem[8:]) for path in modules} | {12} == set(numbers)


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)
def test_an_exercise_is_complete(exercise: Exercise, page: BeautifulSoup) -> None:
    article = copy.copy(page.find(id=handout.anchor(exercise)))
    assert "$" not in "".join(part.text for part in article.select("p, li"))
    for formula in article.select("math"):
        formula.decompose()
    words = plain(article.text)
    about = f"About {handout.minutes(exercise.minutes)}"
    for text in (exercise.title, about, exercise.objective, exercise.task, exercise.why):
        assert plain(text) in words, text
    assert [plain(item.text) for item in article.select("ol li")][-3:] == [
        plain(hint) for hint in exercise.hints
    ]
    codes = [code.text for code in article.select("pre code")]
    if not isinstance(exercise, Choice):
        assert codes == [exercise.stub.strip(), exercise.answer.strip()]
    elif isinstance(exercise.correct, str):
        lists = [[plain(item.text) for item in one.select("li")] for one in article.select("ul")]
        assert [plain(text) for text in exercise.options.values()] in lists
        heading = next(one for one in article.select("h4") if one.text == "Solution")
        solution = heading.find_next_sibling("p").text
        assert plain(solution) == plain(exercise.options[exercise.correct])
    for answer in handout.wrong_answers(exercise):
        assert plain(answer) in words
    if isinstance(exercise, Choice):
        assert len(handout.wrong_answers(exercise)) >= len(exercise.options) - 1


def test_minutes_add_up(page: BeautifulSoup) -> None:
    rows = [[cell.text for cell in row.select("td, th")] for row in page.select("table tr")]
    assert len(rows) == len(PARTS) + 2
    for column in (1, 2):
        *each, total = (int(row[column]) for row in rows[1:])
        assert sum(each) == total
    assert [row[0] for row in rows[1:-1]] == [part.title for part in PARTS]
    assert int(rows[-1][1]) == len(ALL) == len(page.select("article"))
    assert int(rows[-1][2]) == sum(exercise.minutes for exercise in ALL)


def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(page: BeautifulSoup) -> None:
    assert not page.select("[src], link, script")
    for link in page.select("a"):
        assert page.find(id=link["href"].removeprefix("#")) is not None
    levels = [int(heading.name[1]) for heading in page.select("h1, h2, h3, h4")]
    assert levels[0] == 1 and max(np.diff(levels)) <= 1


def test_without_exercises_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert handout.main(["--notebooks", str(tmp_path), "--build", str(tmp_path / "out")]) == 1
    assert "no exercises" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_a_browser_the_page_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(handout, "chromium", lambda: None)
    assert handout.main(["--build", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["handout.html"]
    assert "No PDF" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="needs Chromium")
def test_it_prints_on_a4(tmp_path: Path, in_its_thread: Callable[..., Any]) -> None:
    assert in_its_thread(handout.main, ["--build", str(tmp_path)]) == 0
    content = (tmp_path / "handout.pdf").read_bytes()
    boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", content)
    assert len(boxes) > len(PARTS)
    for width, height in boxes:
        assert abs(float(width) - 595.3) < 1.5 and abs(float(height) - 841.9) < 1.5
