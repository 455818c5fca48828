"""Anchored contrast: the loss, the fixed teacher, and training that touches new rows alone."""

import doctest
import math
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from transformers import AutoModelForMaskedLM

import transliconet.objectives.anchored as anchor_module
from tests.batches import small_data
from tests.settings import raises
from transliconet.batch import ATTENTION_MASK, PAIR_INDEX
from transliconet.errors import ConfigError
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.model.rows import restore_matrix, train_new_rows
from transliconet.objectives.anchored import AnchoredContrast, anchored_loss, pull_loss
from transliconet.objectives.anchors import (
    ANCHOR,
    NEGATIVES,
    Anchors,
    Teacher,
    weights_digest,
)
from transliconet.objectives.encode import encode
from transliconet.pairs import PairsFolder
from transliconet.probe.search import gold_ranks
from transliconet.runs.hf_folder import encoder_from_checkpoint, export_encoder, save_architecture
from transliconet.tokens.cache import cached_token_ids
from transliconet.tokens.fields import BatchNeeds
from transliconet.tokens.tokenize import TokenizedPairs
from transliconet.train.module import PairModule
from transliconet.train.optim import parameter_groups
from transliconet.vocab.apply import extend
from transliconet.vocab.merge import NewSubword


def slow_anchored(
    vectors: np.ndarray,
    anchors: np.ndarray,
    temperature: float,
    negatives: Sequence[np.ndarray] = (),
    similarity: str = "cosine",
) -> float:
    """One exponential at a time; other anchors equal to a row's own are left out."""
    cos = lambda a, b: float(a @ b / math.sqrt((a @ a) * (b @ b)))  # noqa: E731
    score = cos if similarity == "cosine" else lambda a, b: float(a @ b)
    total = 0.0
    anchors = np.array([*anchors, *negatives])
    for i, v in enumerate(vectors):
        candidates = [
            k for k in range(len(anchors)) if k == i or cos(anchors[i], anchors[k]) < 0.999
        ]
        exps = {k: math.exp(score(v, anchors[k]) / temperature) for k in candidates}
        total -= math.log(exps[i] / sum(exps.values()))
    return total / len(vectors)


def slow_gradient(slow: Callable[[np.ndarray], float], vectors: np.ndarray) -> np.ndarray:
    """Finite differences."""
    gradient = np.zeros_like(vectors)
    for index in np.ndindex(vectors.shape):
        up, down = vectors.copy(), vectors.copy()
        up[index] += 1e-5
        down[index] -= 1e-5
        gradient[index] = (slow(up) - slow(down)) / 2e-5
    return gradient


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_values_and_gradients_equal_the_reference(temperature: float, similarity: str) -> None:
    rng = np.random.default_rng(0)
    vectors, anchors = rng.normal(size=(2, 5, 4))
    anchors[3] = 2 * anchors[1]  # the same direction: no negative
    x = torch.tensor(vectors, dtype=torch.float32, requires_grad=True)
    loss = anchored_loss(x, torch.tensor(anchors), temperature, similarity=similarity)
    loss.backward()
    slow = partial(slow_anchored, anchors=anchors, temperature=temperature, similarity=similarity)
    assert loss.item() == pytest.approx(slow(vectors), rel=1e-5)
    expected = slow_gradient(slow, vectors)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-3, atol=1e-4)


def test_negatives_from_beyond_the_batch_join_the_candidates() -> None:
    rng = np.random.default_rng(0)
    vectors, anchors, more = rng.normal(size=(3, 5, 4))
    more[2] = 3 * anchors[4]  # the same text again: no negative of pair 4
    x, a, k = (torch.tensor(v, dtype=torch.float32) for v in (vectors, anchors, more))
    loss = anchored_loss(x, a, 0.1, negatives=k)
    assert loss.item() == pytest.approx(slow_anchored(vectors, anchors, 0.1, list(more)), rel=1e-5)
    assert loss > anchored_loss(x, a, 0.1)


def test_a_duplicate_in_the_batch_pushes_nothing_away() -> None:
    """Two pairs with one anchor and nothing else: no negative is left, so no gradient."""
    anchors = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    x = torch.tensor([[0.3, 0.7], [0.9, -0.2]], requires_grad=True)
    loss = anchored_loss(x, anchors)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_pull_is_the_cosine_distance() -> None:
    v, a = torch.tensor([[1.0, 1.0], [2.0, 0.0]]), torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    assert pull_loss(v, a).item() == pytest.approx((1 - 1 / math.sqrt(2)) / 2)
    v.requires_grad_()
    pull_loss(v, a).backward()

    def slow(x: np.ndarray) -> float:
        return float(
            np.mean(
                [
                    1 - p @ q / math.sqrt((p @ p) * (q @ q))
                    for p, q in zip(x, a.numpy(), strict=True)
                ]
            )
        )

    np.testing.assert_allclose(
        v.grad.numpy(), slow_gradient(slow, v.detach().double().numpy()), atol=1e-4
    )


