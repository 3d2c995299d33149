# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. Data
#
# A neural network will answer any question you put to it. Show it a handwritten 4 and it says "4".
# Show it a sandal and it still names one of the ten digits, often with great confidence. This
# course is about knowing when to believe the answer. We start with the images, because what a
# network can know begins and ends there.
#
# **Questions**
#
# - What does the network see, and what will it never have seen?
# - Which changes of an image leave its label true?
# - Why do we need three sets of images, not two?
#
# **Objectives.** After this chapter you can
#
# - describe MNIST and Fashion-MNIST by their classes, counts and pixel statistics;
# - draw a random crop, and name changes that would make a label false;
# - show with a few lines of code how choosing on the test set flatters the winner, and check that
#   two sets share no image;
# - load images in batches in two ways, and say what each costs;
# - say what "out-of-distribution" means here, measure how well a score finds it, and name two traps
#   in a ready-made loader.
#
# **Time.** About 30 minutes to read and play, and as long for the exercises. The code needs less
# than half a minute; nothing is trained yet.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Is this machine ready?
#
# The next cell looks at what the course needs, and forecasts how long the chapters will compute
# here.

# %%
from course_utils.health import doctor

doctor.report()

# %% [markdown]
# ## Where the images come from
#
# We ask for MNIST in three parts: one to train on, one to make choices with (`val`, for
# validation), and one to report on (`test`).

# %%
from course_utils.images import load_mnist

data_train = load_mnist("train")
data_val = load_mnist("val")
data_test = load_mnist("test")
[data_train, data_val, data_test]

# %% [markdown]
# Together these are all 70,000 digits of MNIST. They come with the course, as do all the images of
# Fashion-MNIST further down: nothing is downloaded, and your test scores can be compared with
# published ones.

# %% [markdown]
# ## MNIST: the digits the network will know
#
# MNIST is a set of handwritten digits in ten classes (LeCun et al., 1998). Each image is a table
# of 28 by 28 whole numbers. 0 is paper and 255 is full ink. Here is a zero: every second row and
# column of its middle.

# %%
first_zero = data_train.images[data_train.labels == 0][0]
print("shape:", first_zero.shape, "  type:", first_zero.dtype)
print(first_zero[4:24:2, 4:24:2])

# %% [markdown]
# Observe the ring. Numbers like these are all the network ever gets. We prefer pictures. One row
# per class, drawn at random from the training digits:

# %%
from course_utils import figures

figures.sample_grid(data_train.images, data_train.labels, per_class=16, seed=0)

# %% [markdown]
# Observe how much one class varies: ones lean, sevens may have a bar, some fours are closed at the
# top like nines. The same grid shows where doubt is reasonable. A reader who is never unsure about
# these digits is not looking.

# %% [markdown]
# ### How many of each?
#
# If one class were rare, accuracy could hide that the network fails on it. So we count.

# %%
import numpy as np
import pandas as pd

digits = {"train": data_train, "val": data_val, "test": data_test}
class_counts = pd.DataFrame(
    {split: np.bincount(images.labels, minlength=10) for split, images in digits.items()}
)
class_counts.rename_axis("digit").T

# %% [markdown]
# No class is rare. Among the training and test digits the counts differ a little, with 1 the most
# frequent. The validation digits have exactly 500 of each class, because they were chosen that way.

# %% [markdown]
# ### How bright?
#
# Networks learn faster when their inputs have mean 0 and standard deviation 1 (LeCun et al.,
# *Efficient BackProp*, 1998). So every grey value $g$ becomes
#
# $$ x = \frac{g / 255 - \text{MEAN}}{\text{STD}}. $$
#
# The two constants are the customary ones for MNIST's training set. We check them against our
# images.

# %%
from course_utils.images import MEAN, STD

statistics = pd.DataFrame(
    {
        split: {
            "mean": images.images.mean() / 255,
            "standard deviation": images.images.std() / 255,
        }
        for split, images in digits.items()
    }
)
statistics["constant used"] = pd.Series({"mean": MEAN, "standard deviation": STD})
statistics.round(4)

