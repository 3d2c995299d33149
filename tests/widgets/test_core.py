"""The common core: pictures in the page, figures with moving parts, shells and their end."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass, replace
from io import BytesIO
from unittest.mock import Mock

import ipywidgets
import numpy as np
import pytest
from PIL import Image
from widget_helpers import figures_in_memory, open_connections

from course_utils import figures
from course_utils.widgets import (
    BaseWidget,
    BlittedFigure,
    LivePicture,
    base,
    control,
    message,
    row,
    widget,
)
from course_utils.widgets.live_picture import encode_png


@dataclass(frozen=True)
class Count:
    value: int = 1


def set_value(state: Count, value: int) -> Count:
    if value > 3:
        raise ValueError(f"Four is too many, {value} too.")
    return replace(state, value=value)


class Counter(BaseWidget):
    def __init__(self) -> None:
        super().__init__(Count())
        self.number = control(ipywidgets.IntSlider, "Number", max=9)
        self.double = control(ipywidgets.IntSlider, "Double", max=18)
        self.listen(self.number, set_value)
        self.listen(self.double, lambda state, value: set_value(state, value // 2))
        self.picture = self.new_picture()
        self.blitted = self.new_blitted_figure()
        self.blitted.set_up(figures.message("A card."))
        self.children = [row(self.number, self.double), self.picture]
        self.refresh()

    def follow(self) -> None:
        self.put(self.number, value=self.state.value)
        self.put(self.double, value=2 * self.state.value)

    def draw(self) -> None:
        self.picture.show(self.blitted.png(), f"the number {self.state.value}", caption="fine")


@widget
def counter(fail: bool = False) -> BaseWidget:
    if fail:
        raise ValueError("These predictions have no labels.")
    return Counter()


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


@pytest.mark.parametrize("channels", [3, 4])
def test_png_is_lossless(channels: int) -> None:
    drawn = np.random.default_rng(0).integers(0, 256, (7, 11, channels)).astype(np.uint8)
    assert np.array_equal(pixels(encode_png(drawn)), drawn[:, :, :3])


def test_blitting_draws_what_the_figure_would() -> None:
    picture = figures.message("A card.")
    axes = picture.figure.add_axes((0.1, 0.1, 0.8, 0.8))
    (point,) = axes.plot([0.5], [0.5], "o")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    blitted = BlittedFigure()
    blitted.set_up(picture, [point])
    first = pixels(blitted.png())
    point.set_data([0.2], [0.8])
    moved = pixels(blitted.png())
    point.set_animated(False)
    picture.figure.canvas.draw()
    whole = np.asarray(picture.figure.canvas.buffer_rgba())[:, :, :3]
    assert (first != moved).any()
    assert np.abs(moved.astype(int) - whole).max() <= 1
    point.set_animated(True)
    point.set_data([0.5], [0.5])
    assert np.array_equal(pixels(blitted.png()), first)


def test_picture_and_words_change_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = LivePicture()
    # ipywidgets 7 sends nothing where no kernel is
    picture.comm = Mock(spec=type(picture.comm), kernel=object(), comm_id="a")
    sent: list[set] = []
    monkeypatch.setattr(LivePicture, "send_state", lambda self, key=None: sent.append(set(key)))
    picture.show(b"png", "alt", caption="words", width=10)
    assert sent == [{"png", "alt", "caption", "width"}]


def test_still_holds_picture_and_escaped_words() -> None:
    picture = LivePicture()
    picture.show(b"\x89PNG", 'a "b" < c', caption="1 < 2", width=5)
    assert picture.still().startswith('<img src="data:image/png;base64,iVBORw=="')
    assert 'alt="a &quot;b&quot; &lt; c"' in picture.still()
    assert "<p>1 &lt; 2</p>" in picture.still()


def test_controls_follow_the_state_and_each_other() -> None:
    made = Counter()
    made.double.value = 5
    assert made.state == Count(2)
    assert made.number.value == 2
    assert made.double.value == 5  # the control in the hand stays where it was put
    assert made.picture.alt == "the number 2"
    made.number.value = 3
    assert made.double.value == 6


def test_error_is_a_sentence_and_leaves_all_as_it_was() -> None:
    made = Counter()
    made.number.value = 7
    assert made.state == Count(1)
    assert made.picture.problem
    assert made.picture.caption == "Four is too many, 7 too."
    made.number.value = 2
    assert made.state == Count(2)
    assert not made.picture.problem


def test_bad_input_is_a_sentence_in_the_page() -> None:
    made = counter(fail=True)
    assert made.children[0].caption == "These predictions have no labels."
    assert "no labels" in made.still()


def test_own_mistakes_are_not_swallowed() -> None:
    made = Counter()
    made.draw = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        made.number.value = 2


def test_put_never_crosses_minimum_and_maximum() -> None:
    made = Counter()
    slider = ipywidgets.FloatSlider(min=0.0, max=1.0, value=0.5)
    made.put(slider, min=5.0, max=6.0, value=5.5)
    assert (slider.min, slider.max, slider.value) == (5.0, 6.0, 5.5)
    made.put(slider, min=-6.0, max=-5.0, value=-5.5)
    assert (slider.min, slider.max, slider.value) == (-6.0, -5.0, -5.5)


def test_snapping_of_a_slider_is_not_taken_for_a_wish() -> None:
    made = Counter()
    asked: list[float] = []
    slider = ipywidgets.FloatSlider(min=0.0, max=1.0, step=0.1)
    made.listen(slider, lambda state, value: asked.append(value) or state)
    with made.quiet():
        made.put(slider, value=0.4301)
    assert slider.value == pytest.approx(0.4)
    slider.value = 0.41  # what a front end makes of it
    assert asked == []
    slider.value = 0.5
    assert asked == [0.5]


def test_close_ends_connections_and_observers() -> None:
    before = open_connections()
    made = Counter()
    number, picture = made.number, made.picture
    drawn = picture.png
    made.close()
    assert open_connections() == before
    number.value = 3
    assert picture.png == drawn


def test_what_ended_keeps_no_data() -> None:
    made = Counter()
    made.data = np.zeros(1000)
    alive = weakref.ref(made.data), weakref.ref(made.number)
    made.close()
    made.close()  # nothing happens
    gc.collect()
    assert [one() for one in alive] == [None, None]
    assert (made.state, made.pictures, made.children) == (None, [], ())


def test_what_was_made_and_not_placed_ends_too() -> None:
    class More(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.spare = self.new_picture()
            self.button = control(ipywidgets.Button, "Nobody sees me")
            self.press(self.button, lambda state: state)

    before = open_connections()
    More().close()
    assert open_connections() == before


@pytest.mark.parametrize("what", ["counter()", "counter(fail=True)"])
def test_running_a_cell_again_leaks_nothing(notebook, what: str) -> None:
    cell = f"made = [{what}, counter()]\nmade[0]"
    notebook(cell, counter=counter)
    connections, in_memory = open_connections(), figures_in_memory()
    for _ in range(20):
        notebook(cell)
    assert open_connections() == connections
    assert figures_in_memory() <= in_memory


def test_two_widgets_of_one_cell_both_live(notebook) -> None:
    first, second = notebook("[counter(), counter()]", counter=counter)
    other = notebook("counter()")
    first.number.value = 3
    assert (first.state.value, second.state.value, other.state.value) == (3, 1, 1)


def test_cells_are_told_apart_by_the_front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_running_cell", lambda: ("a", 1))
    first = counter()
    monkeypatch.setattr(base, "_running_cell", lambda: ("b", 2))
    counter()
    assert first.comm is not None
    monkeypatch.setattr(base, "_running_cell", lambda: ("a", 3))
    counter()
    assert first.comm is None


def test_page_without_kernel_gets_the_still(notebook) -> None:
    from IPython.core.formatters import DisplayFormatter
    from IPython.utils.capture import capture_output

    made = Counter()
    if hasattr(ipywidgets.Widget, "_ipython_display_"):
        with capture_output() as captured:
            made._ipython_display_()
        bundle = captured.outputs[0].data
    else:
        bundle, _ = DisplayFormatter().format(made)
    assert 'alt="the number 1"' in bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == made.model_id


def test_every_control_has_a_name() -> None:
    made = Counter()
    assert made.number.description == "Number"
    assert made.number.style.description_width == "initial"
    assert message("Hello.").still() == '<div class="course-still"><p>Hello.</p></div>'
