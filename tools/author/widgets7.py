"""Make `build/widgets7`, where the tests of figures and widgets meet ipywidgets 7.

Google Colab has ipywidgets 7.7.1, and no environment holds two of them. Made once, it needs no
network any more; it follows its list of requirements when that changes. Chapters run in `.venv`,
with the packages of this environment before its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.learner import install

REQUIREMENTS = "tests/requirements-widgets7.txt"


class Widgets7(install.Environment):
    """The small environment: no torch, nor the course, which the tests find beside them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "build/widgets7", REQUIREMENTS)

    def contents(self, extras: set[str]) -> list[str]:
        """Return what pip is asked for."""
        return ["--requirement", str(self.described)]


def main(root: Path = install.ROOT) -> int:
    """Make the environment if need be. Returns the exit status."""
    return install.make(Widgets7(root), set())


if __name__ == "__main__":
    sys.exit(main())
