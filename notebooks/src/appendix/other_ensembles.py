# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: other ensembles at a glance
#
# Which other ensembles are there, and what do they cost? With `COURSE_SPEED=train` this notebook
# trains two of them, which takes about a minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %%
import numpy as np
import pandas as pd

from course_utils.images import batches, load_fashion_mnist, load_mnist
from course_utils.metrics import scores
from course_utils.metrics.classification import negative_log_likelihood
from course_utils.metrics.detection import ood_detection
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

data_train, data_val, data_test = (load_mnist(part) for part in ("train", "val", "test"))
data_ood = load_fashion_mnist("test")

# %% [markdown]
# ## Two families
#
# Deep Ensembles keep $M$ sets of weights, Packed-Ensembles keep $M$ narrow ones. Two other families
# make many answers out of nearly *one* set. torch-uncertainty has both, each as a function that
# takes a network and returns one.
#
# **MC-dropout** (Gal and Ghahramani, 2016). Dropout removes a random part of the features at every
# training step. Usually it is switched off afterwards. Here it stays on: each pass through the
# network is another, thinned network, and $M$ passes are $M$ members. *Costs:* no parameter more,
# training of one network, and $M$ passes for every answer.
#
# **BatchEnsemble** (Wen et al., 2020). All members share the weights $W$ of a layer. Each has two
# vectors of its own, $r_m$ for the inputs and $s_m$ for the outputs, and its own bias:
#
# $$ W_m = W \circ (s_m r_m^\top), \qquad W_m x = s_m \circ (W (r_m \circ x)) . $$
#
# So each member is the shared matrix, multiplied entry by entry with a matrix of rank one that is
# its own. In training, torch-uncertainty deals
# the images of a batch out to the members; each image is seen by one of them. *Costs:* few
# parameters more; in training as many images as one network, with two more products for each layer;
# and $M$ passes for every answer, in one large batch.

# %%
import torch
from torch_uncertainty.methods import batch_ensemble, mc_dropout
from torch_uncertainty.models.classification.lenet import lenet

from course_utils.networks.models import LeNet

torch.manual_seed(0)
dropout = mc_dropout(lenet(1, 10, dropout_rate=0.1), num_estimators=16, on_batch=False)
shared = batch_ensemble(LeNet(), num_estimators=4, convert_layers=True)
for name, model in (("MC-dropout", dropout), ("BatchEnsemble", shared)):
    rows = [len(model.train(mode)(torch.zeros(8, 1, 28, 28))) for mode in (True, False)]
    print(f"{name:13} answers to 8 images: {rows[0]} in training, {rows[1]} in evaluation")

# %% [markdown]
# Both give *one* answer for each image in training and $M$ in evaluation. (With
# `on_batch=False` the passes come one after the other. All of them in one large batch, the default,
# is meant for GPUs.) Here are the traps.
#
# - In training there are as many answers as labels. `RepeatTarget` of chapter 4 would repeat labels
#   that have no partner. `is_ensemble=True` is still right for the routine: in evaluation there are
#   members to compare.
# - The rule "learning rate times $M$" is for members with weights of their own. Shared weights get
#   the gradients of *all* members already.
# - MC-dropout rolls dice: ask twice, and the answers differ. Fix the seed before you report.
# - BatchEnsemble needs at least as many images in a batch as it has members.
#
# `training.fit` counts the answers in both modes, so it gets the first two right.

# %%
from course_utils import speed
from course_utils.networks import runs, training

loaded = {"LeNet": "lenet", "DE-2": "deep-ensemble-2", "PE-4": "packed-4"}
small, histories = {}, {}
for title, name in loaded.items():
    run = runs.load(name)
    small[title], histories[title] = run.model, run.facts
newcomers = {"MC-dropout": ("short-mc-dropout", dropout)}
newcomers["BatchEnsemble"] = ("short-batch-ensemble-4", shared)
for title, (name, model) in newcomers.items():
    if speed() == "look":
        small[title], histories[title] = zoo.load(name), zoo.facts(name)
        print(f"{title}: weights from the course's zoo ({name})")
    else:
        fit = training.fit(model, data_train, data_val, name=name, folder=runs.folder())
        small[title] = fit.model
        histories[title] = {"epochs": fit.epochs, "num_train": len(data_train)}

# %% [markdown]
# Now quality, on 4,000 of the test digits, drawn at random, and as many clothes. The AUROC is that
# of the entropy.

# %%