def test_docstring_examples_and_impossible_settings() -> None:
    results = doctest.testmod(anchor_module, extraglobs={"torch": torch})
    assert (results.attempted > 0, results.failed) == (True, 0)
    with raises("TLN-CONFIG-500"):
        anchored_loss(torch.ones(1, 2), torch.ones(1, 2))
    for option, value in (("temperature", 0), ("similarity", "euclid")):
        with pytest.raises(ConfigError) as error:
            AnchoredContrast(**{option: value})  # type: ignore[arg-type]
        assert error.value.given == f"{option}={value}"


@pytest.fixture
def tokens(cldr_pairs: PairsFolder, encoder: Encoder) -> TokenizedPairs:
    return cached_token_ids(cldr_pairs, encoder.tokenizer, 48)


def test_cached_and_recomputed_anchors_are_equal_and_are_those_of_the_native_text(
    tokens: TokenizedPairs, encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    first, again = Teacher(encoder)(tokens), Teacher(encoder)(tokens)
    fresh = Teacher(encoder)(TokenizedPairs(tokens.native, tokens.romanized, 0, tokens.languages))
    assert isinstance(again, np.memmap)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, fresh)
    texts = cldr_pairs.split("train", skip_unchanged=True)["text"].to_pylist()[:50]
    np.testing.assert_allclose(first[:50], embed(encoder, texts, max_length=48), atol=1e-5)


@pytest.mark.parametrize("negatives", [0, 150])
def test_a_short_run_computes_the_anchors_that_it_uses(
    negatives: int, encoder: Encoder, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    folder = PairsFolder.open(shutil.copytree(cldr_pairs.path, tmp_path / "pairs"))
    shutil.rmtree(tmp_path / "pairs" / "cache", ignore_errors=True)
    needs = BatchNeeds(fields=(Anchors(encoder, cached_negatives=negatives),))

    def batches(steps: int) -> list[dict[str, torch.Tensor]]:
        data = small_data(folder, encoder.tokenizer, needs, batch_size=8)
        data.trainer = pl.Trainer(
            max_steps=steps, accumulate_grad_batches=3, accelerator="cpu", logger=False
        )
        data.prepare_data()
        data.setup()
        return list(islice(data.train_dataloader(), 6))

    short = batches(2)  # 6 batches of 8 pairs
    (file,) = (tmp_path / "pairs" / "cache").glob("*/anchors-*.npy")
    assert len(np.load(file)) == max(48, negatives)
    everything = batches(10_000)
    for before, after in zip(short, everything, strict=True):
        torch.testing.assert_close(before[ANCHOR], after[ANCHOR], atol=1e-5, rtol=0)
    if negatives:
        all_anchors = Teacher(encoder)(cached_token_ids(folder, encoder.tokenizer, 48))
        distances = torch.cdist(
            short[0][NEGATIVES],
            torch.tensor(all_anchors),
            compute_mode="donot_use_mm_for_euclid_dist",
        )
        assert distances.min(dim=1).values.max() < 1e-4
        assert len(short[0][NEGATIVES]) == negatives
    file.unlink()
    batches(2)  # the anchors of all pairs are there
    assert not file.exists()


def test_another_model_or_layer_has_another_cache(
    tokens: TokenizedPairs, encoder: Encoder, make_encoder: Callable[..., Encoder]
) -> None:
    other = make_encoder(seed=7)
    assert weights_digest(other.masked_lm) != weights_digest(encoder.masked_lm)
    vectors = [Teacher(encoder)(tokens), Teacher(other)(tokens), Teacher(encoder, layer=1)(tokens)]
    assert all(not np.allclose(a, b) for i, a in enumerate(vectors) for b in vectors[:i])


@pytest.fixture
def extended(make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder) -> Encoder:
    """An encoder with ten new subwords: the most frequent romanized words that are none yet."""
    encoder = make_encoder()
    words = Counter(
        w for text in cldr_pairs.split("train")["romanized"].to_pylist() for w in text.split(" ")
    )
    known = encoder.tokenizer.get_vocab()
    new = [f"▁{w}" for w, _ in words.most_common() if f"▁{w}" not in known][:10]
    number = len(encoder.tokenizer)
    return extend(
        encoder, [NewSubword(w, -3.0, (number - 1 - i,)) for i, w in enumerate(new)]
    ).eval()


def fit(
    encoder: Encoder,
    pairs: PairsFolder,
    objective: AnchoredContrast,
    steps: int = 5,
    lr: float = 1e-2,
) -> PairModule:
    pl.seed_everything(0, verbose=False)
    module = PairModule(
        encoder, {"anchor": objective}, partial(torch.optim.AdamW, lr=lr), weight_decay=0.0
    )
    data = small_data(pairs, encoder.tokenizer, module.batch_needs, batch_size=64)
    trainer = pl.Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, datamodule=data)
    module.trained_by = trainer  # type: ignore[assignment]
    return module


