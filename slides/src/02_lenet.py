# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
import matplotlib
import numpy as np
import pandas as pd

from course_utils import figures
from course_utils.figures import style
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.metrics import ledger, scores, selective
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

style.use("slides")
matplotlib.rcParams.update(style.current().rc)  # for the figures that are drawn in this deck
digits = load_mnist("test")
clothes = load_fashion_mnist("test")
lenet = predict(zoo.load("short-lenet"), digits)
lenet_on_clothes = predict(zoo.load("short-lenet"), clothes)
modest = predict(zoo.load("modest-lenet-0"), digits)

# %% [markdown] slideshow={"slide_type": "slide"}
# # 2. LeNet
#
# What is one network worth, row by row?
#
# Chapters 2 and 3: training is the short part, questioning is the long one

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** We build a small network, train it in a minute, and then question it for the rest of the
# hour. Each row of the table at the end is one question about trust.
#
# **Ask:** What do you usually report about a classifier?
#
# **Likely:** Accuracy, perhaps F1. Hardly ever anything about its confidence.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five layers, and you can read them all
#
# ```python
# conv1 = nn.Conv2d(1, 6, kernel_size=5)
# conv2 = nn.Conv2d(6, 16, kernel_size=5)
# fc1 = nn.Linear(16 * 4 * 4, 120)
# fc2 = nn.Linear(120, 84)
# fc3 = nn.Linear(84, 10)
#
# features = F.max_pool2d(F.relu(conv1(images)), 2)
# features = F.max_pool2d(F.relu(conv2(features)), 2)
# features = F.relu(fc1(features.flatten(1)))
# logits = fc3(F.relu(fc2(features)))
# ```

# %% [markdown]
# Source: LeNet-5, LeCun et al. (1998), with ReLU and max-pooling

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** It read cheques in the 1990s. Two convolutions look through small windows, pooling keeps
# the largest of four values, three linear layers combine. Out come ten numbers, the logits.
#
# **Ask:** Where does the 16 times 4 times 4 come from?
#
# **Likely:** 28 to 24 to 12, then 8 to 4, with 16 channels. Let somebody say it aloud.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Parameters sit at the end, the work at the start

# %% jupyter={"source_hidden": true}
weights = {"conv1": 150, "conv2": 2_400, "fc1": 30_720, "fc2": 10_080, "fc3": 840}
biases = {"conv1": 6, "conv2": 16, "fc1": 120, "fc2": 84, "fc3": 10}
places = {"conv1": 24 * 24, "conv2": 8 * 8, "fc1": 1, "fc2": 1, "fc3": 1}
parameters = np.array([weights[name] + biases[name] for name in weights])
operations = np.array([2 * weights[name] * places[name] for name in weights])
figure = style.canvas(8, 3.2)
row = style.panels(figure, columns=(1, 1), left=4, right=4, top=2.2, bottom=0.8, gap_x=8)[0]
for axes, title, values in zip(
    row, ("parameters", "FLOPs per image"), (parameters, operations), strict=True
):
    axes.barh(range(5), values, color=style.BLUE)
    axes.set_yticks(range(5), list(weights))
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    for place, value in enumerate(values):
        axes.text(value + 0.02 * values.max(), place, f"{value:,}", va="center")
    style.label(axes, title=f"{title}: {values.sum():,}")
counts = zip(weights, parameters, operations, strict=True)
told = "; ".join(f"{name} {few:,} and {many:,}" for name, few, many in counts)
figures.Picture(figure, f"Parameters and FLOPs per image of the five layers of LeNet: {told}.")

# %% [markdown]
# Source: counted by hand; in chapter 2 you count the parameters yourself

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A convolution uses each weight at every place its window fits, a linear layer only once.
# So the two columns tell opposite stories. "A small network" may mean either.
#
# **Ask:** You have to make it faster on a phone. Which layer first? And if the file is too large?
#
# **Likely:** Many say conv1, the first one. The figure says conv2 for speed, fc1 for size.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training punishes surprise

