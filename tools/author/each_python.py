"""Run the package's tests under every supported Python that this machine has.

Each gets an environment of its own in `build/pythons/`. Where PyTorch can be had without CUDA's
gigabytes, everything is installed and tested; elsewhere the half that looks and decides, which
needs no PyTorch. The Python of `.venv` is left out: `make test` runs there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from course_utils._support.requirements import DISTRIBUTION
from tools.learner import install

EVERYTHING = {"lab", "dev", "slides", "tensorboard"}
# What the light half is made of, and what runs its tests.
LIGHT_PACKAGES = {
    *("anywidget", "filelock", "ipywidgets", "matplotlib", "numpy", "pandas", "platformdirs"),
    *("hypothesis", "ipykernel", "pytest", "pytest-timeout"),
}
# The tests that need no PyTorch, in the order of the data flow.
LIGHT = [
    *("tests/properties", "tests/figures", "tests/widgets"),
    *(
        f"tests/test_{name}.py"
        for name in (
            *("predictions", "scores", "selective", "calibration", "conformal", "intervals"),
            *("centring", "ledger", "atomic", "settings"),
        )
    ),
]
# Where the common version managers keep interpreters that are not on the PATH.
MANAGED = (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin")


class OnePython(install.Environment):
    """An environment for one version, with everything or with the light half."""

    def __init__(self, root: Path, version: str, whole: bool) -> None:
        super().__init__(root, f"build/pythons/{version}")
        self.whole = whole

    def contents(self, extras: set[str]) -> list[str]:
        """Return what pip is asked for."""
        if self.whole:
            return super().contents(extras)
        return light_requirements()


def light_requirements() -> list[str]:
    """Return the light half of the course's requirements, in the ranges of `pyproject.toml`."""
    stated = (text.partition(";")[0] for text in metadata.requires(DISTRIBUTION))
    return [text for text in stated if re.match(r"[\w-]+", text)[0] in LIGHT_PACKAGES]


def interpreters(home: Path | None = None) -> dict[str, str]:
    """Return a working interpreter for each supported version that there is, oldest first."""
    home = Path.home() if home is None else home
    found = {}
    for minor in range(install.OLDEST[1], install.NEWEST[1] + 1):
        name = f"python3.{minor}"
        candidates = [shutil.which(name), *(f / name for g in MANAGED for f in home.glob(g))]
        for candidate in filter(None, candidates):
            if install.describe_python(str(candidate)) == ((3, minor), True):
                found[f"3.{minor}"] = str(candidate)
                break
    return found


def torch_is_small() -> bool:
    """Say whether pip can get a PyTorch without CUDA for any Python."""
    if not sys.platform.startswith("linux"):
        return True
    index = install.PYTORCH_CPU_INDEX + "/torch/"
    return not install.has_nvidia_gpu() and install.answers(index, install.PROBE_SECONDS)


def test(environment: OnePython) -> tuple[int, str]:
    """Run the tests in an environment. Returns pytest's exit status and its last line."""
    chosen = ["tests"] if environment.whole else LIGHT
    command = [str(environment.python), "-m", "pytest", "-q", "-m", "not full and not slow"]
    line = "no test ran"
    with subprocess.Popen(
        [*command, *chosen], cwd=environment.root, stdout=subprocess.PIPE, text=True
    ) as running:
        for said in running.stdout:  # the tests take minutes: whoever waits sees them go on
            print(said, end="", flush=True)
            line = said.strip("= \n") or line
    return running.returncode, line


def main(root: Path = install.ROOT) -> int:
    """Test under every Python but the one of `.venv`. Returns the exit status."""
    own = f"3.{sys.version_info[1]}"
    whole = torch_is_small()
    if not whole:
        install.say(
            "PyTorch cannot be had here without CUDA's gigabytes: only the half of the course that "
            "needs none is tested."
        )
    status, have = 0, interpreters()
    for version, python in have.items():
        if version == own:
            continue
        environment = OnePython(root, version, whole)
        made = install.make(environment, EVERYTHING if whole else set(), python)
        failed, line = (made, "the environment could not be made") if made else test(environment)
        status = status or failed
        install.say(f"Python {version}: {line}")
    install.say(f"Python {own}: tested by `make test`.")
    for minor in range(install.OLDEST[1], install.NEWEST[1] + 1):
        if f"3.{minor}" not in {*have, own}:
            install.say(f"Python 3.{minor}: not on this machine.")
    return status


if __name__ == "__main__":
    sys.exit(main())
