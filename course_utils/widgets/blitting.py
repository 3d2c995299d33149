"""Blitting: a figure is drawn once, and then only the artists that move are drawn again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.image import AxesImage

from course_utils.figures.picture import Picture

from .live_picture import CSS_PIXELS_PER_INCH, encode_png


class BlittedFigure:
    """A background that is kept as pixels, and artists that move in front of it.

    Drawing text and axes takes most of the time of a figure. They are drawn once, by
    :meth:`set_up`; :meth:`png` copies their pixels back and draws the moving artists.

    Examples
    --------
    >>> blitted = BlittedFigure()
    >>> blitted.set_up(picture, {"point": picture.parts["point:LeNet"]})
    >>> blitted.artists["point"].set_data([90], [0.5])
    >>> live_picture.show(blitted.png(), alt, width=blitted.width)
    """

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.artists: dict[Any, Any] = {}
        self._background: Any = None

    def set_up(self, picture: Picture, moving: Mapping[str, Any] | Iterable[Any] = ()) -> None:
        """Draw everything but the moving artists, which must belong to the picture's figure.

        Keep them in ``artists`` and not in the widget: a closed widget may live on in the
        notebook's history, and would keep the figure.
        """
        figure = picture.figure
        if figure.dpi != picture.look.dpi:
            figure.set_dpi(picture.look.dpi)
        self.picture = picture
        named = moving.items() if isinstance(moving, Mapping) else enumerate(moving)
        self.artists = dict(sorted(named, key=lambda item: item[1].get_zorder()))
        for artist in self.artists.values():
            artist.set_animated(True)  # left out by draw()
        # but images are not, before Matplotlib 3.11: they would shine through where they turn pale
        images = [one for one in self.artists.values() if isinstance(one, AxesImage)]
        shown = [image.get_visible() for image in images]
        for image in images:
            image.set_visible(False)
        with matplotlib.rc_context(picture.look.rc):
            figure.canvas.draw()
        for image, visible in zip(images, shown, strict=True):
            image.set_visible(visible)
        self._background = figure.canvas.copy_from_bbox(figure.bbox)

    @property
    def width(self) -> int:
        """Of the picture in the page, CSS pixels."""
        return round(self.picture.figure.get_size_inches()[0] * CSS_PIXELS_PER_INCH)

    def png(self) -> bytes:
        """The picture with the artists where they are now."""
        canvas = self.picture.figure.canvas
        canvas.restore_region(self._background)
        for artist in self.artists.values():
            artist.draw(canvas.get_renderer())
        return encode_png(np.asarray(canvas.buffer_rgba()))

    def clear(self) -> None:
        """Let go of the figure."""
        self.picture, self.artists, self._background = None, {}, None
