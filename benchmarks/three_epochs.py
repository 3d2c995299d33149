"""What the lessons' three epochs reach: test accuracy of LeNet, DE-2 and PE-4 over several seeds.

    python benchmarks/three_epochs.py [--seeds 3]

Trains with the lessons' own recipe on the 55,000 digits (without the full data: on the sample's
3,000, with as many steps), prints a table and writes ``three_epochs-<source>.json`` beside this.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch

from course_utils.images import SPLITS, load_mnist
from course_utils.networks import evaluation, training, zoo

MODELS = {"LeNet": "lenet", "DE-2": "deep-ensemble 2", "PE-4": "packed 2 4"}
# Promised to the learners: mean test accuracy in percent on the full data.
GOALS = {"LeNet": 98.4, "DE-2": 98.8, "PE-4": 98.2}


def measure(num_seeds: int) -> pd.DataFrame:
    """One row for each model and seed: test accuracy in percent and seconds of training."""
    train, val, test = (load_mnist(split) for split in SPLITS)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(num_seeds):
            for name, architecture in MODELS.items():
                torch.manual_seed(seed)
                fit = training.fit(
                    zoo.build(architecture),
                    train,
                    val,
                    name=f"{name}-{seed}",
                    folder=folder,
                    epochs=training.epochs_for(train, "train"),
                )
                correct = evaluation.predict(fit.model, test).correct
                rows.append(
                    {
                        "model": name,
                        "seed": seed,
                        "accuracy": 100 * float(correct.mean()),
                        "seconds": fit.seconds,
                        "steps": fit.num_steps,
                        "source": train.source,
                        "device": fit.device,
                    }
                )
                print(f"{name}, seed {seed}: {rows[-1]['accuracy']:.2f} %", flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table, and say which promises hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    rows = measure(parser.parse_args().seeds)
    source = rows["source"].iloc[0]
    table = rows.groupby("model", sort=False).agg(
        mean=("accuracy", "mean"),
        lowest=("accuracy", "min"),
        highest=("accuracy", "max"),
        seconds=("seconds", "median"),
        steps=("steps", "first"),
    )
    if source == "full":
        table["goal"] = pd.Series(GOALS)
        table["reached"] = table["mean"] >= table["goal"]
    print(f"\nTest accuracy in percent, {rows['seed'].nunique()} seeds, {source} data")
    print(table.round(2).to_string())
    record = {
        "rows": rows.to_dict("records"),
        "versions": {name: version(name).split("+")[0] for name in ("torch", "torch-uncertainty")},
    }
    path = Path(__file__).with_name(f"three_epochs-{source}.json")
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
