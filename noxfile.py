"""Environments beside `.venv`: Pythons, lowest versions, Colab's ipywidgets, mutants, the audit.

`make` calls these sessions, and `.venv/bin/python -m nox --list` names them. Each environment is
filled by pip, as a learner's is, and kept in `build/nox` for the next call.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.default_venv_backend = "venv"
nox.options.envdir = "build/nox"
nox.options.reuse_venv = "yes"

PYPROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
REQUIREMENTS = [*PYPROJECT["project"]["dependencies"], *(one for e in EXTRAS.values() for one in e)]
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
# What looks and decides needs no PyTorch, neither to run nor to be tested.
LIGHT = [one for one in REQUIREMENTS if not re.match("torch|lightning|timm", one)]
LIGHT_TESTS = ["tests/metrics", "tests/figures", "tests/widgets", "tests/support"]
PYTEST = ["-m", "pytest", "-n", "auto", "--dist", "loadfile"]
QUICK = ["-m", "not slow and not browser and not drill and not hub"]
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # for each of pytest's processes


def small_torch(session: nox.Session, *versions: str) -> bool:
    """Install PyTorch without the 3 GB of CUDA; say whether there is such a build for this Python.

    pip also finds builds on this machine, where it's told of a folder that has them.
    """
    index = [f"--index-url={CPU_BUILDS}", "--retries=1", "--timeout=10"]
    try:
        session.install("--no-deps", *index, *(versions or ("torch", "torchvision")))
    except CommandFailed:
        return False
    return True


def run_tests(session: nox.Session, whole: bool, *options: str) -> None:
    """Run the quick tests, or those of the half that needs no PyTorch."""
    if whole:
        session.install(*options, "--editable", f".[{','.join(EXTRAS)}]")
    else:
        session.warn("There is no small PyTorch for this Python: testing the half without it.")
        session.install(*options, *LIGHT)
    session.run("python", *PYTEST, *QUICK, *([] if whole else LIGHT_TESTS), env=ONE_THREAD)


@nox.session(python=nox.project.python_versions(PYPROJECT, max_version="3.13"))
def pythons(session: nox.Session) -> None:
    """Run the quick tests under each Python that the course supports."""
    run_tests(session, small_torch(session))


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the quick tests with the lowest versions that pyproject.toml allows."""
    found = Path(session.create_tmp()) / "lowest.txt"
    compiling = ["-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--native-tls"]
    options = ["--resolution=lowest-direct", "--no-annotate", "--no-header", "--quiet"]
    output = [f"--python={sys.executable}", f"--output-file={found}"]
    session.run(sys.executable, *compiling, *options, *output, external=True)
    pins = found.read_text(encoding="utf-8").splitlines()
    torch = [pin for pin in pins if re.match("torch(vision)?==", pin)]
    found.write_text("\n".join(pin for pin in pins if pin not in torch), encoding="utf-8")
    # the lowest PyTorch, or else the one that there is
    whole = small_torch(session, *torch) or small_torch(session)
    run_tests(session, whole, f"--constraint={found}")


@nox.session
def widgets7(session: nox.Session) -> None:
    """Test figures, widgets and chapters with ipywidgets 7.7.1, as Google Colab has it.

    The chapters, which `make` names, need PyTorch: they run in `.venv`, with the packages of this
    environment put before its own.
    """
    session.install("--requirement", "tests/requirements-widgets7.txt")
    session.run("python", *PYTEST, *QUICK, "tests/figures", "tests/widgets", env=ONE_THREAD)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = str(session.run("python", "-c", where, silent=True)).strip()
    before = {**ONE_THREAD, "PYTHONPATH": place}
    is_seven = "import ipywidgets as w; assert w.__version__ == '7.7.1', w.__version__"
    session.run(sys.executable, "-c", is_seven, env=before, external=True)
    session.run(sys.executable, *PYTEST, *session.posargs, env=before, external=True)


@nox.session
def hub(session: nox.Session) -> None:
    """Let simulated attendees work on a JupyterHub on this machine.

    The course is `.venv`'s, the hub's packages are this environment's, put before it.
    """
    session.install("--requirement", "hub/requirements.txt", "aiohttp")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = str(session.run("python", "-c", where, silent=True)).strip()
    before = {**ONE_THREAD, "PYTHONPATH": place}
    tests = [sys.executable, "-m", "pytest", "tests/hub", *session.posargs]
    session.run(*tests, env=before, external=True)


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the metrics in 300 small ways, drawn from cosmic-ray's, and count what tests notice."""
    session.install("cosmic-ray>=8.4,<9")  # 9 may draw others
    session.run("python", "-W", "ignore", "-m", "tools.author.mutants", "draw")
    session.run(sys.executable, "-m", "tools.author.mutants", "test", external=True)


@nox.session
def audit(session: nox.Session) -> None:
    """Ask the database of known vulnerabilities about every package in `.venv`.

    A package that can't be looked up counts as a failure.
    """
    session.install("pip-audit>=2.9")
    listing = ["-m", "pip", "list", "--format=freeze", "--exclude-editable"]
    packages = session.run(sys.executable, *listing, external=True, silent=True, stderr=None)
    listed = Path(session.create_tmp()) / "installed.txt"
    # a build such as 2.13.0+cpu is known by its plain version
    listed.write_text(re.sub(r"\+\S+", "", str(packages)), encoding="utf-8")
    session.run("pip-audit", "--strict", "--no-deps", "--disable-pip", f"--requirement={listed}")
