"""The ranges in pyproject.toml: reasons, Colab, and the copy in environment.yml."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools.author import widgets7
from tools.learner import install

tomllib = pytest.importorskip("tomllib")  # Python 3.11 and later

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
# What conda-forge calls differently.
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
# Google Colab's published package list, and what else the course meets there.
COLAB = {
    requirement.name: next(iter(requirement.specifier)).version
    for requirement in map(
        Requirement,
        re.findall(r"^[^#\s].*", (ROOT / "tests/colab_packages.txt").read_text(), re.MULTILINE),
    )
}


def test_every_upper_cap_has_its_reason_beside_it() -> None:
    capped = [line for line in PYPROJECT.splitlines() if re.match(r'\s+"[\w\[\]-]+[^"]*<', line)]
    assert len(capped) >= 4
    assert [line for line in capped if not re.search(r'",\s+# \w+.{8,}', line)] == []


def test_colab_keeps_its_own_packages() -> None:
    requirements = {name.name: name for name in map(Requirement, PROJECT["dependencies"])}
    named = COLAB.keys() & requirements.keys()
    assert {"torch", "torchvision", "numpy", "ipywidgets"} <= named
    kept = {name: COLAB[name] in requirements[name].specifier for name in named}
    assert kept == dict.fromkeys(named, True)
    assert "3.13.15" in SpecifierSet(PROJECT["requires-python"])


def test_widgets_are_tested_under_what_colab_has() -> None:
    stated = (ROOT / widgets7.REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    lines = [line.partition(" #") for line in stated if not line.startswith("#")]
    pinned = {}
    for text, _, reason in lines:
        requirement = Requirement(text)
        versions = [part.version for part in requirement.specifier if part.operator == "=="]
        if versions:
            pinned[requirement.name] = versions[0]
            assert reason, f"{requirement.name} is pinned without a reason beside it"
    ours = {name: version for name, version in COLAB.items() if name in pinned}
    assert set(ours) == {"anywidget", "ipykernel", "ipython", "ipywidgets", "matplotlib", "numpy"}
    assert {name: pinned[name] for name in ours} == ours


def test_conda_gets_the_same_ranges() -> None:
    *conda, pip = [entry for entry in ENVIRONMENT["dependencies"] if entry != "pip"]
    stated = {}
    for text in [*conda, *pip["pip"]]:
        if not text.startswith(("python=", "-e ")):
            requirement = Requirement(text)
            stated[CONDA_NAMES.get(requirement.name, requirement.name)] = requirement.specifier
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]]
    assert stated == {entry.name: entry.specifier for entry in map(Requirement, wanted)}


def test_conda_pins_a_supported_python() -> None:
    pinned = next(e for e in ENVIRONMENT["dependencies"] if str(e).startswith("python="))
    version = pinned.removeprefix("python=")
    assert version in SpecifierSet(PROJECT["requires-python"])


def test_installer_knows_the_supported_pythons() -> None:
    supported = SpecifierSet(PROJECT["requires-python"])
    first, last = install.OLDEST[1], install.NEWEST[1]
    assert [minor for minor in range(30) if f"3.{minor}.0" in supported] == list(
        range(first, last + 1)
    )


def commands_of(audience: str) -> list[str]:
    """The scripts that the Makefile runs for somebody."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = re.findall(
        rf"^[a-z-]+: {audience} ##[^\n]*\n((?:\t[^\n]*\n)+)", makefile, re.MULTILINE
    )
    scripts = {
        script
        for recipe in recipes
        for script in re.findall(r"(?:tools|benchmarks)/\w+\.py", recipe)
    }
    assert len(scripts) >= 5
    return sorted(scripts)


# Runs a script up to its main part where packages are missing.
WITHOUT = """\
import runpy, sys
for name in sys.argv[2].split():
    sys.modules[name] = None  # importing it fails
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
runpy.run_path(sys.argv[1], run_name="imported")
"""


@pytest.mark.parametrize(
    ("script", "extras"),
    [
        *((script, {"lab"}) for script in commands_of("attendee")),
        *((script, {"lab", "slides"}) for script in commands_of("presenter")),
    ],
)
def test_commands_start_without_what_only_authors_have(script: str, extras: set[str]) -> None:
    packages = {
        extra: {Requirement(line).name for line in lines}
        for extra, lines in PROJECT["optional-dependencies"].items()
    }
    theirs = set().union(*(packages[extra] for extra in extras))
    missing = packages["dev"] - theirs - {"psutil"}  # psutil comes with ipykernel
    assert {"jupytext", "pytest", "nbval"} <= missing
    modules = " ".join(name.replace("-", "_") for name in missing)
    command = [sys.executable, "-c", WITHOUT, str(ROOT / script), modules]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
