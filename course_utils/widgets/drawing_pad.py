"""Drawing pad: draw a digit, or a shoe, and all members answer while the pen moves."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray

from course_utils._support import validation as checks
from course_utils.figures import disagreement_sheet, style
from course_utils.figures.disagreement import refill_sheet
from course_utils.metrics.predictions import Predictions

from .base import BaseWidget, control, row, widget
from .live_picture import encode_png

_HERE = Path(__file__).parent
SEEN = 28  # side of the image that the networks see
SIDE = 4 * SEEN  # of the sheet in pixels: fine enough for smooth edges, 12.5 kB a message
SEED = 5  # of the order in which examples come
Predictor = Callable[[NDArray[np.uint8]], Predictions]
Centring = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


class Pad(anywidget.AnyWidget):
    """A sheet in the page; the page owns the drawing and its undo, and sends the ink.

    Attributes
    ----------
    value : bytes
        ``side`` x ``side`` grey values, row by row: 0 is paper, 255 is ink. It is sent at most
        every 60 ms while the pen is down, and at once when it is lifted. Setting it here puts a new
        drawing on the sheet, which the user may take back.
    side : int
    """

    _esm = (_HERE / "drawing_pad.js").read_text(encoding="utf-8")
    _css = (_HERE / "drawing_pad.css").read_text(encoding="utf-8")

    # Without echo: the page that draws is ahead of every answer, and needs none. Cast, because what
    # comes from a page is a memoryview.
    value = traitlets.CBytes(bytes(SIDE * SIDE)).tag(sync=True, echo_update=False)
    side = traitlets.Int(SIDE).tag(sync=True)

    def still(self) -> str:
        """The drawing as HTML that needs no kernel."""
        ink = np.frombuffer(self.value, np.uint8).reshape(self.side, self.side)
        png = encode_png(np.repeat(255 - ink[:, :, None], 3, axis=2))
        data = base64.b64encode(png).decode("ascii")
        alt = "The drawing." if ink.any() else "An empty sheet to draw on."
        return (
            f'<img src="data:image/png;base64,{data}" alt="{alt}" width="280" '
            f'style="border:1px solid {style.REFERENCE}">'
        )


@dataclass(frozen=True, eq=False)
class Sheet:
    """What is on the sheet, and how the networks get it.

    Attributes
    ----------
    drawing : uint8 [SIDE, SIDE]
    centred : bool
        Scaled and centred before the networks see it; otherwise only shrunk.
    origin : str
        Where an example is from, until the pen touches it.
    """

    drawing: NDArray[np.uint8]
    centred: bool = True
    origin: str = ""

    @property
    def empty(self) -> bool:
        """Nothing is drawn."""
        return not self.drawing.any()


def start() -> Sheet:
    """An empty sheet."""
    return Sheet(np.zeros((SIDE, SIDE), np.uint8))


def draw_on(state: Sheet, ink: bytes) -> Sheet:
    """The drawing that the page sends."""
    if len(ink) != SIDE * SIDE:
        raise ValueError(
            f"The sheet has {SIDE} by {SIDE} pixels, but {len(ink):,} came; run the cell again."
        )
    return replace(state, drawing=np.frombuffer(ink, np.uint8).reshape(SIDE, SIDE), origin="")


def centre(state: Sheet, centred: bool) -> Sheet:
    """With or without scaling and centring."""
    return replace(state, centred=bool(centred))


def shrunk(drawing: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of each block of pixels, uint8 [28, 28]: the ink stays where it is."""
    block = SIDE // SEEN
    means = drawing.reshape(SEEN, block, SEEN, block).mean(axis=(1, 3))
    return np.floor(means + 0.5).astype(np.uint8)


