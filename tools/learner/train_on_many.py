"""Train a network on several devices, or one member of an ensemble on one of them.

Four GPUs of this machine for one network, or one member on GPU number 3:

    python -m tools.learner.train_on_many --devices 4
    CUDA_VISIBLE_DEVICES=3 python -m tools.learner.train_on_many --seed 3

Eight GPUs of two machines of a SLURM cluster; Lightning wants one task for each GPU:

    srun --nodes=2 --ntasks-per-node=4 --gpus-per-node=4 \\
        python -m tools.learner.train_on_many --devices 4 --nodes 2

Where there are fewer GPUs than devices, processes on the CPU stand in for them. Weights, log and
checkpoints are left in runs/many/NAME; the trained weights are `zoo.load_weights`'s.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import torch
from safetensors.torch import save

from course_utils._support.atomic import write_whole
from course_utils.images import load_mnist
from course_utils.networks import training, zoo
from course_utils.networks.sharing import own_rank

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Read the command line, train, and say what this process ended with."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--devices", type=int, default=1, help="of each machine")
    parser.add_argument("--nodes", type=int, default=1, help="machines")
    parser.add_argument("--architecture", default="lenet", help='such as "packed 2 4"')
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="by default what COURSE_SPEED stands for")
    parser.add_argument("--digits", type=int, help="train on the first so many only")
    parser.add_argument("--name", help="by default the architecture and the seed")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "many")
    arguments = parser.parse_args()
    name = arguments.name or f"{arguments.architecture.replace(' ', '-')}-{arguments.seed}"
    train = load_mnist("train").subset(slice(0, arguments.digits))
    torch.manual_seed(arguments.seed)
    fit = training.fit(
        zoo.build(arguments.architecture),
        train,
        load_mnist("val"),
        name=name,
        folder=arguments.folder,
        epochs=arguments.epochs,
        devices=arguments.devices,
        num_nodes=arguments.nodes,
    )
    weights = save({key: value.contiguous() for key, value in fit.model.state_dict().items()})
    digest = hashlib.sha256(weights).hexdigest()
    print(f"rank {own_rank()}: {fit.num_steps} steps, weights {digest}", flush=True)
    if own_rank() == 0:
        write_whole(arguments.folder / name / "weights.safetensors", weights)
        print(f"{fit.seconds:.1f} s on {fit.device}", flush=True)


if __name__ == "__main__":
    main()
