"""`make audit`: what could not be looked up is never reported as sound."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.author import audit
from tools.learner import install

SOUND = {"name": "numpy", "version": "2.3.0", "vulns": []}
WEAK = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "CVE-2024-22195", "fix_versions": ["3.1.3"]}],
}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


def said(*asked: dict) -> tuple[int, str]:
    stdout = json.dumps({"dependencies": list(asked), "fixes": []})
    return audit.verdict(subprocess.CompletedProcess([], 0, stdout, ""))


def test_verdicts() -> None:
    assert said(SOUND) == (0, "No vulnerability is known in any of 1 packages.")
    assert said(SOUND, WEAK) == (1, "jinja2 3.1.2: CVE-2024-22195, mended in 3.1.3")
    status, words = said(SOUND, SKIPPED)
    assert status == 2
    assert words.startswith("1 of 2 packages could not be looked up, so nothing is known about")
    status, words = said(WEAK, SKIPPED)
    assert status == 1 and "CVE-2024-22195" in words and "1 of 2 packages" in words


def test_every_package_is_asked_about_in_the_version_that_is_here() -> None:
    packages = audit.installed()
    assert f"pytest=={pytest.__version__}" in packages
    assert not any(package.startswith(audit.DISTRIBUTION) or "+" in package for package in packages)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with an environment for pip-audit that is there already."""
    monkeypatch.setattr(install, "make", lambda environment, extras: 0)
    python = tmp_path / "build/audit/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return tmp_path


def test_a_database_out_of_reach_is_said_plainly(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stand-in for pip-audit asks a proxy at which nobody listens, and ends as the real one."""
    (root / "pip_audit.py").write_text(
        "import urllib.request\nurllib.request.urlopen('https://pypi.org/pypi/x/1/json')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert audit.main(root) == 2
    words = capsys.readouterr().err
    assert "cannot be reached, so nothing was checked" in words and "refused" in words
    assert "Traceback" not in words


def test_without_pip_audit_nothing_counts_as_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "make", lambda environment, extras: 1)
    assert audit.main(tmp_path) == 2
    assert "Nothing was checked: pip-audit could not be installed" in capsys.readouterr().err
