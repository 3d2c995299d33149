# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The hub's eight LeNets
#
# The authors of torch-uncertainty have put eight LeNets on the Hugging Face hub, which their
# tutorial on ensembles uses. This appendix to chapter 4 downloads them (1.5 MB) and compares them
# with ours. It needs a network; without one, the download is given up after a minute at most, and
# the cells say so.
#
# **Checkpoints and safety.** A Lightning checkpoint is a pickle file, and opening a pickle file
# can run any code. Open a stranger's only with `weights_only=True`, which admits tensors and
# plain values and nothing else. It's PyTorch's default today, also inside `deep_ensembles`; it
# wasn't when many tutorials were written.
#
# `deep_ensembles` loads checkpoints itself. They hold a whole routine, in which the network is
# called `model`; `use_tu_ckpt_format` takes this prefix off the names.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %%
from huggingface_hub import hf_hub_download, utils
from torch_uncertainty.methods import deep_ensembles

from course_utils._support.patience import within
from course_utils.networks.models import LeNet

utils.logging.set_verbosity_error()  # it would report every new try


def eight_of_the_hub():
    """Download eight checkpoints and combine them."""
    paths = [hf_hub_download("ENSTA-U2IS/tutorial-models", f"version_{i}.ckpt") for i in range(8)]
    return deep_ensembles(
        [LeNet() for _ in paths], ckpt_paths=paths, use_tu_ckpt_format=True
    ).eval()


hub = within(60, eight_of_the_hub, "The hub's eight LeNets")

# %% [markdown]
# The hub's were trained on all 60,000 digits, our validation digits included, so only test digits
# can judge them. Ours have seen 55,000.

# %%
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import zoo
from course_utils.networks.evaluation import evaluate

models = {"DE-8 (ours)": zoo.load("deep-ensemble-8")}
if hub is not None:
    models["DE-8 (hub)"] = hub
evaluate(models, load_mnist("test"), load_fashion_mnist("test")).round(4)

# %% [markdown]
# The weights: [ENSTA-U2IS/tutorial-models](https://huggingface.co/ENSTA-U2IS/tutorial-models).
