"""The ranges in pyproject.toml: reasons, Colab, and the copies that other files hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools.learner import install

tomllib = pytest.importorskip("tomllib")  # Python 3.11 and later

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
# What conda-forge calls differently.
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}


def pins(path: str) -> dict[str, str]:
    """The packages of a list that are pinned to one version."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==([\w.+]+)", text, re.MULTILINE))


# Google Colab's published package list, and what else the course meets there.
COLAB = pins("tests/colab_packages.txt")


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
    pinned = pins("tests/requirements-widgets7.txt")
    assert {"anywidget", "ipykernel", "ipython", "ipywidgets", "matplotlib", "numpy"} <= set(pinned)
    assert pinned.items() <= COLAB.items()


def test_conda_gets_the_same_ranges() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = [entry for entry in environment["dependencies"] if entry != "pip"]
    python, *conda = conda
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    stated = {}
    for requirement in map(Requirement, [*conda, *(one for one in pip["pip"] if one != "-e .")]):
        stated[CONDA_NAMES.get(requirement.name, requirement.name)] = requirement.specifier
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]]
    assert stated == {entry.name: entry.specifier for entry in map(Requirement, wanted)}


def test_installer_knows_the_supported_pythons() -> None:
    supported = SpecifierSet(PROJECT["requires-python"])
    found = [(3, minor) for minor in range(30) if f"3.{minor}.0" in supported]
    assert (found[0], found[-1]) == (install.OLDEST, install.NEWEST)


IMPORT_ALL = """\
import importlib, sys
for name in sys.argv[1].split():
    sys.modules[name] = None  # importing it fails
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "extras"), [("learner", ["lab"]), ("presenter", ["lab", "slides"])]
)
def test_tools_start_without_what_only_authors_have(room: str, extras: list[str]) -> None:
    named = {
        extra: {Requirement(line).name.replace("-", "_") for line in lines}
        for extra, lines in PROJECT["optional-dependencies"].items()
    }
    theirs = set().union(*(named[extra] for extra in extras))
    missing = named["dev"] - theirs - {"psutil", "pyyaml"}  # others bring these two
    assert {"jupytext", "pytest", "nbval"} <= missing
    modules = [f"tools.{room}.{path.stem}" for path in (ROOT / "tools" / room).glob("[!_]*.py")]
    assert len(modules) >= 5
    command = [sys.executable, "-c", IMPORT_ALL, " ".join(missing), *modules]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
