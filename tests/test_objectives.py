"""Each loss against a slow NumPy reference written from the equations: values, and gradients by finite differences."""

import doctest
import importlib
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from transliconet import keys
from transliconet.errors import ConfigError
from transliconet.objectives.combine import CLEAN, MASKED, EncodedPairs, active, combine, encode
from transliconet.objectives.mlm import MaskedLanguageModel, mlm_loss
from transliconet.objectives.tcm import TransliterationContrast, tcm_loss

VARIANTS = [
    {"similarity": s, "temperature": t, "same_view_negatives": n}
    for s in ("dot", "cosine")
    for t in (1.0, 0.05)
    for n in (True, False)
]


def slow_tcm(
    native: np.ndarray, romanized: np.ndarray, similarity: str, temperature: float, same_view_negatives: bool
) -> float:
    """Equation 2 of arXiv 2401.06620, one exponential at a time, vectors interleaved as the paper has them."""
    pairs = len(native)
    vectors = [v for i in range(pairs) for v in (native[i], romanized[i])]  # h_1 … h_2B: pair i at 2i and 2i + 1

    def s(a: np.ndarray, b: np.ndarray) -> float:
        product = float(sum(x * y for x, y in zip(a, b, strict=True)))
        if similarity == "cosine":
            product /= math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
        return product / temperature

    total = 0.0
    for i in range(2 * pairs):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = [k for k in range(2 * pairs) if k != i and (same_view_negatives or k % 2 != i % 2)]
        total += -math.log(
            math.exp(s(vectors[i], vectors[partner])) / sum(math.exp(s(vectors[i], vectors[k])) for k in others)
        )
    return total / (2 * pairs)


def slow_mlm(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(
        np.mean([math.log(sum(math.exp(z) for z in row)) - row[y] for row, y in zip(logits, labels, strict=True)])
    )


def finite_differences(function, *arrays: np.ndarray, step: float = 1e-5) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    gradients = []
    for position, array in enumerate(arrays):
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            up, down = ([a.copy() for a in arrays] for _ in range(2))
            up[position][index] += step
            down[position][index] -= step
            gradient[index] = (function(*up) - function(*down)) / (2 * step)
        gradients.append(gradient)
    return gradients


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_tcm_value_and_gradient_equal_the_reference(variant: dict) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4, 3))
    x, y = (torch.tensor(v, dtype=torch.float32, requires_grad=True) for v in (a, b))
    loss = tcm_loss(x, y, **variant)
    loss.backward()
    assert loss.item() == pytest.approx(slow_tcm(a, b, **variant), rel=1e-5)
    for tensor, expected in zip((x, y), finite_differences(lambda p, q: slow_tcm(p, q, **variant), a, b), strict=True):
        assert np.abs(expected).max() > 1e-3  # or the comparison would say nothing
        np.testing.assert_allclose(tensor.grad.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_the_variants_differ_from_one_another() -> None:
    a, b = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    losses = [round(tcm_loss(a, b, **v).item(), 4) for v in VARIANTS]
    assert len(set(losses)) == len(VARIANTS)


def test_tcm_on_two_pairs_worked_out_by_hand() -> None:
    """Natives (1, 0), (0, 1); romanised (1, 0), (0, 2). Dot product, T = 1, same-view negatives.

    Row by row, the positive score against the logarithm of the sum over the three other vectors:
    n1: 1 of {n2 0, r1 1, r2 0};  n2: 2 of {n1 0, r1 0, r2 2};
    r1: 1 of {n1 1, n2 0, r2 0};  r2: 2 of {n1 0, n2 2, r1 0}.
    """
    native, romanized = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    one, two = math.log(2 + math.e) - 1, math.log(2 + math.e**2) - 2
    assert tcm_loss(native, romanized).item() == pytest.approx((one + two + one + two) / 4, rel=1e-6)
    # Without same-view negatives one candidate is left beside the positive:
    one, two = math.log(1 + math.e) - 1, math.log(1 + math.e**2) - 2
    expected = (one + two + one + two) / 4
    assert tcm_loss(native, romanized, same_view_negatives=False).item() == pytest.approx(expected, rel=1e-6)


def test_tcm_does_not_depend_on_the_order_of_pairs_or_views() -> None:
    a, b = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(1))
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert tcm_loss(a[order], b[order]).item() == pytest.approx(tcm_loss(a, b).item(), rel=1e-6)
    assert tcm_loss(b, a).item() == pytest.approx(tcm_loss(a, b).item(), rel=1e-6)


def test_large_dot_products_do_not_overflow() -> None:
    a = torch.eye(4) * 300
    assert torch.isfinite(tcm_loss(a, a))
    assert torch.isfinite(tcm_loss(a.bfloat16(), -a.bfloat16()))