# %% [markdown]
# Observe that the constants fit the training digits, and the other two sets nearly as well. We use
# these same constants for *every* image, also for test images and for clothes. The network was
# built for one input scale; a new image does not get its own.
#
# A detail for the strict: the constants come from all 60,000 training images, so the validation
# digits took part. For two numbers out of 47 million pixels this does no harm. With larger choices
# we will be stricter.

# %% [markdown]
# ## Fashion-MNIST: images the network will not know
#
# Fashion-MNIST has the same format, 28 by 28 grey values in ten classes, but shows clothes (Xiao
# et al., 2017). It was made as a harder replacement for MNIST. We use it for something else: as
# images for which *no* answer of a digit classifier can be right. Its validation part is enough
# for now.

# %%
from course_utils.images import load_fashion_mnist

fashion_val = load_fashion_mnist("val")
figures.sample_grid(fashion_val.images, fashion_val.labels, class_names=figures.FASHION)

# %% [markdown]
# Observe that a trouser leg is a fair 1, and a sandal has strokes like a 5. Most pictures, though,
# look like no digit at all.
#
# ### What "out-of-distribution" means here
#
# Think of the training images as draws from a probability distribution $p(x, y)$ of images and
# labels. An image is **in-distribution** if it is a fresh draw from the same $p$, like the MNIST
# test digits. It is **out-of-distribution** (OOD) if it comes from another distribution. Here the
# change is drastic: the true label is not among the ten the network knows. The only good reaction
# is doubt.
#
# How hard is it to tell the two apart? Before we praise a network for it, we try a rule that
# learns nothing: count the pixels that are neither pure paper nor full ink.


# %%
def share_of_grey(images):
    """Share of pixels strictly between paper and full ink, for each image."""
    return ((images > 0) & (images < 255)).mean(axis=(1, 2))


print(f"digits:  {share_of_grey(data_val.images).mean():.3f}")
print(f"clothes: {share_of_grey(fashion_val.images).mean():.3f}")

# %% [markdown]
# To judge a rule we use the **AUROC**: the probability that a random OOD image gets a higher score
# than a random digit (ties count half). 1 is perfect, 0.5 is guessing.

# %%
from sklearn.metrics import roc_auc_score

is_ood = np.repeat([0, 1], [len(data_val), len(fashion_val)])
score = np.concatenate([share_of_grey(data_val.images), share_of_grey(fashion_val.images)])
print(f"{len(data_val):,} digits, {len(fashion_val):,} clothes")
print(f"AUROC of counting grey pixels: {roc_auc_score(is_ood, score):.3f}")

# %% [markdown]
# Observe how well a rule without any learning does. So Fashion-MNIST is an *easy* OOD test. A
# network that fails here has a problem; a network that passes has not proved much. Keep this
# number in mind when later chapters measure the AUROC of networks.

# %% [markdown]
# ### Exercise 1.1: The AUROC in one line
#
# *About 6 minutes.* Write the AUROC without a library: form all pairs of one digit and one piece
# of clothing. A pair counts 1 if the clothes have the higher score, one half if the two scores are
# equal, and 0 otherwise. Return the mean over the pairs. The scores are two NumPy arrays, one of
# the digits and one of the clothes.
#
# Replace the `...` and run the cell. Take away the `#` of `hint()` in the cell below for the first
# of three hints, run it again for the next.

# %%
from course_utils.exercises.chapter_01 import ex1_1


def auroc(digit_scores, clothes_scores):
    """Probability that random clothes score higher than a random digit; ties count half."""
    return ...


ex1_1.check(auroc)

# %%
# ex1_1.hint()
# ex1_1.solution()

# %% [markdown]
# ## Changing an image without changing its label
#
# More varied training images make a better network. We can make some ourselves, if the label stays
# true. The course uses one such **augmentation**, a random crop: put a border of 4 pixels around
# the image, then cut out a window of 28 by 28 at a random place.
#
# To look at it, we take a typical image of each digit: the one nearest to the mean image of its
# class.