def bring(state: Sheet, image: NDArray[np.uint8], origin: str) -> Sheet:
    """An image of a data set in place of the drawing."""
    height, width = image.shape
    if height == width and SIDE % height == 0:  # whole blocks: nothing is lost
        drawing = np.kron(image, np.ones((SIDE // height, SIDE // height), np.uint8))
    else:
        from PIL import Image

        drawing = np.asarray(Image.fromarray(image).resize((SIDE, SIDE)))
    return replace(state, drawing=drawing, origin=origin)


# --- what is given --------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Examples:
    """Images of one data set, in a fixed random order that starts again at the end."""

    name: str
    images: NDArray[np.uint8]
    order: NDArray[np.intp]

    def origin(self, turn: int) -> str:
        """In words, where an example is from."""
        return f"number {int(self.order[turn % len(self.order)]):,} of {self.name}"

    def image(self, turn: int) -> NDArray[np.uint8]:
        """The example whose turn it is."""
        return self.images[self.order[turn % len(self.order)]]


def checked_examples(examples: Any) -> list[Examples]:
    """Examples from an ``ImageSet``, an array, or a mapping from names to these.

    Raises
    ------
    ValueError
        If they are no images, or none.
    """
    if examples is None:
        return []
    if not isinstance(examples, Mapping):
        examples = {getattr(examples, "name", "the examples"): examples}
    found = []
    for name, images in examples.items():
        stack = checks.image_stack(getattr(images, "images", images))
        if not stack.size:
            raise ValueError(f"There are no images in {name}; pass at least one, or no examples.")
        order = np.random.default_rng(SEED).permutation(len(stack))
        found.append(Examples(str(name), stack, order))
    return found


# --- the widget ---------------------------------------------------------------------------------
class DrawingPad(BaseWidget):
    """What :func:`drawing_pad` returns."""

    def __init__(
        self,
        predictor: Predictor,
        centring: Centring | None,
        class_names: Sequence[str] | None,
        examples: Any,
    ) -> None:
        if not callable(predictor):
            raise ValueError(
                "The pad needs a function from images to Predictions, not "
                f"{type(predictor).__name__}; networks.predictor.predictor_of makes one."
            )
        self.predict, self.centring = predictor, centring
        self.examples = checked_examples(examples)
        # One image on trial: how many members and classes there are, and the first call's extra
        # time before anybody waits for it.
        trial = self.ask(np.zeros((SEEN, SEEN), np.uint8))
        self.members = trial.num_members
        self.names = checks.class_names(trial.num_classes, class_names)
        super().__init__(replace(start(), centred=centring is not None))

        self.pad = Pad()
        self.listen(self.pad, draw_on)
        self.centred = control(
            ipywidgets.Checkbox,
            "Scale and centre as MNIST was",
            value=self.state.centred,
            indent=False,
        )
        self.listen(self.centred, centre)
        self.turns = [0] * len(self.examples)
        self.bringers = []
        for number, one in enumerate(self.examples):
            what = "Bring an example" if len(self.examples) == 1 else f"Example: {one.name}"
            button = control(ipywidgets.Button, what)
            self.press(button, partial(self.next_example, number))
            self.bringers.append(button)
        self.answer = self.new_picture()
        self.blitted = self.new_blitted_figure()
        self._drawn_for = 0  # number of members on the sheet
        switches = [] if centring is None else [self.centred]
        side = ipywidgets.VBox([self.pad, row(*self.bringers), *switches])
        side.layout.width = "300px"
        side.add_class("course-pad-side")
        self.children = [row(side, self.answer)]
        self.children[0].layout.align_items = "flex-start"
        self.answer.layout.flex = "1 1 400px"
        if self.examples:  # something to look at, and to scribble on
            self.state = self.next_example(0, self.state)
        self.refresh()

    def next_example(self, number: int, state: Sheet) -> Sheet:
        """The next image of a data set."""
        examples, turn = self.examples[number], self.turns[number]
        self.turns[number] += 1
        return bring(state, examples.image(turn), examples.origin(turn))

    def ask(self, image: NDArray[np.uint8]) -> Predictions:
        """The answer to one image, or a sentence on what is wrong with it."""
        answer = self.predict(image[None])
        if not isinstance(answer, Predictions):
            raise ValueError(
                f"The predictor must return Predictions, not {type(answer).__name__}: "
                "wrap logits [images, members, classes] by Predictions(logits), or a network by "
                "networks.predictor.predictor_of."
            )
        if len(answer) != 1:
            raise ValueError(f"The predictor was asked about 1 image and answered {len(answer)}.")
        return answer

    def follow(self) -> None:
        ink = self.state.drawing.tobytes()
        if self.pad.value != ink:
            self.put(self.pad, value=ink)
        self.put(self.centred, value=self.state.centred)

    def seen(self) -> NDArray[np.uint8]:
        """What the networks see, uint8 [28, 28]."""
        drawing = self.state.drawing
        return self.centring(drawing) if self.state.centred else shrunk(drawing)

    def draw(self) -> None:
        if self.state.empty:
            nothing = np.zeros((SEEN, SEEN), np.uint8)
            self.show_blank(nothing, "Draw something: a digit, or anything else.")
            return
        seen = self.seen()
        try:
            probabilities = self.ask(seen).probabilities[0]
            if probabilities.shape[1] != len(self.names):
                raise ValueError(
                    f"The predictor gave {probabilities.shape[1]} classes, and at first "
                    f"{len(self.names)}; run the cell again."
                )
        except ValueError:
            # an old answer beside a new drawing would be taken for its own
            self.show_blank(seen, "")
            raise
        words = self.fill_sheet(seen, probabilities)
        caption = f"{words}\nThe example is {self.state.origin}." if self.state.origin else words
        self.show_sheet(f"What the networks see, and what they say. {words}", caption)

    def show_blank(self, seen: NDArray[np.uint8], caption: str) -> None:
        """The sheet without an answer."""
        nobody = np.zeros((self.members, len(self.names)))
        self.fill_sheet(seen, nobody, active=np.zeros(self.members, bool))
        self.show_sheet("An empty sheet: no answer yet.", caption)

    def fill_sheet(
        self, seen: NDArray[np.uint8], probabilities: NDArray[np.float64], **options: Any
    ) -> str:
        """Move the parts of the sheet, drawn anew only for another number of members; the words."""
        if self._drawn_for != len(probabilities):
            even = np.full(probabilities.shape, 1 / len(self.names))
            sheet = disagreement_sheet(seen, even, class_names=self.names, upright=True)
            moving = {key: part for key, part in sheet.parts.items() if not key.startswith("name ")}
            self.blitted.set_up(sheet, moving)
            self._drawn_for = len(probabilities)
        return refill_sheet(
            self.blitted.picture, seen, probabilities, class_names=self.names, **options
        )

    def show_sheet(self, alt: str, caption: str) -> None:
        """Put the sheet on the page."""
        self.answer.show(self.blitted.png(), alt, caption=caption, width=self.blitted.width)


@widget
def drawing_pad(
    predictor: Predictor,
    *,
    centring: Centring | None = None,
    class_names: Sequence[str] | None = None,
    examples: Any = None,
) -> DrawingPad:
    """A sheet on which one draws by mouse, finger or keys, while all members answer.

    Parameters
    ----------
    predictor : callable
        From images (uint8 [N, 28, 28]) to Predictions, such as
        ``course_utils.networks.predictor.predictor_of(network)``.
    centring : callable, optional
        From the drawing (uint8 [112, 112]) to what the networks see (uint8 [28, 28]), such as
        ``course_utils.images.centring.as_mnist``; it can be switched off on the pad. Without it
        the drawing is only shrunk.
    class_names : sequence of str [C], optional
    examples : ImageSet, uint8 [N, H, W], or mapping of name to these, optional
        Images that can be brought onto the sheet, to scribble on them; a button for each set. The
        pad opens with the first.

    Returns
    -------
    DrawingPad
        Where the input makes no sense, a widget that says so.
    """
    return DrawingPad(predictor, centring, class_names, examples)
