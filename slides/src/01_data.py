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

from course_utils import figures
from course_utils.figures import style
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.metrics.detection import auroc

style.use("slides")
matplotlib.rcParams.update(style.current().rc)  # for the figures that are drawn in this deck
train, validation, test = (load_mnist(split) for split in ("train", "val", "test"))
clothes = load_fashion_mnist("val")
class_means = np.stack([train.images[train.labels == c].mean(axis=0) for c in range(10)])


def typical(digit):
    """The training image nearest to the mean of its class."""
    candidates = train.images[train.labels == digit]
    return candidates[((candidates - class_means[digit]) ** 2).sum(axis=(1, 2)).argmin()]


# %% [markdown] slideshow={"slide_type": "slide"}
# # 1. Data
#
# What a network can know begins and ends with its images
#
# Chapter 1: what it sees, what it will never have seen, and how not to fool oneself

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** No network in this chapter. We look at what it will be fed, because that decides what it
# can know. And we learn the one rule that all later numbers rest on.
#
# **Ask:** What would you check first when somebody hands you a data set?
#
# **Likely:** Missing values, classes, a few examples. Few say "who wrote it".
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## These numbers are all that the network gets

# %% jupyter={"source_hidden": true}
zero = train.images[train.labels == 0][0]
figure = style.canvas(8, 3.3)
left, right = style.panels(
    figure, columns=(1, 1.45), left=0.5, right=0.5, top=0.8, bottom=0.8, gap_x=2.5
)[0]
style.bare(left).imshow(255 - zero, cmap="gray", vmin=0, vmax=255)
every_second = zero[4:24:2, 4:24:2]
style.bare(right).imshow(255 - every_second, cmap="gray", vmin=-255, vmax=255, aspect="auto")
for row, numbers in enumerate(every_second):
    for column, number in enumerate(numbers):
        right.text(column, row, number, ha="center", va="center_baseline")
figures.Picture(
    figure,
    "A handwritten zero, and beside it every second number of its middle, as a table: 0 is paper, "
    "255 is full ink; the large numbers form a ring.",
)

# %% [markdown]
# Source: MNIST, LeCun et al. (1998); every second row and column of the middle

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** On the left what we see, on the right what it gets: whole numbers from 0, paper, to 255,
# full ink. Find the ring in the numbers. Twenty-eight by twenty-eight of them, and nothing else.
#
# **Ask:** What do you know about this image that is not in the table?
#
# **Likely:** That somebody wrote it, which way is up, that there are other things than digits.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Ten classes, and every hand is different

# %% jupyter={"source_hidden": true}
figures.sample_grid(train.images, train.labels, per_class=24)

# %% [markdown]
# Source: MNIST training digits, drawn at random

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** One row per class. Ones lean, sevens may have a bar, some fours are closed at the top
# like nines. On the right the counts: no class is rare, so none can hide its errors in the
# accuracy.
#
# **Ask:** Which of these would you not bet on?
#
# **Likely:** A four that is a nine, a seven that is a one. Doubt is reasonable here, also for us.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same ten answers for a sandal? None is right

# %% jupyter={"source_hidden": true}
figures.sample_grid(clothes.images, clothes.labels, class_names=figures.FASHION, per_class=20)

# %% [markdown]
# Source: Fashion-MNIST, Xiao et al. (2017)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Same size, same grey values, ten classes of clothes. It was made as a harder MNIST. We
# use it as images for which no answer of a digit classifier can be right.
#
# **Ask:** Which piece looks most like a digit to you?
#
# **Likely:** A trouser leg is a fair 1, a sandal has the strokes of a 5.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Out of distribution: from another world
#
# Training images are draws from a distribution $p(x, y)$ of images and labels.
#
# - **In-distribution:** a fresh draw from the same $p$, like the test digits
# - **Out-of-distribution (OOD):** a draw from another one, like the clothes
#
# Here the true label is not even among the ten.
#
# The only good reaction is **doubt**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** This word will come back in every chapter. It is about where an image comes from, not
# about how hard it is. A terrible 4 is in-distribution. A beautiful shoe is not.
#
# **Ask:** A digit 4, photographed in the dark: in or out?
#
# **Likely:** They disagree, rightly. It is shifted: the label is still one of the ten. Chapter 10.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Counting grey pixels finds most clothes


