"""Disks that are full, and folders that several notebooks share."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_process import finish, judge, play, start

pytestmark = [pytest.mark.drill, pytest.mark.slow]


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("full_of_images", [r"ImagesError: .* cannot be written \(No space left on device\)"]),
        ("full_of_checkpoints", ["cannot write its log or its checkpoints", "make room"]),
        ("full_of_results", ["lenet cannot be kept in", "make room"]),
    ],
)
def test_a_full_disk_is_a_sentence_and_loses_nothing(
    tmp_path: Path, scene: str, words: list[str]
) -> None:
    judge(play(scene, tmp_path, "small disk"), *words)


def test_two_notebooks_prepare_the_same_folder_at_once(tmp_path: Path) -> None:
    both = [start("wait_and_prepare", tmp_path) for _ in range(2)]
    for notebook in both:
        assert notebook.stdout.readline() == "ready\n"
    for notebook in both:
        notebook.stdin.write("go\n")
        notebook.stdin.flush()
    first, second = map(finish, both)
    assert first == second and first.count("-ubyte") == 8
    assert not list(tmp_path.rglob("*.part"))


def test_without_a_network_everything_works(tmp_path: Path) -> None:
    judge(play("whole_course", tmp_path, "no network"), "from your own training")
