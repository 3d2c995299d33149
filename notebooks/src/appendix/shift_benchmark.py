# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: shift in torch-uncertainty, and MNIST-C
#
# Chapter 10 measures shift by hand. torch-uncertainty's routine can do it, too.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %%
import numpy as np
import pandas as pd

from course_utils.images import ImageSet, batches, load_mnist
from course_utils.images.corruptions import CORRUPTIONS, corrupt
from course_utils.networks import zoo

some_digits = load_mnist("test").subset(slice(None, None, 33))
kinds = [corrupt(some_digits, kind, severity=3) for kind in CORRUPTIONS]
data_shift = ImageSet(
    np.concatenate([images.images for images in kinds]),
    np.concatenate([images.labels for images in kinds]),
    name="eight kinds of damage, severity 3",
)
modest = {
    "LeNet": zoo.load("modest-lenet-0"),
    "DE-8": zoo.load("modest-deep-ensemble-8"),
    "PE-4": zoo.load("modest-packed-4"),
}

# %% [markdown]
# ## The routine
#
# The routine of chapter 2 evaluates shift if asked by `eval_shift=True`. It then needs a
# *datamodule*, an object that holds the loaders: first the familiar images, then the shifted ones.
# A plain list of loaders isn't enough, because the routine asks the datamodule for its
# `shift_severity`. This one attribute and one method suffice.

# %%
from lightning.pytorch import LightningDataModule


class ShiftModule(LightningDataModule):
    """Familiar and shifted images for `eval_shift`."""

    shift_severity = 3  # the routine only hands this on

    def __init__(self, familiar, shifted):
        super().__init__()
        self.loaders = [batches(familiar, 500), batches(shifted, 500)]

    def test_dataloader(self):
        return self.loaders


# %% [markdown]
# Where it puts the measures that we want, for the familiar and for the shifted images:

# %%
keys = {
    "accuracy": ("test/cls/Acc", "shift/cls/Acc"),
    "ECE": ("test/cal/ECE", "shift/cal/ECE"),
    "NLL": ("test/cls/NLL", "shift/cls/NLL"),
    "entropy": ("test/cls/Entropy", "shift/Entropy"),
    "disagreement": ("test/ens_Disagreement", "shift/ens_Disagreement"),
}

# %% [markdown]
# Now the trainer tests each modest network on both, with severity 3 as the shift.

# %%
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.networks.training import quiet

quiet()


def test_under_shift(data_shift):
    """torch-uncertainty's measures of the modest networks, on familiar and on shifted digits."""
    rows = {}
    for name, model in modest.items():
        routine = ClassificationRoutine(
            model, num_classes=10, is_ensemble=name != "LeNet", eval_shift=True
        )
        trainer = TUTrainer(accelerator="cpu", logger=False, enable_progress_bar=False)
        datamodule = ShiftModule(some_digits, data_shift)
        measured = trainer.test(routine, datamodule=datamodule, verbose=False)[0]
        for measure, pair in keys.items():
            for part, key in zip(("familiar", "shifted"), pair, strict=True):
                rows.setdefault((name, part), {})[measure] = measured.get(key, np.nan)
    return pd.DataFrame(rows).T.round(3)


test_under_shift(data_shift)

# %% [markdown]
# Compare the two rows of each network. The story is that of the curves: less accurate, worse
# calibrated, more entropy, more disagreement. (NaN: a single network has nobody to disagree with.)

# %% [markdown]
# ## Optional: MNIST-C
#
# MNIST-C (Mu and Gilmer, 2019) is a fixed set of damaged MNIST test digits: fifteen kinds, one
# strength each. If you have a network and some minutes, open the folded cell and set
# `try_the_network = True`: torch-uncertainty's `MNISTC` downloads 240 MB into your cache, once. Let
# it load all kinds together; `MNISTC(subset="fog")` of version 0.13 looks for the labels in a
# folder that does not have them.

# %% tags=["optional"] jupyter={"source_hidden": true}
from torch_uncertainty.datasets import MNISTC

from course_utils._support.patience import within
from course_utils.images import torchvision_root

try_the_network = False


def some_of_mnist_c():
    """3,000 of the 150,000 damaged test digits."""
    everything = MNISTC(torchvision_root(), subset="all", split="test", download=True)
    chosen = np.random.default_rng(seed=0).choice(len(everything), 3_000, replace=False)
    images = everything.samples[chosen].reshape(-1, 28, 28)
    return ImageSet(images, everything.labels[chosen].astype(np.int64), "MNIST-C")


table = None
if try_the_network and (data_shift := within(600, some_of_mnist_c, "MNIST-C")):
    table = test_under_shift(data_shift)
table

# %% [markdown]
# *Sources:* Hendrycks and Dietterich (2019), Mu and Gilmer (2019), Ovadia et al. (2019).
