"""Make `.venv` and install the course into it: `python3 tools/learner/install.py [EXTRA ...]`.

Runs before anything is installed, so it needs the standard library only, and under interpreters too
old for the course, so that they get a sentence instead of a syntax error. Asked a second time it
looks for a second whether every package is whole, installs again what is not, and returns.
Interrupted, it starts `.venv` afresh at the next call.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As in pyproject.toml, which no standard library before 3.11 reads; a test compares the two.
OLDEST, NEWEST = (3, 10), (3, 13)
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 3.0
COURSE = "when_to_trust_a_classifier"  # as pip spells it in names of folders
NETWORK_TROUBLE = re.compile(
    r"connection broken|connection error|timed out|name resolution|newconnectionerror"
    r"|failed to establish|max retries exceeded|network is unreachable",
    re.IGNORECASE,
)
NO_SPACE = re.compile(r"No space left|not enough space|Disk quota exceeded", re.IGNORECASE)
# As pip says it where a proxy or a log-in page answers in the index's place.
NOT_THE_FILES = re.compile(r"from versions: none|DO NOT MATCH THE HASHES|BadZipFile")


class InstallError(Exception):
    """What went wrong and what to do, in one sentence for the person at the keyboard."""


def describe_python(executable: str) -> tuple[tuple[int, int], bool] | None:
    """Ask an interpreter for its version and whether it can make environments.

    Returns
    -------
    ((major, minor), bool) or None
        None if it does not run at all, as the shims of version managers may.
    """
    code = (
        "import sys\n"
        "try:\n    import ensurepip, venv; able = 1\n"
        "except ImportError:\n    able = 0\n"
        "print(sys.version_info[0], sys.version_info[1], able)"
    )
    try:
        answer = subprocess.run(
            [executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60
        )
        major, minor, able = (int(word) for word in answer.stdout.split())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return (major, minor), bool(able)


def choose_python(first: str) -> str:
    """Return the interpreter to build on: `first` if it will do, else the newest on the PATH.

    Raises
    ------
    InstallError
        No interpreter is supported, or none of the supported ones can make environments.
    """
    without_venv = None
    names = ["python%d.%d" % (OLDEST[0], minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for candidate in [first] + [path for path in map(shutil.which, names) if path]:
        described = describe_python(candidate)
        if described is None or not OLDEST <= described[0] <= NEWEST:
            continue
        if described[1]:
            return candidate
        without_venv = without_venv or candidate
    if without_venv:
        raise InstallError(
            "%s lacks the modules that make environments: run `apt install python3-venv` (as root; "
            "other systems: install Python's venv and ensurepip), then the same command again."
            % without_venv
        )
    described = describe_python(first)
    found = "%s is Python %d.%d" % ((first,) + described[0]) if described else first + " fails"
    raise InstallError(
        "This course needs Python %d.%d to %d.%d, but %s and there is no other on the PATH: "
        "install one of these versions, then run the same command again."
        % (OLDEST + NEWEST + (found,))
    )


def answers(url: str, seconds: float) -> bool:
    """Say whether a page comes within `seconds`, whatever the network does.

    In a thread of its own, because no socket time-out covers name resolution or a server that
    sends one byte now and then.
    """
    found = threading.Event()

    def ask() -> None:
        try:
            response = urllib.request.urlopen(url, timeout=seconds)
        except (OSError, ValueError, http.client.HTTPException):
            return
        if response.status == 200:
            found.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return found.is_set()


def has_nvidia_gpu() -> bool:
    """Say whether an NVIDIA driver is loaded on this machine."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def torch_options(python: Path) -> list[str]:
    """Return pip's options for the smallest fitting PyTorch, announcing its size if it is large."""
    if not sys.platform.startswith("linux") or has_nvidia_gpu() or os.environ.get("PIP_NO_INDEX"):
        return []
    present = subprocess.run([str(python), "-c", "import torch"], stderr=subprocess.DEVNULL)
    if present.returncode == 0:
        return []
    if answers(PYTORCH_CPU_INDEX + "/torch/", PROBE_SECONDS):
        return ["--extra-index-url", PYTORCH_CPU_INDEX]
    say(
        "PyTorch's index of small CPU builds does not answer within %d s. The build that pip takes "
        "instead may bring CUDA: up to 3 GB to download." % PROBE_SECONDS
    )
    return []


