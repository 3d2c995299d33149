# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
import base64
import io

import numpy as np
from IPython.display import HTML
from PIL import Image

from course_utils import figures
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.metrics import ledger, scores, selective
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

figures.style.use("slides")
digits = load_mnist("test")
clothes = load_fashion_mnist("test")
single = predict(zoo.load("modest-lenet-0"), digits)
single_on_clothes = predict(zoo.load("modest-lenet-0"), clothes)
eight = predict(zoo.load("modest-deep-ensemble-8"), digits)
eight_on_clothes = predict(zoo.load("modest-deep-ensemble-8"), clothes)

# %% [markdown] slideshow={"slide_type": "slide"}
# # When to trust a classifier
#
# Why a confident machine is not enough
#
# A course on calibration, ensembles, Packed-Ensembles, and on deciding when to answer

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Today we train small networks, and then we spend most of the time on what they do not
# know. Everything you see on these slides was computed by the notebooks you have in front of you.
#
# **Ask:** Who has used the output of a softmax as a probability? Who has checked it?
#
# **Likely:** Many hands, then few.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network names a digit, whatever you show it

# %% jupyter={"source_hidden": true}
most_convincing = int(scores.max_probability(single_on_clothes).argmin())
shown = np.kron(255 - clothes.images[most_convincing], np.ones((30, 30), np.uint8))
file = io.BytesIO()
Image.fromarray(shown).save(file, "PNG")
name = figures.FASHION[clothes.labels[most_convincing]]
(answer,) = single_on_clothes.probabilities[most_convincing]
HTML(
    '<div style="display:flex;align-items:center;justify-content:center;gap:60px">'
    f'<img width="450" alt="{name}, image {most_convincing} of Fashion-MNIST\'s test set" '
    f'src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    '<div style="line-height:1.15"><div style="font-size:190px;font-weight:700">'
    f'{answer.argmax()}</div><div style="font-size:64px;white-space:nowrap">'
    f"{figures.style.percent(float(answer.max())).replace('<', '&lt;').replace('>', '&gt;')}"
    "</div></div></div>"
)

# %% [markdown]
# Source: a LeNet trained on 2,000 digits; Fashion-MNIST (Xiao et al., 2017)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** There are ten outputs and they must add up to one. "None of these" is not among them. So
# the network does the only thing it can: it picks the digit that fits least badly.
#
# **Ask:** What would you want it to say?
#
# **Likely:** "I don't know." That is the whole course.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Some of its errors look as sure as right answers

# %% jupyter={"source_hidden": true}
wrong = np.flatnonzero(~single.correct)
surest = wrong[scores.max_probability(single)[wrong].argsort()[:6]]
figures.misclassified_gallery(digits.images, single, indices=surest)

# %% [markdown]
# Source: the errors of this LeNet on test digits of which it was surest

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** These are picked: of all its errors, the ones about which the network was most confident.
# A threshold would catch them last. Look at the digits yourself before you read the labels.
#
# **Ask:** Which of these would you have read rightly? Which could nobody?
#
# **Likely:** Most are easy for a person. One or two are not.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Confidence is a claim, and a claim can be checked

# %% jupyter={"source_hidden": true}
figures.reliability_diagram({"LeNet": single, "DE-8": eight})

# %% [markdown]
# Source: modest networks (2,000 digits); calibration after Guo et al. (2017)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Take all digits to which the network gave about 80 %. Is it right on 80 % of them? Points
# below the line: more confident than right. Chapter 3 computes this, chapter 9 repairs it.
#
# **Ask:** Which is worse, to be above or below the line?
#
# **Likely:** "Below, it promises too much." For a decision, both cost.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Several networks can contradict each other. That is the point

# %% jupyter={"source_hidden": true}
disputed = int(scores.mutual_information(eight).argmax())
figures.disagreement_sheet(
    digits.images[disputed],
    eight.probabilities[disputed],
    label=int(digits.labels[disputed]),
)

# %% [markdown]
# Source: Lakshminarayanan et al. (2017); the split of the entropy: Depeweg et al. (2018)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Eight networks, trained alike from different random weights. Each row is one of them. The
# average hesitates although each member may be sure. The bar on the right splits the doubt in two:
# what each hesitates about, and what they contradict each other about.
#
# **Ask:** What would one network alone have told you here?
#
# **Likely:** One row: a confident answer.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The average is better than its members, and more careful

# %% jupyter={"source_hidden": true}
import pandas as pd