# %%
class_means = np.stack([data_train.images[data_train.labels == c].mean(axis=0) for c in range(10)])
typical_digits = []
for digit in range(10):
    candidates = data_train.images[data_train.labels == digit]
    distances = ((candidates - class_means[digit]) ** 2).sum(axis=(1, 2))
    typical_digits.append(candidates[distances.argmin()])
typical_digits = np.stack(typical_digits)

# %% [markdown]
# Now the border and two of the possible windows. All four pictures have the same scale.

# %%
from matplotlib.patches import Rectangle

padded = np.pad(typical_digits[2], 4)
pictures = {"original": typical_digits[2], "padded": padded}
pictures["solid window"] = padded[1:29, 0:28]
pictures["dashed window"] = padded[6:34, 7:35]

figure = figures.style.canvas(8, 2.3)
row = figures.style.panels(figure, columns=(1,) * 4, left=1, top=2, bottom=0.5, gap_x=1.5)[0]
for axes, (title, image) in zip(row, pictures.items(), strict=True):
    figures.style.label(figures.style.bare(axes), title=title)
    axes.imshow(255 - image, cmap="gray", vmin=0, vmax=255)
    axes.add_patch(Rectangle((-0.5, -0.5), *image.shape, fill=False, color="0.6"))
    border = (36 - len(image)) / 2 + 0.7
    axes.set(xlim=(-border, len(image) - 1 + border), ylim=(len(image) - 1 + border, -border))
for x, y, color, line in ((0, 1, figures.style.BLUE, "-"), (7, 6, figures.style.VERMILLION, "--")):
    window = Rectangle((x - 0.5, y - 0.5), 28, 28, fill=False, edgecolor=color, linestyle=line)
    row[1].add_patch(window)
figures.Picture(
    figure,
    "A digit 2; the same digit in a border of 4 pixels with two windows marked, one at the top "
    "left, one at the bottom right; the two crops, in which the digit has moved.",
)

# %% [markdown]
# Each window is a new training image. Here are three digits, each with nine crops. PyTorch and
# torchvision make them, so we import both now.

# %%
import torch
from torchvision.transforms import v2

padding = 4
random_crop = v2.RandomCrop(28, padding=padding)
torch.manual_seed(0)

originals = typical_digits[[2, 6, 7]]
crops = np.stack(
    [[random_crop(torch.tensor(image[None]))[0].numpy() for _ in range(9)] for image in originals]
)
figures.augmentation_sheet(originals, crops, name=f"nine random crops, padding {padding}")

# %% [markdown]
# Observe that a crop only shifts the digit, by at most 4 pixels in each direction. Is the label
# always safe? MNIST scaled each digit into a box of 20 by 20 and put its centre of mass in the
# middle of the image (LeCun et al., 1998). So around the middle there is a margin of about 4
# pixels. We measure how much of a digit's ink lies outside the middle 20 by 20. No crop can cut
# away more than that.

# %%
ink = data_train.images.sum(axis=(1, 2), dtype=np.int64)
ink_in_the_middle = data_train.images[:, 4:24, 4:24].sum(axis=(1, 2), dtype=np.int64)
ink_at_risk = 1 - ink_in_the_middle / ink
quantiles = pd.Series(ink_at_risk).quantile([0.5, 0.9, 0.99, 1.0]).round(3)
quantiles.rename_axis("share of the digits").to_frame("ink at risk is at most")

# %% [markdown]
# Observe that even the digit most at risk keeps most of its ink, and half of them risk very
# little. The label survives. This is what we require of every augmentation: it makes new images,
# and no false labels.
#
# **Try it.** In the cell with the nine crops, change `padding` from 4 to 12 and run it again. From
# which padding on would *you* refuse to read some of the digits? Then set it back to 4.

# %% [markdown]
# ### Exercise 1.2: How many windows?
#
# *About 2 minutes.* With a border of 4 pixels the image has 36 by 36 pixels. How many different
# windows of 28 by 28 can be cut out of it?

# %%
from course_utils.exercises.chapter_01 import ex1_2

num_windows = ...

ex1_2.check(num_windows)

