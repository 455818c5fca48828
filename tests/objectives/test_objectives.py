"""Each loss against a slow NumPy reference written from the equations: values, and gradients by
finite differences.
"""

import doctest
import importlib
import math
from collections.abc import Collection

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.settings import raises
from transliconet.batch import (
    ATTENTION_MASK,
    CONTENT_MASK,
    IGNORE,
    INPUT_IDS,
    LABELS,
    MASKED_IDS,
    PAIR_INDEX,
)
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchored import anchored_loss
from transliconet.objectives.base import active, combine
from transliconet.objectives.encode import CLEAN, MASKED, EncodedPairs, encode
from transliconet.objectives.mlm import MaskedLanguageModel, mlm_loss
from transliconet.objectives.negatives import duplicate_pairs, duplicate_texts
from transliconet.objectives.tcm import TransliterationContrast, tcm_loss
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.objectives.vocabulary_loss import vocabulary_loss
from transliconet.objectives.word_alignment import WordAlignment, Words, word_alignment_loss
from transliconet.tokens.words import WORDS

VARIANTS = [
    {"similarity": s, "temperature": t, "same_view_negatives": n}
    for s in ("dot", "cosine")
    for t in (1.0, 0.05)
    for n in (True, False)
]


def slow_tcm(
    native: np.ndarray,
    romanized: np.ndarray,
    similarity: str,
    temperature: float,
    same_view_negatives: bool,
    same: Collection[tuple[int, int]] = (),
) -> float:
    """Equation 2 of arXiv 2401.06620, one exponential at a time, vectors interleaved as the paper
    has them.
    """
    pairs = len(native)
    vectors = [
        v for i in range(pairs) for v in (native[i], romanized[i])
    ]  # h_1 … h_2B: pair i at 2i and 2i + 1

    def s(a: np.ndarray, b: np.ndarray) -> float:
        product = float(sum(x * y for x, y in zip(a, b, strict=True)))
        if similarity == "cosine":
            product /= math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
        return product / temperature

    total = 0.0
    for i in range(2 * pairs):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = [k for k in range(2 * pairs) if k != i and (same_view_negatives or k % 2 != i % 2)]
        others = [
            k for k in others if (i // 2, k // 2) not in same and (k // 2, i // 2) not in same
        ]
        total += -math.log(
            math.exp(s(vectors[i], vectors[partner]))
            / sum(math.exp(s(vectors[i], vectors[k])) for k in others)
        )
    return total / (2 * pairs)


def slow_mlm(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(
        np.mean(
            [
                math.log(sum(math.exp(z) for z in row)) - row[y]
                for row, y in zip(logits, labels, strict=True)
            ]
        )
    )


# type: ignore[no-untyped-def]
def finite_differences(function, *arrays: np.ndarray, step: float = 1e-5) -> list[np.ndarray]:
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
    for tensor, expected in zip(
        (x, y), finite_differences(lambda p, q: slow_tcm(p, q, **variant), a, b), strict=True
    ):
        assert np.abs(expected).max() > 1e-3  # or the comparison would say nothing
        np.testing.assert_allclose(tensor.grad.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_the_variants_differ_from_one_another() -> None:
    a, b = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    losses = [round(tcm_loss(a, b, **v).item(), 4) for v in VARIANTS]
    assert len(set(losses)) == len(VARIANTS)


def test_tcm_on_two_pairs_worked_out_by_hand() -> None:
    """Natives (1, 0), (0, 1); romanized (1, 0), (0, 2). Dot product, T = 1, same-view negatives.

    Row by row, the positive score against the logarithm of the sum over the three other vectors:
    n1: 1 of {n2 0, r1 1, r2 0};  n2: 2 of {n1 0, r1 0, r2 2};
    r1: 1 of {n1 1, n2 0, r2 0};  r2: 2 of {n1 0, n2 2, r1 0}.
    """
    native, romanized = (
        torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
        torch.tensor([[1.0, 0.0], [0.0, 2.0]]),
    )
    one, two = math.log(2 + math.e) - 1, math.log(2 + math.e**2) - 2
    assert tcm_loss(native, romanized, "dot", 1.0).item() == pytest.approx(
        (one + two + one + two) / 4, rel=1e-6
    )
    # Without same-view negatives one candidate is left beside the positive:
    one, two = math.log(1 + math.e) - 1, math.log(1 + math.e**2) - 2
    expected = (one + two + one + two) / 4
    assert tcm_loss(
        native, romanized, "dot", 1.0, same_view_negatives=False
    ).item() == pytest.approx(expected, rel=1e-6)


def test_tcm_does_not_depend_on_the_order_of_pairs_or_views() -> None:
    a, b = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(1))
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert tcm_loss(a[order], b[order]).item() == pytest.approx(tcm_loss(a, b).item(), rel=1e-6)
    assert tcm_loss(b, a).item() == pytest.approx(tcm_loss(a, b).item(), rel=1e-6)


def test_large_dot_products_do_not_overflow() -> None:
    a = torch.eye(4) * 300
    assert torch.isfinite(tcm_loss(a, a, "dot", 1.0))
    assert torch.isfinite(tcm_loss(a.bfloat16(), -a.bfloat16(), "dot", 1.0))


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16], ids=str)
def test_scores_are_in_full_precision_where_training_is_in_half(precision: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (
        torch.randn(8, 16, generator=generator) * 0.1 + 1 for _ in range(2)
    )  # a narrow cone, as encoders have
    rows = torch.zeros(8, dtype=torch.int64)
    ids = torch.randint(400, (8, 300), generator=generator)
    losses = [
        lambda: tcm_loss(a, b, similarity="cosine", temperature=0.02),
        lambda: tcm_loss(1000 * a, 1000 * b, "dot", 1.0),
        lambda: word_alignment_loss(a, b, rows, temperature=0.02),
        lambda: anchored_loss(a, b, 0.02, exclude_nearest=0.3),
        lambda: anchored_loss(a, b, 0.02, soft_targets=True),
        lambda: duplicate_texts(ids, torch.ones_like(ids, dtype=torch.bool), 0.35),
    ]
    for loss in losses:
        full = loss()
        with torch.autocast("cpu", precision):
            half = loss()
        assert torch.equal(half, full)
        assert torch.isfinite(full.float()).all()


@pytest.mark.parametrize(
    ("options", "code"),
    [({"similarity": "cosin"}, "TLN-CONFIG-001"), ({"temperature": 0.0}, "TLN-CONFIG-002")],
)
def test_unusable_settings_are_refused(options: dict, code: str) -> None:
    with raises(code, naming=next(iter(options))):
        tcm_loss(torch.eye(2), torch.eye(2), **options)


def test_one_pair_has_no_negatives() -> None:
    with raises("TLN-CONFIG-504"):
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


@pytest.mark.parametrize("chunk_size", [1, 3, 4, 10, 50, None])
def test_vocabulary_loss_in_chunks_equals_mlm(chunk_size: int | None) -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.randn(*shape, generator=generator) for shape in ((10, 4), (7, 4), (7,))]
    labels = torch.randint(7, (10,), generator=generator)
    results = []
    for fused in (False, True):
        h, w, b = (t.clone().requires_grad_() for t in tensors)
        if fused:
            losses = vocabulary_loss(
                h, w, b, labels, sizes=[6, 4, 0], factors=[1.0, 0.5, 1.0], chunk_size=chunk_size
            )
        else:
            z = h @ w.T + b
            losses = torch.stack(
                [mlm_loss(z[:6], labels[:6]), 0.5 * mlm_loss(z[6:], labels[6:]), torch.zeros(())]
            )
        (3 * losses.sum()).backward()
        results.append((losses, h.grad, w.grad, b.grad))
    assert results[0][2].abs().max() > 0.1
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_vocabulary_loss_never_holds_more_rows_of_logits_than_a_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows: list[int] = []
    original = torch.addmm

    def watched(bias: Tensor, x: Tensor, w: Tensor) -> Tensor:
        rows.append(len(x))
        return original(bias, x, w)

    monkeypatch.setattr(torch, "addmm", watched)
    vocabulary_loss(
        torch.ones(10, 4),
        torch.ones(7, 4),
        torch.ones(7),
        torch.zeros(10, dtype=torch.int64),
        chunk_size=4,
    )
    assert rows == [4, 4, 2]


