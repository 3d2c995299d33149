"""What it costs to train beside others: alone, three at once, and beside a busy process.

    python benchmarks/one_of_many.py [--repeats 2] [--json benchmarks/one_of_many.json]

Each training has a process of its own that loads PyTorch before the course, as a notebook does,
and no ``OMP_*`` variable: a LeNet on 3,000 digits for 20 epochs, by
`course_utils.networks.training.fit` and by a raw ``TUTrainer`` as chapter 2 writes it. "Before"
gives PyTorch a thread for every core, its own default; "after" is what the course chooses. Both
take turns. Let nothing else run meanwhile: beside others "before" takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
KINDS = ("fit", "TUTrainer")
SITUATIONS = ("alone", "three at once", "beside a busy process")
# until the process that started it is gone, whatever ended that one
BUSY = "import os; starter = os.getppid()\nwhile os.getppid() == starter: pass"
# largest factor of each goal
ALONE, THREE, BESIDE = 1.4, 3.5, 2.5


def work(kind: str, threads: str, digits: int, epochs: int) -> None:
    """Train once when told to, in this process; print the seconds."""
    import torch  # before the course, on purpose

    most = torch.get_num_threads()
    sys.path.insert(0, str(REPOSITORY))
    from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
    from lightning.pytorch.loggers import CSVLogger
    from torch import nn
    from torch_uncertainty import TUTrainer
    from torch_uncertainty.routines import ClassificationRoutine

    from course_utils.images import batches, load_mnist
    from course_utils.networks.models import LeNet
    from course_utils.networks.progress import ProgressLine
    from course_utils.networks.training import BATCH_SIZE, fit, one_cycle_sgd, quiet

    if threads == "before":
        torch.set_num_threads(most)
    quiet()
    train, val = load_mnist("train").subset(slice(0, digits)), load_mnist("val")

    def train_once(epochs: int, folder: str) -> None:
        torch.manual_seed(0)
        model = LeNet()
        if kind == "fit":
            fit(model, train, val, name="lenet", folder=folder, epochs=epochs)
            return
        loader = batches(train, BATCH_SIZE, shuffle=True, crop_padding=4, seed=0)
        recipe = one_cycle_sgd(model, epochs * len(loader))
        routine = ClassificationRoutine(
            model, num_classes=10, loss=nn.CrossEntropyLoss(), optim_recipe=recipe
        )
        checkpoint = ModelCheckpoint(folder, filename="best", monitor="val/cls/NLL", save_last=True)
        trainer = TUTrainer(
            accelerator="cpu",
            max_epochs=epochs,
            logger=CSVLogger(folder, name="", version=""),
            log_every_n_steps=10,
            callbacks=[checkpoint, LearningRateMonitor("step"), ProgressLine("LeNet")],
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(routine, loader, batches(val, 500))

    with tempfile.TemporaryDirectory() as folder:
        train_once(1, folder)  # the first run of anything is slower than the second
        print("ready", flush=True)
        sys.stdin.readline()
        start = time.perf_counter()
        train_once(epochs, folder)
        print(time.perf_counter() - start, flush=True)


def measure(situation: str, kind: str, threads: str, digits: int, epochs: int) -> float:
    """Seconds of a training in this situation; of three at once, those of the slowest."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OMP_", "MKL_", "GOMP_", "KMP_"))
    }
    command = [sys.executable, __file__, "--work", kind, threads, str(digits), str(epochs)]
    count = 3 if situation == "three at once" else 1
    workers, busy = [], None
    try:
        for _ in range(count):
            worker = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            workers.append(worker)
            assert worker.stdout is not None
            if worker.stdout.readline() != "ready\n":
                raise RuntimeError(f"{' '.join(command)} ended before it trained.")
        if situation == "beside a busy process":
            busy = subprocess.Popen([sys.executable, "-c", BUSY])
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return max(float(worker.communicate()[0]) for worker in workers)
    finally:
        for process in (*workers, busy):
            if process is not None:
                process.kill()
                process.wait()


def factors(seconds: dict[str, dict[str, float]]) -> dict[str, float]:
    """The three ratios that have goals, from the median seconds of one kind of training."""
    after = seconds["after"]
    return {
        "alone, after to before": after["alone"] / seconds["before"]["alone"],
        "three at once to alone": after["three at once"] / after["alone"],
        "beside a busy process to alone": after["beside a busy process"] / after["alone"],
    }


def table(medians: dict[str, dict[str, dict[str, float]]]) -> str:
    """Seconds before and after, and the factors with their goals."""
    lines = [f"{'seconds':34}{'before':>10}{'after':>10}"]
    for kind, seconds in medians.items():
        lines += [
            f"{kind + ', ' + situation:34}"
            f"{seconds['before'][situation]:10.1f}{seconds['after'][situation]:10.1f}"
            for situation in SITUATIONS
        ]
    for kind, seconds in medians.items():
        for (what, factor), goal in zip(
            factors(seconds).items(), (ALONE, THREE, BESIDE), strict=True
        ):
            lines.append(f"{kind}, {what}: {factor:.2f} (at most {goal})")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--digits", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    given = parser.parse_args(arguments)
    rows = []
    for repeat in range(given.repeats):
        for situation in SITUATIONS:
            for kind in KINDS:
                for threads in ("before", "after"):
                    seconds = measure(situation, kind, threads, given.digits, given.epochs)
                    rows.append(
                        {
                            "repeat": repeat,
                            "situation": situation,
                            "kind": kind,
                            "threads": threads,
                            "seconds": round(seconds, 2),
                        }
                    )
                    print(f"{situation}, {kind}, {threads}: {seconds:.1f} s", flush=True)
    medians = {
        kind: {
            threads: {
                situation: statistics.median(
                    row["seconds"]
                    for row in rows
                    if (row["kind"], row["threads"], row["situation"]) == (kind, threads, situation)
                )
                for situation in SITUATIONS
            }
            for threads in ("before", "after")
        }
        for kind in KINDS
    }
    print(table(medians))
    record = {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "digits": given.digits,
        "epochs": given.epochs,
        "factors": {kind: factors(seconds) for kind, seconds in medians.items()},
        "rows": rows,
    }
    given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