# %%
# ex1_2.hint()
# ex1_2.solution()

# %% [markdown]
# ### Changes that make the label false
#
# Mirroring is a good augmentation for photographs of cats. For digits it is not. We mirror and
# turn four digits.

# %%
originals = typical_digits[[2, 6, 7, 9]]
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
# Observe that a 6 turned by 180° *is* a 9, and a 9 is a 6: the label is plainly false. A mirrored
# 2 is no digit anybody writes. A digit pushed half out may be anything. A network trained on such
# images learns wrong answers, or learns to be sure where nobody can be.

# %% [markdown]
# ## Why three sets of images
#
# The training set fits the weights. But we also *choose*: a learning rate, a network, a number of
# epochs. If we choose by the score on some images, that score is no longer an honest forecast.
# Here is the effect in its purest form.
#
# We let 1,000 "classifiers" guess: each answers 100 digits at random, without looking. Each one's
# true accuracy is exactly one in ten. We pick the best.

# %%
num_guessers, num_digits = 1_000, 100

generator = np.random.default_rng(seed=0)
digits_to_choose = generator.choice(data_val.labels, size=num_digits, replace=False)
guesses = generator.integers(10, size=(num_guessers, num_digits))
scores = (guesses == digits_to_choose).mean(axis=1)
print(f"accuracy of the best guesser, where it was chosen: {scores.max():.3f}")

# %% [markdown]
# The winner looks about twice as good as chance. Now it guesses fresh digits.

# %%
fresh_guesses = generator.integers(10, size=len(data_test))
fresh_accuracy = (fresh_guesses == data_test.labels).mean()
print(f"accuracy of the same guesser on fresh digits: {fresh_accuracy:.3f}")

# %% [markdown]
# Observe that the advantage is gone. It was never there. The best of many scores is partly luck,
# and luck does not carry over. How does this depend on the number of candidates? We repeat the
# choice 300 times for each number and take means. A guesser's hits among $n$ digits follow a
# binomial distribution, so we can draw them directly.

# %%
num_candidates = np.array([1, 3, 10, 30, 100, 300, 1_000])
hits_when_chosen = [
    generator.binomial(num_digits, 0.1, size=(300, k)).max(axis=1).mean() for k in num_candidates
]
hits_when_fresh = generator.binomial(num_digits, 0.1, size=(len(num_candidates), 300)).mean(axis=1)
accuracies = {
    "where it was chosen": np.array(hits_when_chosen) / num_digits,
    "on fresh digits": hits_when_fresh / num_digits,
}

# %% [markdown]
# The two accuracies of the chosen guesser, side by side:

# %%
figure = figures.style.canvas(8, 3.4)
axes = figures.style.panels(figure, right=14)[0][0]
colors = (figures.style.VERMILLION, figures.style.BLUE)
for (name, values), color, marker in zip(accuracies.items(), colors, "os", strict=True):
    axes.semilogx(num_candidates, values, color=color, marker=marker)
    axes.text(1_200, values[-1], name, color=color, va="center")
axes.set_xticks(num_candidates, [f"{k:,}" for k in num_candidates])
axes.minorticks_off()
axes.set_ylim(0, 0.28)
figures.style.label(
    axes, x="number of guessers, of which the best is chosen", y="accuracy of the best", grid="y"
)
described = "; ".join(f"{v[0]:.2f} to {v[-1]:.2f} {name}" for name, v in accuracies.items())
figures.Picture(figure, f"Accuracy of the best of 1 to 1,000 guessers: {described}.")

# %% [markdown]
# Observe that the more candidates, the larger the gap. For $k$ candidates of equal true accuracy,
# scored on $n$ images, the expected gap is at most $\sqrt{\ln k \, / \, (2n)}$ (it follows from
# Hoeffding's lemma, 1963, with which he proved his inequality). It grows slowly with $k$ and
# shrinks with $n$. Real networks differ in their true accuracy, and they err alike, so the gap is
# smaller. But on average it is never in the other direction: the winner is flattered.
#
# Hence the rule of this course: **fit on train, choose on validation, report on test, once.**
#
# **Try it.** Where `num_digits` is set, change it from 100 to 1,000 and run on from there. What
# happens to the gap?

