"""torch-uncertainty's routine without the work whose result nobody looks at.

Losses, metrics and their names are those of ``ClassificationRoutine``; only time is saved. What
each saving is worth is measured by ``make bench``; see also ``benchmarks/upstream.md``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch_uncertainty.routines import ClassificationRoutine
from torchmetrics import Metric, MetricCollection

__all__ = ["CourseRoutine"]

# The smooth calibration error searches its bandwidth with a dozen long convolutions: for a well
# calibrated LeNet as much time as 25 training steps, at every validation (why, and what would help,
# stands in ``benchmarks/upstream.md``). No table or figure shows it.
LEFT_OUT = ("cal/SmECE",)


class CourseRoutine(ClassificationRoutine):
    """``ClassificationRoutine`` for `course_utils.networks.training`: the same numbers, sooner.

    - Metrics of `LEFT_OUT` are not computed.
    - The training loss is handed to Lightning only at the steps whose row a logger writes.
    - SGD changes all parameters with one call each for decay, momentum and step.
    """

    val_cls_metrics: MetricCollection
    test_cls_metrics: MetricCollection

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.val_cls_metrics = _without_left_out(self.val_cls_metrics)
        self.test_cls_metrics = _without_left_out(self.test_cls_metrics)
        if isinstance(self.optim_recipe, dict):
            _step_with_one_call(self.optim_recipe["optimizer"])

    def log(self, name: str, *args: Any, **settings: Any) -> None:
        # `global_step` counts the steps before this one
        if name == "train_loss" and (self.global_step + 1) % self.trainer.log_every_n_steps:
            return
        super().log(name, *args, **settings)


def _without_left_out(metrics: MetricCollection) -> MetricCollection:
    kept: dict[str, Metric | MetricCollection] = {
        name: metric
        for name, metric in metrics.items(keep_base=True, copy_state=False)
        if name not in LEFT_OUT
    }
    return MetricCollection(kept, prefix=metrics.prefix)


def _step_with_one_call(optimizer: torch.optim.Optimizer) -> None:
    """What PyTorch does by itself on a GPU only; for SGD the same numbers to the bit."""
    if type(optimizer) is torch.optim.SGD:
        for group in optimizer.param_groups:
            if group["foreach"] is None and not group["fused"]:
                group["foreach"] = True
