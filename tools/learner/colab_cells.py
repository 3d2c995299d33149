"""The two cells that every notebook has for Google Colab: a badge, and the course's installation.

`make notebooks` writes them into the sources, the same in all, so that they follow the repository's
address (`make address`); a source and its notebook stay a plain jupytext pair.
Exported pages leave them out.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.author import address

TAG = "colab"
# The course first and alone, because it knows how to install the rest without touching Colab's own.
INSTALL = """\
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("Installing the course, in about a minute.")
    !{sys.executable} -m pip install --quiet --no-deps --force-reinstall "git+%s"
    !{sys.executable} -m course_utils colab"""
NO_ADDRESS = """\
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")"""


def belongs(cell: NotebookNode) -> bool:
    """Say whether a cell is one of these two."""
    return TAG in cell.metadata.get("tags", [])


def put_in(source: str, name: str, where: str) -> str:
    """Return a source with the badge above its title and the installation below its first cell.

    Parameters
    ----------
    source : str
        Text of a py:percent file; what it has of these cells is replaced.
    name : str
        Path of the notebook in the repository.
    where : str
        The repository's address; may be empty.
    """
    header, *cells = re.split(r"(?m)^(?=# %%)", source)
    cells = [cell for cell in cells if f'tags=["{TAG}"]' not in cell.partition("\n")[0]]
    # In JupyterLab, where it does nothing, the installation is folded to one line.
    metadata = {"tags": [TAG], "jupyter": {"source_hidden": True}}
    code = new_code_cell(INSTALL % where if where else NO_ADDRESS, metadata=metadata)
    cells.insert(1, _text(code))
    if badge := address.badge(where, name):
        cells.insert(0, _text(new_markdown_cell(badge, metadata={"tags": [TAG]})))
    return header + "".join(cells)


def _text(cell: NotebookNode) -> str:
    """One cell as py:percent."""
    import jupytext  # an authors' tool; attendees need this module, too, but not this function

    written = jupytext.writes(new_notebook(cells=[cell]), "py:percent")
    return written[written.index("# %%") :].rstrip("\n") + "\n\n"