# %% [markdown]
# ### Exercise 1.3: Do two sets share images?
#
# *About 8 minutes.* Three sets are worth something only if they share no image. Write a function
# that counts how many images of the first array are also somewhere in the second, pixel for pixel.
# An image that stands twice in the first array counts twice. Both arrays are uint8 of shape [N,
# 28, 28].

# %%
from course_utils.exercises.chapter_01 import ex1_3


def num_shared(first, second):
    """How many images of the first array are also in the second."""
    return ...


ex1_3.check(num_shared)

# %%
# ex1_3.hint()
# ex1_3.solution()

# %% [markdown]
# ### How many validation digits are enough?
#
# We train on 55,000 digits, validate on 5,000 and test on 10,000. The 5,000 are fixed: the first
# 500 of each class in MNIST's training file. No network that we ship has seen one of them, or a
# test digit, in training.
#
# An error rate $e$ measured on $n$ images has a standard error of $\sqrt{e (1 - e) / n}$. For a
# network that errs once in a hundred digits:

# %%
sizes = np.array([1_000, 5_000, 10_000])
error_rate = 0.01
standard_error = np.sqrt(error_rate * (1 - error_rate) / sizes)
pd.DataFrame({"images": sizes, "error rate": error_rate, "standard error": standard_error}).round(4)

# %% [markdown]
# With 1,000 digits the uncertainty is about a third of the error rate itself. Remember this
# whenever somebody reports on a thousand images: small differences between two networks mean
# little there.

# %% [markdown]
# ### Exercise 1.4: How many digits for a thousandth?
#
# *About 4 minutes.* A network errs on about one digit in a hundred. How many digits must you test
# it on, so that the standard error of its error rate is one in a **thousand**? (Round as you
# like.)

# %%
from course_utils.exercises.chapter_01 import ex1_4

needed_digits = ...

ex1_4.check(needed_digits)

# %%
# ex1_4.hint()
# ex1_4.solution()

# %% [markdown]
# ### Never take the first part of MNIST's test set
#
# "The first thousand test images" is a tempting shortcut. It is a bad one. We take a very simple
# classifier, which answers with the class whose mean image is nearest, and count its errors in the
# two halves of our test digits.

# %%
means = class_means.reshape(10, -1)
pixels = data_test.images.reshape(len(data_test), -1).astype(float)
# |x - m|² = |x|² - 2 x·m + |m|², and |x|² is the same for all classes.
distances = (means**2).sum(axis=1) - 2 * pixels @ means.T
wrong = distances.argmin(axis=1) != data_test.labels

first_half, second_half = np.array_split(wrong, 2)
print(f"share of errors in the first half:  {first_half.mean():.3f}")
print(f"share of errors in the second half: {second_half.mean():.3f}")

# %% [markdown]
# The first half is much harder. The likely reason is who wrote the digits: the first half was
# written by high-school students, the second by employees of the US Census Bureau (Yadav and
# Bottou, 2019). A score on the first thousand is not the score of MNIST.

# %% [markdown]
# ## Batches
#
# A network is trained on a few images at a time, a **batch**. The course keeps all grey values in
# memory and makes a whole batch at once: pick, crop, normalise.

# %%
from course_utils.images import batches

loader_memory = batches(data_train, batch_size=128, shuffle=True, crop_padding=4, seed=0)
images, labels = next(iter(loader_memory))
print(f"{len(loader_memory)} batches; the first: images {tuple(images.shape)}, {images.dtype}")
print(f"mean {images.mean():.2f}, standard deviation {images.std():.2f}; labels {labels.dtype}")

# %% [markdown]
# Observe the shape: images, channels, rows, columns. There is one channel because the images are
# grey. Mean and standard deviation are near 0 and 1, as intended.
#
# ### The familiar way
#
# You will meet another way in nearly every PyTorch project: a **Dataset**, which returns one image
# with its label, a chain of **transforms**, and a **DataLoader**, which collects them. We write it
# out once. First the transforms.

