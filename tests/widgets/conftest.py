"""A notebook for the widget tests; they need neither torch nor a browser."""

from __future__ import annotations

import ipywidgets
import pytest


@pytest.fixture(autouse=True)
def nothing_left_open():
    """A widget that nobody closed keeps its figures, and slows each collection of garbage."""
    yield
    ipywidgets.Widget.close_all()


@pytest.fixture
def notebook():
    """Runs cells: a call runs one and returns what stands on its last line."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()

    def run(cell: str, **names: object) -> object:
        shell.push(names)
        result = shell.run_cell(cell, store_history=True)
        result.raise_error()
        return result.result

    yield run
    shell.reset()
    InteractiveShell.clear_instance()
