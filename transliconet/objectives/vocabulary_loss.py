"""The loss over a large vocabulary, in the memory of a few rows of logits."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.objectives.liger import liger_loss


def vocabulary_loss(
    states: Tensor,
    weight: Tensor,
    bias: Tensor,
    labels: Tensor,
    sizes: Sequence[int] | None = None,
    factors: Sequence[float] | None = None,
    chunk_size: int | None = None,
    kernel: str = "chunked",
) -> Tensor:
    r"""Mean cross-entropy of :math:`z_i = W h_i + b` against labels, group by group.

    .. math:: L_g = -\frac{f_g}{|g|} \sum_{i \in g} \log \mathrm{softmax}(W h_i + b)_{y_i}

    Never more than ``chunk_size`` rows of logits exist: what the backward pass needs of them, the
    gradients, is made in the forward pass while they are there (as fused kernels for GPUs do; Hsu
    et al., 2024, arXiv 2410.10989, section 3.2). Nothing is computed twice, and all groups share
    one gradient of :math:`W`.

    Args:
        states: (M, H), the groups behind one another.
        weight, bias: (V, H) and (V,).
        labels: (M,) int64.
        sizes: rows of each group; None: one group of all.
        factors: :math:`f_g`; None: 1.
        chunk_size: rows of logits at once; None: all.
        kernel: ``chunked``, this one, or ``liger``
            (:func:`transliconet.objectives.liger.liger_loss`).

    Returns:
        (G,) float32; 0 for a group of no rows. Every group must get the same gradient, as from
        their sum.

    >>> zeros = torch.zeros(1, 2)
    >>> vocabulary_loss(zeros, torch.zeros(2, 2), torch.zeros(2), torch.tensor([1]))
    tensor([0.6931])
    """
    sizes = [len(states)] if sizes is None else list(sizes)
    factors = [1.0] * len(sizes) if factors is None else list(factors)
    dtype = (
        torch.get_autocast_dtype(states.device.type)
        if torch.is_autocast_enabled(states.device.type)
        else None
    )
    share = torch.cat(
        [torch.full((n,), f / max(n, 1)) for n, f in zip(sizes, factors, strict=True)]
    )
    share, chunk_size = share.to(states.device), chunk_size or max(len(states), 1)
    if kernel == "liger" and len(states):
        return liger_loss(states, weight, bias, labels, share, sizes, chunk_size)
    return _VocabularyLoss.apply(states, weight, bias, labels, share, sizes, chunk_size, dtype)


class _VocabularyLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor,
        labels: Tensor,
        share: Tensor,
        sizes: Sequence[int],
        chunk_size: int,
        dtype: torch.dtype | None,
    ) -> Tensor:
        with torch.autocast(states.device.type, enabled=False):
            table = weight if dtype is None else weight.to(dtype)
            offset = bias.to(table.dtype)
            gradients = [
                torch.zeros_like(t) if needed else None
                for t, needed in zip((states, weight, bias), ctx.needs_input_grad, strict=False)
            ]
            losses = []
            for start in range(0, len(states), chunk_size):
                rows = slice(start, start + chunk_size)
                part = states[rows].to(table.dtype)
                logits = torch.addmm(offset, part, table.T).float()
                losses.append(F.cross_entropy(logits, labels[rows], reduction="none") * share[rows])
                if any(g is not None for g in gradients):
                    _add_gradients(gradients, logits, rows, part, table, labels, share)
        ctx.gradients = gradients
        every = torch.cat(losses) if losses else states.new_zeros(0, dtype=torch.float32)
        return torch.stack([group.sum() for group in every.split(list(sizes))])

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple:
        factor = outer[0][0]
        if bool((outer[0] != factor).any()):
            raise RuntimeError(
                "vocabulary_loss: its groups got different gradients; weigh them by factors= instead"
            )
        done = [
            None if g is None else (g if bool(factor == 1) else g.mul_(factor))
            for g in ctx.gradients
        ]
        ctx.gradients = None
        return (*done, None, None, None, None, None)


def _add_gradients(
    gradients: Sequence[Tensor | None],
    logits: Tensor,
    rows: slice,
    part: Tensor,
    table: Tensor,
    labels: Tensor,
    share: Tensor,
) -> None:
    """Add what some rows contribute; ``logits`` become their own gradient, softmax minus one-hot.

    Shares of a mean, 1/M, are multiplied in where they meet full-sized numbers: with them, small
    probabilities would be 0 in half precision.
    """
    of_states, of_weight, of_bias = gradients
    torch.softmax(logits, -1, out=logits)
    logits[torch.arange(len(logits), device=logits.device), labels[rows]] -= 1
    if of_bias is not None:
        of_bias += share[rows] @ logits
    logits = logits.to(table.dtype)
    if of_states is not None:
        of_states[rows] = ((logits @ table).float() * share[rows].unsqueeze(1)).to(of_states.dtype)
    if of_weight is None:
        return
    weighted = (part.float() * share[rows].unsqueeze(1)).to(part.dtype)
    if of_weight.dtype == table.dtype:
        of_weight.addmm_(logits.T, weighted)
    else:
        of_weight += logits.T @ weighted