def test_vocabulary_loss_of_frozen_weights_and_in_half_precision() -> None:
    generator = torch.Generator().manual_seed(0)
    h, w, b = (torch.randn(*shape, generator=generator) for shape in ((10, 16), (7, 16), (7,)))
    labels = torch.randint(7, (10,), generator=generator)
    states = h.clone().requires_grad_()
    vocabulary_loss(states, w, b, labels).backward()
    assert w.grad is None
    expected = h.clone().requires_grad_()
    mlm_loss(expected @ w.T + b, labels).backward()
    torch.testing.assert_close(states.grad, expected.grad)
    weight = w.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = vocabulary_loss(h, weight, b, labels, chunk_size=3)
    loss.backward()
    full = w.clone().requires_grad_()
    mlm_loss(h @ full.T + b, labels).backward()
    assert loss.dtype == weight.grad.dtype == torch.float32
    torch.testing.assert_close(weight.grad, full.grad, atol=2e-2, rtol=2e-2)
    assert not torch.equal(weight.grad, full.grad)  # or autocast was passed over


def test_rare_tokens_keep_their_gradient_in_float16() -> None:
    """A probability times 1/M would be 0 there."""
    generator = torch.Generator().manual_seed(0)
    h, w = torch.randn(256, 16, generator=generator), torch.randn(300, 16, generator=generator)
    bias = torch.zeros(300)
    bias[200:] = -10.0
    labels = torch.randint(200, (256,), generator=generator)
    gradients = []
    for enabled in (False, True):
        weight = w.clone().requires_grad_()
        with torch.autocast("cpu", torch.float16, enabled=enabled):
            loss = vocabulary_loss(h, weight, bias, labels)
        loss.backward()
        gradients.append(weight.grad[200:])
    assert 0 < gradients[0].abs().max() < 1e-4
    assert (gradients[1] - gradients[0]).norm() < 0.02 * gradients[0].norm()


