"""The cross-entropy over a large vocabulary, with the memory of a few rows of logits."""

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
    r"""Mean cross-entropy of logits :math:`z_i = W h_i + b` against labels, for groups of rows.

    .. math:: L_g = -\frac{f_g}{|g|} \sum_{i \in g} \log \mathrm{softmax}(W h_i + b)_{y_i}

    At most ``chunk_size`` rows of logits are in memory. Their gradients are computed already in the
    forward pass, as fused kernels for GPUs do (Hsu et al., 2024, arXiv 2410.10989, section 3.2), so
    that the backward pass does not need the logits. Nothing is computed twice, and all groups share
    one gradient of :math:`W`.

    Args:
        states: (M, H), group after group.
        weight, bias: (V, H) and (V,).
        labels: (M,) int64.
        sizes: number of rows in each of the G groups; None: all rows are one group.
        factors: :math:`f_g` of each group; None: 1.
        chunk_size: rows of logits in memory at a time; None: all.
        kernel: ``chunked``, as described, or ``liger``
            (:func:`transliconet.objectives.liger.liger_loss`).

    Returns:
        (G,) float32; 0 for an empty group. In the backward pass all groups must get the same
        gradient, as they do if the losses are summed.

    >>> zeros = torch.zeros(1, 2)
    >>> vocabulary_loss(zeros, torch.zeros(2, 2), torch.zeros(2), torch.tensor([1]))
    tensor([0.6931])
    """
    sizes = [len(states)] if sizes is None else list(sizes)
    factors = [1.0] * len(sizes) if factors is None else list(factors)
    factors_of_groups = []
    for size, factor in zip(sizes, factors, strict=True):
        factors_of_groups.append(torch.full((size,), factor / max(size, 1)))
    # (M,) the weight of each row's loss: f_g / |g|
    row_factors = torch.cat(factors_of_groups).to(states.device)
    chunk_size = chunk_size or max(len(states), 1)
    if kernel == "liger" and len(states):
        return liger_loss(
            states,
            weight,
            bias,
            labels,
            row_factors=row_factors,
            sizes=sizes,
            chunk_size=chunk_size,
        )
    device = states.device.type
    # under autocast the matrix products have its data type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
    settings = _Settings(sizes, chunk_size, dtype)
    return _VocabularyLoss.apply(states, weight, bias, labels, row_factors, settings)


class _Settings(NamedTuple):
    """Arguments of :class:`_VocabularyLoss` that are not tensors.

    Args:
        sizes: number of rows in each group.
        chunk_size: rows of logits in memory at a time.
        dtype: data type of the matrix products; None: that of the weight.
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
        states_needed, weight_needed, bias_needed, *_ = ctx.needs_input_grad
        gradients = _Gradients(
            states=torch.zeros_like(states) if states_needed else None,
            weight=torch.zeros_like(weight) if weight_needed else None,
            bias=torch.zeros_like(bias) if bias_needed else None,
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
                        rows,
                        logits=logits,
                        chunk=chunk,
                        cast_weight=cast_weight,
                        labels=labels[rows],
                        row_factors=row_factors[rows],
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
    """Gradients that are summed over chunks of rows; None for tensors that need none.

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
        """Add the contribution of m rows.

        Row factors, such as 1/M for a mean, are applied to the products and not to the logits'
        gradient: small probabilities times 1/M would become 0 in half precision.

        Args:
            rows: the place of these rows among all M.
            logits: (m, V) float32; overwritten by their own gradient, softmax minus one-hot.
            chunk: (m, H), the states.
            cast_weight: (V, H), in the data type of the products.
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
        """Scale all gradients by that of the loss."""
        for gradient in (self.states, self.weight, self.bias):
            if gradient is not None:
                gradient.mul_(factor)
