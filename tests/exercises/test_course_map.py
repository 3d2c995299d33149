"""What is kept of a learner, and the map that shows it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from course_utils import exercises
from course_utils.exercises import CourseMap, Row, bug_hunt, progress_file
from course_utils.exercises.course_map import CHAPTERS

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of copies as `make lab` fills it, with the kernel in a folder below."""
    (tmp_path / progress_file.HANDED_OUT).write_text("{}")
    (tmp_path / "appendix").mkdir()
    monkeypatch.chdir(tmp_path / "appendix")
    progress_file.forget()
    yield tmp_path
    progress_file.forget()


def test_a_restarted_kernel_still_knows(work: Path) -> None:
    progress_file.record("ex2_1")
    progress_file.record("ex2_1")
    progress_file.forget()
    assert progress_file.done() == {"ex2_1"}
    kept = json.loads((work / "progress.json").read_text())
    assert list(kept["done"]) == ["ex2_1"] and kept["learner"]


def test_nothing_is_written_outside_a_learners_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    progress_file.record("ex2_1")
    assert progress_file.done() == {"ex2_1"}
    progress_file.forget()
    assert progress_file.done() == set() and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"done": []}', "\x00"])
def test_a_damaged_file_starts_anew(work: Path, content: str) -> None:
    (work / "progress.json").write_text(content)
    assert progress_file.done() == set()
    progress_file.record("ex1_1")
    progress_file.forget()
    assert progress_file.done() == {"ex1_1"}


def test_two_kernels_lose_nothing(work: Path) -> None:
    names = [f"ex1_{number}" for number in range(1, 17)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(progress_file.record, names))
    progress_file.forget()
    assert progress_file.done() == set(names)


def test_a_disk_that_refuses_stops_nobody(work: Path) -> None:
    (work / "progress.json").mkdir()
    progress_file.record("ex1_1")
    assert progress_file.done() == {"ex1_1"}


def test_the_order_of_answers_is_a_learners_own_and_stays(work: Path) -> None:
    options = list("abcdefgh")
    first = progress_file.shuffled("ex1_5", options)
    assert sorted(first) == options
    assert progress_file.shuffled("ex1_5", options) == first
    assert progress_file.shuffled("ex2_4", options) != first
    (work / "progress.json").unlink()
    assert progress_file.shuffled("ex1_5", options) != first  # another learner


ROWS = [
    Row(1, "Data", "01_data.ipynb", [], 2),
    Row(2, "LeNet", "02_lenet.ipynb", ["2.1 Three classes", "2.4 Which mean?"], 3),
    Row(3, "To read", "03_read.ipynb", [], 0),
    Row(4, "More <data>", "04_more.ipynb", ["4.1 One"], 1),
]


def test_the_map_says_what_is_left_and_what_comes_next() -> None:
    here = CourseMap(ROWS, here=2)
    assert here.sentence == "1 of 3 exercises done. Left: 2.1 Three classes; 2.4 Which mean?"
    assert here.next == ("02_lenet.ipynb", "exercise 2.1 Three classes")
    assert CourseMap(ROWS, here=1).next == here.next
    assert CourseMap(ROWS, here=4).sentence == "0 of 1 exercises done."
    whole = CourseMap(ROWS)
    assert whole.sentence == "3 of 6 exercises done."
    page = whole._repr_html_()
    assert "More &lt;data&gt;" in page and 'href="04_more.ipynb"' in page and "03_read" not in page
    assert CourseMap(ROWS[:1]).next is None


def test_the_map_knows_every_chapter() -> None:
    titles = {}
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
        titles[path.stem] = first.removeprefix(f"# {int(path.stem[:2])}. ")
    assert titles == CHAPTERS
    counts = {row.number: row.total for row in exercises.course_map().rows}
    assert counts[bug_hunt.CHAPTER] == len(bug_hunt.BUGS)
    assert counts[2] == len(exercises.of_chapter(2))
