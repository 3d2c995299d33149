"""Packages of which files are gone: an interrupted upgrade, an antivirus, a folder deleted by hand.

``python -m course_utils.health.packages`` prints one ``name==version`` a line. Needs the standard
library only, because any other package may be the broken one: `tools/learner/install.py` asks here.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

__all__ = ["broken"]


def broken(folder: Path | None = None) -> list[str]:
    """``name==version`` of every installed package that lacks a file of its own.

    Compiled files do not count: Python makes them again. Takes a quarter of a second.

    Parameters
    ----------
    folder : Path, optional
        Where the packages are; by default, where this Python has its own.
    """
    folder = folder or Path(sysconfig.get_path("purelib"))
    # pip renames what it is about to remove to ~name
    whole = {info: _is_whole(info) for info in folder.glob("[!~]*.dist-info")}
    return sorted(_named(info.name) for info, intact in whole.items() if not intact)


def _is_whole(info: Path) -> bool:
    try:
        lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
    except OSError:  # not installed by pip: nobody says what belongs to it
        return True
    # path,hash,size; a path with a comma is quoted
    names = [line.rsplit(",", 2)[0].strip('"') for line in lines]
    return all(
        os.path.exists(os.path.join(info.parent, name))
        for name in names
        if not name.endswith(".pyc")
    )


def _named(folder: str) -> str:
    return "==".join(folder.removesuffix(".dist-info").rsplit("-", 1))


if __name__ == "__main__":
    print("\n".join(broken()))
