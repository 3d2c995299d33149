"""What to do when a kernel does not know a name that the open notebook makes.

After a restart, or when a cell was skipped, Python can only say that a name is not defined, cell
after cell. This IPython extension looks whether a cell of the notebook makes that name, and if so
says which cells to run. `make lab` and `make present` load it, through the kernel in
``tools/learner/jupyter``. Elsewhere, as on Colab, Python's own words remain.
"""

from __future__ import annotations

import json
import os
import symtable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "names_made_in"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by IPython when the kernel starts."""
    shell.set_custom_exc((NameError,), _explain)


def _explain(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: NameError,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> None:
    # an UnboundLocalError is a NameError too, and no restart is to blame for it
    if type(error) is NameError and error.name in names_made_in(_open_notebook()):
        words = NameError(
            f"`{error.name}` is made by another cell of this notebook, which has not run since the "
            "kernel started. Choose Run > Run All Above Selected Cell, then run this cell again."
        )
        shell.showtraceback((kind, words, traceback), exception_only=True)
    else:
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


def _open_notebook() -> Path:
    # set by Jupyter's server when it starts a kernel for a notebook
    return Path(os.environ.get("JPY_SESSION_NAME", ""))


def names_made_in(notebook: Path) -> set[str]:
    """The names that the cells of a notebook assign, define or import at their top level.

    Parameters
    ----------
    notebook : Path
        As it was last saved. One that cannot be read makes no names.
    """
    try:
        cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    names: set[str] = set()
    for source in sources:
        try:
            symbols = symtable.symtable(source, "cell", "exec").get_symbols()
        except (SyntaxError, ValueError):  # a cell with magics, or one that is being written
            continue
        names |= {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}
    return names
