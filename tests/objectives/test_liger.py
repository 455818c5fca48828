"""The vocabulary's loss by Liger Kernel is ours; its kernels run in Triton's interpreter, since
tests have no GPU.
"""

import importlib.util
import os
import subprocess
import sys
import types

import pytest
import torch
from torch import Tensor

from transliconet.errors import ConfigError
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.objectives.vocabulary_loss import vocabulary_loss

COMPARE = """
import torch
from transliconet.objectives.vocabulary_loss import vocabulary_loss
torch.set_num_threads(1)
for dtype, trained, tolerance in (None, True, 1e-5), (None, False, 1e-5), (torch.bfloat16, True, 2e-2):
    found = []
    for kernel in "chunked", "liger":
        generator = torch.Generator().manual_seed(0)
        tensors = [torch.randn(*shape, generator=generator) for shape in ((23, 16), (300, 16), (300,))]
        labels = torch.randint(300, (23,), generator=generator)
        states, weight, bias = (t.requires_grad_(trained or i == 0) for i, t in enumerate(tensors))
        with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
            losses = vocabulary_loss(
                states, weight, bias, labels, sizes=[14, 0, 9], factors=[1.0, 1.0, 0.7], chunk_size=8, kernel=kernel
            )
            assert losses.shape == (3,) and losses.dtype == torch.float32
        (0.5 * losses.sum()).backward()
        assert trained or (weight.grad is None and bias.grad is None)
        found.append([losses.detach(), *(t.grad for t in tensors if t.grad is not None)])
    for ours, theirs in zip(*found, strict=True):
        assert ours.abs().max() > 1e-3 and ours.dtype == theirs.dtype
        torch.testing.assert_close(theirs, ours, atol=tolerance, rtol=tolerance)
print("equal")
"""


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("liger_kernel", "triton"))),
    reason="needs liger-kernel and triton",
)
def test_losses_and_gradients_are_those_of_the_chunked_loss() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1"}  # before Triton is imported
    done = subprocess.run(
        [sys.executable, "-c", COMPARE], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "equal\n", done.stderr


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What a stand-in for Liger's function was given; it computes what that does."""
    seen: list[dict] = []

    def stand_in(
        states: Tensor, weight: Tensor, labels: Tensor, bias: Tensor, **options: object
    ) -> Tensor:
        seen.append(options)
        return torch.nn.functional.cross_entropy(states @ weight.T + bias, labels, reduction="none")

    functional = types.ModuleType("liger_kernel.transformers.functional")
    functional.liger_fused_linear_cross_entropy = stand_in  # type: ignore[attr-defined]
    for name in ("liger_kernel", "liger_kernel.transformers"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, functional.__name__, functional)
    return seen


@pytest.mark.parametrize(("chunk_size", "budget"), [(1, 1), (4, 4), (None, 10), (50, 10)])
def test_groups_are_weighed_and_chunks_translated(
    calls: list[dict], chunk_size: int | None, budget: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    h, w, b = (torch.randn(*shape, generator=generator) for shape in ((10, 4), (40, 4), (40,)))
    labels = torch.randint(40, (10,), generator=generator)
    settings = {"sizes": [6, 4, 0], "factors": [1.0, 0.5, 1.0], "chunk_size": chunk_size}
    ours = vocabulary_loss(h, w, b, labels, **settings)
    assert calls == []
    theirs = vocabulary_loss(h, w, b, labels, **settings, kernel="liger")
    torch.testing.assert_close(theirs, ours)
    assert ours[0] > 1e-2
    # M·H·budget logits: of V numbers each, as many rows as asked for
    assert calls == [{"reduction": "none", "accum_dtype": torch.float32, "chunk_mem_const": budget}]


def test_a_batch_without_hidden_tokens_needs_no_kernel(calls: list[dict]) -> None:
    h, w = torch.zeros(0, 4, requires_grad=True), torch.ones(7, 4, requires_grad=True)
    losses = vocabulary_loss(
        h, w, torch.ones(7), torch.zeros(0, dtype=torch.int64), sizes=[0, 0], kernel="liger"
    )
    losses.sum().backward()
    assert losses.tolist() == [0, 0]
    assert torch.equal(w.grad, torch.zeros(7, 4))
    assert calls == []


@pytest.mark.parametrize("make", [MaskedLanguageModel, TransliterationLanguageModel])
def test_what_is_missing_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, make: type[MaskedLanguageModel]
) -> None:
    def refused(kernel: str) -> ConfigError:
        with pytest.raises(ConfigError) as error:
            make(kernel=kernel)
        assert error.value.given == f"kernel={kernel}"
        return error.value

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert refused("liger").code == "TLN-CONFIG-502"
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    assert refused("liger").code == "TLN-CONFIG-503"
    assert refused("ligr").code == "TLN-CONFIG-001"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert make(kernel="liger").kernel == "liger"