def test_only_new_rows_change_and_the_head_stays_tied(
    extended: Encoder, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    before = {k: v.clone() for k, v in extended.masked_lm.state_dict().items()}
    first = extended.masked_lm.config.original_vocabulary
    train_new_rows(extended)
    module = fit(extended, cldr_pairs, AnchoredContrast(cached_negatives=64))
    save_architecture(extended, tmp_path / "run")
    # type: ignore[union-attr]
    module.trained_by.save_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt")
    restore_matrix(extended)
    after = extended.masked_lm.state_dict()
    assert before.keys() == after.keys()
    tables = ("roberta.embeddings.word_embeddings.weight", "lm_head.decoder.weight")
    for name in before:
        rows = slice(0, first) if name in tables else slice(None)
        assert torch.equal(before[name][rows], after[name][rows]), name
    assert not torch.equal(before[tables[0]][first:], after[tables[0]][first:])
    export_encoder(extended, tmp_path / "export", "card")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "export")
    assert model.lm_head.decoder.weight is model.get_input_embeddings().weight
    from_checkpoint = encoder_from_checkpoint(tmp_path / "run").masked_lm.state_dict()
    assert all(
        torch.equal(model.state_dict()[k], after[k]) and torch.equal(from_checkpoint[k], after[k])
        for k in after
    )


def test_native_text_without_new_subwords_keeps_its_vectors(
    extended: Encoder, cldr_pairs: PairsFolder
) -> None:
    texts = ["Москва", "ไทย", "Ελλάδα"]
    before = embed(extended, texts)
    train_new_rows(extended)
    module = fit(extended, cldr_pairs, AnchoredContrast(cached_negatives=64))
    np.testing.assert_array_equal(embed(module.encoder, texts), before)


def test_the_body_can_be_trained_with_the_new_rows_at_their_own_rate(
    extended: Encoder, cldr_pairs: PairsFolder
) -> None:
    table = extended.masked_lm.get_input_embeddings().weight.detach().clone()
    layer = extended.masked_lm.roberta.encoder.layer[0].output.dense.weight.detach().clone()
    first = extended.masked_lm.config.original_vocabulary
    train_new_rows(extended, body=True)
    groups = parameter_groups(extended, 0.1, new_rows_lr_factor=20.0)
    by_kind = {(g["weight_decay"], g["lr_factor"]): g["params"] for g in groups}
    assert by_kind.keys() == {(0.0, 20.0), (0.1, 1.0), (0.0, 1.0)}
    assert [len(p) for p in by_kind[0.0, 20.0]] == [len(table) - first]
    fit(extended, cldr_pairs, AnchoredContrast(replay=1.0, cached_negatives=64), steps=2)
    restore_matrix(extended)
    after = extended.masked_lm.get_input_embeddings().weight
    assert torch.equal(after[:first], table[:first])
    assert not torch.equal(after[first:], table[first:])
    assert not torch.equal(extended.masked_lm.roberta.encoder.layer[0].output.dense.weight, layer)


def test_training_new_rows_takes_new_rows(encoder_folder: Path) -> None:
    with raises("TLN-CKPT-408"):
        train_new_rows(Encoder.from_pretrained(str(encoder_folder)))


