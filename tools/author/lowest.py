"""Install the lowest versions that `pyproject.toml` allows, and run the tests with them.

uv finds them: the lowest of what the course names, the newest of what those need. A floor that
fits nothing else is a mistake, and is named. PyTorch is taken in its lowest version where
PyTorch's index of small builds answers, else in the version that lies on this machine; where there
is neither, the half of the course that needs no PyTorch is tested.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from course_utils._support.requirements import DISTRIBUTION
from tools.author import each_python
from tools.learner import install

RESOLVED = "build/lowest.txt"
# What PyTorch brings along for a GPU.
FOR_GPUS = re.compile(r"(nvidia|cuda)-|triton$")


def resolve(root: Path) -> dict[str, str]:
    """Return the lowest version of each package that has to be installed.

    Raises
    ------
    install.InstallError
        If there is no solution, or no network.
    """
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras"),
        *("--resolution", "lowest-direct", "--no-header", "--no-annotate", "--quiet"),
        *("--native-tls", "--python", sys.executable),
    ]
    ended = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise install.InstallError("uv could not find the lowest versions: its message is above.")
    requirements = [Requirement(line) for line in ended.stdout.splitlines() if line]
    return {one.name: next(iter(one.specifier)).version for one in requirements}


def wrong_floors(lowest: dict[str, str]) -> list[str]:
    """Return a sentence for each stated floor that the resolution cannot reach."""
    floors: dict[str, Version] = {}  # where an extra asks for more, that counts: all are installed
    for stated in map(Requirement, metadata.requires(DISTRIBUTION)):
        name = stated.name.lower().replace("_", "-")
        for one in stated.specifier:
            if one.operator == ">=":
                floors[name] = max(Version(one.version), floors.get(name, Version("0")))
    return [
        f"{name}: {floor} is stated, {lowest[name]} is the lowest that fits."
        for name, floor in floors.items()
        if floor != Version(lowest[name])
    ]


def torch_on_this_machine() -> list[str]:
    """Return the files that pip finds without asking an index, or nothing."""
    command = [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-"),
        *("--no-index", "--no-deps", "--ignore-installed", "torch", "torchvision"),
    ]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if ended.returncode:
        return []
    return [one["download_info"]["url"] for one in json.loads(ended.stdout)["install"]]


def requirements(lowest: dict[str, str]) -> tuple[list[str], bool]:
    """Return the lines of the list for pip, and whether PyTorch is among them."""
    pinned = {name: f"{name}=={version}" for name, version in lowest.items()}
    rest = [
        line
        for name, line in pinned.items()
        if name not in ("torch", "torchvision") and not FOR_GPUS.match(name)
    ]
    if each_python.torch_is_small():
        index = [f"--extra-index-url {install.PYTORCH_CPU_INDEX}"]
        return [*index, pinned["torch"], pinned["torchvision"], *rest], True
    files = torch_on_this_machine()
    if files:
        names = ", ".join(Path(file).name for file in files)
        install.say(f"No small torch {lowest['torch']} can be had here; instead: {names}.")
        return [*files, *rest], True
    install.say("No small torch can be had here: only the half that needs none is tested.")
    return [pinned[name] for name in sorted(each_python.LIGHT_PACKAGES)], False


class Lowest(each_python.OnePython):
    """The environment of lowest versions."""

    def __init__(self, root: Path, whole: bool) -> None:
        super().__init__(root, "lowest", whole)
        self.described = root / RESOLVED

    def contents(self, extras: set[str]) -> list[str]:
        """Return what pip is asked for."""
        course = ["--editable", "."] if self.whole else []
        return ["--requirement", str(self.described), *course]


def main(root: Path = install.ROOT) -> int:
    """Resolve, install, test. Returns the exit status."""
    try:
        lowest = resolve(root)
    except install.InstallError as error:
        print(error, file=sys.stderr)
        return 1
    wrong = wrong_floors(lowest)
    lines, whole = requirements(lowest)
    (root / RESOLVED).parent.mkdir(exist_ok=True)
    (root / RESOLVED).write_text("\n".join(lines) + "\n", encoding="utf-8")
    environment = Lowest(root, whole)
    made = install.make(environment, set())
    if made:
        return made
    failed, line = each_python.test(environment)
    install.say(f"Lowest versions: {line}")
    for sentence in wrong:
        print(f"A floor of pyproject.toml is too low. {sentence}", file=sys.stderr)
    return failed or int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
