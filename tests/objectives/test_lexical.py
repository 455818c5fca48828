"""Lexical specialization: the loss, which rows are of one concept, and batches that hold several of
them.
"""

import doctest
import logging
import math
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import transliconet.data.batching as batching_module
import transliconet.objectives.lexical as lexical_module
import transliconet.tokens.concepts as concepts_module
from tests.batches import small_data
from tests.settings import CliHere, raises
from transliconet.batch import PAIR_INDEX
from transliconet.data.batching import keep_together
from transliconet.data.settings import DataSettings
from transliconet.model.encoder import Encoder
from transliconet.objectives.base import batch_needs
from transliconet.objectives.encode import encode
from transliconet.objectives.lexical import LexicalContrast, concept_loss
from transliconet.objectives.tcm import tcm_loss
from transliconet.pairs import PairsFolder
from transliconet.tokens.concepts import CONCEPT, UNLABELLED


def test_doctests() -> None:
    for module in (batching_module, lexical_module, concepts_module):
        tried = doctest.testmod(module, extraglobs={"torch": torch, "np": np})
        assert tried.attempted
        assert not tried.failed


def slow_concept_loss(vectors: np.ndarray, concepts: list[int], temperature: float) -> float:
    """One exponential at a time."""

    def e(i: int, k: int) -> float:
        a, b = vectors[i], vectors[k]
        return math.exp(float(a @ b) / math.sqrt((a @ a) * (b @ b)) / temperature)

    rows = [i for i, concept in enumerate(concepts) if concept >= 0]
    means = []
    for i in rows:
        others = sum(e(i, k) for k in rows if concepts[k] != concepts[i])
        positives = [p for p in rows if p != i and concepts[p] == concepts[i]]
        if positives:
            terms = [-math.log(e(i, p) / (e(i, p) + others)) for p in positives]
            means.append(sum(terms) / len(terms))
    return sum(means) / len(means)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_the_loss_is_that_of_the_reference(temperature: float) -> None:
    vectors = np.random.default_rng(0).normal(size=(9, 5))
    concepts = [0, 1, 0, 2, -1, 0, 1, 3, -1]  # 3, and those below 0, have no positive
    loss = concept_loss(torch.tensor(vectors), torch.tensor(concepts), temperature)
    assert loss.item() == pytest.approx(slow_concept_loss(vectors, concepts, temperature), rel=1e-5)
    assert loss > 0.1


def test_of_concepts_of_one_size_it_is_the_mean_over_positive_pairs() -> None:
    vectors = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    concepts = torch.tensor([0, 0, 0, 1, 1, 1])
    exponentials = torch.exp(F.cosine_similarity(vectors[:, None], vectors[None], dim=-1) / 0.07)
    of_pairs: list[float] = []
    for i, p in permutations(range(6), 2):
        if concepts[i] == concepts[p]:
            positive = exponentials[i, p]
            negatives = exponentials[i][concepts != concepts[i]].sum()
            of_pairs.append(-torch.log(positive / (positive + negatives)).item())
    assert len(of_pairs) == 12
    assert concept_loss(vectors, concepts).item() == pytest.approx(sum(of_pairs) / 12, rel=1e-5)


def test_with_one_positive_each_it_is_contrast_between_the_views() -> None:
    native, romanized = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
    concepts = torch.arange(6).repeat(2)
    loss = concept_loss(torch.cat([native, romanized]), concepts, temperature=0.05)
    expected = tcm_loss(native, romanized, similarity="cosine", temperature=0.05)
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("concepts", [[0, 0, 0], [0, 1, 2], [-1, -1, -1], [0, 0, -1]])
def test_batches_without_positives_or_without_negatives(concepts: list[int]) -> None:
    vectors = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = concept_loss(vectors, torch.tensor(concepts))
    loss.backward()
    assert loss == 0
    assert vectors.grad is not None
    assert torch.equal(vectors.grad, torch.zeros(3, 4))


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 4), st.randoms())
def test_pairs_of_one_id_follow_each_other(ids: list[int], most: int, random) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(ids)))
    random.shuffle(order)
    together = keep_together(np.array(order, int), np.array(ids, int), most).tolist()
    assert sorted(together) == sorted(order)
    if most == 1:
        assert together == order
    for id_ in set(ids):
        places = [place for place, pair in enumerate(together) if ids[pair] == id_]
        # no more gaps than runs of `most` pairs have between them
        gaps = sum(after - before > 1 for before, after in pairwise(places))
        assert gaps <= (len(places) - 1) // most