rows = {
    "Accuracy": "test.accuracy",
    "NLL": "test.nll",
    "Calibration error": "test.ece",
    "Answers at 1 % risk": "test.coverage-at-1-percent-risk",
}
models = {"one LeNet": "modest-lenet-0", "eight together": "modest-deep-ensemble-8"}
pd.DataFrame(
    {
        title: {row: str(ledger.value(f"{name}.{key}")) for row, key in rows.items()}
        for title, name in models.items()
    }
)

# %% [markdown]
# Source: results ledger of the course, 10,000 test digits, 95 % bootstrap intervals

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Same data, same recipe, eight seeds. The last row is the one that pays: how much of the
# work can be left to the machine if one error in a hundred answers is allowed.
#
# **Ask:** What does this cost?
#
# **Likely:** Eight times the training and eight times the computing. Which leads to the next slide.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One network can hold four opinions

# %% jupyter={"source_hidden": true}
figures.packed_diagram(num_members=4, alpha=2)

# %% [markdown]
# Source: Packed-Ensembles, Laurent et al. (ICLR 2023)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Four narrow networks side by side are one network with groups. Chapter 6 takes it apart
# and finds four small LeNets in it, equal up to rounding.
#
# **Ask:** Why does half the width cost a quarter of the weights?
#
# **Likely:** A layer connects inputs with outputs, and both were halved.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A doubt is useful if the errors come last

# %% jupyter={"source_hidden": true}
curves = {
    name: selective.risk_coverage(scores.max_probability(model), model.correct)
    for name, model in {"LeNet": single, "DE-8": eight}.items()
}
figures.risk_coverage_curves(curves)

# %% [markdown]
# Source: selective classification, Geifman and El-Yaniv (2017); modest networks

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Sort the digits from sure to unsure. Answer only the surest share, the coverage, and
# count the errors among the answered, the risk. Where the curve is low the machine may work alone.
#
# **Ask:** How do you read off what can be answered with at most 1 % errors?
#
# **Likely:** A horizontal line at 1 %, and down to the axis.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does silence cost? You decide

# %% jupyter={"source_hidden": true}
from course_utils.widgets import abstention_desk

validation = load_mnist("val")
abstention_desk(
    {
        "LeNet": predict(zoo.load("modest-lenet-0"), validation),
        "DE-8": predict(zoo.load("modest-deep-ensemble-8"), validation),
    },
    {"LeNet": single, "DE-8": eight},
)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A mail-sorting desk. A wrong delivery costs ten, asking a person costs one. Let the room
# call out a threshold, set it, and open the test set once.
#
# **Ask:** What if a wrong delivery costs a hundred?
#
# **Likely:** Answer less. Set the cost in another round, and compare the two rows.
#
# **Minutes:** 6

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And what was never a digit?

# %% jupyter={"source_hidden": true}
figures.score_histograms(
    scores.entropy(eight),
    eight.correct,
    scores.entropy(eight_on_clothes),
    score_name="entropy of the mean (nats)",
    ood_name="clothes",
)

# %% [markdown]
# Source: eight modest LeNets; digits and clothes one to one

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Right answers left, clothes right, wrong answers somewhere between. Where the colours
# overlap, no threshold on this score separates them.
#
# **Ask:** Where would you put the threshold?
#
# **Likely:** It depends on the costs, and on how many clothes come. Both are chapter 8.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Six chapters, one question: when may it answer?
#
# | | chapter | the question |
# | --- | --- | --- |
# | 1 | Data | What will it never have seen? |
# | 2 | LeNet | What is one network worth, row by row? |
# | 3 | Deep Ensembles | What do several know that one does not? |
# | 4 | Packed-Ensembles | Must that cost several times as much? |
# | 5 | Selective classification | When to answer, when to ask a person? |
# | 6 | Going further | What if the world changes? |

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each chapter is a notebook that runs on your laptop in a minute or two. You can start at
# any of them.
#
# **Ask:** Does everybody have `make run` behind them?
#
# **Likely:** Most. Pair the others with a neighbour, and send them to the room's stick.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## This evening you can
#
# - say what a probability from a network is worth, and **check it**
# - build an ensemble three ways, and state **what each costs**
# - split a doubt into **hesitation** and **contradiction**
# - choose a threshold on validation, and defend it **on test**
# - recognise an evaluation that **flatters itself**

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** We come back to this list at the end, with a quiz.
#
# **Ask:** Which of these have you needed at work?
#
# **Likely:** The threshold, usually.
#
# **Minutes:** 2
