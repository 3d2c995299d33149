"""Exponents are fitted right, and the whole table runs at small sizes."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import growth

from course_utils import figures


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("start", [0.0, 0.3])
def test_the_exponent_is_found_beside_a_constant(power, start):
    sizes = np.array([1000, 10_000, 100_000, 1_000_000])
    seconds = start + 2 * (sizes / sizes.max()) ** power
    assert growth.exponent(sizes, seconds) == pytest.approx(power, abs=0.02)


def test_n_log_n_passes_and_a_square_does_not():
    sizes = np.array([1e3, 1e4, 1e5, 1e6])
    assert growth.exponent(sizes, sizes * np.log(sizes)) < growth.LARGEST_EXPONENT
    assert growth.exponent(sizes, sizes**2) > growth.LARGEST_EXPONENT


def test_a_figure_that_is_all_start_up_does_not_grow():
    assert growth.steepest([1e3, 3e4, 1e6], [0.10, 0.11, 0.12]) < 0.1
    assert growth.steepest([1e3, 3e4, 1e6], [0.12, 0.11, 0.10]) == 0
    sizes = np.array([1e3, 3e4, 1e6])
    assert growth.steepest(sizes, 0.1 + 1e-6 * sizes) < 1
    assert growth.steepest(sizes, 0.1 + 1e-11 * sizes**2) > growth.LARGEST_EXPONENT


def test_two_sizes_are_too_few():
    with pytest.raises(ValueError, match="at least 3 sizes, got 2"):
        growth.exponent([1, 2], [1.0, 2.0])


def test_memory_is_that_of_the_call():
    work = growth.Work(
        "zeros", "numbers", (10_000, 100_000, 1_000_000), lambda size: lambda: np.zeros(size)
    )
    row = growth.measure(work)
    assert row["megabytes"][-1] == pytest.approx(8.0, rel=0.05)
    assert row["memory"] == "allocated by the call"


def test_too_fast_a_growth_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(
        growth, "measure",
        lambda work, sizes: {
            "section": work.section, "name": work.name, "size_name": "images", "sizes": [1, 2, 4],
            "seconds": [1, 4, 16], "megabytes": [1, 1, 1], "memory": "", "exponent": 2.0,
        },
    )  # fmt: skip
    with pytest.raises(SystemExit, match="faster than N log N: Train LeNet"):
        growth.main(["--folder", str(tmp_path)])


def row(section, name):
    return {
        "section": section, "name": name, "size_name": "images", "sizes": [1, 2, 4],
        "seconds": [1, 2, 4], "megabytes": [1], "memory": "", "exponent": 1.0,
    }  # fmt: skip


def test_one_section_is_measured_and_the_other_is_kept(tmp_path, monkeypatch):
    before = [row("computing", "Kept"), row("drawing", "Old")]
    (tmp_path / "growth.json").write_text(json.dumps({"rows": before}))
    monkeypatch.setattr(growth, "measure", lambda work, sizes: row(work.section, work.name))
    growth.main(["--section", "drawing", "--folder", str(tmp_path)])
    rows = json.loads((tmp_path / "growth.json").read_text())["rows"]
    drawn = [work.name for work in growth.TABLE if work.section == "drawing"]
    assert [one["name"] for one in rows] == ["Kept", *drawn]
    assert (tmp_path / "growth.png").exists()


def test_every_figure_is_in_the_table():
    functions = {
        name
        for name in figures.__all__
        if inspect.isfunction(getattr(figures, name))
        and str(inspect.signature(getattr(figures, name)).return_annotation) == "Picture"
    }
    source = inspect.getsource(growth)
    # these two show what they are given: a few images, a sentence
    assert {name for name in functions if f"figures.{name}(" not in source} == {
        "augmentation_sheet", "message",
    }  # fmt: skip


@pytest.mark.parametrize(
    "draw", [*growth.DRAWN_BY_IMAGES.values(), *growth.DRAWN_BY_MEMBERS.values()]
)
def test_every_drawing_of_the_table_draws(draw):
    assert draw(4).alt


@pytest.mark.parametrize("members", [2, 32])
def test_there_are_mistakes_to_draw_whatever_the_size(members):
    assert growth.DRAWN_BY_MEMBERS["Gallery of mistakes"](members).alt.startswith("Gallery of 12")


def test_only_pairs_may_grow_like_pairs():
    looser = [work for work in growth.TABLE if work.largest_exponent > growth.LARGEST_EXPONENT]
    assert [(work.name, work.size_name) for work in looser] == [("Agreement matrix", "members")]


@pytest.mark.slow
def test_the_whole_table_runs(tmp_path, capsys):
    rows = growth.main(["--quick", "--folder", str(tmp_path)])
    assert [row["name"] for row in rows] == [work.name for work in growth.TABLE]
    assert json.loads((tmp_path / "growth.json").read_text())["rows"] == rows
    assert (tmp_path / "growth.png").stat().st_size > 5000
    printed = capsys.readouterr().out
    assert all(row["name"] in printed for row in rows)
    assert all(min(row["seconds"]) > 0 for row in rows)
