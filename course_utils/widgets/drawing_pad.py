"""Drawing pad: draw a digit, or a shoe, and all networks answer while the pen moves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from course_utils._support import validation as checks
from course_utils.figures import Picture
from course_utils.images import MEAN, STD, centring
from course_utils.metrics.predictions import Predictions

from .disagreement import sheet
from .front_end import LiveWidget, stored, widget

SIDE = 4 * centring.SIDE  # of the sheet in pixels: fine enough for smooth edges
SEED = 5  # of the order in which examples come
EXAMPLES = 60  # of a set: more than anybody presses a button for, and 20 kB in a page
# Shapes of a LeNet's weights, in the order in which the page reads them, each before its bias.
LENET = {
    "conv1": (6, 1, 5, 5),
    "conv2": (16, 6, 5, 5),
    "fc1": (120, 256),
    "fc2": (84, 120),
    "fc3": (10, 84),
}
Predictor = Callable[[NDArray[np.uint8]], Predictions]


class DrawingPad(LiveWidget):
    """A sheet to draw on by mouse, finger or keys, while all members answer.

    LeNets, alone or as a Deep Ensemble, answer in the page, with or without a kernel; any other
    network or function answers as long as the kernel runs.

    Parameters
    ----------
    model : torch.nn.Module or callable
        A network that returns logits [(m b), C] for normalised images [B, 1, 28, 28], or a function
        from images (uint8 [N, 28, 28]) to Predictions, which needs no torch.
    class_names : sequence of str [C], optional
    examples : ImageSet, uint8 [N, H, W], or mapping of name to these, optional
        Images that can be brought onto the sheet, to scribble on them; a button for each set. The
        pad opens with the first.

    Attributes
    ----------
    drawing : bytes
        112 x 112 grey values, row by row: 0 is paper, 255 is ink. Setting it puts a drawing on the
        sheet, which the user may undo; ``image`` is what the networks see of it.
    centred : bool
        Scaled and centred as MNIST's digits were; otherwise only shrunk.
    """

    # Without echo: the page that draws is ahead of every answer. Cast, because what comes from a
    # page is a memoryview.
    drawing = traitlets.CBytes(bytes(SIDE * SIDE)).tag(sync=True, echo_update=False)
    centred = traitlets.Bool(True).tag(sync=True)
    # What the kernel says where the page cannot: {"seen": [...], "rows": [[...], ...]}.
    answer = traitlets.Dict().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, model: Any, *, class_names: Sequence[str] | None = None, examples: Any = None
    ) -> None:
        self.predict = _predictor_of(model)
        trial = self._asked(np.zeros((centring.SIDE, centring.SIDE), np.uint8))
        weights = _weights_of(model, self.predict)
        self._by_kernel = not weights
        sets = _checked_examples(examples)
        given = {
            "side": SIDE,
            "members": trial.num_members,
            "class_names": checks.class_names(trial.num_classes, class_names),
            "networks": [packed_weights(one) for one in weights],
            "examples": sets,
        }
        drawing = _enlarged(sets[0]["images"][0]).tobytes() if sets else bytes(SIDE * SIDE)
        super().__init__(kind="pad", given=given, drawing=drawing)
        self._answer()

    @property
    def image(self) -> NDArray[np.uint8]:
        """What the networks see, uint8 [28, 28]."""
        drawing = np.frombuffer(self.drawing, np.uint8).reshape(SIDE, SIDE)
        return (centring.as_mnist if self.centred else centring.shrunk)(drawing)

    @property
    def predictions(self) -> Predictions:
        """What all networks say about ``image``."""
        return self._asked(self.image)

    @traitlets.validate("drawing")
    def _whole(self, proposal: Any) -> bytes:
        if len(proposal["value"]) != SIDE * SIDE:
            raise ValueError(
                f"The sheet has {SIDE} by {SIDE} pixels, not {len(proposal['value']):,} in all; "
                "pad.draw(image) puts an image on it."
            )
        return proposal["value"]

    def draw(self, image: Any) -> None:
        """Put an image (uint8 [28, 28] or any other size) on the sheet."""
        self.drawing = _enlarged(checks.one_image(image)).tobytes()

    @traitlets.observe("drawing", "centred")
    def _answer(self, change: Any = None) -> None:
        if not getattr(self, "_by_kernel", False) or not any(self.drawing):
            return
        image = self.image
        try:
            rows = self._asked(image).probabilities[0].tolist()
        except ValueError as error:
            self.problem, self.answer = str(error), {}
            return
        self.problem, self.answer = "", {"seen": image.ravel().tolist(), "rows": rows}

    def _asked(self, image: NDArray[np.uint8]) -> Predictions:
        answer = self.predict(image[None])
        if not isinstance(answer, Predictions):
            raise ValueError(
                f"The function must return Predictions, not {type(answer).__name__}; "
                "wrap logits [images, members, classes] in Predictions(logits)."
            )
        if len(answer) != 1:
            raise ValueError(f"The function got 1 image and returned {len(answer)} predictions.")
        return answer

    def picture(self) -> Picture | None:
        if not any(self.drawing):
            return None
        return sheet(self.image, self.predictions, self.given["class_names"])


# --- what is given ------------------------------------------------------------------------------
def _predictor_of(model: Any) -> Predictor:
    """A function from images to predictions, made from a network or taken as it is."""
    torch = sys.modules.get("torch")  # who has a network has imported it
    if torch is not None and isinstance(model, torch.nn.Module):
        return partial(_answer_of_network, model)
    if not callable(model):
        raise ValueError(
            "The pad needs a network, or a function from images to Predictions, not "
            f"{type(model).__name__}."
        )
    return model


def _answer_of_network(model: Any, images: NDArray[np.uint8]) -> Predictions:
    import torch

    where = next(model.parameters(), torch.zeros(0)).device
    inputs = torch.from_numpy(images).to(where).unsqueeze(1).float().div(255).sub(MEAN).div(STD)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            outputs = model(inputs).cpu().numpy()
    except RuntimeError as error:
        shape = list(inputs.shape)
        raise ValueError(f"The network rejects images of shape {shape}: {error}") from error
    finally:
        model.train(was_training)
    return Predictions.from_stacked(outputs, outputs.shape[0] // len(images))


def lenet_weights(network: Any) -> list[NDArray[np.float32]] | None:
    """The ten arrays of one LeNet, as the page reads them; None if it is no LeNet."""
    state = network.state_dict()
    shapes = {f"{name}.weight": shape for name, shape in LENET.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in LENET.items()}
    if {name: tuple(one.shape) for name, one in state.items()} != shapes:
        return None
    parts = [f"{name}.{part}" for name in LENET for part in ("weight", "bias")]
    return [state[part].cpu().numpy().ravel() for part in parts]


def packed_weights(weights: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    """Weights in two bytes each: steps of a size that spans the whole array.

    As large as float16 and ten times as fine, as all weights of an array are of about one size.
    """
    steps = [float(np.abs(one).max() / 32767) or 1.0 for one in weights]
    whole = [np.round(one / step) for one, step in zip(weights, steps, strict=True)]
    return {"steps": steps, "values": stored(np.concatenate(whole).astype(np.int16))}


def _lenet(weights: Sequence[NDArray[np.float32]], images: NDArray[np.uint8]) -> NDArray:
    """Logits [N, 10] of a LeNet, computed as the page does it."""
    import torch
    from torch.nn import functional

    values = torch.tensor((images[:, None] / 255 - MEAN) / STD, dtype=torch.float32)
    for layer, (name, shape) in enumerate(LENET.items()):
        weight, bias = (torch.tensor(one) for one in weights[2 * layer : 2 * layer + 2])
        if name.startswith("conv"):
            values = functional.conv2d(values, weight.reshape(shape), bias)
            values = functional.max_pool2d(values, 2)
        else:
            values = functional.linear(values.flatten(1), weight.reshape(shape), bias)
        values = values if name == "fc3" else values.relu()
    return values.numpy()


def _weights_of(model: Any, predict: Predictor) -> list[list[NDArray[np.float32]]]:
    """Weights of all LeNets of which a model consists, if they say what the model says.

    A network with the weights of a LeNet may still do something else with them, and then the kernel
    has to answer: the list is empty. Two images of noise tell.
    """
    parts = model.modules() if hasattr(model, "named_modules") else []
    found = [one for part in parts if (one := lenet_weights(part)) is not None]
    noise = np.random.default_rng(0).integers(0, 256, (2, 28, 28)).astype(np.uint8)
    said = predict(noise).logits if found else None
    if said is None or said.shape != (2, len(found), 10):
        return []
    ours = np.stack([_lenet(weights, noise) for weights in found], axis=1)
    return found if np.allclose(ours, said, atol=1e-3, rtol=1e-3) else []


def _checked_examples(examples: Any) -> list[dict[str, Any]]:
    """Some examples of each set in a fixed random order, with words on where each is from."""
    if examples is None:
        return []
    if not isinstance(examples, Mapping):
        examples = {getattr(examples, "name", "examples"): examples}
    found = []
    for name, images in examples.items():
        stack = checks.image_stack(getattr(images, "images", images))
        if not stack.size:
            raise ValueError(f"There are no images in {name}; pass at least one, or no examples.")
        order = np.random.default_rng(SEED).permutation(len(stack))[:EXAMPLES]
        words = [f"image {index:,} of “{name}”" for index in order]
        found.append({"name": str(name), "images": stored(stack[order]), "words": words})
    return found


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image in the size of the sheet."""
    from PIL import Image

    whole = image.shape[0] == image.shape[1] and SIDE % len(image) == 0  # blocks: nothing is lost
    how = Image.Resampling.NEAREST if whole else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), how))


drawing_pad = widget(DrawingPad)