# %% jupyter={"source_hidden": true}
def share_of_grey(images):
    """Share of pixels strictly between paper and full ink, for each image."""
    return ((images > 0) & (images < 255)).mean(axis=(1, 2))


groups = {"digits": share_of_grey(validation.images), "clothes": share_of_grey(clothes.images)}
found = auroc(groups["digits"], groups["clothes"])
figure = style.canvas(8, 3.2)
axes = style.panels(figure, top=2.4)[0][0]
looks = {"digits": (style.BLUE, "solid"), "clothes": (style.PURPLE, "dashed")}
for name, values in groups.items():
    color, line = looks[name]
    common = {"bins": np.linspace(0, 1, 51), "weights": np.full(len(values), 100 / len(values))}
    axes.hist(values, color=color, alpha=0.25, **common)
    axes.hist(values, histtype="step", color=color, linestyle=line, label=name, **common)
axes.legend(loc="upper right", title=f"AUROC {found:.3f}", title_fontsize=style.current().text)
style.label(axes, x="share of grey pixels in the image", y="% of group", grid="y")
figures.Picture(
    figure,
    f"Histograms of the share of grey pixels for {len(validation):,} digits and {len(clothes):,} "
    f"clothes; clothes have more. AUROC {found:.3f}.",
)

# %% [markdown]
# Source: a rule that learns nothing; validation digits and clothes

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The AUROC is the probability that a random piece of clothing scores higher than a random
# digit. 1 is perfect, one half is guessing. This rule has learned nothing and knows no digits. So
# this is an *easy* OOD test: who fails here has a problem, who passes has not proved much.
#
# **Ask:** What will you ask the next paper that reports an AUROC on this pair?
#
# **Likely:** "Against which images, and what does a simple rule reach?"
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A good augmentation keeps the label true

# %% jupyter={"source_hidden": true}
generator = np.random.default_rng(0)
originals = np.stack([typical(digit) for digit in (2, 6, 7)])
padded = np.pad(originals, ((0, 0), (4, 4), (4, 4)))
corners = generator.integers(9, size=(len(originals), 9, 2))
crops = np.stack(
    [
        [image[y : y + 28, x : x + 28] for y, x in places]
        for image, places in zip(padded, corners, strict=True)
    ]
)
figures.augmentation_sheet(originals, crops, name="nine random crops, border of 4 pixels")

# %% [markdown]
# Source: the course's random crop; each digit is the most typical of its class

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A border of four pixels, then a window at a random place. The digit only moves. MNIST
# leaves a margin of about four pixels, so hardly any ink is lost.
#
# **Ask:** From which border on would you refuse to read some?
#
# **Likely:** Somewhere beyond eight. They try it in the notebook.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A bad one teaches wrong answers

# %% jupyter={"source_hidden": true}
originals = np.stack([typical(digit) for digit in (2, 6)])
changes = (
    lambda image: image[:, ::-1],  # left and right exchanged
    lambda image: image[::-1],  # top and bottom exchanged
    np.rot90,
    lambda image: np.rot90(image, 2),
    lambda image: np.roll(image, 14, axis=1) * (np.arange(28) >= 14),  # half pushed out
)
changed = np.stack([[change(image) for change in changes] for image in originals])
names = ("mirrored", "upside down", "turned by 90°", "turned by 180°", "half pushed out")
figures.augmentation_sheet(originals, changed, name="changes", column_names=names)

# %% [markdown]
# Source: the same typical digits, changed as one would change photographs

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Fine for photographs of cats. But a 6 turned by 180 degrees *is* a 9, and a mirrored 2 is
# a digit that nobody writes. A network trained on these learns wrong labels, or learns to be sure
# where nobody can be.
#
# **Ask:** For which digits is turning by 180 degrees harmless?
#
# **Likely:** 0, 1, 8. So it depends on the class, and the code does not know that.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The best of many guessers looks gifted

# %% jupyter={"source_hidden": true}
candidates = np.array([1, 3, 10, 30, 100, 300, 1_000])
generator = np.random.default_rng(0)
chosen = [generator.binomial(100, 0.1, size=(300, k)).max(axis=1).mean() for k in candidates]
fresh = generator.binomial(100, 0.1, size=(len(candidates), 300)).mean(axis=1)
figure = style.canvas(8, 3.2)
axes = style.panels(figure, right=9, top=1)[0][0]
lines = (
    ("where it\nwas chosen", chosen, style.VERMILLION, "o"),
    ("on fresh\ndigits", fresh, style.BLUE, "s"),
)
for name, hits, color, marker in lines:
    axes.semilogx(candidates, hits, color=color, marker=marker)
    axes.text(1_250, hits[-1], name, color=color, va="center")
