"""How ipywidgets 7 shows a widget together with what stands where no kernel is alive."""

from __future__ import annotations

from typing import Any

import ipywidgets

IS_SEVEN = hasattr(ipywidgets.Widget, "_ipython_display_")  # 8 asks `_repr_mimebundle_`


def display_seven(widget: ipywidgets.Widget, page: str, **kwargs: Any) -> None:
    """Show a widget; a page without widgets takes the HTML."""
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    data = {
        "text/plain": repr(widget),
        "text/html": page,
        "application/vnd.jupyter.widget-view+json": view,
    }
    display(data, raw=True)
    widget._handle_displayed(**kwargs)
