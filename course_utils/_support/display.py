"""How ipywidgets 7 shows a widget together with what stands where no kernel is alive."""

from __future__ import annotations

from typing import Any, TypeVar

import ipywidgets

Class = TypeVar("Class", bound=type)


def _display(widget: Any, **kwargs: Any) -> None:
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    data = {
        "text/plain": repr(widget),
        "text/html": widget.still(),
        "application/vnd.jupyter.widget-view+json": view,
    }
    display(data, raw=True)
    widget._handle_displayed(**kwargs)


def leaves_still(widget_class: Class) -> Class:
    """Let a page without widgets take the HTML that a widget's method ``still`` returns.

    Only ipywidgets 7 needs it: 8 asks the widget's ``_repr_mimebundle_``.
    """
    if hasattr(ipywidgets.Widget, "_ipython_display_"):
        widget_class._ipython_display_ = _display  # type: ignore[attr-defined]
    return widget_class
