"""Ask the database of known vulnerabilities about every installed package, in its exact version.

pip-audit, in an environment of its own, asks the Python package index. Exit status: 0 if nothing is
known, 1 if something is, 2 if not everything could be asked about: that is no good news.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from course_utils._support.requirements import DISTRIBUTION
from tools.learner import install

CLEAN, VULNERABLE, NOT_ASKED = 0, 1, 2


class Auditor(install.Environment):
    """The environment of pip-audit, which must not mix with what it looks at."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "build/audit", "tools/requirements-audit.txt")

    def contents(self, extras: set[str]) -> list[str]:
        """Return what pip is asked for."""
        return ["--requirement", str(self.described)]


def installed() -> list[str]:
    """Return ``name==version`` for every package beside this interpreter, but for the course."""
    found = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    found.pop(DISTRIBUTION, None)
    # a build such as 2.13.0+cpu is known under its plain version
    return sorted(f"{name}=={version.partition('+')[0]}" for name, version in found.items())


def ask(python: Path, packages: list[str]) -> subprocess.CompletedProcess[str]:
    """Let pip-audit look the packages up."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(packages), encoding="utf-8")
        command = [str(python), "-m", "pip_audit", "--requirement", str(listed)]
        command += ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
        return subprocess.run(command, capture_output=True, text=True, timeout=900)


def verdict(answer: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Return exit status and words for what pip-audit said.

    What it could not look up it skips, and then says that nothing was found.
    """
    try:
        asked = json.loads(answer.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        errors = answer.stderr.strip().splitlines()
        reason = errors[-1][:300] if errors else "no reason given"
        return NOT_ASKED, (
            "The database of known vulnerabilities cannot be reached, so nothing was checked: "
            f"{reason}"
        )
    lines = [
        f"{one['name']} {one['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no version yet'}"
        for one in asked
        for weakness in one.get("vulns", [])
    ]
    skipped = sum("skip_reason" in one for one in asked)
    if skipped:
        lines.append(
            f"{skipped} of {len(asked)} packages could not be looked up, so nothing is known about "
            "them: the database of known vulnerabilities cannot be reached from here, or not whole."
        )
    if len(lines) > bool(skipped):
        return VULNERABLE, "\n".join(lines)
    if skipped:
        return NOT_ASKED, lines[0]
    return CLEAN, f"No vulnerability is known in any of {len(asked)} packages."


def main(root: Path = install.ROOT) -> int:
    """Look everything up. Returns the exit status."""
    auditor = Auditor(root)
    if install.make(auditor, set()) != 0:
        print("Nothing was checked: pip-audit could not be installed.", file=sys.stderr)
        return NOT_ASKED
    try:
        status, words = verdict(ask(auditor.python, installed()))
    except subprocess.TimeoutExpired:
        status, words = NOT_ASKED, "Nothing was checked: there was no answer within 15 minutes."
    print(words, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
