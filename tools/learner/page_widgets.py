"""The widgets of an executed notebook, in a page without a kernel.

The course's own widgets live on: each stays where it was, as what ``LiveWidget.still()`` returns,
and their saved state and front end go once to the end of the page. Nothing is asked of a network,
and ``file://`` is enough. Of other widgets, such as the sliders of ``interact``, pictures, texts
and captured outputs are kept as they were when the notebook ended; controls become a line that
tells how they were set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import ipywidgets
from nbconvert.filters import ansi2html, strip_ansi
from nbformat import NotebookNode

from course_utils.widgets.front_end import BUNDLE, REFERENCE, LiveWidget

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def widget_states(notebook: NotebookNode) -> dict[str, dict[str, Any]]:
    """Return model id -> the widget's entry in the state that nbclient stored."""
    return notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})


def children_of(state: dict[str, Any]) -> list[str]:
    """Return the model ids of a widget's children."""
    return [child.removeprefix(REFERENCE) for child in state.get("children", [])]


def descendants(model: str, models: dict[str, dict[str, Any]]) -> list[str]:
    """Return a widget's model id and those of everything inside it."""
    found = [model]
    for child in children_of(models.get(model, {}).get("state", {})):
        found += descendants(child, models)
    return found


class Still:
    """One widget and everything in it, drawn once."""

    def __init__(self, models: dict[str, dict[str, Any]]) -> None:
        self.models = models
        self.has_controls = False
        self.living: list[str] = []

    def draw(self, model: str) -> str:
        """Return the HTML of a widget; nothing for one whose state was not stored."""
        entry = self.models.get(model)
        if entry is None:
            return ""
        state, kind = entry["state"], entry["model_name"] or ""
        if kind == "HTMLModel" or kind == "HTMLMathModel":
            return f"<div>{state.get('value', '')}</div>"
        if kind == "LabelModel":
            return f"<div>{escape(state.get('value', ''))}</div>"
        if kind == "ImageModel":
            return self.image(entry)
        if kind == "AnyModel" and "kind" in state:  # one of the course's, inside another widget
            self.living.append(model)
            return f'<div class="course-live" data-widget="{model}"></div>'
        if kind == "OutputModel":
            return "".join(draw_output(output) for output in state.get("outputs", []))
        if "children" in state:
            drawn = [self.draw(child) for child in children_of(state)]
            layout = "row" if kind == "HBoxModel" else "column"
            return f'<div class="{layout}">{"".join(drawn)}</div>'
        if kind.endswith("ProgressModel"):
            value, largest = state.get("value", 0), state.get("max", 1)
            return f'<progress value="{value}" max="{largest}"></progress>'
        return self.control(state)

    def image(self, entry: dict[str, Any]) -> str:
        """Return an `<img>` with the picture inside."""
        for buffer in entry.get("buffers") or entry["state"].get("buffers", []):
            if buffer["path"] == ["value"]:
                kind = entry["state"].get("format", "png")
                # The picture has no text of its own: its description stands beside it.
                return f'<img alt="" src="data:image/{kind};base64,{buffer["data"]}">'
        return ""

    def control(self, state: dict[str, Any]) -> str:
        """Return one line telling how a control was set; nothing for what is not a control."""
        label = str(state.get("description", "") or "").rstrip(":")
        value = state.get("value")
        if state.get("_options_labels") and isinstance(state.get("index"), int):
            value = state["_options_labels"][state["index"]]
        if not label and value is None:
            return ""
        self.has_controls = True
        if isinstance(value, float):
            value = f"{value:.4g}"  # a slider's own steps leave digits that nobody set
        words = [word for word in (label, None if value is None else str(value)) if word]
        return f'<span class="control">{escape(": ".join(words))}</span>'


def draw_output(output: dict[str, Any]) -> str:
    """Return the HTML of one output that an Output widget had captured."""
    if output["output_type"] == "stream":
        return f"<pre>{ansi2html(output['text'])}</pre>"
    if output["output_type"] == "error":
        return f"<pre>{ansi2html(chr(10).join(output['traceback']))}</pre>"
    data = output.get("data", {})
    if "text/html" in data:
        return data["text/html"]
    if "image/png" in data:
        return f'<img alt="" src="data:image/png;base64,{data["image/png"]}">'
    return f"<pre>{escape(strip_ansi(data.get('text/plain', '')))}</pre>"


def host(notebook: NotebookNode) -> str:
    """Replace every widget in the notebook's outputs by its HTML, in place.

    Returns
    -------
    str
        What the living ones need, for the end of the page's body; empty if there are none.
    """
    models = widget_states(notebook)
    living: list[str] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            view = data.pop(VIEW, None)
            if view is None:
                continue
            if 'class="course-live"' in data.get("text/html", ""):
                living.append(view["model_id"])
                continue
            still = Still(models)
            drawn = still.draw(view["model_id"])
            living += still.living
            if drawn and still.has_controls:
                drawn += '<p class="note">Live in JupyterLab; here as it was at the end.</p>'
            if drawn:
                output["data"] = {"text/html": f'<div class="course-frozen">{drawn}</div>'}
    notebook.metadata.pop("widgets", None)
    return scripts(models, living)


def at_the_end(html: str, scripts: str) -> str:
    """A page with this at the end of its body."""
    before, body, after = html.rpartition("</body>")
    return f"{before}{scripts}{body}{after}"


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
