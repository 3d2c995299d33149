"""Widgets of the course: a state, pure changes of it, and a thin widget that draws it.

A widget is written in three layers, and only the last knows that there is a page:

1. *State.* A frozen dataclass with everything the user chose, and functions ``(state, value) ->
   state`` for each choice. What makes no sense raises a ``ValueError`` with one sentence. They are
   tested without any widget.
2. *Drawing.* A pure function of the course's ``figures``. Where it is too slow for a slider, the
   parts that move are drawn by a ``BlittedFigure``: the rest is drawn once and kept as pixels.
3. *Widget.* A class derived from ``BaseWidget``: it builds controls with ``control`` and ``row``,
   ties each to a change by ``listen``, sets them from the state in ``follow`` (with ``put``, which
   leaves alone the control in the user's hand), and shows pictures in ``draw``. A function under
   ``@widget`` builds it: its errors become sentences in the page, and the run of a cell ends what
   its former run left.

The smallest one::

    @dataclass(frozen=True)
    class State:
        index: int = 0

    def go_to(state, index):
        if not 0 <= index < 100:
            raise ValueError(f"There are 100 digits, numbered from 0; there is no number {index}.")
        return replace(state, index=index)

    class Browser(BaseWidget):
        def __init__(self, images):
            super().__init__(State())
            self.images = images
            self.number = control(ipywidgets.IntSlider, "Digit", max=99, width="24em")
            self.listen(self.number, go_to)
            self.picture = self.new_picture()
            self.children = [row(self.number), self.picture]
            self.refresh()

        def follow(self):
            self.put(self.number, value=self.state.index)

        def draw(self):
            self.picture.show_picture(figures.sample_grid(self.images[[self.state.index]], ...))

    @widget
    def browser(images):
        return Browser(images)

Bursts of key presses need no code here: the front end sends the next value of a control only when
the kernel has answered to the last one, and skips what lies between.
"""

from __future__ import annotations

from .base import BaseWidget, control, heading, message, row, widget
from .blitting import BlittedFigure
from .desk import abstention_desk
from .disagreement import disagreement_explorer
from .drawing_pad import drawing_pad
from .ensemble_builder import ensemble_builder
from .explorer import risk_coverage_explorer
from .live_picture import LivePicture
from .misclassified import misclassified_browser
from .packed_calculator import packed_calculator

__all__ = [
    "BaseWidget",
    "BlittedFigure",
    "LivePicture",
    "abstention_desk",
    "control",
    "disagreement_explorer",
    "drawing_pad",
    "ensemble_builder",
    "heading",
    "message",
    "misclassified_browser",
    "packed_calculator",
    "risk_coverage_explorer",
    "row",
    "widget",
]