axes.set_xticks(candidates, [f"{k:,}" for k in candidates])
axes.minorticks_off()
axes.set_ylim(0, 26)
style.label(axes, x="number of guessers, of which the best is taken", y="right of 100", grid="y")
figures.Picture(
    figure,
    f"Right answers of the best of 1 to 1,000 guessers among 100 digits: {chosen[0]:.0f} to "
    f"{chosen[-1]:.0f} where it was chosen, {fresh[0]:.0f} to {fresh[-1]:.0f} on fresh digits.",
)

# %% [markdown]
# Source: guessers who answer 100 digits at random; means over 300 repetitions

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each of them guesses without looking; each one's true accuracy is one in ten. We keep the
# best. On the digits where it was chosen it looks about twice as good as chance. On fresh digits
# the advantage is gone: it was never there.
#
# **Ask:** Where in your own work is the number of candidates?
#
# **Likely:** Hyperparameters, seeds, features, and every paper that was not published.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## So we keep three sets, and open the last one once

# %% jupyter={"source_hidden": true}
parts = {"train": ("fit the weights", train), "val": ("make choices", validation)}
parts["test"] = ("report, once", test)
figure = style.canvas(8, 2.6)
axes = style.bare(style.panels(figure, left=0.5, right=0.5, top=0.5, bottom=0.5)[0][0])
look = {"train": style.SKY, "val": style.ORANGE, "test": style.BLUE}
longest = max(len(images) for _, images in parts.values())
for row, (split, (use, images)) in enumerate(parts.items()):
    axes.barh(-row, len(images) / longest, height=0.5, left=0.5, color=look[split])
    axes.text(0.47, -row, f"{split}: {use}", ha="right", va="center")
    axes.text(0.515 + len(images) / longest, -row, f"{len(images):,}", va="center")
axes.set(xlim=(0, 1.72), ylim=(-2.5, 0.5))
figures.Picture(
    figure,
    "Three sets of digits: "
    + ", ".join(f"{split} {len(i):,}, to {use}" for split, (use, i) in parts.items())
    + ".",
)

# %% [markdown]
# **Fit on train, choose on validation, report on test, once.**
#
# Source: the course's own split of MNIST's 70,000 digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** This is the rule of the course. The 5,000 validation digits are fixed, and no network
# that we ship has seen one in training. torchvision knows train and test only: its 60,000 training
# digits are our 55,000 and these 5,000. The notebook checks that.
#
# **Ask:** You looked at the test score, changed the learning rate, and looked again. What now?
#
# **Likely:** The test set has become a validation set. Say so, or get a new one.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Few digits, wide doubt

# %% jupyter={"source_hidden": true}
sizes = np.array([300, 1_000, 5_000, 10_000])
errors = np.sqrt(0.01 * 0.99 / sizes) * 100  # standard error in percentage points
figure = style.canvas(8, 2.9)
axes = style.panels(figure, left=6, top=0.8)[0][0]
axes.axvline(1, color=style.REFERENCE, linestyle="dashed", linewidth=style.current().thin)
axes.errorbar(np.ones(len(sizes)), -np.arange(len(sizes)), xerr=errors, fmt="o", color=style.BLUE,
              capsize=8, markersize=12, elinewidth=4)  # fmt: skip
axes.set_yticks(-np.arange(len(sizes)), [f"{size:,}" for size in sizes])
axes.set_ylim(-len(sizes) + 0.4, 0.6)
style.label(
    axes, x="error rate (%): one in a hundred, plus and minus one standard error", y="digits"
)
shown = ", ".join(f"{size:,}: {error:.2f}" for size, error in zip(sizes, errors, strict=True))
figures.Picture(
    figure,
    f"Standard error, in percentage points, of a measured error rate of 1 %, by digits: {shown}.",
)

