"""environment.yml as conda and repo2docker read it, without asking either."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

rattler = pytest.importorskip("rattler", reason="needs: pip install py-rattler")

ROOT = Path(__file__).parents[2]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONDA = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
PIP = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
# Found in the repository's root these are read instead of environment.yml, or beside it
# (repo2docker 2026.4, repo2docker/buildpacks).
READ_FIRST = {
    *("binder", ".binder", "Dockerfile", "default.nix", "Project.toml", "JuliaProject.toml"),
    *("REQUIRE", "DESCRIPTION", "runtime.txt", "environment.yaml"),
}
READ_BESIDE = {"apt.txt", "postBuild", "start"}


def tracked() -> set[str]:
    """What a clone has at the top."""
    command = ["git", "-C", str(ROOT), "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode != 0:  # not a clone
        return {path.name for path in ROOT.iterdir()}
    return {name.split("/")[0] for name in listed.stdout.splitlines()}


def test_the_file_has_the_parts_that_conda_knows() -> None:
    assert set(ENVIRONMENT) == {"name", "channels", "dependencies"}
    # "defaults" has terms of its own, and the pytorch channel ended with 2.5
    assert ENVIRONMENT["channels"] == ["conda-forge"]
    assert [list(entry) for entry in PIP] == [["pip"]] and ENVIRONMENT["dependencies"][-1] in PIP
    assert "pip" in CONDA


@pytest.mark.parametrize("text", CONDA)
def test_every_line_is_a_strict_match_spec(text: str) -> None:
    spec = rattler.MatchSpec(text, strict=True)
    name = re.match(r"[a-z0-9._-]+", text)[0]
    assert spec.name.normalized == name
    # one range, written as pip reads it too; nothing that conda alone takes, such as builds
    assert spec.channel is None and spec.build is None
    written = text.removeprefix(name)
    if not text.startswith("python="):
        assert written == (spec.version or "")
        Requirement(text)


@pytest.mark.parametrize("wrong", ["rich>=13<15", "rich>=13,15", "numpy>=", "x[y]>=1", "a=>3"])
def test_the_check_can_fail(wrong: str) -> None:
    with pytest.raises(Exception, match=r"\w"):
        rattler.MatchSpec(wrong, strict=True)


def test_nothing_is_asked_for_twice() -> None:
    names = [rattler.MatchSpec(text, strict=True).name.normalized for text in CONDA]
    names += [Requirement(text).name for text in PIP[0]["pip"] if text != "-e ."]
    assert len(names) == len(set(names))


def test_repo2docker_finds_the_python() -> None:
    # its own expression and its own list: other versions end the build
    found = [re.match(r"python\s*=+\s*([\d\.]*)", text) for text in CONDA]
    versions = [match[1] for match in found if match]
    assert len(versions) == 1 and versions[0] in {"3.10", "3.11", "3.12", "3.13"}
    assert rattler.MatchSpec(f"python={versions[0]}", strict=True).version == f"{versions[0]}.*"


def test_nothing_is_read_before_environment_yml_or_beside_it() -> None:
    top = tracked()
    assert "environment.yml" in top
    assert top & (READ_FIRST | READ_BESIDE) == set()
    assert ".dockerignore" not in top


def test_the_course_itself_is_installed_from_where_the_file_lies() -> None:
    # A local path makes repo2docker copy the repository before it installs, and conda runs pip in
    # the folder of environment.yml: so "." must be the project.
    local = [text for text in PIP[0]["pip"] if text.startswith(("-", ".", "/")) or "://" in text]
    assert local == ["-e ."] and PIP[0]["pip"][-1] == "-e ."
    assert (ROOT / "pyproject.toml").is_file()
    for text in PIP[0]["pip"][:-1]:
        assert Requirement(text).url is None
