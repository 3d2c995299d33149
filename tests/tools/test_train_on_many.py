"""Two processes share the digits, end with the same weights, and with those of a single one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils.images import batches, load_mnist
from course_utils.networks import sharing, training, zoo
from course_utils.networks.models import LeNet

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
# not divisible by the batch: the last one is smaller
DIGITS, EPOCHS, STEPS = 600, 2, 10


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The script with one and with two processes: what it printed, and the weights it left."""
    folder = tmp_path_factory.mktemp("many")
    # fewer GPUs than devices: the CPU, with gloo
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    for variable in ("LOCAL_RANK", "RANK", "WORLD_SIZE", "MASTER_PORT", "NODE_RANK"):
        environment.pop(variable, None)

    def start(devices):
        finished = subprocess.run(
            [sys.executable, "-m", "tools.learner.train_on_many", "--devices", str(devices),
             "--epochs", str(EPOCHS), "--digits", str(DIGITS),
             "--folder", folder, "--name", str(devices)],
            cwd=REPOSITORY, env=environment,
            capture_output=True, text=True, timeout=500, check=False,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr[-3000:]
        model = LeNet()
        zoo.load_weights(model, folder / str(devices) / "weights.safetensors")
        found = re.findall(r"rank (\d): (\d+) steps, weights (\w{64})", finished.stdout)
        return {int(rank): (int(steps), digest) for rank, steps, digest in found}, model

    return {devices: start(devices) for devices in (1, 2)}


@pytest.mark.timeout(1200)
def test_both_processes_end_with_the_same_weights(run):
    said, _ = run[2]
    assert set(said) == {0, 1}
    assert said[0] == said[1]
    assert said[0][0] == STEPS


@pytest.mark.timeout(1200)
def test_two_processes_take_the_steps_of_one(run):
    """The mean of both shares' gradients is the gradient of the batch: the same up to rounding."""
    assert set(run[1][0]) == {0} and run[1][0][0][0] == STEPS
    torch.manual_seed(0)
    start = LeNet().state_dict()
    one, two = run[1][1].state_dict(), run[2][1].state_dict()
    for key in start:
        moved = (one[key] - start[key]).abs().max()
        assert moved > 0
        assert (one[key] - two[key]).abs().max() < 0.01 * moved, key


@pytest.mark.timeout(1200)
def test_slurm_s_tasks_end_as_one_process_does(run, tmp_path):
    """Two machines, one task on each; Lightning knows SLURM by its variables, and asks no other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])  # else Lightning makes it of the job's number
    job = {
        "SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "course", "SLURM_NODELIST": "127.0.0.[1-2]",
        "SLURM_NNODES": "2", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_LOCALID": "0", "MASTER_PORT": port,
        "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    for variable in ("MASTER_ADDR", "WORLD_SIZE", "RANK", "LOCAL_RANK", "NODE_RANK"):
        kept.pop(variable, None)
    command = [
        sys.executable, "-m", "tools.learner.train_on_many", "--devices", "1", "--nodes", "2",
        "--epochs", str(EPOCHS), "--digits", str(DIGITS), "--folder", tmp_path, "--name", "slurm",
    ]  # fmt: skip
    tasks = [
        subprocess.Popen(
            command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**kept, **job, "SLURM_PROCID": str(task), "SLURM_NODEID": str(task)},
        )
        for task in range(2)
    ]  # fmt: skip
    said = [task.communicate(timeout=500) for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], said
    digests = [re.findall(r"rank (\d): (\d+) steps, weights (\w{64})", told) for told, _ in said]
    (first,), (second,) = digests
    assert first == ("0", str(STEPS), second[2]) and second[:2] == ("1", str(STEPS))
    model = LeNet()
    zoo.load_weights(model, tmp_path / "slurm" / "weights.safetensors")
    expected = run[2][1].state_dict()
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, expected[key], msg=key)


IN_A_NOTEBOOK = """
import sys, torch
from course_utils.images import load_mnist
from course_utils.networks import training, zoo
torch.manual_seed(0)
fit = training.fit(
    zoo.build("lenet"), load_mnist("train").subset(slice(0, 600)), load_mnist("val"),
    name="copies", folder=sys.argv[1], epochs=2, devices=2, strategy="ddp_notebook",
)
torch.save(fit.model.state_dict(), sys.argv[1] + "/weights.pt")
print("said:", fit.num_steps, fit.learning_rate, fit.device, fit.log.exists())
"""


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="ddp_notebook copies the process by fork")
def test_copies_of_a_process_bring_the_weights_back(run, tmp_path):
    """The strategy of the chapter; a process that waits for its copies must end up trained."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        [sys.executable, "-c", IN_A_NOTEBOOK, tmp_path],
        env=environment, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert f"said: {STEPS} nan CPU, 1 thread, 2 processes True" in finished.stdout
    expected = run[2][1].state_dict()
    for key, value in torch.load(tmp_path / "weights.pt", weights_only=True).items():
        torch.testing.assert_close(value, expected[key], msg=key)


@pytest.mark.parametrize(("count", "world_size"), [(600, 2), (601, 2), (1_000, 4)])
def test_shares_of_a_batch_together_are_the_batch(count, world_size):
    """What makes the test above come out: not only the epoch, every batch is shared out."""
    images = load_mnist("train").subset(slice(0, count))
    settings = {"shuffle": True, "crop_padding": 4, "seed": 5}
    whole = list(batches(images, 128, **settings))
    shares = [
        list(batches(images, 128 // world_size, **settings, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    assert {len(share) for share in shares} == {len(whole)}
    for number, (expected, _) in enumerate(whole):
        together = torch.cat([share[number][0] for share in shares])
        # an odd image out comes twice, so that no process waits for another
        rows, wanted = ({row.numpy().tobytes() for row in part} for part in (together, expected))
        assert wanted <= rows
        assert len(together) - len(expected) < world_size
    seen = sum(len(labels) for share in shares for _, labels in share)
    assert seen == -(-count // world_size) * world_size


class Asked:
    """What `_Shares` wants of a trainer and its strategy."""

    root_device = torch.device("cpu")

    def __init__(self, rank, world_size, seed_of_the_first):
        self.global_rank, self.world_size, self.strategy = rank, world_size, self
        self.seed_of_the_first = seed_of_the_first

    def broadcast(self, seed):
        return self.seed_of_the_first


def test_ranks_take_the_first_one_s_seed_and_their_own_share():
    images = load_mnist("train").subset(slice(0, 512))
    shared = []
    for rank in range(2):
        # every process draws a seed of its own
        shares = sharing.Shares(images, images, training.BATCH_SIZE, 0, None)
        shares.trainer = Asked(rank, 2, seed_of_the_first=11)
        shared.append(torch.cat([part for part, _ in shares.train_dataloader()]))
        assert sum(len(labels) for _, labels in shares.val_dataloader()) == 512
    assert [len(part) for part in shared] == [256, 256]
    everything = torch.cat([part for part, _ in batches(images, 512)])
    keys = [
        sorted(row.numpy().tobytes() for row in part) for part in (torch.cat(shared), everything)
    ]
    assert keys[0] == keys[1], "disjoint, and together the whole set"


@pytest.mark.parametrize(("devices", "nodes"), [(3, 1), (2, 3), (0, 1), (-1, 1), (256, 1)])
def test_numbers_of_devices_that_do_not_share_equally(devices, nodes, tmp_path):
    images = load_mnist("train").subset(np.arange(200))
    with pytest.raises(ValueError, match="cannot be shared out equally"):
        training.fit(
            LeNet(), images, load_mnist("val"), name="x", folder=tmp_path,
            devices=devices, num_nodes=nodes,
        )  # fmt: skip
