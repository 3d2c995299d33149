# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: several devices, several machines
#
# How do several devices train one network, or many? And what changes on a cluster?

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %%
from course_utils.images import batches, load_mnist

data_train, data_val = load_mnist("train"), load_mnist("val")

# %% [markdown]
# ## One network on several devices
#
# *How do several devices train one network, or many?*
#
# Training on several GPUs is called *data parallel* if each has a copy of the network and its own
# share of every batch. After the backward pass the gradients are averaged over all devices, and
# each copy takes the same step. If the shares are equal, the average of their mean gradients is the
# mean gradient of the whole batch. So the network learns as with one device (if no layer
# looks at the whole batch, as batch normalisation does). Let us see that, with
# two shares:

# %%
import torch
from torch.nn.functional import cross_entropy

from course_utils.networks.models import LeNet

whole = batches(data_train, 128, shuffle=True, seed=5)
shares = [
    batches(data_train, 64, shuffle=True, seed=5, rank=rank, world_size=2) for rank in range(2)
]
network = LeNet()


def gradient(images, labels):
    network.zero_grad()
    cross_entropy(network(images), labels).backward()
    return network.conv1.weight.grad.clone()


of_batch = gradient(*next(iter(whole)))
of_shares = torch.stack([gradient(*next(iter(share))) for share in shares])
print(f"largest entry of the gradient:  {of_batch.abs().max():.1e}")
print(f"the two shares differ by up to  {(of_shares[0] - of_shares[1]).abs().max():.1e}")
print(f"their mean and the batch by     {(of_shares.mean(dim=0) - of_batch).abs().max():.1e}")

# %% [markdown]
# Observe the last line: what is left is rounding. The word for a device's number is its *rank*.
#
# The trap is in the shares. Lightning shares out the images of a `DataLoader` by itself. Any other
# loader it takes as it is, and then every device gets the *same* batches: all work, nothing gained,
# no error. So `batches` takes `rank` and `world_size`. All ranks shuffle with the same seed, and
# each takes every second image, or third, and so on. Do two ranks have different digits, and
# together all of them?

# %%
dealt = [torch.cat([images.flatten(1) for images, _ in share]) for share in shares]
prints = [[hash(image.numpy().tobytes()) for image in part] for part in dealt]
print("digits of each rank:", [len(part) for part in prints])
print("batches of each rank:", [len(share) for share in shares])
both = set(prints[0]) | set(prints[1])
everything = {hash(image.numpy().tobytes()) for images, _ in whole for image in images.flatten(1)}
print("together all digits:", both == everything)
print("digits of both ranks:", len(set(prints[0]) & set(prints[1])))

# %% [markdown]
# Equally many batches matter as much: a rank that has one more waits for the others for ever. Where
# the images cannot be shared equally, some are dealt twice. (If your count of digits of both ranks
# is not 0, the data hold two copies of a digit.)
#
# ### In a notebook
#
# Several devices are several processes. The usual strategy, `ddp`, starts the *script* once more
# for each, and a notebook is no script: Lightning refuses. `ddp_notebook` copies the running
# process instead. A process that has used a GPU cannot be copied, so this must come first after a
# restart of the kernel; the condition below asks for that.

# %%
import torch

from course_utils.networks import runs, training
from course_utils.networks.models import LeNet

if torch.cuda.device_count() > 1 and not torch.cuda.is_initialized():
    fit = training.fit(
        LeNet(),
        data_train,
        data_val,
        name="lenet-many",
        folder=runs.folder(),
        devices=2,
        strategy="ddp_notebook",
    )
    print(f"{fit.num_steps} steps in {fit.seconds:.1f} s on {fit.device}")
elif torch.cuda.device_count() > 1:
    print("A GPU is in use: restart the kernel, run the first two cells of code, then this one.")
else:
    print(f"{torch.cuda.device_count()} GPUs here: nothing to share.")