def test_groups_of_the_vocabulary_loss_cannot_be_weighed_afterwards() -> None:
    h = torch.ones(2, 3, requires_grad=True)
    losses = vocabulary_loss(h, torch.ones(4, 3), torch.ones(4), torch.tensor([0, 1]), sizes=[1, 1])
    with pytest.raises(RuntimeError, match="factors="):
        (losses[0] + 2 * losses[1]).backward()


def test_mlm_of_nothing_is_zero_and_keeps_the_graph() -> None:
    weight = torch.ones(3, 7, requires_grad=True)
    loss = mlm_loss(torch.zeros(0, 3) @ weight, torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(weight.grad, torch.zeros(3, 7))


class FakeEncoder:
    """Hidden states are looked up; every head call is recorded."""

    layers, has_head, positions_restart = 2, True, True

    def __init__(self, vocabulary: int = 11, width: int = 4) -> None:
        generator = torch.Generator().manual_seed(0)
        self.table = torch.randn(3, vocabulary, width, generator=generator)
        self.head = torch.randn(width, vocabulary, generator=generator)
        self.passes: list[tuple[Tensor, set[int]]] = []
        self.head_rows: list[int] = []

    def layer_number(self, layer: int | str) -> int:
        return self.layers if layer in ("last", "auto") else int(layer)

    def pooling_name(self, pooling: str) -> str:
        return "mean" if pooling == "auto" else pooling

    def embed_tokens(self, ids: Tensor) -> Tensor:
        return ids

    def hidden_states(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        layers: set[int],
        texts_per_row: int = 1,
        token_vectors: Tensor | None = None,
    ) -> dict[int, Tensor]:
        if token_vectors is not None:
            input_ids = token_vectors[input_ids]
        self.passes.append((input_ids, layers))
        return {layer: self.table[layer][input_ids] for layer in layers}

    def transform_for_decoder(self, hidden: Tensor) -> Tensor:
        self.head_rows.append(len(hidden))
        return hidden

    @property
    def decoder(self) -> tuple[Tensor, Tensor]:
        return self.head.T, torch.zeros(self.head.shape[1])


def a_batch(pairs: int = 3, length: int = 6) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(4, 11, (2 * pairs, length), generator=generator)
    labels = torch.full_like(ids, IGNORE)
    masked = ids.clone()
    for row, column in ((0, 1), (0, 3), (1, 2), (3, 1), (4, 4), (5, 5)):
        labels[row, column], masked[row, column] = ids[row, column], 3
    everything = torch.ones_like(ids, dtype=torch.bool)
    return {
        PAIR_INDEX: torch.arange(pairs),
        INPUT_IDS: ids,
        MASKED_IDS: masked,
        LABELS: labels,
        ATTENTION_MASK: everything,
        CONTENT_MASK: everything,
    }


def test_mlm_takes_one_loss_a_view_and_the_head_at_masked_positions_only() -> None:
    encoder, batch = FakeEncoder(), a_batch()
    objective = MaskedLanguageModel()
    encoded = encode(encoder, batch, objective.reads(encoder))
    terms = objective(encoded)
    assert encoder.head_rows == [6]  # not the other 30
    for name, rows in (("mlm_native", range(3)), ("mlm_romanized", range(3, 6))):
        where = [(r, c) for r in rows for c in range(6) if batch[LABELS][r, c] != IGNORE]
        assert len(where) == 3
        logits = np.stack(
            [(encoder.table[2][batch[MASKED_IDS][r, c]] @ encoder.head).numpy() for r, c in where]
        )
        expected = slow_mlm(logits, np.array([batch[LABELS][r, c] for r, c in where]))
        assert terms[name].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("make", [MaskedLanguageModel, TransliterationLanguageModel])
def test_the_kernel_that_is_named_computes_the_head(
    monkeypatch: pytest.MonkeyPatch, make: type[MaskedLanguageModel]
) -> None:
    monkeypatch.setattr(
        "transliconet.objectives.liger.importlib.util.find_spec", lambda _: object()
    )
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    used: list[int] = []

    def liger(states: Tensor, *rest: Tensor, **settings: object) -> Tensor:
        used.append(len(states))
        return states.new_tensor([3.0, 4.0])

    monkeypatch.setattr("transliconet.objectives.vocabulary_loss.liger_loss", liger)
    encoder = FakeEncoder()
    for kernel in ("chunked", "liger"):
        objective = make(kernel=kernel)
        found = objective(encode(encoder, a_batch(), objective.reads(encoder)))
        assert (next(iter(found.values())).item() == 3.0) == (kernel == "liger")
    assert used == [6]


@pytest.mark.parametrize("kind", [MASKED, CLEAN])
def test_tcm_contrasts_the_input_and_layer_it_names(kind: str) -> None:
    encoder, batch = FakeEncoder(), a_batch()
    objective = TransliterationContrast(
        layer=1, input=kind, scale=0.5, similarity="dot", temperature=1.0
    )
    terms = objective(encode(encoder, batch, objective.reads(encoder)))
    ids = batch[MASKED_IDS if kind == MASKED else INPUT_IDS]
    pooled = encoder.table[1][ids].mean(1).numpy()
    assert terms["tcm"].item() == pytest.approx(
        0.5 * slow_tcm(pooled[:3], pooled[3:], "dot", 1.0, True), rel=1e-5
    )


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
    on = active(
        {"mlm": MaskedLanguageModel(weight=0.0), "tcm": TransliterationContrast(), "tlm": None}
    )
    assert set(on) == {"tcm"}
    with raises("TLN-CONFIG-501"):
        active({"mlm": MaskedLanguageModel(weight=0.0), "tcm": None})


def test_pairs_are_counted_from_the_batch() -> None:
    assert EncodedPairs(a_batch(), {}, FakeEncoder()).pairs == 3


@pytest.mark.parametrize("same_view_negatives", [True, False])
def test_pairs_that_say_the_same_are_no_negatives(same_view_negatives: bool) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4, 3))
    same = torch.eye(4, dtype=torch.bool)
    same[0, 2] = same[2, 0] = True
    x, y = (torch.tensor(v, dtype=torch.float32, requires_grad=True) for v in (a, b))
    loss = tcm_loss(x, y, "cosine", 1.0, same_view_negatives, same)
    loss.backward()

    def slow(p: np.ndarray, q: np.ndarray) -> float:
        return slow_tcm(p, q, "cosine", 1.0, same_view_negatives, {(0, 2)})

    assert loss.item() == pytest.approx(slow(a, b), rel=1e-5)
    assert loss.item() != pytest.approx(
        slow_tcm(a, b, "cosine", 1.0, same_view_negatives), rel=1e-3
    )
    for tensor, expected in zip((x, y), finite_differences(slow, a, b), strict=True):
        np.testing.assert_allclose(tensor.grad.numpy(), expected, rtol=1e-3, atol=1e-4)


