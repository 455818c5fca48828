"""The loss over a large vocabulary, in the memory of a few rows of logits."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.objectives.liger import liger_loss


def vocabulary_loss(
    states: Tensor,
    weight: Tensor,
    bias: Tensor,
    labels: Tensor,
    *,
    sizes: Sequence[int] | None = None,
    factors: Sequence[float] | None = None,
    chunk_size: int | None = None,
    kernel: str = "chunked",
) -> Tensor:
    r"""Mean cross-entropy of :math:`z_i = W h_i + b` against labels, group by group.

    .. math:: L_g = -\frac{f_g}{|g|} \sum_{i \in g} \log \mathrm{softmax}(W h_i + b)_{y_i}

    Never more than ``chunk_size`` rows of logits exist: what the backward pass needs of them, the
    gradients, is computed in the forward pass while they are there (as fused kernels for GPUs do;
    Hsu et al., 2024, arXiv 2410.10989, section 3.2). Nothing is computed twice, and all groups
    share one gradient of :math:`W`.

    Args:
        states: (M, H), the groups one after the other.
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
    row_factors = torch.cat(
        [
            torch.full((size,), factor / max(size, 1))
            for size, factor in zip(sizes, factors, strict=True)
        ]
    ).to(states.device)  # (M,) what each row's loss counts for
    chunk_size = chunk_size or max(len(states), 1)
    if kernel == "liger" and len(states):
        return liger_loss(states, weight, bias, labels, row_factors, sizes, chunk_size)
    device = states.device.type
    # under autocast the matrix products have its data type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
    settings = _Settings(sizes, chunk_size, dtype)
    return _VocabularyLoss.apply(states, weight, bias, labels, row_factors, settings)


class _Settings(NamedTuple):
    """What is no tensor.

    Args:
        sizes: rows of each group.
        chunk_size: rows of logits at once.
        dtype: of the matrix products; None: that of the weight.
    """

    sizes: Sequence[int]
    chunk_size: int
    dtype: torch.dtype | None


class _VocabularyLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor,
        labels: Tensor,
        row_factors: Tensor,
        settings: _Settings,
    ) -> Tensor:
        gradients = _Gradients(
            *(
                torch.zeros_like(tensor) if needed else None
                for tensor, needed in zip(
                    (states, weight, bias), ctx.needs_input_grad, strict=False
                )
            )
        )
        losses = [states.new_zeros(0, dtype=torch.float32)]
        with torch.autocast(states.device.type, enabled=False):
            cast_weight = weight if settings.dtype is None else weight.to(settings.dtype)  # (V, H)
            cast_bias = bias.to(cast_weight.dtype)  # (V,)
            for start in range(0, len(states), settings.chunk_size):
                rows = slice(start, start + settings.chunk_size)
                chunk = states[rows].to(cast_weight.dtype)  # (m, H)
                logits = torch.addmm(cast_bias, chunk, cast_weight.T).float()  # (m, V)
                loss = F.cross_entropy(logits, labels[rows], reduction="none")  # (m,)
                losses.append(loss * row_factors[rows])
                if gradients.wanted:
                    gradients.add_rows(
                        rows, logits, chunk, cast_weight, labels[rows], row_factors[rows]
                    )
        ctx.gradients = gradients
        groups = torch.cat(losses).split(list(settings.sizes))
        return torch.stack([group.sum() for group in groups])

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple:
        factor = outer[0][0]
        if bool((outer[0] != factor).any()):
            raise RuntimeError(
                "vocabulary_loss: groups got different gradients; weigh them by factors= instead"
            )
        gradients = ctx.gradients
        ctx.gradients = None  # they are as large as the weight
        if not bool(factor == 1):
            gradients.multiply(factor)
        return (gradients.states, gradients.weight, gradients.bias, None, None, None)


class _Gradients:
    """Gradients that are summed up chunk by chunk; None where none is wanted.

    Args:
        states: (M, H).
        weight: (V, H).
        bias: (V,).
    """

    def __init__(self, states: Tensor | None, weight: Tensor | None, bias: Tensor | None) -> None:
        self.states, self.weight, self.bias = states, weight, bias

    @property
    def wanted(self) -> bool:
        return any(gradient is not None for gradient in (self.states, self.weight, self.bias))

    def add_rows(
        self,
        rows: slice,
        logits: Tensor,
        chunk: Tensor,
        cast_weight: Tensor,
        labels: Tensor,
        row_factors: Tensor,
    ) -> None:
        """Add what m rows contribute.

        Row factors, 1/M of a mean, are multiplied in where they meet full-sized numbers: with them,
        small probabilities would be 0 in half precision.

        Args:
            rows: which of the M rows these are.
            logits: (m, V) float32; overwritten by their own gradient, softmax minus one-hot.
            chunk: (m, H), the states.
            cast_weight: (V, H), as it was multiplied.
            labels: (m,).
            row_factors: (m,) float32.
        """
        torch.softmax(logits, -1, out=logits)
        logits[torch.arange(len(logits), device=logits.device), labels] -= 1
        if self.bias is not None:
            self.bias += row_factors @ logits
        logits = logits.to(cast_weight.dtype)
        factors = row_factors.unsqueeze(1)  # (m, 1)
        if self.states is not None:
            of_states = (logits @ cast_weight).float() * factors  # (m, H)
            self.states[rows] = of_states.to(self.states.dtype)
        if self.weight is None:
            return
        weighted = (chunk.float() * factors).to(chunk.dtype)  # (m, H)
        if self.weight.dtype == cast_weight.dtype:
            self.weight.addmm_(logits.T, weighted)  # in place: (V, H) is not made twice
        else:
            self.weight += logits.T @ weighted

    def multiply(self, factor: Tensor) -> None:
        """Scale all of them by the gradient of the loss."""
        for gradient in (self.states, self.weight, self.bias):
            if gradient is not None:
                gradient.mul_(factor)