@pytest.mark.parametrize(
    ("options", "named"), [({"similarity": "cosin"}, "'cosine'"), ({"temperature": 0.0}, "temperature=0.0")]
)
def test_unusable_settings_are_named(options: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        tcm_loss(torch.eye(2), torch.eye(2), **options)


def test_one_pair_has_no_negatives() -> None:
    with pytest.raises(ConfigError, match="no in-batch negatives"):
        tcm_loss(torch.ones(1, 3), torch.ones(1, 3))


def test_mlm_value_and_gradient_equal_the_reference() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(5, 7)), rng.integers(7, size=5)
    z = torch.tensor(logits, dtype=torch.float32, requires_grad=True)
    loss = mlm_loss(z, torch.tensor(labels))
    loss.backward()
    assert loss.item() == pytest.approx(slow_mlm(logits, labels), rel=1e-5)
    (expected,) = finite_differences(lambda p: slow_mlm(p, labels), logits)
    np.testing.assert_allclose(z.grad.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_mlm_of_nothing_is_zero_and_keeps_the_graph() -> None:
    weight = torch.ones(3, 7, requires_grad=True)
    loss = mlm_loss(torch.zeros(0, 3) @ weight, torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(weight.grad, torch.zeros(3, 7))


class FakeEncoder:
    """Hidden states are looked up; every head call is recorded."""

    layers = 2

    def __init__(self, vocabulary: int = 11, width: int = 4) -> None:
        generator = torch.Generator().manual_seed(0)
        self.table = torch.randn(3, vocabulary, width, generator=generator)
        self.head = torch.randn(width, vocabulary, generator=generator)
        self.passes: list[tuple[Tensor, set[int]]] = []
        self.head_rows: list[int] = []

    def layer_number(self, layer: int | str, option: str = "layer") -> int:
        return self.layers if layer == "last" else int(layer)

    def hidden_states(self, input_ids: Tensor, attention_mask: Tensor, layers: set[int]) -> dict[int, Tensor]:
        self.passes.append((input_ids, layers))
        return {layer: self.table[layer][input_ids] for layer in layers}

    def vocabulary_logits(self, hidden: Tensor) -> Tensor:
        self.head_rows.append(len(hidden))
        return hidden @ self.head


def a_batch(pairs: int = 3, length: int = 6) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(4, 11, (2 * pairs, length), generator=generator)
    labels = torch.full_like(ids, keys.IGNORE)
    masked = ids.clone()
    for row, column in ((0, 1), (0, 3), (1, 2), (3, 1), (4, 4), (5, 5)):
        labels[row, column], masked[row, column] = ids[row, column], 3
    everything = torch.ones_like(ids, dtype=torch.bool)
    return {
        keys.PAIR_INDEX: torch.arange(pairs), keys.INPUT_IDS: ids, keys.MASKED_IDS: masked, keys.LABELS: labels,
        keys.ATTENTION_MASK: everything, keys.CONTENT_MASK: everything,
    }  # fmt: skip


def test_mlm_takes_one_loss_a_view_and_the_head_at_masked_positions_only() -> None:
    encoder, batch = FakeEncoder(), a_batch()
    objective = MaskedLanguageModel()
    encoded = encode(encoder, batch, objective.reads(encoder))
    terms = objective(encoded)
    assert encoder.head_rows == [6]
    for name, rows in (("mlm_native", range(3)), ("mlm_romanized", range(3, 6))):
        where = [(r, c) for r in rows for c in range(6) if batch[keys.LABELS][r, c] != keys.IGNORE]
        assert len(where) == 3
        logits = np.stack([(encoder.table[2][batch[keys.MASKED_IDS][r, c]] @ encoder.head).numpy() for r, c in where])
        expected = slow_mlm(logits, np.array([batch[keys.LABELS][r, c] for r, c in where]))
        assert terms[name].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [MASKED, CLEAN])
def test_tcm_contrasts_the_input_and_layer_it_names(kind: str) -> None:
    encoder, batch = FakeEncoder(), a_batch()
    objective = TransliterationContrast(layer=1, input=kind)
    terms = objective(encode(encoder, batch, objective.reads(encoder)))
    ids = batch[keys.MASKED_IDS if kind == MASKED else keys.INPUT_IDS]
    pooled = encoder.table[1][ids].mean(1).numpy()
    assert terms["tcm"].item() == pytest.approx(0.5 * slow_tcm(pooled[:3], pooled[3:], "dot", 1.0, True), rel=1e-5)


@pytest.mark.parametrize(("kind", "passes"), [(MASKED, 1), (CLEAN, 2)])
def test_both_views_and_all_objectives_share_a_forward_pass(kind: str, passes: int) -> None:
    encoder, batch = FakeEncoder(), a_batch()
    objectives = {
        "mlm": MaskedLanguageModel(weight=2.0),
        "tcm": TransliterationContrast(weight=0.5, layer=1, input=kind),
    }
    reads = set().union(*(o.reads(encoder) for o in objectives.values()))
    total, terms = combine(objectives, encode(encoder, batch, reads))
    assert len(encoder.passes) == passes
    assert all(len(ids) == 6 for ids, _ in encoder.passes)
    expected = 2.0 * (terms["mlm_native"] + terms["mlm_romanized"]) + 0.5 * terms["tcm"]
    assert total.item() == pytest.approx(expected.item(), rel=1e-6)


def test_objectives_of_weight_zero_are_off_and_all_off_is_an_error() -> None:
    on = active({"mlm": MaskedLanguageModel(weight=0.0), "tcm": TransliterationContrast(), "tlm": None})
    assert set(on) == {"tcm"}
    with pytest.raises(ConfigError, match="no objective has a weight above 0"):
        active({"mlm": MaskedLanguageModel(weight=0.0), "tcm": None})


def test_pairs_are_counted_from_the_batch() -> None:
    assert EncodedPairs(a_batch(), {}, FakeEncoder()).pairs == 3


@pytest.mark.parametrize("module", ["transliconet.objectives.mlm", "transliconet.objectives.tcm"])
def test_docstring_examples(module: str) -> None:
    results = doctest.testmod(importlib.import_module(module), extraglobs={"torch": torch})
    assert results.attempted > 0
    assert results.failed == 0
