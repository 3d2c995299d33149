"""`course_utils.health.shipped`: damaged files come back from the repository, and it is said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from course_utils.health import shipped
from course_utils.images import files
from course_utils.metrics import ledger
from course_utils.networks import zoo

LABELS = "MNIST/raw/t10k-labels-idx1-ubyte.gz"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of few files, all of them intact, that is no repository."""
    assets = tmp_path / "course_utils" / "assets"
    (assets / "images").mkdir(parents=True)
    known = {"t10k-labels-idx1-ubyte": files.FILES["MNIST"]["t10k-labels-idx1-ubyte"]}
    monkeypatch.setattr(files, "FILES", {"MNIST": known})
    (assets / "images" / LABELS).parent.mkdir(parents=True)
    shutil.copy(files.FOLDER / LABELS, assets / "images" / LABELS)
    shutil.copytree(zoo.FOLDER, assets / "zoo")
    shutil.copy(ledger.FILE, assets)
    monkeypatch.setattr(files, "FOLDER", assets / "images")
    monkeypatch.setattr(zoo, "FOLDER", assets / "zoo")
    monkeypatch.setattr(ledger, "FILE", assets / "results.json")
    monkeypatch.setattr(shipped, "ROOT", tmp_path)
    return assets


def commit(folder: Path) -> None:
    """Make a repository of a folder."""
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "All"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)


def damage(course: Path) -> None:
    """Flip a bit of the labels, cut the manifest, lose a network, empty the ledger."""
    labels = course / "images" / LABELS
    content = bytearray(labels.read_bytes())
    content[len(content) // 2] ^= 1
    labels.write_bytes(content)
    (course / "zoo" / "manifest.json").write_text("{")
    (course / "zoo" / "lenet-3.safetensors").unlink()
    (course / "results.json").write_text("")


def test_intact_files_are_left_alone(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shipped.repair()
    assert capsys.readouterr() == ("", "")


def test_all_comes_back_from_the_repository(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(shipped.ROOT)
    note = course.parent / "my note.txt"
    note.write_text("mine")
    damage(course)
    assert shipped.repair() and shipped.damaged() == []
    told = capsys.readouterr().out.splitlines()
    assets = "course_utils/assets"
    assert told == [
        f"Repaired from the repository: {assets}/images/{LABELS}, {assets}/zoo/manifest.json, "
        f"{assets}/results.json.",
        f"Repaired from the repository: {assets}/zoo/lenet-3.safetensors.",
    ]
    assert note.read_text() == "mine"


def test_without_a_repository_a_line_says_what_to_do(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "results.json").unlink()
    assert not shipped.repair()
    told = capsys.readouterr().err
    assert (
        told.startswith("Missing or damaged: course_utils/assets/results.json.")
        and told.count("\n") == 1
    )
    assert "download the course again" in told
