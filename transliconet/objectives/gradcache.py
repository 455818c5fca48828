"""Encoding a batch in parts, each of which keeps only the requested states (GradCache)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

Compute = Callable[..., tuple[Tensor, ...]]


class _ComputeModule(nn.Module):
    """A function that uses ``module``, as a module itself: :func:`functional_call` needs one."""

    def __init__(self, module: nn.Module, compute: Compute) -> None:
        super().__init__()
        self.module, self.compute = module, compute

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.compute(*inputs)


def recompute_in_backward(
    module: nn.Module, compute: Compute, *inputs: Tensor
) -> tuple[Tensor, ...]:
    """Compute ``compute(*inputs)`` without a graph. The backward pass computes it again, with the
    same dropout, and then its gradients.

    The weights of ``module`` are passed as arguments, so that the backward pass of each part
    returns their gradients like those of ``inputs``. Autograd sums them over the parts, and data
    parallelism sees one gradient of each weight when all parts are done.

    The alternative, ``use_reentrant=False``, finds the weights by itself. But on CPUs it leaves
    about a thousand small graph nodes between the activations of each part. When the activations
    are freed, the C library's heap cannot reuse the gaps, and memory grows with the number of
    parts. It is used for weights that FSDP has sharded, which cannot be arguments: GPU memory is
    managed differently.

    Args:
        module: the encoder.
        compute: computes states from ``inputs``, by means of ``module``.
        inputs: tensors, or None.

    Returns:
        The states that ``compute`` returns.
    """
    if any(isinstance(part, FullyShardedDataParallel) for part in module.modules()):
        return checkpoint(compute, *inputs, use_reentrant=False)  # type: ignore[no-any-return]
    trained = {
        f"module.{name}": weight
        for name, weight in module.named_parameters()
        if weight.requires_grad
    }
    compute_module = _ComputeModule(module, compute)

    def run(*arguments: Tensor) -> tuple[Tensor, ...]:
        part_inputs, weights = arguments[: len(inputs)], arguments[len(inputs) :]
        if not torch.is_grad_enabled():
            # otherwise autocast caches casts without a graph, which the backward pass would use
            weights = tuple(weight.detach() for weight in weights)
        by_name = dict(zip(trained, weights, strict=True))
        states: tuple[Tensor, ...] = functional_call(compute_module, by_name, part_inputs)
        return states

    return checkpoint(  # type: ignore[no-any-return]
        run, *inputs, *trained.values(), use_reentrant=True
    )
