"""What every figure function returns: a figure and the words that stand for it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from . import style

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Picture:
    """A matplotlib figure together with its alternative text.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Made without pyplot, so nothing stays open.
    alt : str
        What the figure shows, in words and numbers computed from the same data.
    parts : mapping of str to artist
        The artists that show the data, by name; often empty.
    look : style.Style
        The style it was drawn in.
    """

    figure: Figure
    alt: str
    parts: Mapping[str, Any] = field(default_factory=lambda: _EMPTY, repr=False)
    look: style.Style = field(default_factory=style.current, repr=False)

    def png(self, dpi: float | None = None) -> bytes:
        """The figure as PNG bytes; the style's resolution unless ``dpi`` is given."""
        return self._written("png", dpi or self.look.dpi, None)

    def svg(self) -> bytes:
        """The figure as SVG bytes; the alt text is its title."""
        return self._written("svg", 72, {"Title": self.alt, "Date": None, "Creator": None})

    def _written(self, kind: str, dpi: float, metadata: dict[str, Any] | None) -> bytes:
        buffer = BytesIO()
        options: dict[str, Any] = {"metadata": metadata}
        if kind == "png":
            # level 1 takes a third of the time of the default, for a little more size
            options["pil_kwargs"] = {"compress_level": 1}
        with matplotlib.rc_context(self.look.rc):
            self.figure.savefig(buffer, format=kind, dpi=dpi, **options)
        return buffer.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write to a ``.png`` or ``.svg`` file and return its path."""
        path = Path(path)
        if path.suffix not in {".png", ".svg"}:
            raise ValueError(
                f"A picture is saved as .png or .svg, not {path.suffix or 'without an ending'!r}."
            )
        path.write_bytes(self.svg() if path.suffix == ".svg" else self.png())
        return path

    def html(self) -> str:
        """An ``<img>`` with the picture in it and its alt text, at true size or page width."""
        data = base64.b64encode(self.png()).decode("ascii")
        width = round(self.figure.get_size_inches()[0] * 96)
        return (
            f'<img src="data:image/png;base64,{data}" alt="{html.escape(self.alt, quote=True)}" '
            f'width="{width}" style="max-width:100%;height:auto;background:{style.CARD};'
            'border-radius:6px">'
        )

    # The alt text has to reach the page. In the metadata of an image/png output neither
    # JupyterLab nor nbconvert renders it; inside text/html both do, and so does Colab.
    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"


@style.drawn
def message(sentence: str) -> Picture:
    """A card with one sentence, where there is nothing to draw; the sentence is the alt text."""
    figure = style.canvas(8, 1.0)
    figure.text(0.5, 0.5, sentence, ha="center", va="center", color=style.SOFT, wrap=True)
    return Picture(figure, sentence)
