"""Ask trained networks: torch-uncertainty's metrics in a table, or their logits for every image."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch_uncertainty import TUTrainer

from course_utils._support.device import device
from course_utils.images import ImageSet, batches
from course_utils.metrics.predictions import Predictions

from . import threads  # noqa: F401, one thread unless chosen otherwise
from .interruption import GPU_FULL, interruptible
from .routine import CourseRoutine
from .silence import quiet

__all__ = ["METRICS", "count_members", "evaluate", "predict"]

EVALUATION_BATCH_SIZE = 500  # larger batches leave the CPU's cache: 1000 is slower than 500

# torch-uncertainty's name of a metric -> ours, the factor to the shown unit.
METRICS = {
    "test/cls/Acc": ("Accuracy (%)", 100),
    "test/cls/Brier": ("Brier score", 1),
    "test/cls/NLL": ("NLL", 1),
    "test/cls/Entropy": ("Entropy", 1),
    "test/cal/ECE": ("ECE (%)", 100),
    "test/cal/aECE": ("Adaptive ECE (%)", 100),
    "test/sc/AURC": ("AURC (%)", 100),
    "test/sc/AUGRC": ("AUGRC (%)", 100),
    "test/sc/Cov_5Risk": ("Coverage at 5 % risk (%)", 100),
    "test/sc/Risk_80Cov": ("Risk at 80 % coverage (%)", 100),
    "test/ens_Disagreement": ("Disagreement", 1),
    "test/ens_Entropy": ("Entropy of members", 1),
    "test/ens_MI": ("Mutual information", 1),
    "ood/AUROC": ("OOD AUROC (%)", 100),
    "ood/AUPR": ("OOD AUPR (%)", 100),
    "ood/FPR95": ("OOD FPR95 (%)", 100),
    "ood/Entropy": ("OOD entropy", 1),
    "ood/ens_Disagreement": ("OOD disagreement", 1),
    "ood/ens_Entropy": ("OOD entropy of members", 1),
    "ood/ens_MI": ("OOD mutual information", 1),
    "test/cplx/params": ("Parameters (thousand)", 1e-3),
    "test/cplx/flops": ("MFLOPs per image", 1e-6),
}


def count_members(model: nn.Module, *, training: bool = False) -> int:
    """How many members answer: the rows of output for each image.

    torch-uncertainty's ensembles return [(m b), C], all images of the first member first.
    MC-dropout answers once in training and M times in evaluation; BatchEnsemble deals the images of
    a batch out to its members in training; the others do not distinguish.
    """
    count = 48  # BatchEnsemble fails on fewer images than members
    place = next(model.parameters()).device
    # a copy: in training mode, looking would already change what batch normalisation has counted
    model = copy.deepcopy(model).train(training)
    with torch.no_grad():
        rows = model(torch.zeros(count, 1, 28, 28, device=place)).shape[0]
    return rows // count


def evaluate(
    models: Mapping[str, nn.Module], test: ImageSet, ood: ImageSet | None = None
) -> pd.DataFrame:
    """torch-uncertainty's metrics for several models, side by side.

    Parameters
    ----------
    models : mapping of str to nn.Module
        The columns of the table; left on the CPU.
    test : ImageSet
        In-distribution images with labels.
    ood : ImageSet, optional
        Images of something else; the score is the maximum softmax probability.

    Returns
    -------
    pandas.DataFrame
        A row for each metric under its readable name and unit, a column for each model. NaN where
        a metric is not defined, such as disagreement for a single model.
    """
    where = device()
    quiet()
    loaders = [batches(test, EVALUATION_BATCH_SIZE, device=where)]
    if ood is not None:
        loaders.append(batches(ood, EVALUATION_BATCH_SIZE, device=where))
    columns = {}
    for name, model in models.items():
        routine = CourseRoutine(
            model,
            num_classes=10,
            is_ensemble=count_members(model) > 1,
            eval_ood=ood is not None,
        )
        trainer = TUTrainer(
            accelerator="gpu" if where.type == "cuda" else "cpu",
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        # every loader returns the same dictionary: the routine logs all of them together
        with interruptible(f"The evaluation of {name}", "run the cell again"):
            measured = trainer.test(routine, loaders, verbose=False)[0]
        model.cpu()
        # counted by the routine on its first batch, not on one image
        measured["test/cplx/flops"] /= min(EVALUATION_BATCH_SIZE, len(test))
        columns[name] = {
            readable: measured[key] * factor
            for key, (readable, factor) in METRICS.items()
            if key in measured
        }
    rows = [readable for readable, _ in METRICS.values()]
    table = pd.DataFrame(columns)
    return table.reindex([row for row in rows if row in table.index])


def predict(model: nn.Module, images: ImageSet, num_members: int | None = None) -> Predictions:
    """The logits of every member for every image.

    Parameters
    ----------
    model : nn.Module
        Returns logits [(m b), C] for images [B, 1, 28, 28]; left on the CPU.
    images : ImageSet
        N images; their labels go along.
    num_members : int, optional
        M; by default what the model's output says.

    Returns
    -------
    Predictions
        ``logits`` [N, M, C].
    """
    if num_members is None:
        num_members = count_members(model)
    where = device()
    was_training = model.training
    model.to(where).eval()
    for batch_size in (EVALUATION_BATCH_SIZE, EVALUATION_BATCH_SIZE // 10, 1):
        try:
            logits = []
            for inputs, _ in batches(images, batch_size, device=where):
                # not around the moves: parameters moved in inference mode could not be trained
                with torch.inference_mode():
                    outputs = model(inputs).cpu().numpy()
                sorted_outputs = Predictions.from_stacked(outputs, num_members).logits
                assert sorted_outputs is not None  # they were given as logits
                logits.append(sorted_outputs)
            break
        except torch.OutOfMemoryError:
            if batch_size == 1:
                raise MemoryError(f"The prediction: {GPU_FULL}") from None
            print("The GPU's memory does not suffice for this batch: smaller ones are tried.")
    model.cpu().train(was_training)
    return Predictions(np.concatenate(logits), images.labels)
