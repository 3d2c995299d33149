"""The estimate of each chapter's minutes, and the texts that name it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.author import minutes

WORDS = 2_000 - 6  # besides those of the title and the line on time
FORECAST = {"chapters": {"01_one": {"rest": 90, "training": 60}}}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one chapter: 10 minutes to read, and 2.5 to compute."""
    source = tmp_path / "notebooks" / "src"
    source.mkdir(parents=True)
    text = "# **Time.** About 15 minutes.\n#\n# " + "word " * WORDS
    code = "# %%\nno_words_in_code = 1\n"
    (source / "01_one.py").write_text(f"# %% [markdown]\n# # One\n{text}\n\n{code}")
    (source / "welcome.py").write_text(
        "# %% [markdown]\n# - [1. One](01_one.ipynb), 15 minutes. It\n"
    )
    (tmp_path / "README.md").write_text("| [1 One](notebooks/01_one.ipynb) | to count | 15 |\n")
    write_forecast(tmp_path, json.dumps(FORECAST))
    return tmp_path


def write_forecast(course: Path, content: str) -> None:
    path = course / "course_utils" / "assets" / "forecast.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_minutes_are_words_exercises_and_computing(course: Path) -> None:
    (one,) = minutes.estimates(course, {1: 4})
    assert (one.words, one.exercises, one.seconds, one.remark) == (2_000, 4, 150, "")
    assert one.minutes == 15  # 10 + 4 + 2.5, to the nearest 5
    assert minutes.estimates(course, {})[0].minutes == 15  # 12.5 is rounded up
    assert minutes.estimates(course, {1: 6})[0].minutes == 20
    assert minutes.Estimate("01_one", 10, 0, 0).minutes == 5


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("{}", "not in"),
        ('{"chapters": {}}', "not in"),
        ('{"chapters": {"01_one": {"rest": 1}}}', "not in"),
        ('{"chapters": {"01_one": {"rest": "soon", "training": 0}}}', "unreadable"),
        ('{"chapters": {"01_one": {"rest": -900, "training": 0}}}', "unreadable"),
        ('{"chapters": {"01_one": {"rest": NaN, "training": 0}}}', "unreadable"),
        ('{"chapters": {"01_one": null}}', "unreadable"),
        ("[]", "unreadable"),
        ("no JSON", "unreadable"),
    ],
)
def test_a_bad_forecast_counts_as_0_and_is_remarked(
    course: Path, content: str, remark: str
) -> None:
    write_forecast(course, content)
    (one,) = minutes.estimates(course, {})
    assert one.seconds == 0 and remark in one.remark and one.minutes == 10


def test_a_missing_forecast_is_remarked(course: Path) -> None:
    (course / "course_utils" / "assets" / "forecast.json").unlink()
    assert "computing counts as 0" in minutes.estimates(course, {})[0].remark


def test_texts_that_name_the_estimate_pass(course: Path) -> None:
    assert minutes.deviations(course, minutes.estimates(course, {})) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("notebooks/src/01_one.py", "its **Time.** line"),
        ("README.md", "README.md"),
        ("notebooks/src/welcome.py", "the welcome notebook"),
    ],
)
def test_a_text_with_other_minutes_or_none_is_told(course: Path, file: str, text: str) -> None:
    found = minutes.estimates(course, {})
    path = course / file
    right = path.read_text()
    path.write_text(right.replace("15", "40"))
    assert minutes.deviations(course, found) == [
        f"01_one: the estimate is 15 minutes, {text} says 40."
    ]
    path.write_text(right.replace("15", "some"))
    assert minutes.deviations(course, found) == [
        f"01_one: the estimate is 15 minutes, {text} names none."
    ]


def test_the_table_has_a_row_for_every_chapter_and_check_fails_on_a_deviation(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stated = minutes.of_exercises()[1]
    status = minutes.main([], course)
    head, row = capsys.readouterr().out.splitlines()
    assert status == 0 and head.split()[-1] == "minutes"
    assert row.split()[:4] == ["01_one", "2000", str(stated), "150"]
    (course / "README.md").write_text("")
    assert minutes.main(["--check"], course) == 1
    assert "README.md names none." in capsys.readouterr().out


def test_the_estimates_can_be_put_into_the_texts(course: Path) -> None:
    found = minutes.estimates(course, {1: 20})
    assert len(minutes.deviations(course, found)) == 3
    minutes.write(course, found)
    assert minutes.deviations(course, found) == []


def test_the_course_names_its_own_estimates() -> None:
    found = minutes.estimates(minutes.ROOT, minutes.of_exercises())
    assert [one.name for one in found] == sorted(
        path.stem for path in (minutes.ROOT / "notebooks").glob("[0-9]*.ipynb")
    )
    assert minutes.deviations(minutes.ROOT, found) == []