# %% jupyter={"source_hidden": true}
probability = np.geomspace(1e-4, 1, 400)
figure = style.canvas(8, 2.9)
axes = style.panels(figure, top=0.8)[0][0]
axes.semilogx(probability, -np.log(probability), color=style.BLUE)
marks = (
    (1e-3, "sure and wrong", (12, 0)),
    (0.1, "guessing: ln 10", (12, 6)),
    (0.99, "sure and right", (-165, 2)),
)
for p, words, shift in marks:
    axes.plot(p, -np.log(p), "o", color=style.VERMILLION, clip_on=False)
    axes.annotate(words, (p, -np.log(p)), xytext=shift, textcoords="offset points", va="center")
style.label(axes, x="probability given to the true class", y="cross-entropy (nats)", grid="y")
figures.Picture(
    figure,
    "Cross-entropy against the probability of the true class: 0 at probability 1, 2.3 at one "
    "tenth, 6.9 at one in a thousand, without limit towards 0.",
)

# %% [markdown]
# Source: $-\ln p(y \mid x, w)$, where $p(c \mid x, w) = e^{z_c} / \sum_k e^{z_k}$ (softmax)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The loss of one image is minus the logarithm of the probability that the truth got. One
# sure mistake costs more than a hundred good answers gain. An untrained network is at ln 10: if
# your loss starts far above ln C, something is wrong before training begins.
#
# **Ask:** Your loss starts at 12 with ten classes. What happened?
#
# **Likely:** Inputs that were not scaled, or a bad start of the weights.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Weight decay is a belief about weights
#
# Bayes: $\; p(w \mid D) \propto p(D \mid w)\, p(w)$, with a Gaussian prior on every weight.
#
# $$ w_{\text{MAP}} = \underset{w}{\text{arg min}} \;
# \underbrace{\frac{1}{N} \sum_{i=1}^{N} -\ln p(y_i \mid x_i, w)}_{\text{mean cross-entropy}}
# \; + \; \underbrace{\frac{\lambda}{2} \| w \|^2}_{\text{weight decay}} $$
#
# $$ \lambda = \frac{1}{N \sigma^2} $$
#
# The same weight decay, with more images, is a **narrower** prior.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Likelihood gives the cross-entropy, the Gaussian prior gives the square of the weights.
# So what everybody trains with is a maximum a posteriori estimate. It holds for SGD and for
# PyTorch's Adam; AdamW's option of that name is something else.
#
# **Ask:** You get twice the data and keep your belief. What happens to the weight decay?
#
# **Likely:** Halve it. The data speak louder.
#
# **Minutes:** 6

# %% [markdown] slideshow={"slide_type": "slide"}
# ## MAP keeps one network and forgets the others

# %% jupyter={"source_hidden": true}
w = np.linspace(-4, 4, 400)
bumps = ((-2.3, 0.45, 0.8), (0.6, 0.35, 1.0), (2.4, 0.55, 0.7))
posterior = sum(high * np.exp(-((w - at) ** 2) / (2 * wide**2)) for at, wide, high in bumps)
figure = style.canvas(8, 3.0)
axes = style.panels(figure, left=2.5, top=2.2, bottom=2.6)[0][0]
axes.fill_between(w, posterior, color=style.SKY, alpha=0.25)
axes.plot(w, posterior, color=style.BLUE)
top = posterior.argmax()
axes.plot([w[top]] * 2, [0, posterior[top]], color=style.VERMILLION)
axes.plot(w[top], posterior[top], "o", color=style.VERMILLION)
axes.text(w[top], posterior[top] + 0.06, "kept", ha="center", color=style.VERMILLION)
for at, _, high in (bumps[0], bumps[2]):
    axes.text(at, high + 0.06, "explains the digits, too", ha="center", color=style.SOFT)
axes.set(ylim=(0, 1.2), xticks=[], yticks=[])
style.label(axes, x="networks (a sketch in one dimension)", y="posterior")
figures.Picture(
    figure,
    "Sketch of a posterior with three peaks over the networks: MAP keeps the highest one, the two "
    "others explain the digits, too, and are lost.",
)

# %% [markdown]
# Source: a sketch; the real posterior has as many dimensions as parameters

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Training heads for one point. All other networks that explain the digits equally well,
# but might answer differently to a sandal, are lost. Chapter 4 will bring some of them back.
#
# **Ask:** What would the others tell you about a sandal?
#
# **Likely:** Different things. That difference would be useful to know.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A schedule that does not run raises no error

# %% jupyter={"source_hidden": true}
import torch