def test_duplicates_alone_in_a_batch_give_no_gradient() -> None:
    """Pairs with one text: nothing is left to push away, so nothing is pushed, nor pulled."""
    batch = a_batch()
    for first, others in ((0, (1, 2)), (3, (4, 5))):
        batch[INPUT_IDS][list(others)] = batch[INPUT_IDS][first].clone()
    encoder = FakeEncoder()
    encoder.table.requires_grad_(True)
    objective = TransliterationContrast(
        layer=1, input=CLEAN, same_view_negatives=False, exclude_overlap=1.0
    )
    terms = objective(encode(encoder, batch, objective.reads(encoder)))
    terms["tcm"].backward()
    assert terms["tcm"].item() == 0
    assert torch.count_nonzero(encoder.table.grad) == 0


def test_same_text_counts_distinct_tokens() -> None:
    ids = torch.tensor(
        [
            [0, 5, 6, 7, 8, 2],
            [0, 8, 7, 6, 5, 2],
            [0, 5, 6, 7, 2, 1],
            [0, 2, 1, 1, 1, 1],
            [0, 2, 1, 1, 1, 1],
        ]
    )
    content = ids > 2
    assert duplicate_texts(ids, content).nonzero().tolist() == [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
    ]
    near = duplicate_texts(ids, content, overlap=0.75)  # 3 of 4
    assert near[0, 2]
    assert near[2, 1]
    assert not duplicate_texts(ids, content, overlap=0.76)[0, 2]


