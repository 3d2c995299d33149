"""What all widgets share: state changes, sentences instead of tracebacks, and closing."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import ipywidgets

from course_utils._support.display import leaves_still

from .blitting import BlittedFigure
from .live_picture import LivePicture

# What traitlets and ipywidgets 7 and 8 keep in the object itself.
_OF_ANY_WIDGET = {
    *("_trait_values", "_trait_notifiers", "_trait_validators", "_cross_validation_lock"),
    *("_model_id", "_repr_mimebundle_", "_ipython_display_"),
}
WIDTH = "880px"  # of a whole widget; a notebook's column is about 900


@leaves_still
class BaseWidget(ipywidgets.VBox):
    """Controls and pictures around a state.

    A widget derives from it and says three things: which control asks for which change of state
    (:meth:`listen`), how the controls follow the state (:meth:`follow`), and what is drawn
    (:meth:`draw`). States are frozen dataclasses; changes are pure functions ``(state, value) ->
    state`` that raise a ``ValueError`` with a sentence where a value makes no sense.
    """

    def __init__(self, state: Any = None) -> None:
        super().__init__(layout={"width": "100%", "max_width": WIDTH})
        self.add_class("course-widget")
        self.state = state
        self.pictures: list[LivePicture] = []
        self.blitted_figures: list[BlittedFigure] = []
        self._quiet = False
        self._moved: Any = None
        self._heard: list[tuple[Any, Callable[[Any], None], str]] = []
        self._buttons: list[Any] = []
        self._ended = False
        self._was_put: dict[Any, float] = {}

    # --- to be written by each widget ---
    def follow(self) -> None:
        """Set every control to what the state says, by :meth:`put`."""

    def draw(self) -> None:
        """Draw the state."""

    # --- building ---
    def new_picture(self) -> LivePicture:
        """A picture of this widget; complaints appear below the first one."""
        self.pictures.append(LivePicture())
        return self.pictures[-1]

    def new_blitted_figure(self) -> BlittedFigure:
        """A blitted figure that is cleared when the widget is closed."""
        self.blitted_figures.append(BlittedFigure())
        return self.blitted_figures[-1]

    def listen(self, control: Any, change: Callable[[Any, Any], Any]) -> None:
        """Let a control (or a button) ask for a change of state."""

        def moved(event: Any) -> None:
            if self._quiet or self._is_echo(control, event["new"]):
                return
            self._moved = control
            try:
                self.change(change, event["new"])
            finally:
                self._moved = None

        control.observe(moved, names="value")
        self._heard.append((control, moved, "value"))

    def press(self, button: Any, change: Callable[[Any], Any]) -> None:
        """Let a button ask for a change of state."""
        button.on_click(lambda _: self.change(lambda state, _: change(state), None))
        self._buttons.append(button)

    # --- living ---
    def change(self, change: Callable[[Any, Any], Any], value: Any) -> None:
        """Change the state and draw it, or say in a sentence why not and leave all as it was."""
        try:
            self.state = change(self.state, value)
            self.refresh()
        except ValueError as error:
            self.pictures[0].complain(str(error))

    def refresh(self) -> None:
        """Bring pictures and controls up to the state; the picture first, it is waited for."""
        self.draw()
        with self.quiet():
            self.follow()

    def put(self, control: Any, **traits: Any) -> None:
        """Set traits of a control, but never the value of the one in the user's hand.

        ``min`` and ``max`` are set in the order that never crosses them; the value of a slider goes
        to its nearest step.
        """
        if control is self._moved:
            traits.pop("value", None)
        if "min" in traits and traits["min"] > control.max:
            control.max = traits.pop("max")
        for name in ("min", "max", "step", "options"):
            if name in traits:
                setattr(control, name, traits.pop(name))
        if "value" in traits and isinstance(control, ipywidgets.FloatSlider):
            steps = round((traits["value"] - control.min) / control.step)
            value = min(max(control.min + steps * control.step, control.min), control.max)
            traits["value"] = self._was_put[control] = value
        for name, value in traits.items():
            setattr(control, name, value)

    def _is_echo(self, control: Any, value: Any) -> bool:
        """A slider that was put between two steps snaps to one and reports it as if moved."""
        put = self._was_put.pop(control, None)
        return put is not None and abs(value - put) < 0.5 * control.step

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Controls set inside are not taken for the user's wish."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    # --- ending ---
    def close(self) -> None:
        """Close the widget and everything in it: observers, connections, figures, data.

        IPython keeps displayed objects alive, so a closed widget must drop its data.
        """
        # never finished, as its input made no sense; or closed before, and now garbage-collected
        if not hasattr(self, "_heard") or self._ended:
            return
        # also what was made and not placed, as a picture of images that nobody gave
        made = [*self.pictures, *self._buttons, *(control for control, *_ in self._heard)]
        for control, heard, name in self._heard:
            control.unobserve(heard, names=name)
        self._heard.clear()
        for blitted in self.blitted_figures:
            blitted.clear()
        for part in parts_of([self, *made]):
            if part is not self:
                part.close()
        super().close()
        self.children = ()
        for name in set(vars(self)) - _OF_ANY_WIDGET:
            delattr(self, name)
        self.state, self.pictures, self.blitted_figures, self._heard = None, [], [], []
        self._ended = True
        self._quiet = True  # a control that somebody still holds asks for nothing

    # --- where no kernel is alive ---
    def still(self) -> str:
        """The pictures and words as HTML that needs no kernel."""
        drawn = "".join(
            part.still() for part in parts_of(self) if part is not self and hasattr(part, "still")
        )
        return f'<div class="course-still">{drawn}</div>'

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        # A page without widgets (a plain export, a viewer of files) takes the HTML.
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle["text/html"] = self.still()
        return bundle


def parts_of(
    widgets: ipywidgets.Widget | Sequence[ipywidgets.Widget],
) -> list[ipywidgets.Widget]:
    """A widget, or several, and all widgets that they hold: children, layouts, styles."""
    found: list[ipywidgets.Widget] = []
    waiting: list[Any] = [widgets]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, (list, tuple)):
            waiting[:0] = one
        elif isinstance(one, ipywidgets.Widget) and one not in found:
            found.append(one)
            waiting.extend(getattr(one, name) for name in one.keys)
    return found


# --- one life per run of a cell -----------------------------------------------------------------
_alive: dict[str, tuple[int, list[BaseWidget]]] = {}


def _running_cell() -> tuple[str, int] | None:
    """Which notebook cell runs, and in which run; None outside a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    ipython = get_ipython()
    if ipython is None:
        return None
    parent = ipython.get_parent() if hasattr(ipython, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    if cell is None:  # a front end that does not tell: the same text is the same cell
        cell = ipython.user_ns.get("In", [""])[-1]
    return str(cell), ipython.execution_count


def remember(made: BaseWidget) -> None:
    """Close the widgets that earlier runs of the running cell made; several in one run stay."""
    where = _running_cell()
    if where is None:
        return
    cell, run = where
    former_run, widgets = _alive.get(cell, (run, []))
    if former_run != run:
        for former in widgets:
            former.close()
        widgets = []
    _alive[cell] = (run, [*widgets, made])


Function = TypeVar("Function", bound=Callable[..., Any])


def widget(function: Function) -> Function:
    """Make a function that returns a :class:`BaseWidget` safe to call from a notebook cell.

    Input that makes no sense becomes a sentence in the page instead of a traceback, and what an
    earlier run of the cell left is closed.
    """

    @wraps(function)
    def safely(*args: Any, **kwargs: Any) -> BaseWidget:
        try:
            made = function(*args, **kwargs)
        except ValueError as error:
            made = message(str(error))
        remember(made)
        return made

    return safely  # type: ignore[return-value]


def message(sentence: str) -> BaseWidget:
    """A widget that only says a sentence."""
    made = BaseWidget()
    picture = made.new_picture()
    picture.complain(sentence)
    made.children = [picture]
    return made


# --- controls of one look -----------------------------------------------------------------------
def control(
    kind: type, description: str, *, width: str = "auto", described: str = "initial", **traits: Any
) -> Any:
    """A control with its whole description, which is also its name for screen readers.

    Parameters
    ----------
    kind : type
        Such as ``ipywidgets.Dropdown``.
    description : str
    width : str
        CSS width.
    described : str
        CSS width of the description; the same for controls below each other lines them up.
    """
    if kind is not ipywidgets.Button:  # whose description is all there is
        traits["style"] = {"description_width": described}
        if ipywidgets.__version__.startswith("7."):  # which takes all other descriptions for HTML
            description = html.escape(description, quote=False)
    return kind(description=description, layout={"width": width}, **traits)


def as_share(percent: float) -> float:
    """A slider's percent as a share: 9.7 / 100 is by a rounding more than 97 of 1,000 images."""
    return round(percent / 100, 12)


def row(*controls: Any) -> ipywidgets.HBox:
    """Controls side by side; they wrap where the page is narrow."""
    box = ipywidgets.HBox(
        list(controls), layout={"flex_flow": "row wrap", "align_items": "center", "width": "100%"}
    )
    box.add_class("course-row")
    return box


def heading(text: str) -> ipywidgets.HTML:
    """A short title above a part of a widget."""
    return ipywidgets.HTML(f"<strong>{html.escape(text)}</strong>")