from course_utils.networks.training import one_cycle_sgd


def rates(per_epoch):
    """Learning rates of 5 epochs of 8 steps, if the schedule moves on so often in an epoch."""
    recipe = one_cycle_sgd(torch.nn.Linear(1, 1), num_steps=40)
    optimizer, schedule = recipe["optimizer"], recipe["lr_scheduler"]["scheduler"]
    seen = []
    for step in range(1, 41):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if per_epoch == 8 or (per_epoch == 1 and step % 8 == 0):
            schedule.step()
    return {"step": np.arange(1, 41), "rate": seen}


figures.training_curves(
    {"right": rates(8), "wrong key": rates(0), "wrong interval": rates(1)},
    metrics={"rate": "learning rate"},
    x="step",
)

# %% [markdown]
# Lightning wants the key `lr_scheduler`, and in it the interval `step`.
#
# Source: one-cycle schedule, Smith and Topin (2017)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The key must be lr_scheduler, the interval must be step. The tutorial that this course
# descends from wrote "scheduler": its schedule never ran. Both wrong networks learn, slowly, and
# nobody would know why they are worse. Look at the learning rate, not at the code that should set
# it.
#
# **Ask:** How would you have noticed?
#
# **Likely:** By plotting it. The log has a column for it if you ask.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The last stretch, with small steps, pays

# %% jupyter={"source_hidden": true}
figures.training_curves({"LeNet": zoo.log("short-lenet")}, x="step")

# %% [markdown]
# Source: the log of a LeNet of the zoo, trained for three epochs as in the notebook

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The training loss is noisy: each point is one batch. The validation NLL is the same
# quantity on digits that the network does not train on. The last stretch, where the learning rate
# is small, often brings a late improvement.
#
# **Ask:** What would overfitting look like here?
#
# **Likely:** The validation curve turns up while the training loss still falls.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Each row of the table asks something else

# %% jupyter={"source_hidden": true}
rows = (
    ("Are the answers right?", "Accuracy", "test.accuracy"),
    ("Are the probabilities good?", "NLL", "test.nll"),
    ("", "Brier score", "test.brier"),
    ("Does 90 % mean nine in ten?", "ECE", "test.ece"),
    ("Does it sort right from wrong?", "AURC", "test.aurc"),
    ("Does it sort digits from clothes?", "AUROC", "ood.max-probability.auroc"),
    ("", "FPR95", "ood.max-probability.fpr95"),
    ("What does it cost?", "Parameters", "parameters"),
)
pd.DataFrame(
    {"measure": [row[1] for row in rows]}
    | {"LeNet, three epochs": [str(ledger.value(f"short-lenet.{row[2]}")) for row in rows]},
    index=[row[0] for row in rows],
)

# %% [markdown]
# Source: results ledger, 10,000 test digits and as many clothes; 95 % bootstrap intervals

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Six questions. Accuracy does not care how sure it was. NLL and Brier score are strictly
# proper: on average they are best for the true probabilities, and only for those. ECE compares
# confidence with share of right answers. AURC and AUROC only look at the order.
#
# **Ask:** A network that always answers with the class frequencies: which rows look good?
#
# **Likely:** ECE is perfect, and everything else is useless. Never report ECE alone.
#
# **Minutes:** 6

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Below the diagonal it promises too much

# %% jupyter={"source_hidden": true}
figures.reliability_diagram({"LeNet": lenet, "modest": modest})

# %% [markdown]
# Source: LeNet of three epochs; modest: trained on few digits without crops

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** First look at the lower panel, its axis is logarithmic: most answers are very confident.
# Pale markers are bins with fewer than twenty images, mostly chance. Only where the diagonal leaves
# the interval does a bin say anything. This is no fair comparison of methods, the modest network
# learned from few digits; it is here because it errs enough to show something.
#
# **Ask:** Which of the two would you rather have as a colleague?
#
# **Likely:** The one on the diagonal, if it is right as often.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pairs that share strokes are confused first

# %% jupyter={"source_hidden": true}
figures.confusion_matrix(modest)

# %% [markdown]
# Source: the modest LeNet on test digits; only errors are coloured

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Rows are the truth, columns the answers. The usual suspects are 4 and 9, 3 and 5, 7 and
# 2. A matrix says *what* is confused. It does not say whether the network was in doubt.
#
# **Ask:** If 4 and 9 must never be confused, is this the matrix you need?
#
# **Likely:** One also needs the confidences of exactly these.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## These mistakes a threshold would catch last

