"""What every widget is: some data, a few synced traits, and one front end that does the work.

Python checks the data and sends them once; the ES module ``front_end.js`` (bundled from ``js/``)
computes and draws, in JupyterLab, in Colab and in a page without a kernel alike. A widget is a
subclass of :class:`LiveWidget` with a ``kind``, which picks its function in ``js/index.js``, traits
that page and code share, and ``given``, which the page reads once: names, numbers and arrays.

Arrays go over as :class:`Store` widgets. Equal content is stored once, however many widgets of a
notebook show it; a widget names the store as ipywidgets names any widget, ``IPY_MODEL_`` and an id.
"""

from __future__ import annotations

import hashlib
import html
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import anywidget
import numpy as np
import traitlets
from IPython import get_ipython

from course_utils._support.display import leaves_still
from course_utils.figures.picture import Picture
from course_utils.metrics.predictions import Predictions

BUNDLE = Path(__file__).with_name("front_end.js")
REFERENCE = "IPY_MODEL_"
_TYPES = {"uint8", "int16", "int32", "float32", "float64"}


# --- arrays -------------------------------------------------------------------------------------
class Store(anywidget.AnyWidget):
    """An array in the page, with nothing to see; ipywidgets' own model would lose bytes on saving.

    ``content`` is gzipped, little-endian: first the first byte of every value, then the second, and
    so on, because the exponents of floats repeat themselves.
    """

    _esm = "export default {};"

    dtype = traitlets.Unicode().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    content = traitlets.Bytes().tag(sync=True)


_stores: dict[str, Store] = {}
_readers: Counter[str] = Counter()  # how many widgets name a store, by its key


def packed(array: np.ndarray) -> bytes:
    """The content of a store."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    planes = little.view(np.uint8).reshape(-1, array.dtype.itemsize).T
    compressor = zlib.compressobj(6, wbits=31)  # 31: with gzip's header, which browsers read
    return compressor.compress(np.ascontiguousarray(planes).tobytes()) + compressor.flush()


def stored(array: np.ndarray) -> np.ndarray:
    """An array as one that a widget may be given: of a type that the page can read."""
    kind = {"int64": "int32", "bool": "uint8"}.get(str(array.dtype), str(array.dtype))
    if kind not in _TYPES:
        raise ValueError(f"The page reads no arrays of {array.dtype}.")
    return np.asarray(array, dtype=kind)


def _references(given: Any, keys: list[str]) -> Any:
    """The same with a reference in the place of each array."""
    if isinstance(given, np.ndarray):
        kind, shape = str(given.dtype), list(given.shape)
        head = f"{kind} {shape}".encode()
        key = hashlib.sha256(head + np.ascontiguousarray(given).tobytes()).hexdigest()
        if key not in _stores:
            _stores[key] = Store(dtype=kind, shape=shape, content=packed(given))
        _readers[key] += 1
        keys.append(key)
        return f"{REFERENCE}{_stores[key].model_id}"
    if isinstance(given, Mapping):
        return {name: _references(one, keys) for name, one in given.items()}
    if isinstance(given, (list, tuple)):
        return [_references(one, keys) for one in given]
    return given


def outputs(predictions: Predictions) -> dict[str, Any]:
    """All that a page can compute from: logits as they are (float16 would make ties)."""
    kind = "probabilities" if predictions.logits is None else "logits"
    values = stored(predictions.probabilities if predictions.logits is None else predictions.logits)
    # Member by member: an ensemble and its parts then share what they have in common.
    return {"kind": kind, "members": list(np.moveaxis(values, 1, 0))}


# --- the widget ---------------------------------------------------------------------------------
@leaves_still
class LiveWidget(anywidget.AnyWidget):
    """A widget whose page computes and draws."""

    _esm = BUNDLE.read_text(encoding="utf-8")
    _keys: tuple[str, ...] | list[str] = ()  # of stores; none yet where a trait is refused

    kind = traitlets.Unicode().tag(sync=True)
    given = traitlets.Dict().tag(sync=True)

    def __init__(self, *, given: Mapping[str, Any], **traits: Any) -> None:
        self._keys: list[str] = []
        self._settling = False
        super().__init__(given=_references(given, self._keys), **traits)
        self.add_class("course-widget")

    @property
    def from_page(self) -> bool:
        """Whether the change that is being told of came from the page."""
        return bool(self._property_lock)

    @contextmanager
    def settling(self) -> Any:
        """Traits set inside follow from others: nobody is asked what follows from them."""
        self._settling = True
        try:
            with self.hold_sync():
                yield
        finally:
            self._settling = False

    def close(self) -> None:
        """End the widget, and the stores that no other widget reads.

        Its data go too, as it stays in the notebook's ``Out``; its traits can still be read.
        """
        for key in self._keys:
            _readers[key] -= 1
            if not _readers[key]:
                del _readers[key]
                _stores.pop(key).close()
        self._keys, layout = (), self.layout
        super().close()
        if layout is not None:
            layout.close()
        self.given = {}
        for name in [name for name in vars(self) if not name.startswith("_")]:
            delattr(self, name)

    # --- where no page computes: print, no JavaScript, a viewer of files ---
    def picture(self) -> Picture | None:
        """The figure of the same data."""
        return None

    def words(self) -> str:
        """What stands below the figure."""
        return ""

    def still(self) -> str:
        """The figure and its words as HTML; a page that hosts widgets puts the live one here."""
        picture, words = self.picture(), self.words()
        drawn = picture._repr_html_() if picture is not None else ""
        said = f"<p>{html.escape(words)}</p>" if words else ""
        return (
            f'<div class="course-live" data-widget="{self.model_id}">'
            f'<div class="course-still">{drawn}{said}</div></div>'
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if data := bundle[0] if isinstance(bundle, tuple) else bundle:
            data["text/html"] = self.still()
        return bundle


class Message(LiveWidget):
    """A sentence in the place of a widget."""

    def __init__(self, sentence: str) -> None:
        super().__init__(kind="message", given={"sentence": sentence})

    def words(self) -> str:
        return self.given["sentence"]


# --- one life per run of a cell -----------------------------------------------------------------
_alive: dict[str, tuple[int, list[LiveWidget]]] = {}


def _running_cell() -> tuple[str, int] | None:
    """Which notebook cell runs, and in which run; None outside a notebook."""
    if (shell := get_ipython()) is None:
        return None
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    if cell is None:  # a front end that does not tell: the same text is the same cell
        cell = shell.user_ns.get("In", [""])[-1]
    return str(cell), shell.execution_count


def _remember(widget: LiveWidget) -> None:
    """End the widgets that earlier runs of the running cell made; several in one run stay."""
    if (where := _running_cell()) is None:
        return
    cell, run = where
    former_run, widgets = _alive.get(cell, (run, []))
    if former_run != run:
        for former in widgets:
            former.close()
        widgets = []
    _alive[cell] = (run, [*widgets, widget])


Function = TypeVar("Function", bound=Callable[..., Any])


def widget(function: Function) -> Function:
    """Make a class of widgets, or a function that returns one, safe to call from a notebook cell.

    Input that makes no sense becomes a sentence in the page instead of a traceback, and what an
    earlier run of the cell left is ended.
    """

    @wraps(function, updated=())
    def safely(*args: Any, **kwargs: Any) -> LiveWidget:
        try:
            made = function(*args, **kwargs)
        except ValueError as error:
            made = Message(str(error))
        _remember(made)
        return made

    return safely  # type: ignore[return-value]
