"""Is this machine ready for the course? ``python -m course_utils doctor``, and chapter 1, ask here.

Each check looks and returns a finding: fine, worth a note, or a problem, then with the one command
that fixes it. Nothing is changed and no network is asked.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils._support import settings
from course_utils._support.device import device
from course_utils._support.notebook import in_notebook
from course_utils._support.requirements import DISTRIBUTION, requirements
from course_utils.images import files
from course_utils.metrics import ledger
from course_utils.networks import runs, zoo

from . import forecast, machine, packages
from .report import Finding, table, text

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

__all__ = ["Finding", "examine", "healthy", "report", "text"]

MEGABYTE = 10**6
RUNS_SPACE = 20 * MEGABYTE
SLOW = 4  # times the reference machine: then a hint at COURSE_SPEED=look helps


def examine() -> list[Finding]:
    """Run every check, about three seconds in all. A check that fails itself is a finding, too."""
    return [finding for name, check in CHECKS.items() for finding in _careful(name, check)]


def healthy(findings: list[Finding]) -> bool:
    """Whether no finding is a problem."""
    return all(finding.state != "problem" for finding in findings)


def report() -> None:
    """Show the findings where this is called: a table in a notebook, lines elsewhere."""
    findings = examine()
    if not in_notebook():
        print(text(findings))
        return
    from IPython.display import HTML, display

    try:
        from .live_table import LiveTable
    except Exception as error:  # whatever an old or broken ipywidgets raises
        broken = Finding("Widgets", "problem", f"they do not start: {error}", _widgets_again())
        display(HTML(table([*findings, broken])))
    else:
        page = machine.where_hub_has_doctor()
        through = ": websockets get through" if page else ""
        live = Finding("Widgets", "fine", f"the page has answered the kernel{through}")
        silent = Finding(
            "Widgets",
            "note",
            "no live page has answered. An exported page, or a run without a browser, cannot; if "
            "you see this in Jupyter, install them again and reload the page",
            _widgets_again(),
        )
        display(LiveTable(before=[*findings, silent], after=[*findings, live]))


def _careful(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # a sentence, whatever an unusual machine raises
        first = (str(error).splitlines() or [""])[0]
        seen = f"could not be looked at ({type(error).__name__}: {first})"
        yield Finding(name, "problem", seen, _install_again())


# --- the checks ---------------------------------------------------------------------------------


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    try:
        wanted = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]
    except importlib.metadata.PackageNotFoundError:
        yield Finding("Python", "fine", version)
        return
    from packaging.specifiers import SpecifierSet

    ranges = SpecifierSet(wanted, prereleases=True)
    fits = version in ranges
    fix = "" if fits else "python3 tools/learner/install.py lab"
    seen = f"{version} (needs {_in_words(ranges)})"
    yield Finding("Python", "fine" if fits else "problem", seen, fix)


def _packages() -> Iterator[Finding]:
    try:
        needed = requirements()
    except importlib.metadata.PackageNotFoundError:
        seen = "unknown: the course itself is not installed in this Python"
        yield Finding("Packages", "problem", seen, _pip(str(zoo.FOLDER.parents[2])))
        return
    wrong = {str(one): said for one in needed if (said := _misfit(one))}
    if wrong:
        yield Finding("Packages", "problem", "; ".join(wrong.values()), _pip(*wrong))
        return
    required = {_canonical(one.name) for one in needed}
    broken = packages.broken()
    own = [one for one in broken if _canonical(one.partition("==")[0]) in required]
    if broken:
        seen = f"files are missing from {', '.join(own or broken)}"
        fix = _pip("--force-reinstall", "--no-deps", *broken)
        yield Finding("Packages", "problem" if own else "note", seen, fix)
    else:
        yield Finding("Packages", "fine", f"all {len(needed)} are whole and have versions that fit")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _misfit(requirement: Requirement) -> str:
    """What is wrong with the installed version, in words; empty if nothing is."""
    from packaging.version import Version

    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    floors = [one.version for one in requirement.specifier if one.operator.startswith(">")]
    old = any(Version(version) < Version(floor) for floor in floors)
    kind = "old" if old else "new"
    needs = _in_words(requirement.specifier)
    return f"{requirement.name} {version} is too {kind} (needs {needs})"


def _in_words(ranges: SpecifierSet) -> str:
    """A set of version ranges, its lower end first."""
    return ", ".join(sorted(map(str, ranges), reverse=True))


def _machine() -> Iterator[Finding]:
    (finding,) = machine.share()
    page = machine.where_hub_has_doctor()
    where = f". If cells never finish, open {page} at the hub's address" if page else ""
    yield replace(finding, seen=finding.seen + where)


def _gpu() -> Iterator[Finding]:
    import torch

    repair = _pip("--force-reinstall", "torch", "torchvision")
    if not torch.cuda.is_available():
        if Path("/proc/driver/nvidia/version").exists():
            seen = f"an NVIDIA GPU is there, but PyTorch {torch.__version__} cannot use it"
            yield Finding("GPU", "note", seen, repair)
        else:
            yield Finding("GPU", "fine", "none, and none is needed")
        return
    name = torch.cuda.get_device_name()
    try:
        ones = torch.ones(64, 64, device="cuda")
        trouble = "" if float((ones @ ones).sum()) == 64**3 else "it computes wrong results"
    except RuntimeError as error:
        trouble = (str(error).splitlines() or ["no reason given"])[0]
    if trouble:
        seen = f"{name} cannot be used, so the CPU is: {trouble}"
        yield Finding("GPU", "note", seen, repair)
    else:
        yield Finding("GPU", "fine", f"{name}, used for training")


def _images() -> Iterator[Finding]:
    if damaged := files.damaged():
        seen = f"missing or damaged: {', '.join(damaged)}"
        yield Finding("Images", "problem", seen, _bring_back("images"))
    else:
        yield Finding("Images", "fine", "all of MNIST and Fashion-MNIST, intact")


def _weights() -> Iterator[Finding]:
    try:
        damaged = zoo.damaged()
    except zoo.ZooError as error:
        yield Finding("Weights", "problem", str(error), _bring_back("zoo"))
        return
    if damaged:
        seen = f"missing or damaged: {', '.join(damaged)}"
        yield Finding("Weights", "problem", seen, _bring_back("zoo"))
    else:
        yield Finding("Weights", "fine", f"all {len(zoo.names())} trained networks are intact")


def _numbers() -> Iterator[Finding]:
    try:
        count = len(ledger.load(ledger.FILE).entries)
    except ledger.LedgerError as error:
        yield Finding("Numbers", "problem", str(error), _bring_back(ledger.FILE.name))
    else:
        yield Finding("Numbers", "fine", f"all {count:,} that the texts quote can be read")


def _disk() -> Iterator[Finding]:
    folder = runs.folder().parent
    if trouble := _trouble_to_keep(RUNS_SPACE, folder):
        yield Finding("Disk", "problem", trouble, _set("COURSE_RUNS_DIR", "A_FOLDER_WITH_SPACE"))
    else:
        free = shutil.disk_usage(_existing(folder)).free
        yield Finding("Disk", "fine", f"{free / 10**9:.0f} GB free for what you train")


def _trouble_to_keep(size: int, folder: Path) -> str:
    """Why `size` bytes cannot be kept in a folder, which need not exist yet; empty if they can."""
    place = _existing(folder)
    free = shutil.disk_usage(place).free
    if free < size:
        there, needed = free // MEGABYTE, size // MEGABYTE
        return f"no space left: {there:,} MB free in {folder}, {needed:,} MB are needed"
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            # some bytes: a quota or a read-only disk shows in no number
            file.write(bytes(MEGABYTE))
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror or error})"
    return ""


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _forecast() -> Iterator[Finding]:
    try:
        speed = settings.speed()
    except ValueError as error:
        yield Finding("Time", "problem", str(error), _set("COURSE_SPEED", "train"))
        return
    step, drawing = forecast.step_seconds(device()), forecast.drawing_seconds()
    chapters = forecast.minutes(speed, step, drawing)
    numbers = ", ".join(
        f"{int(chapter[:2])}: {_short(minutes)}" for chapter, minutes in chapters.items()
    )
    seen = (
        f"COURSE_SPEED={speed}: about {_short(sum(chapters.values()))} min of computing "
        f"(by chapter {numbers})"
    )
    slow = step > SLOW * forecast.reference()["step_seconds"] and speed != "look"
    if slow:
        yield Finding("Time", "note", seen, _set("COURSE_SPEED", "look"))
    else:
        yield Finding("Time", "fine", seen)


def _short(minutes: float) -> str:
    return f"{minutes:.1f}" if minutes < 9.5 else f"{minutes:.0f}"


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "Python": _python,
    "Packages": _packages,
    "Machine": _machine,
    "GPU": _gpu,
    "Images": _images,
    "Weights": _weights,
    "Numbers": _numbers,
    "Memory": machine.room,
    "Disk": _disk,
    "Time": _forecast,
}


# --- commands that fix -------------------------------------------------------------------------


def _widgets_again() -> str:
    """A command for widgets that stay silent: Colab keeps its 7.7, JupyterLab 4 needs 8."""
    floor = "7.7.1" if "google.colab" in sys.modules else "8.1"
    return _pip(f"ipywidgets>={floor},<9", "anywidget>=0.9.21")


def _quoted(word: str) -> str:
    """A word for the shell of this system."""
    if os.name != "nt":
        return shlex.quote(word)
    # cmd.exe knows double quotes only, and an unquoted < reads from a file
    return f'"{word}"' if set(word) & set(" <>&|^()") else word


def _python_command() -> str:
    return ("!" if in_notebook() else "") + _quoted(sys.executable)


def _pip(*requirements: str) -> str:
    pip = "%pip" if in_notebook() else f"{_quoted(sys.executable)} -m pip"
    return f"{pip} install " + " ".join(map(_quoted, requirements))


def _set(variable: str, value: str) -> str:
    """A command that sets a variable, for a cell or for the shell that starts Jupyter."""
    if in_notebook():
        return f"%env {variable}={value}"
    return f"{'set' if os.name == 'nt' else 'export'} {variable}={value}"


def _bring_back(asset: str) -> str:
    """A command that gets files of the package again."""
    if (zoo.FOLDER.parents[2] / ".git").exists():
        place = zoo.FOLDER.parent / asset
        return f"{'!' if in_notebook() else ''}git checkout -- {_quoted(str(place))}"
    return _install_again()


def _install_again() -> str:
    """A command that installs the course again from where it came."""
    try:
        stated = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
        origin = json.loads(stated or "")
        source = ("git+" if "vcs_info" in origin else "") + origin["url"]
    except (importlib.metadata.PackageNotFoundError, TypeError, ValueError, KeyError):
        source = DISTRIBUTION
    return _pip("--force-reinstall", "--no-deps", source)
