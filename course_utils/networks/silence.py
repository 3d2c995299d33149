"""Keep warnings off the page that a learner can do nothing about."""

from __future__ import annotations

import logging
import warnings

__all__ = ["SILENCED", "quiet"]

# What is not shown in the notebooks, each with its reason.
SILENCED = (
    # FPR95 keeps all scores: 20,000 numbers are 80 kB
    r".*will save all targets and predictions in buffer.*",
    # a cell run a second time logs to the same folder, on purpose: the last run counts
    r"Experiment logs directory .* exists and is not empty.*",
    r"Checkpoint directory .* exists and is not empty.*",
    # once for each metric, where a training is looked at only while it runs
    r"You called `self\.log\(.* but have no logger configured.*",
    # a rehearsal has no validation, on purpose
    r"You defined a `validation_step` but have no `val_dataloader`.*",
    # Lightning calls PyTorch by a deprecated name; nothing a learner could do
    r".*isinstance\(treespec, LeafSpec\).*",
)


def quiet() -> None:
    """Silence, for this session, the warnings of `SILENCED` and Lightning's lines on hardware."""
    for message in SILENCED:
        warnings.filterwarnings("ignore", message=message)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
