"""A figure that is drawn once and of which only some parts move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.image import AxesImage

from course_utils.figures.picture import Picture

from .lettering import Lettering
from .live_picture import CSS_PIXELS_PER_INCH, encode_png


class Stage:
    """Scenery that stays, and actors that move in front of it.

    Drawing text and axes takes most of the time of a figure. They are drawn once, by
    :meth:`scene`, and kept as pixels; :meth:`png` copies them back and draws the actors.

    Examples
    --------
    >>> stage = Stage()
    >>> stage.scene(picture, {"point": picture.parts["point:LeNet"]})
    >>> stage.actors["point"].set_data([90], [0.5])
    >>> live_picture.show(stage.png(), alt, width=stage.width)
    """

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.actors: dict[Any, Any] = {}
        self._scenery: Any = None
        self._renderer: Any = None

    def scene(self, picture: Picture, actors: Mapping[str, Any] | Iterable[Any] = ()) -> None:
        """Draw everything but the actors, which must belong to the picture's figure.

        Keep them in ``actors`` and not in the widget: a widget that has ended may live on in the
        notebook's history, and would keep the figure.
        """
        figure = picture.figure
        if figure.dpi != picture.look.dpi:
            figure.set_dpi(picture.look.dpi)
        self.picture = picture
        named = actors.items() if isinstance(actors, Mapping) else enumerate(actors)
        self.actors = dict(sorted(named, key=lambda item: item[1].get_zorder()))
        for actor in self.actors.values():
            actor.set_animated(True)  # left out by draw()
        # but images are not, before Matplotlib 3.11: they would shine through where they turn pale
        images = [one for one in self.actors.values() if isinstance(one, AxesImage)]
        shown = [image.get_visible() for image in images]
        for image in images:
            image.set_visible(False)
        with matplotlib.rc_context(picture.look.rc):
            figure.canvas.draw()
        for image, visible in zip(images, shown, strict=True):
            image.set_visible(visible)
        self._scenery = figure.canvas.copy_from_bbox(figure.bbox)
        # one for all pictures of a scene: Matplotlib keeps what it has measured with a renderer
        self._renderer = Lettering(figure.canvas.get_renderer())

    @property
    def width(self) -> int:
        """Of the picture in the page, CSS pixels."""
        return round(self.picture.figure.get_size_inches()[0] * CSS_PIXELS_PER_INCH)

    def png(self) -> bytes:
        """The picture with the actors where they are now."""
        canvas = self.picture.figure.canvas
        canvas.restore_region(self._scenery)
        for actor in self.actors.values():
            actor.draw(self._renderer)
        return encode_png(np.asarray(canvas.buffer_rgba()))

    def clear(self) -> None:
        """Let go of the figure."""
        self.picture, self.actors = None, {}
        self._scenery = self._renderer = None
