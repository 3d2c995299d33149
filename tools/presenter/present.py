"""Open the decks in JupyterLab, to present them with a running kernel and widgets that answer.

The decks are copied to `work/slides/` as `tools/learner/lab.py` copies the chapters: what you change there
is never overwritten. Run all cells, click the title, then press the deck button in the notebook's
toolbar, or choose "Start Deck" in the command palette; the arrow keys move. Arguments go to
JupyterLab.
"""

from __future__ import annotations

import os
import sys

from tools.learner.lab import ROOT, open_lab


def main(arguments: list[str] | None = None) -> int:
    """Open the first deck."""
    os.environ.setdefault("COURSE_SPEED", "look")  # slides show the zoo, nothing is trained
    extra = sys.argv[1:] if arguments is None else arguments
    first = min((ROOT / "slides").glob("*.ipynb")).name
    return open_lab(
        ROOT / "slides",
        ROOT / "work" / "slides",
        [f"--LabApp.default_url=/lab/tree/{first}", *extra],
    )


if __name__ == "__main__":
    sys.exit(main())
