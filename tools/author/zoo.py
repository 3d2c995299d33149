"""Train the networks of the zoo that are missing or of another recipe, and store their history.

    python -m tools.author.zoo            all of them
    python -m tools.author.zoo NAME ...   only these
    python -m tools.author.zoo --again NAME ...   these, even if they are there

A finished network is stored at once, and an interrupted training goes on from its last epoch, so
the command can be stopped and started at will; several can run side by side.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from filelock import FileLock
from safetensors.torch import save

from course_utils._support.atomic import write_whole
from course_utils._support.validation import labelled
from course_utils.images import load_mnist
from course_utils.metrics.predictions import Predictions
from course_utils.networks import augmentation, evaluation, training, zoo
from course_utils.networks.registry import ENSEMBLES, NETWORKS, SHORT, Recipe, positions_of

ROOT = Path(__file__).resolve().parents[2]
UNFINISHED = ROOT / "runs" / "zoo"
PACKAGES = ("torch", "torch-uncertainty", "lightning")


def train_one(name: str, recipe: Recipe) -> None:
    """Train one network by this recipe and put it into the zoo."""
    network = NETWORKS[name]
    train, val = load_mnist("train"), load_mnist("val")
    if recipe.num_train < len(train):
        train = train.subset(positions_of(train.labels, recipe.num_train))
    torch.manual_seed(network.seed)
    fit = training.fit(
        zoo.build(network.architecture),
        train,
        val,
        name=name,
        folder=UNFINISHED,
        epochs=recipe.epochs,
        crop_padding=recipe.crop_padding,
        augment=augmentation.random_affine if recipe.affine else None,
        recipe=partial(
            training.one_cycle_sgd,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            warm_up=recipe.warm_up,
        ),
        resume=True,
    )
    predictions = evaluation.predict(fit.model, val)
    state = {key: value.contiguous() for key, value in fit.model.state_dict().items()}
    content = save(state)
    entry = {
        "architecture": network.architecture,
        **asdict(recipe),
        "seed": network.seed,
        "seconds": round(fit.seconds, 1),
        "device": fit.device,
        "data_hash": train.content_hash,
        "versions": {package: version(package).split("+")[0] for package in PACKAGES},
        "sha256": hashlib.sha256(content).hexdigest(),
        "metrics": {
            "val accuracy": round(float(predictions.correct.mean()), 6),
            "val NLL": round(nll(predictions), 6),
        },
    }
    zoo.FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(zoo.FOLDER / f"{name}.safetensors", content)
    if network.keeps_log:
        shutil.copyfile(fit.log, zoo.FOLDER / f"{name}.csv")
    update_manifest({name: entry})
    shutil.rmtree(UNFINISHED / name)
    print(f"{name}: {entry['metrics']}, {fit.seconds:.0f} s", flush=True)


def nll(predictions: Predictions) -> float:
    """Negative log-likelihood of the labels under the mean of the members, in nats."""
    of_label = predictions.mean[range(len(predictions)), labelled(predictions, "The NLL")]
    return float(-torch.tensor(of_label).log().mean())


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
            name: list(ensemble.members)
            for name, ensemble in ENSEMBLES.items()
            if all(member in networks for member in ensemble.members)
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
        recipe = SHORT if arguments.short else NETWORKS[name].recipe
        if arguments.again or not is_stored(name, recipe):
            train_one(name, recipe)


if __name__ == "__main__":
    main()