def test_pairs_are_the_same_if_either_view_is() -> None:
    native, romanized = [[5, 6], [7, 8], [7, 8]], [[9, 9], [9, 9], [10, 10]]
    ids = torch.tensor(native + romanized)
    same = duplicate_pairs(ids, torch.ones_like(ids, dtype=torch.bool), 1.0)
    assert same.int().tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]


def test_several_layers_give_the_mean_of_their_losses() -> None:
    encoder, batch = FakeEncoder(), a_batch()
    alone = [TransliterationContrast(layer=n, input=CLEAN) for n in (0, 2)]
    together = TransliterationContrast(layer=[0, "last"], input=CLEAN)
    single = [o(encode(encoder, batch, o.reads(encoder)))["tcm"].item() for o in alone]
    assert together.reads(encoder) == {(CLEAN, 0, "mean"), (CLEAN, 2, "mean")}
    loss = together(encode(encoder, batch, together.reads(encoder)))["tcm"].item()
    assert loss == pytest.approx(sum(single) / 2, rel=1e-6)
    with raises("TLN-CONFIG-401"):
        TransliterationContrast(layer=[]).reads(encoder)


def test_tlm_reads_both_rows_of_a_pair_as_one() -> None:
    encoder, batch = FakeEncoder(), a_batch()
    objective = TransliterationLanguageModel()
    terms = objective(encode(encoder, batch, objective.reads(encoder)))
    assert encoder.passes[0][0].shape == (3, 12)
    assert torch.equal(
        encoder.passes[0][0][1], torch.cat([batch[MASKED_IDS][1], batch[MASKED_IDS][4]])
    )
    where = (batch[LABELS] != IGNORE).nonzero().tolist()
    logits = np.stack(
        [(encoder.table[2][batch[MASKED_IDS][r, c]] @ encoder.head).numpy() for r, c in where]
    )
    expected = slow_mlm(logits, np.array([batch[LABELS][r, c] for r, c in where]))
    assert terms["tlm"].item() == pytest.approx(expected, rel=1e-5)


