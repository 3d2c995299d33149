"""A network as a function from images to predictions: what the drawing pad asks at every stroke."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from course_utils.images import MEAN, STD
from course_utils.metrics.predictions import Predictions


def predictor_of(
    network: torch.nn.Module, num_members: int | None = None
) -> Callable[[NDArray[np.uint8]], Predictions]:
    """Wrap a network so that it answers raw images at once.

    It answers where it is, without a loader or a move to another device, which `training.predict`
    needs for many images: for a single one they take five times as long as eight members.

    Parameters
    ----------
    network : torch.nn.Module
        From normalised images [B, 1, 28, 28] to logits [M * B, C], member after member. It is left
        in the mode that it was in.
    num_members : int, optional
        M; by default what the output says.

    Returns
    -------
    callable
        From images, uint8 [N, 28, 28], to Predictions. It raises a ValueError where the network
        does not take such images.
    """

    def predict(images: NDArray[np.uint8]) -> Predictions:
        where = next(network.parameters(), torch.zeros(0)).device
        inputs = torch.from_numpy(images).to(where).unsqueeze(1).float().div(255).sub(MEAN).div(STD)
        was_training = network.training
        network.eval()
        try:
            with torch.inference_mode():
                outputs = network(inputs).cpu().numpy()
        except RuntimeError as error:
            shape = list(inputs.shape)
            raise ValueError(
                f"The network does not answer images of shape {shape}: {error}"
            ) from error
        finally:
            network.train(was_training)
        members = outputs.shape[0] // len(images) if num_members is None else num_members
        return Predictions.from_stacked(outputs, members)

    return predict