# %% jupyter={"source_hidden": true}
figures.misclassified_gallery(digits.images, lenet, limit=8)

# %% [markdown]
# Source: the mistakes of LeNet of which it was surest

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Look at each one before you read the label. Some are digits that nobody can read with
# certainty: there the honest answer is doubt. Others are plain.
#
# **Ask:** Which of these would you have read rightly?
#
# **Likely:** Three or four of them. A low confidence for the others would be good judgement.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Answer only when sure, and the risk falls

# %% jupyter={"source_hidden": true}
curves = {
    name: selective.risk_coverage(scores.max_probability(model), model.correct)
    for name, model in {"LeNet": lenet, "modest": modest}.items()
}
figures.risk_coverage_curves(curves)

# %% [markdown]
# Source: selective classification, Geifman and El-Yaniv (2017)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Read it from right to left. At full coverage the risk is the error rate. Going left, the
# least confident images are referred, and the risk falls, because mistakes are more frequent among
# them. AURC, coverage at 5 % risk and risk at 80 % coverage are three ways of reading this curve.
#
# **Ask:** Why is the far left end so nervous?
#
# **Likely:** Few images are answered there: one sure mistake makes a peak.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take the threshold into your own hand

# %% jupyter={"source_hidden": true}
from course_utils.widgets import risk_coverage_explorer

risk_coverage_explorer({"modest": modest, "LeNet": lenet}, digits.images)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Live: drag the point on the curve; coverage, risk and threshold follow. Below stand the
# last digits that are still answered and the first ones that go to a person.
#
# **Ask:** How far must I go until half of the mistakes are gone? Call out a coverage.
#
# **Likely:** Most guess far too low. Drag slowly from the right, and let them see.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Some clothes it takes for digits, and is sure

# %% jupyter={"source_hidden": true}
uncertainty, on_clothes = scores.max_probability(lenet), scores.max_probability(lenet_on_clothes)
figures.score_histograms(
    uncertainty, lenet.correct, on_clothes, score_name="1 - confidence", ood_name="clothes"
)

# %% [markdown]
# Source: LeNet of three epochs; digits and clothes one to one

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each group is scaled to its own size, and the axis is logarithmic. Right answers pile up
# at the left, most mistakes and most clothes lie further right. But some clothes lie far to the
# left, too: of these it is as sure as of digits.
#
# **Ask:** Where would you put a threshold that stops the clothes?
#
# **Likely:** No place stops them all. Where colours overlap, no threshold separates them.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## It has no word for "none of these"

# %% jupyter={"source_hidden": true}
most_sure = on_clothes.argsort()[: len(clothes) // 10]
figures.sample_grid(
    clothes.images[most_sure],
    lenet_on_clothes.predicted[most_sure],
    class_names=figures.DIGITS,
    per_class=24,
)

# %% [markdown]
# Source: the tenth of the clothes of which LeNet is surest, by the digit it names

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each row is the digit that it named. The softmax must hand out all its probability among
# the ten digits, so the best of ten bad fits may get nearly everything. Remember the rule that
# counts grey pixels: the notebook sets both AUROCs side by side.
#
# **Ask:** Do you find some sense in its choice?
#
# **Likely:** Some. Trousers as the digit 1. But sense does not help: no answer can be right.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now you: write it, then read it
#
# **Open chapter 2** (forty minutes, in pairs)
#
# - **2.1** Write LeNet
# - **2.3** The loss, from logits that would overflow
# - **2.5** The training loop
# - **2.6** The same with a routine and a trainer
#
# **Then chapter 3:** **3.2** a point in the diagram, **3.3** the calibration error
#
# **Next:** one network is one opinion. Chapter 4 asks several.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** `check()` tells you what is wrong, `hint()` helps three times, `solution()` shows all.
# Start with 2.1. If you have trained networks before, begin at 2.6.
#
# **Ask:** At the end, on 3.2: over- or underconfident, and by how much does it add to the ECE?
#
# **Likely:** Some forget to weight the gap with the share of images in the bin.
#
# **Minutes:** 40