def test_without_replay_the_native_rows_are_not_computed(
    encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    needs = BatchNeeds(fields=(Anchors(encoder),))  # none cached beyond the batch
    data = small_data(cldr_pairs, encoder.tokenizer, needs, batch_size=8)
    data.prepare_data()
    data.setup()
    batch = next(iter(data.train_dataloader()))
    tokens: list[int] = []
    hook = encoder.masked_lm.roberta.embeddings.register_forward_hook(
        lambda m, a, o: tokens.append(o.shape[1])
    )
    terms = []
    with torch.no_grad():
        for replay in (0.0, 1.0):
            objective = AnchoredContrast(
                pull=1.0, replay=replay, replay_share=0.5, temperature=0.05, exclude_nearest=0
            )
            terms.append(
                objective(encode(encoder, batch, objective.reads(encoder), objective.native_share))
            )
    hook.remove()
    pairs = len(batch[PAIR_INDEX])
    lengths = batch[ATTENTION_MASK].sum(1)
    romanized = int(lengths[pairs:].sum())
    assert tokens == [romanized, romanized + int(lengths[: pairs // 2].sum())]
    assert terms[0].keys() == {"anchor", "pull"}
    assert terms[0]["anchor"].item() == pytest.approx(terms[1]["anchor"].item(), rel=1e-5)
    assert terms[1]["pull_replay"].item() == pytest.approx(
        0, abs=1e-5
    )  # the model still is its own teacher
    anchors = batch[ANCHOR]
    expected = slow_anchored(anchors[:4].numpy(), anchors.numpy(), 0.05)
    assert terms[1]["anchor_replay"].item() == pytest.approx(expected, rel=1e-3)


def test_training_draws_romanized_text_to_the_anchors(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    encoder = make_encoder()
    rows = cldr_pairs.split("heldout", skip_unchanged=True, languages=["rus_Cyrl"])
    anchors = embed(encoder, rows["text"].to_pylist())

    def found() -> float:
        return float(
            (gold_ranks(embed(encoder, rows["romanized"].to_pylist()), anchors, 10) == 1).mean()
        )

    before = found()
    fit(
        encoder,
        cldr_pairs,
        AnchoredContrast(replay=1.0, temperature=0.05, cached_negatives=0),
        steps=120,
        lr=2e-3,
    )
    assert found() > before + 0.1


def test_the_teacher_stays_as_it_was_while_the_model_moves(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    encoder, start = make_encoder(), make_encoder()
    module = fit(encoder, cldr_pairs, AnchoredContrast(replay=1.0, cached_negatives=64), steps=3)
    data = module.trained_by.datamodule  # type: ignore[union-attr]
    batch = next(iter(data.train_dataloader()))
    held, chosen = data.pairs, batch[PAIR_INDEX].numpy()
    computed_anew = TokenizedPairs(held.native, held.romanized, 0, held.languages)
    np.testing.assert_allclose(
        batch[ANCHOR].numpy(), Teacher(start)(computed_anew)[chosen], atol=1e-5
    )
    assert not np.allclose(
        Teacher(encoder)(computed_anew), Teacher(start)(computed_anew), atol=1e-2
    )


def test_the_head_in_training_is_the_one_that_is_exported(extended: Encoder) -> None:
    train_new_rows(extended, body=True)
    rows = extended.masked_lm.get_input_embeddings()
    rows.new.data += 0.5  # as training might
    hidden = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    in_training = extended.vocabulary_logits(hidden)
    in_training.sum().backward()
    assert rows.new.grad.abs().min() > 0
    restore_matrix(extended)
    torch.testing.assert_close(extended.vocabulary_logits(hidden), in_training)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_nearest_candidates_are_no_negatives() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors, anchors, others = (torch.randn(n, 8, generator=generator) for n in (4, 4, 20))
    vectors.requires_grad_()
    loss = anchored_loss(
        vectors, anchors, 0.1, negatives=others, exclude_nearest=0.14
    )  # of 23 others, 3
    a, c = (unit(t.numpy()) for t in (anchors, torch.cat([anchors, others])))

    def slow(x: np.ndarray) -> float:
        expected = []
        for i, v in enumerate(unit(x)):
            order = sorted((k for k in range(24) if k != i), key=lambda k: -(a[i] @ c[k]))
            kept = [i, *order[3:]]
            scores = np.exp([v @ c[k] / 0.1 for k in kept])
            expected.append(-np.log(scores[0] / scores.sum()))
        return float(np.mean(expected))

    start = vectors.detach().double().numpy()
    assert loss.item() == pytest.approx(slow(start), rel=1e-5)
    loss.backward()
    np.testing.assert_allclose(
        vectors.grad.numpy(), slow_gradient(slow, start), rtol=1e-3, atol=1e-4
    )
    everything = anchored_loss(vectors, anchors, 0.1, negatives=others)
    assert everything.item() > loss.item() + 0.01


def test_soft_targets_are_the_similarities_of_the_anchor() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors, anchors, others = (torch.randn(n, 8, generator=generator) for n in (4, 4, 6))
    a, c = (unit(t.numpy()) for t in (anchors, torch.cat([anchors, others])))

    def softmax(z: np.ndarray) -> np.ndarray:
        return np.exp(z) / np.exp(z).sum(1, keepdims=True)

    def slow(x: np.ndarray) -> float:
        return float(-(softmax(a @ c.T / 0.2) * np.log(softmax(unit(x) @ c.T / 0.2))).sum(1).mean())

    start = vectors.double().numpy()
    loss = anchored_loss(
        vectors.requires_grad_(), anchors, 0.2, negatives=others, soft_targets=True
    )
    assert loss.item() == pytest.approx(slow(start), rel=1e-5)
    loss.backward()
    np.testing.assert_allclose(
        vectors.grad.numpy(), slow_gradient(slow, start), rtol=1e-3, atol=1e-4
    )