# %%
to_network = v2.Compose(
    [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),  # grey values from 0 to 1
        v2.Normalize(mean=[MEAN], std=[STD]),
    ]
)
crop_then_to_network = v2.Compose([v2.RandomCrop(28, padding=4), to_network])

# %% [markdown]
# A Dataset needs only two methods: its length, and one item.

# %%
from PIL import Image
from torch.utils.data import DataLoader, Dataset


class DigitDataset(Dataset):
    """Digits one by one, as torchvision's MNIST gives them."""

    def __init__(self, image_set, transform):
        self.image_set, self.transform = image_set, transform

    def __len__(self):
        return len(self.image_set)

    def __getitem__(self, index):
        image, label = self.image_set[index]
        return self.transform(Image.fromarray(image)), label


# %% [markdown]
# torchvision has such a Dataset ready. It looks for MNIST's files in a folder, its `root`.
# `torchvision_root` of this course prepares one from the files that we ship (110 MB, once, in your
# cache), so torchvision has nothing to download.

# %%
from torchvision.datasets import MNIST

from course_utils.images import torchvision_root

root = torchvision_root()
mnist = MNIST(root, train=True, transform=crop_then_to_network)
print(f"{len(mnist):,} digits")

# %% [markdown]
# 60,000, not 55,000: torchvision knows train and test only, so our validation digits are in there.
# `validation_indices` says where. We check that, and take them out with `Subset`.

# %%
from torch.utils.data import Subset

from course_utils.images import validation_indices

is_validation = np.zeros(len(mnist), dtype=bool)
is_validation[validation_indices()] = True
grey_values = mnist.data.numpy()
print("the 5,000 are ours: ", np.array_equal(grey_values[is_validation], data_val.images))
print("the 55,000 are ours:", np.array_equal(grey_values[~is_validation], data_train.images))

dataset = Subset(mnist, np.flatnonzero(~is_validation))
loader_familiar = DataLoader(dataset, batch_size=128, shuffle=True, num_workers=0)

# %% [markdown]
# Do both ways give the same batches? Without shuffling and cropping there is nothing random, so
# they must agree.

# %%
loader_plain = DataLoader(DigitDataset(data_test, to_network), batch_size=128)
images_familiar, labels_familiar = next(iter(loader_plain))
images_memory, labels_memory = next(iter(batches(data_test, batch_size=128)))

print(images_familiar.shape == images_memory.shape, images_familiar.dtype == images_memory.dtype)
print(torch.equal(images_familiar, images_memory), torch.equal(labels_familiar, labels_memory))

# %% [markdown]
# Four times `True`: same shape, same type, same images and labels to the last bit. Only the cost
# differs. We time both, with random crops, on twenty batches each.

# %%
from itertools import islice
from time import perf_counter


def milliseconds_per_batch(loader, num_batches=20):
    """Time the first batches of an epoch, start included."""
    start = perf_counter()
    count = sum(1 for _ in islice(loader, num_batches))
    return 1_000 * (perf_counter() - start) / count


timings = pd.DataFrame(
    {
        "ms per batch": {
            "Dataset + DataLoader": milliseconds_per_batch(loader_familiar),
            "batches in memory": milliseconds_per_batch(loader_memory),
        }
    }
)
timings["seconds per epoch of 55,000"] = timings["ms per batch"] / 1_000 * 55_000 / 128
timings.round(2)

# %% [markdown]
# On a quiet machine the familiar way is many times slower. It converts, crops and normalises each
# image on its own, in Python; `batches` does this once for a batch. A network as small as ours
# would wait for its images. For large photographs, which do not fit in memory, a DataLoader with
# several workers is the right tool.
#
# One trap on the way: if you hand a whole batch to torchvision's `RandomCrop`, all its images get
# the *same* shift. `batches` draws one for each image.

