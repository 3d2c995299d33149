"""The repository's address: one place, in pyproject.toml, and badges made of it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import nbformat
import pytest

from tools.author import address, notebooks

ROOT = address.ROOT
GITHUB = "https://github.com/someone/course"
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/someone/course/blob/main/notebooks/01_data.ipynb)"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The course's own README and pyproject.toml, and one chapter."""
    for name in ("README.md", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "notebooks/src").mkdir(parents=True)
    chapter = (ROOT / "notebooks/src/01_data.py").read_bytes()
    (tmp_path / "notebooks/src/01_data.py").write_bytes(chapter)
    address.write("", tmp_path)
    return tmp_path


def files(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text() for name in ("README.md", "pyproject.toml")}


def test_address_is_set_changed_and_removed_again(root: Path) -> None:
    before = files(root)
    assert address.read(root) == ""
    assert address.main([f"{GITHUB}.git"], root) == 0
    assert address.read(root) == GITHUB
    lines = (root / "README.md").read_text().splitlines()
    assert lines[0].startswith("# ") and lines[1:4] == ["", BADGE, ""]
    once = files(root)
    assert address.main([GITHUB], root) == 0
    assert files(root) == once
    address.write("https://github.com/another/fork", root)
    assert address.read(root) == "https://github.com/another/fork"
    assert "someone" not in "".join(files(root).values())
    assert address.main([""], root) == 0
    assert files(root) == before


def test_the_address_stands_in_one_table_that_packaging_reads(root: Path) -> None:
    tomllib = pytest.importorskip("tomllib")
    address.write(GITHUB, root)
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["urls"] == {"Repository": GITHUB}
    assert (root / "pyproject.toml").read_text().count(GITHUB) == 1


def test_notebooks_follow_the_address(root: Path) -> None:
    target = root / "notebooks/01_data.ipynb"
    notebooks.build(root)
    plain = nbformat.read(target, as_version=4)
    assert "Open in Colab" not in target.read_text()
    assert plain.cells[0].source.startswith("# 1. Data")
    assert "make address" in plain.cells[1].source

    address.write(GITHUB, root)
    assert "Google Colab are not up to date" in notebooks.check(root)[0]
    assert notebooks.build(root) == [target]
    badged = nbformat.read(target, as_version=4)
    nbformat.validate(badged)
    assert badged.cells[0].source == BADGE
    assert f'"git+{GITHUB}"' in badged.cells[2].source
    assert badged.cells[1] == plain.cells[0] and badged.cells[3:] == plain.cells[2:]
    assert notebooks.check(root) == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://github.com/a/b", "https://github.com/a/b"),
        (" https://github.com/a/b.git/ ", "https://github.com/a/b"),
        ("git@github.com:a/b.git", "https://github.com/a/b"),
        (
            "ssh://git@gitlab.example.org/group/team/b.git",
            "https://gitlab.example.org/group/team/b",
        ),
        ("", ""),
    ],
)
def test_usual_ways_to_write_an_address(given: str, meant: str) -> None:
    assert address.normalise(given) == meant


@pytest.mark.parametrize(
    "given", ["github.com/a/b", "https://github.com/a", "https://x/a/b\"\nevil = '", "./course"]
)
def test_what_is_no_address_is_one_sentence_and_changes_nothing(
    root: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(root)
    assert address.main([given], root) == 2
    assert "is not the address of a repository" in capsys.readouterr().err
    assert files(root) == before


def test_colab_opens_github_only(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert address.main(["https://gitlab.example.org/a/b"], root) == 0
    assert "GitHub only" in capsys.readouterr().out
    assert "Open in Colab" not in (root / "README.md").read_text()


def test_a_hub_gets_a_link_that_pulls_the_notebooks(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert address.main([f"{GITHUB}.git", "--hub", "https://hub.example.org/"], root) == 0
    link = urlsplit(capsys.readouterr().out.split()[-1])
    assert link.geturl().startswith("https://hub.example.org/hub/user-redirect/git-pull?")
    asked = dict(parse_qsl(link.query, strict_parsing=True))
    folder, notebook = asked.pop("urlpath").removeprefix("lab/tree/").split("/", 1)
    assert asked == {"repo": GITHUB, "branch": "main"}
    assert folder == "course" and (ROOT / notebook).is_file()


@pytest.mark.parametrize(
    "given", [["", "--hub", "https://hub.example.org"], [GITHUB, "--hub", "x"]]
)
def test_a_hub_s_link_needs_both_addresses(
    given: list[str], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(root)
    assert address.main(given, root) == 2
    assert "needs the repository's address and the hub's" in capsys.readouterr().err
    assert files(root) == before


def test_the_course_itself_shows_what_its_address_says() -> None:
    badge = address.badge(address.read(), address.FIRST_CHAPTER)
    readme = (ROOT / "README.md").read_text()
    assert readme.count("[![Open in Colab]") == bool(badge)
    assert badge in readme