LINES = (
    "bank\teng\tshore",
    "bank\trus_Cyrl\tберег",
    "bank\tell_Grek\tόχθη",
    "money\trus_Cyrl\tбанк",
    "money\tdeu_Latn\tshore",  # another concept in another language
    "money\tell_Grek\tτράπεζα",
    "table\trus_Cyrl\tстол",
    "table\tell_Grek\t τράπεζα",  # another concept in the same language
    "# a comment",
    "house\trus_Cyrl\tдом",
    "house\tell_Grek\tσπίτι",
    "dome\tell_Grek\tντομ",
    "tome\tell_Grek\tτόμος",
)


@pytest.fixture
def lexicon(cli_here: CliHere, tmp_path: Path) -> PairsFolder:
    (tmp_path / "words.tsv").write_text("\n".join(LINES), encoding="utf-8")
    done = cli_here(
        "prepare", "corpus=lexicon", "corpus.paths=words.tsv", "corpus.romanizer=none", "out=pairs"
    )
    assert done.status == 0, done.err
    return PairsFolder.open(tmp_path / "pairs")


def test_words_of_several_concepts_are_dropped_and_counted(lexicon: PairsFolder) -> None:
    texts = lexicon.split("train")["text"].to_pylist()
    assert len(texts) == len(LINES) - 3  # a comment, and both rows of the homograph
    assert "τράπεζα" not in texts
    assert texts.count("shore") == 2
    assert lexicon.manifest["languages"]["ell_Grek"]["dropped"] == {"homograph": 2}


def test_rows_of_one_id_are_one_concept_but_homographs_of_none(
    lexicon: PairsFolder, encoder: Encoder, caplog: pytest.LogCaptureFixture
) -> None:
    objective = LexicalContrast()
    needs = batch_needs({"lexical": objective}, encoder)
    data = small_data(
        lexicon, encoder.tokenizer, needs, batch_size=50, pairs_per_id=4, skip_unchanged=False
    )
    with caplog.at_level(logging.INFO):
        data.setup()
    batch = next(iter(data.train_dataloader()))
    rows = lexicon.split("train").take(batch[PAIR_INDEX].tolist())
    ids, texts = rows["id"].to_pylist(), rows["text"].to_pylist()
    labels = batch[CONCEPT].view(2, -1).tolist()
    for native, romanized, text in zip(*labels, texts, strict=True):
        # what two languages have for different concepts cannot be told apart either
        assert (native == UNLABELLED) == (text == "shore")
        assert (romanized == UNLABELLED) == (text == "shore")
    of_concept: dict[str, set[int]] = {}
    for id_, native in zip(ids, labels[0], strict=True):
        if native != UNLABELLED:
            of_concept.setdefault(id_, set()).add(native)
    assert all(len(found) == 1 for found in of_concept.values())
    assert len(set.union(*of_concept.values())) == len(of_concept) == 6
    assert "2 native texts, 2 romanized" in caplog.text
    with torch.no_grad():
        loss = objective(encode(encoder, batch, objective.reads(encoder)))["lexical"]
    assert 0 < loss < 10


def test_batches_hold_pairs_of_one_id(cldr_pairs: PairsFolder, encoder: Encoder) -> None:
    ids = cldr_pairs.split("train", skip_unchanged=True)["id"].to_pylist()

    def pairs_with_company(per_id: int) -> float:
        data = small_data(cldr_pairs, encoder.tokenizer, pairs_per_id=per_id)
        data.setup()
        company = total = 0
        for plan in data.train_dataloader().sampler:
            of_batch = [ids[pair] for pair in plan.indices.tolist()]
            company += sum(of_batch.count(id_) > 1 for id_ in of_batch)
            total += len(of_batch)
        assert total == len(ids)
        return company / total

    assert pairs_with_company(1) < 0.2
    assert pairs_with_company(4) > 0.7  # of five languages, one may be alone
    for other in ({"by_language": True}, {"batch_tokens": 500}):
        with raises("TLN-CONFIG-327"):
            DataSettings(pairs_per_id=2, **other)  # type: ignore[arg-type]
