# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: images that are refused
#
# `own_images` converts nothing and guesses nothing. What does it say about images that don't fit?

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.images import load_mnist
from course_utils.images import own_images as own_data

desk = Path(tempfile.mkdtemp(prefix="own-data-"))
good_way = load_mnist("test").subset(slice(300))

# %% [markdown]
# Three folders with one bad image each, and what is said of them.

# %%
colourful = np.zeros((28, 28, 3), np.uint8)
colourful[8:20, 12:16] = (255, 128, 0)
spoiled = {
    "7_wide.png": Image.new("L", (64, 28)),
    "7_orange.png": Image.fromarray(colourful),
    "cat_1.png": Image.new("L", (28, 28)),
}
for number, (name, image) in enumerate(spoiled.items()):
    folder = desk / f"folder {number}"
    folder.mkdir()
    image.save(folder / name)
    try:
        own_data.from_folder(folder)
    except own_data.OwnDataError as error:
        print("-", error)

# %% [markdown]
# Now four npz files from a stranger. One holds Python objects, which can run any program when they
# are loaded. They are not loaded.

# %%
arrays = {
    "floats": (good_way.images / 255, good_way.labels),
    "eleven classes": (good_way.images, good_way.labels + 1),
    "objects": (good_way.images, np.array([{"label": 7}] * len(good_way), dtype=object)),
    "fine": (good_way.images, good_way.labels),
}
for name, (images, labels) in arrays.items():
    np.savez(desk / f"{name}.npz", images=images, labels=labels)
    try:
        print("-", own_data.from_npz(desk / f"{name}.npz"))
    except own_data.OwnDataError as error:
        print("-", error)
