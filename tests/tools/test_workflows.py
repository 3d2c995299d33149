"""What GitHub and pre-commit read from this repository is valid, safe and pinned."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = "\n".join(
    path.read_text(encoding="utf-8") for path in ROOT.glob(".github/workflows/*.yml")
)


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_files_follow_their_schema(schema: str, pattern: str) -> None:
    files = [str(path) for path in ROOT.glob(pattern)]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert files and ended.returncode == 0, ended.stdout


def test_zizmor_finds_nothing_unsafe() -> None:
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    command = [str(zizmor), "--offline", "--quiet", str(ROOT / ".github")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_actions_are_pinned_by_commit_with_their_version_beside() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOWS)
    pinned = [re.fullmatch(r"([\w/-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line) for line in used]
    assert used and all(pinned), used
    versions = {match.groups() for match in pinned if match}
    assert len({action for action, _, _ in versions}) == len(versions), "one commit per action"


def test_make_has_every_target_that_a_workflow_calls() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    called = re.findall(r"run: make ([\w-]+)|^\s+target: ([\w-]+)", WORKFLOWS, re.MULTILINE)
    names = {direct or through_the_matrix for direct, through_the_matrix in called}
    assert {"test", "test-all", "test-gpu", "site"} <= names
    assert names <= set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