def test_joined_rows_see_each_other_and_count_positions_anew(encoder: Encoder) -> None:
    """Row 1 is row 0 with its halves exchanged: with restarted positions the states are exchanged
    too.
    """
    left, right = (encoder.tokenizer(t)["input_ids"] for t in ("Москва и Киев", "Moskva"))
    length = max(len(left), len(right))
    left, right = (
        torch.tensor(r + [encoder.tokenizer.pad_token_id] * (length - len(r)))
        for r in (left, right)
    )
    ids = torch.stack([torch.cat([left, right]), torch.cat([right, left])])
    attention = ids != encoder.tokenizer.pad_token_id
    last = encoder.layers
    with torch.inference_mode():
        states = encoder.hidden_states(ids, attention, {last}, texts_per_row=2)[last]
        alone = encoder.hidden_states(ids[:, :length], attention[:, :length], {last})[last]
    here = attention[0]
    exchanged = torch.cat([states[1, length:], states[1, :length]])
    torch.testing.assert_close(states[0][here], exchanged[here], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(
        states[0, : len(left)][here[:length]], alone[0][here[:length]], atol=1e-3
    )


def slow_words(
    native: np.ndarray,
    romanized: np.ndarray,
    row: list[int],
    types: list[tuple[int, int]],
    t: float,
) -> float:
    cos = lambda a, b: float(a @ b / math.sqrt((a @ a) * (b @ b)))  # noqa: E731
    total = 0.0
    for i in range(len(native)):
        alike = [
            any(a == b for a, b in zip(types[i], types[k], strict=True)) for k in range(len(native))
        ]
        candidates = [
            k for k in range(len(native)) if row[k] == row[i] and (k == i or not alike[k])
        ]
        for one, other in ((native, romanized), (romanized, native)):
            exps = {k: math.exp(cos(one[i], other[k]) / t) for k in candidates}
            total -= math.log(exps[i] / sum(exps.values()))
    return total / (2 * len(native))


def test_word_alignment_value_and_gradient_equal_the_reference() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 3))
    row, types = [0, 0, 0, 1, 1, 1], [(1, 1), (2, 2), (1, 3), (4, 4), (5, 5), (6, 5)]
    x, y = (torch.tensor(v, dtype=torch.float32, requires_grad=True) for v in (a, b))
    loss = word_alignment_loss(x, y, torch.tensor(row), torch.tensor(types), 0.2)
    loss.backward()

    def slow(p: np.ndarray, q: np.ndarray) -> float:
        return slow_words(p, q, row, types, 0.2)

    assert loss.item() == pytest.approx(slow(a, b), rel=1e-5)
    for tensor, expected in zip((x, y), finite_differences(slow, a, b), strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(tensor.grad.numpy(), expected, rtol=1e-3, atol=1e-4)
    nothing = torch.zeros(0, 3, requires_grad=True)
    assert word_alignment_loss(nothing, nothing, torch.zeros(0, dtype=torch.int64)).item() == 0


def test_words_are_means_of_their_tokens() -> None:
    numbers = torch.tensor([[-1, 0, 0, 1, -1], [-1, 0, 1, 1, -1], [-1, -1, -1, -1, -1]])
    ids = torch.tensor([[0, 5, 6, 7, 2], [0, 7, 5, 6, 2], [0, 5, 2, 1, 1]])
    words = Words.from_numbers(numbers)
    assert words.row.tolist() == [0, 0, 1, 1]
    assert words.mean(ids.unsqueeze(-1).float()).squeeze(1).tolist() == [5.5, 7, 7, 5.5]
    one, two, three, four = words.types(ids).tolist()
    assert (one, two) == (four, three)
    assert one != two
    swapped = Words.from_numbers(numbers[:1]).types(torch.tensor([[0, 6, 5, 7, 2]]))
    assert swapped[0] != one  # the order of tokens counts


def test_word_alignment_over_a_batch() -> None:
    encoder, batch = FakeEncoder(), a_batch()
    objective = WordAlignment(layer=1)
    batch[WORDS] = torch.full((6, 6), -1)
    batch[WORDS][[0, 3], 1:5] = torch.tensor([0, 0, 1, 2])
    terms = objective(encode(encoder, batch, objective.reads(encoder)))
    vectors = []
    for r in (0, 3):
        states = encoder.table[1][batch[INPUT_IDS][r, 1:5]].numpy()
        vectors.append(np.stack([states[:2].mean(0), states[2], states[3]]))
    ids = batch[INPUT_IDS]
    types = [
        (tuple(ids[0, c].tolist()), tuple(ids[3, c].tolist()))
        for c in (slice(1, 3), slice(3, 4), slice(4, 5))
    ]
    assert terms["words"].item() == pytest.approx(
        slow_words(*vectors, [0, 0, 0], types, 0.1), rel=1e-5
    )


@pytest.mark.parametrize("module", ["mlm", "tcm", "negatives", "similarity"])
def test_docstring_examples(module: str) -> None:
    results = doctest.testmod(
        importlib.import_module(f"transliconet.objectives.{module}"), extraglobs={"torch": torch}
    )
    assert results.attempted > 0
    assert results.failed == 0
