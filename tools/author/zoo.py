"""Train the networks of the zoo that are missing or of another recipe, and store their history.

    python tools/author/zoo.py            all of them
    python tools/author/zoo.py NAME ...   only these
    python tools/author/zoo.py --again NAME ...   these, even if they are there

A finished network is stored at once, and an interrupted training goes on from its last epoch, so
the command can be stopped and started at will; several can run side by side.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from filelock import FileLock
from safetensors.torch import save

from course_utils._support.atomic import write_whole
from course_utils.images import ImageSet, load_mnist
from course_utils.metrics.classification import negative_log_likelihood
from course_utils.networks import training, zoo

ROOT = Path(__file__).resolve().parents[2]
UNFINISHED = ROOT / "runs" / "zoo"
PACKAGES = ("torch", "torch-uncertainty", "lightning")


@dataclass(frozen=True)
class Recipe:
    """Everything a training needs besides the network and the seed."""

    epochs: int
    num_train: int = 55_000
    learning_rate: float = 0.05
    weight_decay: float = 5e-4
    crop_padding: int = 4
    warm_up: float = 0.4  # share of the steps in which the learning rate rises
    affine: bool = False


# Chosen on the validation digits.
LONG = Recipe(epochs=75, warm_up=0.2, affine=True)
SHORT = Recipe(epochs=3)  # what the lessons train live
# Too few digits, on purpose: networks that make mistakes worth looking at.
MODEST = Recipe(epochs=54, num_train=2000, crop_padding=0)

# name -> architecture, recipe, seed
NETWORKS: dict[str, tuple[str, Recipe, int]] = {
    "short-lenet": ("lenet", SHORT, 0),
    "short-deep-ensemble-2": ("deep-ensemble 2", SHORT, 0),
    "short-packed-4": ("packed 2 4", SHORT, 0),
    "short-mc-dropout": ("mc-dropout 0.1 16", SHORT, 0),
    "short-batch-ensemble-4": ("batch-ensemble 4", SHORT, 0),
    **{f"modest-lenet-{seed}": ("lenet", MODEST, seed) for seed in range(8)},
    "modest-packed-4": ("packed 2 4", MODEST, 0),
    **{f"lenet-{seed}": ("lenet", LONG, seed) for seed in range(8)},
    **{f"packed-4-{seed}": ("packed 2 4", LONG, seed) for seed in range(5)},
    "packed-4-wide": ("packed 4 4", LONG, 0),
    "mc-dropout": ("mc-dropout 0.1 16", LONG, 0),
}
# What chapter 2 draws where nothing is trained; the others would only take room.
WITH_LOG = ("short-lenet",)
# Independent networks combined at evaluation.
ENSEMBLES: dict[str, list[str]] = {
    "deep-ensemble-2": ["lenet-0", "lenet-1"],
    "deep-ensemble-8": [f"lenet-{seed}" for seed in range(8)],
    "modest-deep-ensemble-2": ["modest-lenet-0", "modest-lenet-1"],
    "modest-deep-ensemble-8": [f"modest-lenet-{seed}" for seed in range(8)],
}


def modest_digits(train: ImageSet, count: int) -> ImageSet:
    """The first digits of each class, equally many: the same ones for every modest network."""
    per_class = count // 10
    chosen = sorted(
        int(index)
        for digit in range(10)
        for index in (train.labels == digit).nonzero()[0][:per_class]
    )
    return train.subset(chosen)


def train_one(name: str, recipe: Recipe) -> None:
    """Train one network by this recipe and put it into the zoo."""
    architecture, _, seed = NETWORKS[name]
    train, val = load_mnist("train"), load_mnist("val")
    if train.source != "full":
        sys.exit("The zoo is trained on the full MNIST: set COURSE_DATA_MIRROR to a copy of it.")
    if recipe.num_train < len(train):
        train = modest_digits(train, recipe.num_train)
    torch.manual_seed(seed)
    fit = training.fit(
        zoo.build(architecture),
        train,
        val,
        name=name,
        folder=UNFINISHED,
        epochs=recipe.epochs,
        crop_padding=recipe.crop_padding,
        augment=training.random_affine if recipe.affine else None,
        recipe=partial(
            training.one_cycle_sgd,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            warm_up=recipe.warm_up,
        ),
        resume=True,
    )
    predictions = training.predict(fit.model, val)
    state = {key: value.contiguous() for key, value in fit.model.state_dict().items()}
    content = save(state)
    entry = {
        "architecture": architecture,
        **asdict(recipe),
        "seed": seed,
        "seconds": round(fit.seconds, 1),
        "device": fit.device,
        "data_hash": train.content_hash,
        "versions": {package: version(package).split("+")[0] for package in PACKAGES},
        "sha256": hashlib.sha256(content).hexdigest(),
        "metrics": {
            "val accuracy": round(float(predictions.correct.mean()), 6),
            "val NLL": round(negative_log_likelihood(predictions), 6),
        },
    }
    zoo.FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(zoo.FOLDER / f"{name}.safetensors", content)
    if name in WITH_LOG:
        shutil.copyfile(fit.log, zoo.FOLDER / f"{name}.csv")
    update_manifest({name: entry})
    shutil.rmtree(UNFINISHED / name)
    print(f"{name}: {entry['metrics']}, {fit.seconds:.0f} s", flush=True)


def read_manifest() -> dict:
    """The manifest as it is, or an empty one."""
    path = zoo.FOLDER / "manifest.json"
    if not path.exists():
        return {"version": zoo.VERSION, "networks": {}, "ensembles": {}}
    return json.loads(path.read_text(encoding="utf-8"))


def is_stored(name: str, recipe: Recipe) -> bool:
    """Whether the zoo has a network of this recipe, with the very weights the manifest records."""
    entry = read_manifest()["networks"].get(name)
    if entry is None or any(entry.get(key) != value for key, value in asdict(recipe).items()):
        return False
    try:
        content = (zoo.FOLDER / f"{name}.safetensors").read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content).hexdigest() == entry["sha256"]


def update_manifest(entries: dict[str, dict]) -> None:
    """Add finished networks; list the ensembles whose members are all there."""
    UNFINISHED.mkdir(parents=True, exist_ok=True)
    with FileLock(UNFINISHED / "manifest.lock"):
        manifest = read_manifest()
        networks = manifest["networks"] | entries
        manifest["networks"] = {name: networks[name] for name in NETWORKS if name in networks}
        manifest["ensembles"] = {
            name: members
            for name, members in ENSEMBLES.items()
            if all(member in networks for member in members)
        }
        text = json.dumps(manifest, indent=1) + "\n"
        write_whole(zoo.FOLDER / "manifest.json", text.encode())


def main() -> None:
    """Read the command line and train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="by default all of them")
    parser.add_argument("--again", action="store_true", help="also what is already there")
    parser.add_argument(
        "--short", action="store_true", help="with three epochs for now: counts as missing later"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NETWORKS):
        sys.exit(f"Unknown: {', '.join(sorted(unknown))}. The zoo trains {', '.join(NETWORKS)}.")
    for name in arguments.names or NETWORKS:
        recipe = SHORT if arguments.short else NETWORKS[name][1]
        if arguments.again or not is_stored(name, recipe):
            train_one(name, recipe)


if __name__ == "__main__":
    main()
