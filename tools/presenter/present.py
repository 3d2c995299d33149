"""Open the decks in JupyterLab, to present them with a running kernel and widgets that answer.

The decks are copied to `work/slides/`, as `make lab` copies the chapters: what you change there is
never overwritten. Run all cells, click the title, then press the deck button in the notebook's
toolbar, or choose "Start Deck" in the command palette; the arrow keys move. Arguments go to
JupyterLab.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tools.learner.lab import ROOT, open_lab

WORK = ROOT / "work" / "slides"


def settings(folder: Path) -> Path:
    """Return a folder of JupyterLab settings that are for presenting only, with no deck started.

    Closed in the middle of a deck, the slideshow extension leaves in the settings that it is on:
    the next notebook, a chapter too, would open without menus and toolbar.
    """
    shutil.rmtree(folder / "jupyterlab-slideshow", ignore_errors=True)
    return folder


def main(arguments: list[str] | None = None) -> int:
    """Open the first deck."""
    os.environ.setdefault("COURSE_SPEED", "look")  # slides show the zoo, nothing is trained
    first = min((ROOT / "slides").glob("*.ipynb")).name
    extra = sys.argv[1:] if arguments is None else arguments
    own = [
        f"--LabApp.default_url=/lab/tree/{first}",
        f"--LabApp.user_settings_dir={settings(WORK / '.jupyterlab')}",
    ]
    return open_lab(ROOT / "slides", WORK, [*own, *extra])


if __name__ == "__main__":
    sys.exit(main())
