"""A batch that is spread over processes, seen as one: negatives and means of all of them, with
exact gradients.

With these, W processes of data parallelism, which average their gradients, take the step that one
process would take with the W batches put behind one another. Outside of a process group they do
nothing.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """W, 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather(rows: Tensor) -> Tensor:
    """(B, …) of each process → (B₀ + … + B_{W-1}, …), in the order of ranks, on every process.

    Batches may be of different sizes and, in the second dimension, lengths: shorter rows are padded
    with zeros. Each process gets the gradient of its own rows, summed over the losses of all. Where
    all compute the same loss of all rows, that is W times its gradient, and averaging over
    processes, as DDP does, makes it exact.
    """
    return _Gather.apply(rows) if world_size() > 1 else rows


def rows_of_other_processes(rows: Tensor) -> Tensor:
    """(B, …) of each process → the rows of the other processes, in the order of ranks; no gradient
    goes back.
    """
    if world_size() == 1:
        return rows[:0]
    owner = torch.full((len(rows),), dist.get_rank(), device=rows.device)
    return gather(rows.detach())[gather(owner) != dist.get_rank()]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        world, rank = world_size(), dist.get_rank()
        own = torch.tensor(rows.shape, device=rows.device)
        shapes = [torch.empty_like(own) for _ in range(world)]
        dist.all_gather(shapes, own)
        shape = torch.stack(shapes).amax(0).tolist()
        padded = rows.new_zeros(shape)
        padded[tuple(slice(n) for n in rows.shape)] = rows
        gathered = [torch.empty_like(padded) for _ in range(world)]
        dist.all_gather(gathered, padded.contiguous())
        sizes = [int(s[0]) for s in shapes]
        ctx.start, ctx.shape = sum(sizes[:rank]), rows.shape
        return torch.cat([part[:size] for part, size in zip(gathered, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        size, *rest = ctx.shape
        return total[(slice(ctx.start, ctx.start + size), *(slice(n) for n in rest))]


def mean_weight(count: int, device: torch.device) -> float:
    """What to weigh a mean over ``count`` items of this process with, so that the processes'
    average is the mean over
    the items of all: :math:`W n_r / \\sum_r n_r`; 1 without a process group.
    """
    world = world_size()
    if world == 1:
        return 1.0
    total = torch.tensor(float(count), device=device)
    dist.all_reduce(total)
    return world * count / max(total.item(), 1.0)