# %% [markdown]
# ### In a script
#
# `tools/learner/train_on_many.py` calls the same `fit` with `devices`, `num_nodes` and the strategy
# `ddp`. Lightning then starts a process for each GPU:
#
# ```bash
# python -m tools.learner.train_on_many --devices 4
# ```
#
# On several machines, a cluster starts the processes; [the appendix](appendix/devices.ipynb) shows
# how SLURM does.
#
# Without enough GPUs, processes on the CPU stand in, so you can try it anywhere. A test of this
# course does, and compares the weights of two processes at the end with each other and with those
# of a single one. Each device gets 128 / number of devices images of a batch, and the recipe stays.
# For a network as small as LeNet this *loses* time: devices talk after every step, and a step has
# little to compute. It pays for large networks. If you keep 128 images for each device instead, the
# batch grows, there are fewer steps, and learning rate and schedule must be found anew.
#
# ### Members on several devices
#
# An ensemble is easier. Its members do not talk, so each can have a device and a process of its
# own, and nothing is lost on waiting:
#
# ```bash
# for member in 0 1 2 3; do
#     CUDA_VISIBLE_DEVICES=$member python -m tools.learner.train_on_many --seed $member &
# done
# wait
# ```
#
# Afterwards `deep_ensembles([...])` puts the networks together, or `Predictions.combine` their
# answers, as in chapter 4. That way the machines need not even be in the same place.
#
# *Sources:* Li et al. (2020), documentation of Lightning.

# %% [markdown]
# ## Several machines, with SLURM
#
# On a cluster the devices are in several machines, and a scheduler, usually SLURM, decides when and
# where they are yours. The code stays the same; what changes is who starts the processes.
#
# ### The job
#
# On one machine, Lightning starts a process for each GPU itself. On a cluster, `srun` does, on
# every machine. Save this as `many.sh` in the course's folder, and submit it with `sbatch many.sh`:
#
# ```bash
# #!/bin/bash
# #SBATCH --nodes=2
# #SBATCH --ntasks-per-node=4
# #SBATCH --gpus-per-node=4
# #SBATCH --time=00:30:00
# srun .venv/bin/python -m tools.learner.train_on_many --devices 4 --nodes 2
# ```
#
# These are eight tasks, one for each GPU, and all of them run the same line. How does a task know
# which share of a batch is its own, and where the others are?
#
# ### What each task is told
#
# `srun` sets environment variables, and Lightning's plugin `SLURMEnvironment` reads them. Lightning
# chooses it by itself as soon as it finds those variables. Let's set them as `srun` would on two
# machines, `gpu07` and `gpu08`, and ask the plugin:

# %%
import os
from unittest.mock import patch

from lightning.pytorch.plugins.environments import SLURMEnvironment

job = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "many",
    "SLURM_NODELIST": "gpu[07-08]",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS": "8",
    "SLURM_NTASKS_PER_NODE": "4",
}
for task in range(8):
    machine, place = divmod(task, 4)
    own = {"SLURM_PROCID": task, "SLURM_NODEID": machine, "SLURM_LOCALID": place}
    with patch.dict(os.environ, {**job, **{name: str(number) for name, number in own.items()}}):
        slurm = SLURMEnvironment()
        print(
            f"rank {slurm.global_rank()} of {slurm.world_size()}:",
            f"machine {slurm.node_rank()}, GPU {slurm.local_rank()},",
            f"meets the others at {slurm.main_address}:{slurm.main_port}",
        )

# %% [markdown]
# The *rank* chooses the share of every batch, as above. The number on its machine, the local
# rank, chooses the GPU. All meet at the first machine of the list, at a port that Lightning makes
# from the number of the job, so that two jobs don't get into each other's way.
#
# ### What goes wrong
#
# - **The numbers differ.** `--ntasks-per-node` must be `devices`, and `--nodes` must be
#   `num_nodes`. Lightning compares them before it trains:

# %% tags=["raises-exception"]
with patch.dict(os.environ, {**job, "SLURM_PROCID": "0"}):
    SLURMEnvironment().validate_settings(num_devices=2, num_nodes=2)

# %% [markdown]
# - **`srun` is missing.** Then the line runs once, on the first machine, as rank 0 of eight, and
#   waits for the other seven until the time is up.
# - **The job is interactive.** If its name is `bash` or `interactive`, Lightning assumes that you
#   start the processes yourself, and doesn't look at the other variables.
# - **A folder isn't shared.** Every machine must see the course, and the first one must be able to
#   write `runs/`.
#
# Is the result the same? A test of this course starts two tasks with SLURM's variables, on one
# machine and without a GPU. Both end with the same weights, and these are the weights of two
# processes that Lightning has started itself, up to rounding.
#
# *Sources:* [documentation of Lightning](https://lightning.ai/docs/pytorch/stable/clouds/cluster_advanced.html),
# `SLURMEnvironment`.
