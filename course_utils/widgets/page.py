"""Widgets in a page without a kernel: their saved state goes in once, and the front end reads it.

A page needs three things: where a widget belongs, what ``LiveWidget.still()`` returns (it is the
widget's ``text/html`` in a notebook); the state of the widgets, which nbclient saves in an executed
notebook and ``ipywidgets.Widget.get_manager_state`` returns for living ones; and the front end.
:func:`scripts` makes the last two. Nothing is asked of a network, and ``file://`` is enough.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import ipywidgets

from .front_end import BUNDLE, REFERENCE, LiveWidget


def scripts(saved: Mapping[str, Any], shown: Iterable[str]) -> str:
    """Everything that the widgets of a page need, for the end of its body.

    Parameters
    ----------
    saved : mapping
        A widget state: ``notebook.metadata.widgets[STATE]["state"]``, or of
        ``Widget.get_manager_state()``.
    shown : iterable of str
        Model ids of the widgets that the page shows. What they refer to is found from there;
        other widgets, such as sliders of ipywidgets, are left out.
    """
    state: dict[str, Any] = {}
    waiting = list(shown)
    while waiting:
        name = waiting.pop()
        if name in state or name not in saved:
            continue
        state[name] = _plain(saved[name])
        waiting.extend(_named(saved[name]["state"].get("given")))
    if not state:
        return ""
    data = json.dumps({"state": state}, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<script type="application/json" id="course-widgets">{data}</script>\n'
        f'<script type="module">{BUNDLE.read_text(encoding="utf-8")}</script>\n'
    )


def document(widgets: Iterable[LiveWidget], title: str = "Widgets") -> str:
    """A whole page of living widgets, one below the other."""
    widgets = list(widgets)
    saved = ipywidgets.Widget.get_manager_state()["state"]
    body = "\n".join(one.still() for one in widgets)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>:root{color-scheme:light dark}body{margin:16px auto;padding:0 8px;max-width:880px;"
        "font-family:system-ui,sans-serif;background:Canvas;color:CanvasText}img{max-width:100%}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main>\n"
        f"{scripts(saved, [one.model_id for one in widgets])}</body></html>"
    )


def _plain(model: Mapping[str, Any]) -> dict[str, Any]:
    """The state of one widget without the front end, which the page holds once."""
    left_out = {"_esm", "_css", "layout", "tabbable", "tooltip"}
    state = {
        name: value
        for name, value in model["state"].items()
        if name not in left_out and not name.startswith(("_view", "_model"))
    }
    return {"state": state, "buffers": model.get("buffers", [])}


def _named(given: Any) -> list[str]:
    """Ids of the stores that are referred to."""
    if isinstance(given, str) and given.startswith(REFERENCE):
        return [given.removeprefix(REFERENCE)]
    if isinstance(given, Mapping):
        given = list(given.values())
    return [name for part in given for name in _named(part)] if isinstance(given, list) else []
