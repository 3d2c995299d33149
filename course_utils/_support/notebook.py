"""Where this code runs: a notebook or a terminal."""

from __future__ import annotations


def in_notebook() -> bool:
    """Whether a Jupyter kernel shows what is displayed."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