generator = np.random.default_rng(seed=3)
clothes = data_ood.subset(generator.choice(len(data_ood), 4_000, replace=False))
tested = data_test.subset(generator.choice(len(data_test), 4_000, replace=False))
rows = {}
for title, model in small.items():
    torch.manual_seed(0)  # for MC-dropout
    answers, answers_ood = predict(model, tested), predict(model, clothes)
    detection = ood_detection(scores.entropy(answers), scores.entropy(answers_ood))
    steps = histories[title]["epochs"] * -(-histories[title]["num_train"] // training.BATCH_SIZE)
    rows[title] = {
        "steps of training": steps,
        "digits": histories[title]["num_train"],
        "accuracy": round(answers.correct.mean(), 4),
        "NLL": round(negative_log_likelihood(answers), 4),
        "OOD AUROC": round(detection.auroc, 4),
    }
quality = pd.DataFrame(rows).T.astype({"steps of training": int, "digits": int})

# %% [markdown]
# And cost: parameters; milliseconds for one training step, forward and backward, with 128 digits;
# and milliseconds to answer for 128 digits. The networks take turns, and we keep the median.

# %%
import copy
import time

import torch.nn.functional as F

images, labels = next(iter(batches(tested, batch_size=128)))


def training_step(model):
    outputs = model(images)
    F.cross_entropy(outputs, labels.repeat(len(outputs) // len(labels))).backward()


def milliseconds(models, action, turns=9):
    seconds = {title: [] for title in models}
    for turn in range(turns + 2):
        for title, model in models.items():
            start = time.perf_counter()
            action(model)
            if turn >= 2:  # the first turns warm up
                seconds[title].append(time.perf_counter() - start)
    return {title: 1_000 * np.median(each) for title, each in seconds.items()}


# %% [markdown]
# The training steps run on copies, so that the networks stay as they are.

# %%
in_training = {title: copy.deepcopy(model).train() for title, model in small.items()}
step = milliseconds(in_training, training_step)
with torch.inference_mode():
    answer = milliseconds(small, lambda model: model(images))
quality.assign(
    parameters=[sum(p.numel() for p in model.parameters()) for model in small.values()],
    **{"ms a step": pd.Series(step).round(1), "ms to answer": pd.Series(answer).round(1)},
)

# %% [markdown]
# How to read it. The first two columns are the budget; compare only rows where they agree. Then
# compare the rest with LeNet's row.
#
# - **Parameters.** MC-dropout has LeNet's, and BatchEnsemble hardly more: its members
#   are vectors.
# - **Time.** For MC-dropout the price comes with the answer, not with the training: sixteen passes
#   are sixteen passes, and the dice take time, too. If you answer a million images a day, you pay
#   for that every day. The products with $r_m$ and $s_m$ are cheap beside a large layer. LeNet's
#   layers are small: compare BatchEnsemble's step with LeNet's.
# - **Quality.** Dropout hides features in training, and the images of a BatchEnsemble are spread
#   over its members, so both need more steps than a plain network to get as far. Look at the steps
#   in your table before you compare. Is a newcomer ahead of LeNet or DE-2, in which column, and by
#   more than a few digits?
#
# Not in the table are methods that collect members *along* one training: snapshot ensembles (Huang
# et al., 2017), the averages of weights SWA (Izmailov et al., 2018) and EMA (older weights fade),
# and SWAG (Maddox et al., 2019), which draws members from around such an average. They need a
# training that visits several good places. Our short schedule has one, at its end. Two more
# families train members inside one network: MIMO (Havasi et al., 2021) gives it several images at
# once, Masksembles (Durasov et al., 2021) switch fixed groups of features off. torch-uncertainty
# has all of them.
#
# ### Sources
#
# **Other ensembles**
#
# - Y. Gal, Z. Ghahramani (2016). Dropout as a Bayesian approximation. *ICML*.
#   [arXiv:1506.02142](https://arxiv.org/abs/1506.02142). Dropout left on samples from an
#   approximate posterior.
# - Y. Wen, D. Tran, J. Ba (2020). BatchEnsemble. *ICLR*.
#   [arXiv:2002.06715](https://arxiv.org/abs/2002.06715). Members as shared weights times
#   factors of rank one.
# - M. Havasi, R. Jenatton, S. Fort, et al. (2021). Training independent subnetworks for robust
#   prediction. *ICLR*. [arXiv:2010.06610](https://arxiv.org/abs/2010.06610). MIMO: one network
#   reads several images at once.
# - N. Durasov, T. Bagautdinov, P. Baque, P. Fua (2021). Masksembles for uncertainty estimation.
#   *CVPR*. [arXiv:2012.08334](https://arxiv.org/abs/2012.08334). Fixed masks, between dropout and
#   ensembles.
# - G. Huang, Y. Li, G. Pleiss, et al. (2017). Snapshot ensembles: train 1, get M for free. *ICLR*.
#   [arXiv:1704.00109](https://arxiv.org/abs/1704.00109). A member at the end of each of several
#   cycles of the learning rate.
# - P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A. G. Wilson (2018). Averaging weights leads
#   to wider optima and better generalization. *UAI*.
#   [arXiv:1803.05407](https://arxiv.org/abs/1803.05407). SWA: one network, the mean of many.
# - W. Maddox, T. Garipov, P. Izmailov, D. Vetrov, A. G. Wilson (2019). A simple baseline for
#   Bayesian uncertainty in deep learning. *NeurIPS*.
#   [arXiv:1902.02476](https://arxiv.org/abs/1902.02476). SWAG: a normal distribution around that
#   mean.