# %% [markdown]
# Source: $\sqrt{e (1 - e) / n}$ for an error rate $e$ measured on $n$ images

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Suppose a network errs once in a hundred. With a thousand digits the standard error is
# about a third of the error rate itself: on a thousand digits, small differences between two
# networks mean little.
#
# **Ask:** How many digits would you need to make the bar ten times as short?
#
# **Likely:** "Ten times" is the first guess; it is a hundred times.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The first half of MNIST's test file is harder

# %% jupyter={"source_hidden": true}
means = class_means.reshape(10, -1)
pixels = test.images.reshape(len(test), -1).astype(float)
# |x - m|² = |x|² - 2 x·m + |m|², and |x|² is the same for all classes
wrong = ((means**2).sum(axis=1) - 2 * pixels @ means.T).argmin(axis=1) != test.labels
halves = [100 * half.mean() for half in np.array_split(wrong, 2)]
figure = style.canvas(8, 2.5)
axes = style.panels(figure, left=8, right=5, top=0.8)[0][0]
axes.barh([0, -1], halves, height=0.55, color=[style.VERMILLION, style.BLUE])
axes.set_yticks([0, -1], ["first half", "second half"])
for row, value in enumerate(halves):
    axes.text(value + 0.3, -row, f"{value:.1f} %", va="center")
style.label(axes, x="errors (%) of the nearest mean image")
figures.Picture(
    figure,
    f"Errors of a nearest-mean classifier: {halves[0]:.1f} % in the first half of MNIST's test "
    f"digits, {halves[1]:.1f} % in the second.",
)

# %% [markdown]
# Source: who wrote the digits: Yadav and Bottou (2019)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A very simple classifier: the nearest mean image. The first half of the test file is much
# harder. The likely reason is who wrote it: high-school students first, employees of the Census
# Bureau second. For good networks the ratio is larger still.
#
# **Ask:** What does a score on "the first thousand test images" tell you?
#
# **Likely:** The score of students' digits: they come from the harder half. Draw at random, or take
# all.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training meets the images in batches

# %%
from course_utils.images import batches, torchvision_root

loader = batches(train, batch_size=128, shuffle=True, crop_padding=4, seed=0)
images, labels = next(iter(loader))

print("images:", tuple(images.shape), "  labels:", tuple(labels.shape))
print(f"mean {images.mean():.2f}, standard deviation {images.std():.2f}")

# %% [markdown]
# Source: images, channels, rows, columns; scaled with the two constants of MNIST

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A batch is one table with four axes. The grey values are scaled to mean 0 and standard
# deviation 1, with the *same* two constants for every image, also for clothes: a new image does not
# get its own scale. The notebook writes the familiar Dataset and DataLoader beside it, shows that
# both give the same batches, and times them.
#
# **Ask:** Why is there an axis of length 1?
#
# **Likely:** Channels: the images are grey. Colour would make it 3.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A ready-made loader has two traps

# %%
from torch_uncertainty.datamodules import MNISTDataModule

datamodule = MNISTDataModule(torchvision_root(), batch_size=128, eval_ood=True)
datamodule.setup()
for role in ("val", "test", "ood"):
    part = getattr(datamodule, role)
    print(f"{role}: {len(part):,} of {type(part).__name__}, train={part.train}")

# %% [markdown]
# - Without `val_split`, **validation is the test set**
# - Its OOD images are Fashion-MNIST's **60,000 training images**

# %% [markdown]
# Source: torch-uncertainty 0.13, asked on the spot

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Two lines, convenient, and no error message. A library is not wrong because it has
# defaults. You are wrong if you do not look at them. The notebook prints which file each part uses.
#
# **Ask:** Which of the two traps would a reviewer notice?
#
# **Likely:** Neither, from the numbers alone.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now you: stretch it until it breaks
#
# **Open chapter 1** (ten minutes)
#
# - Set the `padding` of the nine crops from 4 to 12: when would *you* refuse to read?
# - Set `num_digits` of the guessers from 100 to 1,000: what happens to the gap?
#
# **Next:** chapter 2 trains LeNet, and asks what no guesser can answer: does it know when it is
# wrong?

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Work in pairs, one types and one predicts. Write your prediction down before you run the
# cell.
#
# **Ask:** After ten minutes: what happened to the gap with 1,000 digits, and why?
#
# **Likely:** It shrinks, about with the root of the number of digits. It does not vanish.
#
# **Minutes:** 12