class Environment:
    """An environment of a working tree, as a rule `.venv`, and what is known about it.

    `course.json` inside it is written last and tells what is installed. `course-unfinished` stands
    there from the first step to the last: found at the start, it tells that an earlier call was
    interrupted. A folder with neither was made by somebody else and is used as it is.
    """

    def __init__(self, root: Path, name: str = ".venv", described: str = "pyproject.toml") -> None:
        self.root = root
        self.name = name
        self.folder = root / name
        self.described = root / described  # the file that says what belongs into it
        self.stamp = self.folder / "course.json"
        self.unfinished = self.folder / "course-unfinished"
        windows = os.name == "nt"
        self.python = self.folder / ("Scripts/python.exe" if windows else "bin/python")

    def works(self) -> bool:
        """Say whether the environment's interpreter starts and is one of the supported versions."""
        described = describe_python(str(self.python))
        return described is not None and OLDEST <= described[0] <= NEWEST

    def wanted(self, extras: set[str]) -> dict:
        """Return what the stamp says when these extras are installed here."""
        project = hashlib.sha256(self.described.read_bytes()).hexdigest()
        return {"place": str(self.root), "project": project, "extras": sorted(extras)}

    def installed(self) -> dict:
        """Return what the stamp says, or an empty dictionary."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
            return stamp if isinstance(stamp, dict) else {}
        except (OSError, ValueError):
            return {}

    def satisfies(self, extras: set[str]) -> bool:
        """Say whether nothing needs to be done for these extras."""
        return self.was_completed(extras) and not self.broken()

    def was_completed(self, extras: set[str]) -> bool:
        """Say whether these extras were installed here, to the end."""
        installed = self.installed()
        have = set(installed.get("extras", []))
        complete = installed == self.wanted(have) and not self.unfinished.exists()
        return complete and extras <= have and self.works()

    def broken(self) -> list[str]:
        """Return `name==version` of the installed packages that have lost files since."""
        asked = subprocess.run(
            [str(self.python), "-m", "course_utils.health.packages"],
            cwd=str(ROOT),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return asked.stdout.decode(errors="replace").split()

    def create(self, python: str) -> None:
        """Make the environment, replacing one that is broken, moved or half made."""
        moved = bool(self.installed()) and self.installed().get("place") != str(self.root)
        broken = self.folder.exists() and not self.works()
        if broken and not self.unfinished.exists() and not self.stamp.exists():
            raise InstallError(
                "The folder %s is not the course's own, and has no Python that the course runs on: "
                "move it away, then run the same command again." % self.name
            )
        if self.unfinished.exists() or moved or broken:
            say("The environment in %s is not complete: making it again." % self.name)
            shutil.rmtree(self.folder)
        if self.works():
            return
        chosen = choose_python(python)
        self.folder.mkdir(parents=True)
        self.unfinished.touch()
        say("Making the environment in %s with %s." % (self.name, chosen))
        made = subprocess.run([chosen, "-m", "venv", str(self.folder)], stdout=sys.stderr)
        if made.returncode != 0:
            raise InstallError(
                "%s could not make an environment in %s: its message is above."
                % (chosen, self.folder)
            )

    def contents(self, extras: set[str]) -> list[str]:
        """Return what pip is asked for: the course, editable."""
        project = ".[%s]" % ",".join(sorted(extras)) if extras else "."
        return [*torch_options(self.python), "--editable", project]

    def pip_install(self, *what: str) -> None:
        """Run `pip install` in the environment."""
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"]
        if "PIP_RETRIES" not in os.environ:
            command += ["--retries", "2"]  # pip's five keep a room without a network waiting
        if not sys.stdout.isatty():
            command += ["--quiet"]
        run_pip(command + list(what), self.root)

    def repair(self, extras: set[str]) -> None:
        """Install broken packages again, the same versions; pip replaces them once it has all."""
        others = self.broken()
        own = [one for one in others if one.startswith(COURSE + "==")]
        if own:
            others.remove(own[0])
            self.install(extras)  # the course comes from this folder, not from an index
        if others:
            say("Files are missing, so these are installed again: %s." % ", ".join(others))
            index = ["--extra-index-url", PYTORCH_CPU_INDEX] if "+cpu" in " ".join(others) else []
            self.pip_install("--force-reinstall", "--no-deps", *index, *others)

    def install(self, extras: set[str]) -> None:
        """Install what belongs into the environment, and whatever was installed before."""
        extras = extras | set(self.installed().get("extras", []))
        self.unfinished.touch()
        say("Installing into %s with pip. The first time this takes minutes." % self.name)
        started = time.monotonic()
        try:
            self.pip_install(*self.contents(extras))
        except InstallError:
            # pip undoes what it could not finish: an environment that was complete before still is
            # what it was, and without a network it must not be thrown away.
            if self.stamp.exists():
                self.unfinished.unlink()
            raise
        self.stamp.write_text(json.dumps(self.wanted(extras)), encoding="utf-8")
        self.unfinished.unlink()
        say("Installed in %.0f s." % (time.monotonic() - started))


def package_source() -> str:
    """Name what pip asks, to begin a sentence with."""
    if os.environ.get("PIP_NO_INDEX"):
        return os.environ.get("PIP_FIND_LINKS", "The folder of packages")
    return "The Python package index"


def run_pip(command: list[str], folder: Path) -> None:
    """Run pip, passing its messages on, and turn a failure into one sentence.

    Raises
    ------
    InstallError
        pip failed; the sentence says whether the network was to blame.
    """
    errors: list[str] = []
    with subprocess.Popen(command, cwd=str(folder), stderr=subprocess.PIPE) as pip:
        assert pip.stderr is not None
        for raw in pip.stderr:
            line = raw.decode(errors="replace")
            errors.append(line)
            sys.stderr.write(line)
    if pip.returncode == 0:
        return
    said = "".join(errors)
    if NO_SPACE.search(said):
        raise InstallError(
            "There is no space left on the disk: make room (`pip cache purge` gives some back), "
            "then run the same command again."
        )
    if NETWORK_TROUBLE.search(said):
        raise InstallError(
            "%s does not answer: check the network (and the proxy, if there is one), then run the "
            "same command again. Complete downloads are kept." % package_source()
        )
    strange = NOT_THE_FILES.search(said)
    if strange and not os.environ.get("PIP_NO_INDEX"):
        raise InstallError(
            "%s gives something else than packages (%s): if this network wants a log-in, open any "
            "page in a browser and log in; then run the same command again."
            % (package_source(), strange.group())
        )
    reasons = [line.strip() for line in errors if line.startswith("ERROR")] or ["no reason given"]
    raise InstallError("pip could not install the course (%s)." % reasons[-1])


@contextlib.contextmanager
def only_one(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock file, so that two terminals do not work on one folder at once.

    Where another holds it, `busy` says what that one does.
    """
    try:
        import fcntl
    except ImportError:  # Windows: not worth a second mechanism
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("%s: waiting for it to end." % busy)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def say(sentence: str) -> None:
    """Tell the person at the keyboard what happens."""
    print(sentence, flush=True)


def make(environment: Environment, extras: set[str], python: str | None = None) -> int:
    """Make an environment if need be, of `python` or of this one. Returns the exit status."""
    if environment.satisfies(extras):
        return 0
    try:
        lock = environment.root / "build" / "install.lock"
        with only_one(lock, "Another installation into this folder is under way"):
            if not environment.was_completed(extras):  # another call may have just done it
                environment.create(python or sys.executable)
                environment.install(extras)
            environment.repair(extras)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the same command starts again where it is safe.", file=sys.stderr)
        return 130
    except OSError as error:
        print(
            "The environment cannot be made in %s: %s." % (environment.root, error), file=sys.stderr
        )
        return 1
    return 0


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Make `.venv` if need be. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Make .venv and install the course into it.")
    parser.add_argument("extras", nargs="*", metavar="EXTRA", help="lab, dev, slides, tensorboard")
    return make(Environment(root), set(parser.parse_args(arguments).extras))


if __name__ == "__main__":
    sys.exit(main())
