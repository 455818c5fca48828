"""Data parallelism that is exact: negatives and means over the batches of all processes.

With these functions, W processes that average their gradients take the same step as one process
with the W batches concatenated. Without a process group they do nothing.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """Number of processes, W; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather(rows: Tensor) -> Tensor:
    """The rows of all processes, in the order of ranks, with gradients.

    Batches may have different sizes, and rows different lengths (the second dimension): shorter
    rows are padded with zeros. Each process gets the gradient of its own rows, summed over the
    losses of all processes. If all of them compute the same loss of all rows, that is W times the
    gradient; averaging over processes, as DDP does, then makes it exact.

    Args:
        rows: (B, …) of this process.

    Returns:
        (B₀ + … + B_{W-1}, …), the same on every process.
    """
    return _Gather.apply(rows) if world_size() > 1 else rows


def rows_of_other_processes(rows: Tensor) -> Tensor:
    """(B, …) of each process → the rows of all others, in the order of ranks, without gradients."""
    if world_size() == 1:
        return rows[:0]
    owner = torch.full((len(rows),), dist.get_rank(), device=rows.device)  # (B,)
    return gather(rows.detach())[gather(owner) != dist.get_rank()]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        own_shape = torch.tensor(rows.shape, device=rows.device)
        shapes = [torch.empty_like(own_shape) for _ in range(world_size())]
        dist.all_gather(shapes, own_shape)
        # all_gather takes tensors of one shape: pad to the largest in each dimension
        largest = torch.stack(shapes).amax(0).tolist()
        padded = rows.new_zeros(largest)
        padded[tuple(slice(size) for size in rows.shape)] = rows
        gathered = [torch.empty_like(padded) for _ in shapes]
        dist.all_gather(gathered, padded.contiguous())
        sizes = [int(shape[0]) for shape in shapes]
        ctx.start = sum(sizes[: dist.get_rank()])  # where the own rows are
        ctx.shape = rows.shape
        parts = [part[:size] for part, size in zip(gathered, sizes, strict=True)]
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        size, *rest = ctx.shape
        own_rows = slice(ctx.start, ctx.start + size)
        without_padding = (slice(size) for size in rest)
        return total[(own_rows, *without_padding)]


def mean_weight(count: int, device: torch.device) -> float:
    r"""Factor that makes the average of the processes' means the mean over the items of all.

    It is :math:`W n_r / \sum_r n_r`, and 1 without a process group.

    Args:
        count: :math:`n_r`, the number of items of this process.
        device: of the processes' communication.
    """
    world = world_size()
    if world == 1:
        return 1.0
    total = torch.tensor(float(count), device=device)
    dist.all_reduce(total)
    return world * count / max(total.item(), 1.0)
