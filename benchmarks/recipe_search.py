"""Try recipes for the zoo on the validation digits; the test set is never opened here.

Each trial trains one LeNet and appends one line to ``benchmarks/recipe_search.jsonl``: accuracy and
NLL on the 5,000 validation digits, and AUROC of max softmax against 5,000 images of Fashion-MNIST's
*training* set; for the weights at the end, and for their exponential moving average.

    python benchmarks/recipe_search.py NAME key=value ...
"""

from __future__ import annotations

import copy
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from course_utils.images import ImageSet, batches, load_fashion_mnist, load_mnist
from course_utils.networks.augmentation import random_affine
from course_utils.networks.models import LeNet

DEFAULTS = {
    "epochs": 75,
    "learning_rate": 0.05,
    "weight_decay": 5e-4,
    "batch_size": 128,
    "crop_padding": 4,
    "degrees": 0.0,  # random rotation, uniform in +- degrees
    "stretch": 0.0,  # random scale and shear, uniform in +- stretch
    "label_smoothing": 0.0,
    "ema_decay": 0.999,
    "seed": 0,
}
RECORDS = Path(__file__).with_suffix(".jsonl")


@torch.inference_mode()
def logits_of(model: torch.nn.Module, images: ImageSet) -> torch.Tensor:
    return torch.cat([model(batch) for batch, _ in batches(images, 500)])


def measure(model: torch.nn.Module, val: ImageSet, ood: ImageSet) -> dict[str, float]:
    model.eval()
    logits, labels = logits_of(model, val), torch.tensor(val.labels)
    confidence = logits.softmax(-1).amax(-1)
    ood_confidence = logits_of(model, ood).softmax(-1).amax(-1)
    is_ood = torch.cat([torch.zeros(len(confidence)), torch.ones(len(ood_confidence))])
    scores = -torch.cat([confidence, ood_confidence]).double()
    return {
        "accuracy": (logits.argmax(-1) == labels).double().mean().item(),
        "nll": F.cross_entropy(logits.double(), labels).item(),
        "auroc": float(roc_auc_score(is_ood, scores)),
    }


def main(name: str, settings: dict[str, float]) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(int(settings["seed"]))
    val = load_mnist("val")
    ood = load_fashion_mnist("train").subset(slice(0, 5000))
    train = batches(
        load_mnist("train"),
        int(settings["batch_size"]),
        shuffle=True,
        crop_padding=int(settings["crop_padding"]),
    )
    model = LeNet()
    average = copy.deepcopy(model)
    rate = settings["learning_rate"]
    optimizer = torch.optim.SGD(
        model.parameters(), rate, 0.9, weight_decay=settings["weight_decay"], nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        rate,
        total_steps=int(settings["epochs"]) * len(train),
        pct_start=0.2,
        cycle_momentum=False,
    )
    start = time.perf_counter()
    for _ in range(int(settings["epochs"])):
        for images, labels in train:
            if settings["degrees"] or settings["stretch"]:
                images = random_affine(images, settings["degrees"], settings["stretch"])
            optimizer.zero_grad()
            loss = F.cross_entropy(
                model(images), labels, label_smoothing=settings["label_smoothing"]
            )
            loss.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                torch._foreach_lerp_(
                    list(average.parameters()), list(model.parameters()), 1 - settings["ema_decay"]
                )
    record = {
        "name": name,
        **settings,
        "seconds": round(time.perf_counter() - start, 1),
        "last": measure(model, val, ood),
        "ema": measure(average, val, ood),
    }
    with RECORDS.open("a") as file:
        file.write(json.dumps(record) + "\n")
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    changes = {key: float(value) for key, value in (pair.split("=") for pair in sys.argv[2:])}
    if unknown := set(changes) - set(DEFAULTS):
        sys.exit(f"Unknown settings {sorted(unknown)}: choose among {sorted(DEFAULTS)}.")
    main(sys.argv[1], DEFAULTS | changes)
