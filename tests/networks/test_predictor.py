"""A network as a predictor: it answers as `evaluation.predict` does, and stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils.images import load_mnist

torch = pytest.importorskip("torch")

from course_utils.images import MEAN, STD  # noqa: E402
from course_utils.networks import evaluation, zoo  # noqa: E402
from course_utils.networks.predictor import predictor_of  # noqa: E402

IMAGES = np.random.default_rng(7).integers(0, 256, (2, 28, 28)).astype(np.uint8)


class Three(torch.nn.Module):
    """Three members, in the order (m b)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(784, 10) for _ in range(3))
        self.seen: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert not self.training
        self.seen.append(images)
        return torch.cat([layer(images.flatten(1)) for layer in self.layers])


def test_it_sees_normalised_images_and_is_left_as_it_was() -> None:
    network = Three().train()
    answer = predictor_of(network)(IMAGES)
    assert (len(answer), answer.num_members, answer.num_classes) == (2, 3, 10)
    expected = (IMAGES / 255 - MEAN) / STD
    assert np.allclose(network.seen[-1][:, 0].numpy(), expected, atol=1e-5)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_wrong_number_of_members_is_refused() -> None:
    with pytest.raises(ValueError, match="4 members do not divide"):
        predictor_of(Three(), num_members=4)(IMAGES)


def test_a_network_for_other_images_is_a_sentence() -> None:
    network = torch.nn.Conv2d(3, 6, 5)
    with pytest.raises(ValueError, match=r"does not answer images of shape \[2, 1, 28, 28\]"):
        predictor_of(network)(IMAGES)
    assert network.training


def test_it_answers_as_predict_does() -> None:
    digits = load_mnist("val").subset(slice(5))
    network = zoo.load("modest-lenet-0")
    said = evaluation.predict(network, digits, 1)
    assert np.allclose(predictor_of(network)(digits.images).logits, said.logits, atol=1e-4)
