"""What holds for every figure: readable text, alt text, no leaks, one look."""

from __future__ import annotations

import html
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from statistics import median
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import pytest
from figure_examples import EXAMPLES, EXTREMES
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from course_utils import figures
from course_utils.figures import style

SMALLEST = {"notebook": 10, "slides": 18}
every_figure = pytest.mark.parametrize("name", EXAMPLES)
both_styles = pytest.mark.parametrize("medium", SMALLEST)


def draw(name: str, medium: str = "notebook") -> figures.Picture:
    with style.use(medium):
        return EXAMPLES[name]()


@cache
def drawn(name: str, medium: str = "notebook") -> figures.Picture:
    """For tests that only look: each example is drawn once in each style."""
    return draw(name, medium)


@cache
def visible_texts(picture: figures.Picture) -> list[Text]:
    """All texts that put ink on the figure, after drawing it (ticks are made only then)."""
    with matplotlib.rc_context(picture.look.rc):
        picture.figure.canvas.draw()
        hidden = set(_hidden(picture.figure))
        return [
            text
            for text in picture.figure.findobj(Text)
            if text.get_text().strip() and text.get_visible() and text not in hidden
        ]


@pytest.fixture(autouse=True, scope="module")
def nothing_left_drawn() -> Iterator[None]:
    """A million objects of figures would slow each later collection of garbage."""
    yield
    visible_texts.cache_clear()
    drawn.cache_clear()


def _hidden(figure: Figure) -> Iterator[Text]:
    """Texts of hidden axes, and labels of ticks beyond the ends of an axis."""
    for axes in figure.axes:
        if not axes.get_visible():
            yield from axes.findobj(Text)
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            low, high = sorted(limits)
            slack = 1e-9 * (high - low)
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if not low - slack <= tick.get_loc() <= high + slack:
                    yield from (tick.label1, tick.label2)


def test_every_public_figure_function_has_an_example() -> None:
    functions = {
        name
        for name in figures.__all__
        if inspect.isfunction(getattr(figures, name))
        and str(inspect.signature(getattr(figures, name)).return_annotation) == "Picture"
    }
    assert functions == {name.split()[0] for name in EXAMPLES}


@every_figure
@both_styles
def test_no_text_is_smaller_than_the_style_allows(name: str, medium: str) -> None:
    texts = visible_texts(drawn(name, medium))
    assert texts
    too_small = {
        t.get_text(): t.get_fontsize() for t in texts if t.get_fontsize() < SMALLEST[medium]
    }
    assert not too_small


@every_figure
@both_styles
def test_text_stays_on_the_card_and_apart(name: str, medium: str) -> None:
    check_texts(drawn(name, medium))


@pytest.mark.parametrize("name", EXTREMES)
@both_styles
def test_other_sizes_are_readable_too(name: str, medium: str) -> None:
    with style.use(medium):
        picture = EXTREMES[name]()
    check_texts(picture)
    assert "nan" not in picture.alt.split()
    assert min(text.get_fontsize() for text in visible_texts(picture)) >= SMALLEST[medium]


def check_texts(picture: figures.Picture) -> None:
    """No text leaves the figure and none runs into another."""
    texts = visible_texts(picture)
    with matplotlib.rc_context(picture.look.rc):
        boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]
        card = picture.figure.bbox
    outside = [
        words
        for words, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > card.x1 + 1 or box.y1 > card.y1 + 1
    ]
    assert not outside
    slanted = {text.get_text() for text in texts if text.get_rotation() not in (0, 90)}
    collisions = []
    for index, (words, box) in enumerate(boxes):
        for other_words, other in boxes[index + 1 :]:
            if words in slanted and other_words in slanted:
                continue  # their upright boxes overlap although the letters do not
            wide = min(box.x1, other.x1) - max(box.x0, other.x0)
            tall = min(box.y1, other.y1) - max(box.y0, other.y0)
            if wide > 1.5 and tall > 2.5:
                collisions.append((words, other_words))
    assert not collisions


@every_figure
def test_alt_text_is_a_sentence_without_gaps(name: str) -> None:
    alt = drawn(name).alt
    assert alt.endswith(".") and "\n" not in alt and len(alt) >= 15
    assert "nan" not in alt.lower().split() and "  " not in alt and ".." not in alt


@every_figure
def test_alt_text_reaches_the_page(name: str) -> None:
    picture = drawn(name)
    page = picture._repr_html_()
    assert page.startswith('<img src="data:image/png;base64,')
    (alt,) = re.findall(r' alt="([^"]*)"', page)
    assert html.unescape(alt) == picture.alt


@every_figure
def test_nothing_leaks_and_settings_are_left_alone(name: str) -> None:
    before = dict(matplotlib.rcParams)
    draw(name, "slides").png()
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before
    assert style.current().name == "notebook"


@every_figure
def test_the_card_is_white_whatever_the_users_theme(name: str) -> None:
    plain = drawn(name).png()
    with plt.style.context("dark_background"):
        assert draw(name).png() == plain


def test_svg_carries_the_alt_text_as_title() -> None:
    picture = draw("packed_diagram")
    root = ElementTree.fromstring(picture.svg())
    titles = [node.text for node in root.iter() if node.tag.endswith("title")]
    assert picture.alt in titles
    assert picture.svg() == draw("packed_diagram").svg()


def test_quotes_and_tags_in_the_alt_text_do_not_break_the_page() -> None:
    page = figures.message('A "quoted" <b>word</b> & more.').html()
    assert 'alt="A &quot;quoted&quot; &lt;b&gt;word&lt;/b&gt; &amp; more."' in page


def test_png_and_svg_files(tmp_path) -> None:
    picture = draw("message")
    assert picture.save(tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.save(tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
    with pytest.raises(ValueError, match=r"saved as \.png or \.svg"):
        picture.save(tmp_path / "a.jpg")


def test_a_picture_keeps_the_style_it_was_drawn_in() -> None:
    picture = draw("risk_coverage_curves", "slides")
    inside = picture.png()
    with style.use("slides"):
        assert picture.png() == inside
    assert picture.look.name == "slides"


def test_resolution_can_be_chosen() -> None:
    picture = draw("message")
    height, width, _ = imread(BytesIO(picture.png(dpi=50))).shape
    assert (width, height) == (400, 50)


def test_import_is_light() -> None:
    program = """
import sys, time
import matplotlib.figure, matplotlib.backends.backend_agg
start = time.process_time()
import course_utils.figures, course_utils.metrics.selective
seconds = time.process_time() - start
heavy = {"torch", "torchvision", "sklearn", "pandas", "scipy", "matplotlib.pyplot"}
print(seconds, *sorted(heavy & set(sys.modules)))
"""
    command = [sys.executable, "-c", program]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    assert [heavy for _, *heavy in runs] == [[]] * 3
    assert median(float(seconds) for seconds, *_ in runs) < 0.6
