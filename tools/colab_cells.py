"""The two cells that every notebook has for Google Colab: a badge, and the course's installation.

`tools/notebooks.py build` puts them in, and they do not stand in the sources: they are the same in
all notebooks, they follow the repository's address (`make address`), and no author has to step
around them. Exported pages leave them out.
"""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

import address

TAG = "colab"
# The course first and alone, because it knows how to install the rest without touching Colab's own.
INSTALL = """\
# Google Colab only: installs the course, in about a minute. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    !{sys.executable} -m pip install --quiet --no-deps --force-reinstall "git+%s"
    !{sys.executable} -m course_utils colab"""
NO_ADDRESS = """\
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. Whoever published it runs, in the")
    print("repository: make address URL=https://github.com/OWNER/NAME")"""


def belongs(cell: NotebookNode) -> bool:
    """Say whether a cell is one of these two."""
    return TAG in cell.metadata.get("tags", [])


def add(notebook: NotebookNode, name: str, where: str) -> None:
    """Put the badge above the title of a notebook, and the installation below its first cell.

    Parameters
    ----------
    name : str
        Path of the notebook in the repository.
    where : str
        The repository's address; may be empty.
    """
    code = INSTALL % where if where else NO_ADDRESS
    # In JupyterLab, where it does nothing, the installation is folded to one line.
    metadata = {"tags": [TAG], "jupyter": {"source_hidden": True}}
    notebook.cells.insert(1, new_code_cell(code, metadata=metadata))
    if badge := address.badge(where, name):
        notebook.cells.insert(0, new_markdown_cell(badge, metadata={"tags": [TAG]}))