# %% [markdown]
# ## The two-line alternative, and its two traps
#
# torch-uncertainty, the library of the coming chapters, brings a *datamodule*: an object that
# holds all loaders. You make one, and give it to the trainer:
# `trainer.test(routine, datamodule=datamodule)`. Convenient. But look at which images it takes.
# (The import takes a moment. Without worker processes, as here, the default
# `persistent_workers=True` would be refused.)

# %%
from torch_uncertainty.datamodules import MNISTDataModule

datamodule = MNISTDataModule(
    root=root, batch_size=128, eval_ood=True, num_workers=0, persistent_workers=False
)
datamodule.setup()
for role, part in (("val", datamodule.val), ("test", datamodule.test), ("ood", datamodule.ood)):
    file = "train" if part.train else "test"
    print(f"{role:4} {len(part):6,} images of {type(part).__name__}'s {file} file")
print("val and test are the same images:", torch.equal(datamodule.val.data, datamodule.test.data))

# %% [markdown]
# Two traps.
#
# 1. **Validation is the test set.** Without `val_split`, both are MNIST's 10,000 test digits.
#    Whatever you choose or calibrate on "validation" is chosen on test, and the winner is
#    flattered as above. Give `val_split=5_000 / 60_000` at least; it draws its own 5,000 digits,
#    not the fixed ones of this course.
# 2. **The OOD images are Fashion-MNIST's 60,000 *training* images.** They are six times as many as
#    the test digits, and not the ones other people report on. Measures such as precision depend on
#    that ratio.
#
# This course uses its own loaders instead, with as many OOD images as digits, and says so where it
# differs. When we *choose* something with the help of OOD images, they come from other parts of
# Fashion-MNIST than its test part.

# %% [markdown]
# ### Exercise 1.5: Which images to choose with?
#
# *About 3 minutes.* You have two scores that should find clothes among digits, and want to keep
# the better one. With its AUROC you will report how well it works. Which images do you use to
# *choose*?
#
# - `a` MNIST's test digits and Fashion-MNIST's test images: those count in the end.
# - `b` The first thousand images of each of these two test sets; the rest is for the report.
# - `c` The validation digits and as many of Fashion-MNIST's training images.
# - `d` The training digits and Fashion-MNIST's training images: there are many more.

# %%
from course_utils.exercises.chapter_01 import ex1_5

choice = ...

ex1_5.check(choice)

# %%
# ex1_5.hint()
# ex1_5.solution()

# %% [markdown]
# How far did you get? (Only this kernel knows, and it forgets.)

# %%
from course_utils import exercises

exercises.progress(1)

# %% [markdown]
# ## What you have learned
#
# - The network sees 28 by 28 numbers, scaled with the two constants of MNIST's training digits.
# - MNIST is in-distribution. Fashion-MNIST is out-of-distribution: no answer can be right, so only
#   doubt is. It is an easy test, as counting grey pixels shows.
# - A crop of a few pixels keeps the label true. A mirror image or a turn does not.
# - Choosing flatters the winner. Fit on train, choose on validation, report on test, once.
# - Two ways of loading give the same batches; one is usually much faster.
#
# **What comes next.** In chapter 2 we write out LeNet, a small network from the days of MNIST,
# train it on these batches, and ask of it what we could not ask of a guesser: does it know when it
# is wrong?
#
# ### Sources
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning applied to document
#   recognition. *Proceedings of the IEEE* 86(11).
#   [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791)
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998). Efficient BackProp. In *Neural Networks:
#   Tricks of the Trade*, Springer.
# - H. Xiao, K. Rasul, R. Vollgraf (2017). Fashion-MNIST: a novel image dataset for benchmarking
#   machine learning algorithms. [arXiv:1708.07747](https://arxiv.org/abs/1708.07747)
# - C. Yadav, L. Bottou (2019). Cold case: the lost MNIST digits. *NeurIPS*.
#   [arXiv:1905.10498](https://arxiv.org/abs/1905.10498)
# - W. Hoeffding (1963). Probability inequalities for sums of bounded random variables. *Journal of
#   the American Statistical Association* 58(301).
#   [doi:10.1080/01621459.1963.10500830](https://doi.org/10.1080/01621459.1963.10500830)
