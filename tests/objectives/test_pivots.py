"""Translations as targets and as second texts: which are taken, and what is made of them."""

import doctest
import logging
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import transliconet.objectives.second_text as second_text_module
import transliconet.tokens.pivots as pivots_module
from tests.batches import small_data
from tests.settings import raises
from transliconet.batch import (
    ATTENTION_MASK,
    CONTENT_MASK,
    IGNORE,
    LABELS,
    MASKED_IDS,
    PAIR_INDEX,
)
from transliconet.data.datamodule import PairsDataModule
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.anchors import ANCHOR, NEGATIVES, PIVOT_ANCHOR, PIVOT_NEGATIVES
from transliconet.objectives.base import batch_needs
from transliconet.objectives.encode import encode
from transliconet.objectives.second_text import (
    SECOND_ATTENTION,
    SECOND_CONTENT,
    SECOND_IDS,
    SECOND_LABELS,
)
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.pairs import PairsFolder, read_manifest, write_manifest, write_part
from transliconet.tokens.fields import TrainingTokens
from transliconet.tokens.pivots import NONE, match_pivots
from transliconet.tokens.ragged import ConcatenatedRows

PIVOT = "rus_Cyrl"
LANGUAGES = ("eng_Latn", "hin_Deva", "rus_Cyrl")


def test_doctests() -> None:
    for module in (pivots_module, second_text_module):
        assert doctest.testmod(module, extraglobs={"torch": torch}).failed == 0


@given(
    st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from(LANGUAGES)), min_size=1),
    st.permutations(LANGUAGES),
    st.integers(1, 3),
)
def test_the_first_language_before_ones_own_that_has_the_id(
    rows: set[tuple[str, str]], order: list[str], number: int
) -> None:
    pivots = order[:number]
    pairs = pa.table({"id": [id_ for id_, _ in rows], "lang": [lang for _, lang in rows]})
    texts = pairs.filter(pa.array([lang in pivots for _, lang in rows], pa.bool_()))
    found = match_pivots(pairs, texts, pivots)
    for (id_, own), position in zip(rows, found.tolist(), strict=True):
        before = pivots[: pivots.index(own)] if own in pivots else pivots
        expected = next((lang for lang in before if (id_, lang) in rows), None)
        taken = texts.slice(position, 1).to_pylist() if position != NONE else []
        assert taken == ([{"id": id_, "lang": expected}] if expected else [])


@pytest.fixture(scope="module")
def uneven(cldr_pairs: PairsFolder, tmp_path_factory: pytest.TempPathFactory) -> PairsFolder:
    """Pairs in which every third pivot row is held out, though others of its id are not, and every
    fourth one is missing.
    """
    path = tmp_path_factory.mktemp("uneven") / "pairs"
    shutil.copytree(cldr_pairs.path, path, ignore=shutil.ignore_patterns("cache"))
    is_pivot = np.array(cldr_pairs.table["lang"].to_pylist()) == PIVOT
    number = np.cumsum(is_pivot)
    heldout = np.array(cldr_pairs.table["heldout"].to_pylist()) | (is_pivot & (number % 3 == 0))
    column = cldr_pairs.table.schema.get_field_index("heldout")
    table = cldr_pairs.table.set_column(column, "heldout", pa.array(heldout))
    table = table.filter(pa.array(~is_pivot | (number % 4 != 0)))
    (file,) = (path / "data").glob("*.arrow")
    write_part(file, table)
    write_manifest(path, {**read_manifest(path), "rows": len(table)})
    return PairsFolder.open(path)


def opened(
    pairs: PairsFolder, encoder: Encoder, objective: AnchoredContrast | TransliterationLanguageModel
) -> tuple[PairsDataModule, dict[str, Tensor]]:
    needs = batch_needs({"it": objective}, encoder)
    data = small_data(pairs, encoder.tokenizer, needs, batch_size=32, pivot=[PIVOT])
    data.prepare_data()
    data.setup()
    return data, next(iter(data.train_dataloader()))


def pivot_texts(pairs: PairsFolder, part: str) -> dict[str, str]:
    rows = pairs.split(part, languages=[PIVOT])
    return dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))


def test_no_held_out_row_is_a_pivot(
    uneven: PairsFolder, encoder: Encoder, caplog: pytest.LogCaptureFixture
) -> None:
    trained, held = pivot_texts(uneven, "train"), pivot_texts(uneven, "heldout")
    objective = AnchoredContrast(target="pivot")
    with caplog.at_level(logging.INFO):
        data, _ = opened(uneven, encoder, objective)
    (pivots,) = data.text.pivots
    rows = uneven.split("train", skip_unchanged=True)
    ids, tags = rows["id"].to_pylist(), rows["lang"].to_pylist()
    others = [id_ for id_, tag in zip(ids, tags, strict=True) if tag != PIVOT]
    assert sum(id_ in held for id_ in others) > 20  # or the test would say nothing
    assert sum(id_ in trained for id_ in others) > 100
    assert len(pivots.texts) == len(trained)
    texts = list(trained.values())
    for id_, tag, position in zip(ids, tags, pivots.of_pair.tolist(), strict=True):
        if tag == PIVOT or id_ not in trained:
            assert position == NONE
        else:
            row = encoder.tokenizer(texts[position])["input_ids"]
            assert texts[position] == trained[id_]
            assert pivots.texts.native[position].tolist() == row
    number = sum(id_ in trained for id_ in others)
    assert f"{number} of {len(rows)} training pairs have a translation in {PIVOT}" in caplog.text


def test_anchors_of_translations(uneven: PairsFolder, encoder: Encoder) -> None:
    batches = {}
    for target in ("native", "pivot", "both"):
        objective = AnchoredContrast(target=target, cached_negatives=50)
        data, batches[target] = opened(uneven, encoder, objective)
    native, pivot, both = batches.values()
    assert PIVOT_ANCHOR not in native
    assert ANCHOR not in pivot
    for name in (ANCHOR, NEGATIVES):
        assert torch.equal(native[name], both[name])
    for name in (PIVOT_ANCHOR, PIVOT_NEGATIVES):
        torch.testing.assert_close(pivot[name], both[name], atol=1e-5, rtol=0)
    (pivots,) = data.text.pivots
    of_pair = pivots.of_pair[both[PAIR_INDEX].numpy()]
    texts = list(pivot_texts(uneven, "train").values())
    (objective_field,) = data.needs.fields
    states = objective_field._teacher(data._tokens())(pivots.texts)  # type: ignore[attr-defined]
    assert (of_pair == NONE).any()
    assert (of_pair != NONE).any()
    assert len(states) == len(texts)
    for row, position in enumerate(of_pair.tolist()):
        expected = both[ANCHOR][row] if position == NONE else torch.tensor(states[position])
        torch.testing.assert_close(both[PIVOT_ANCHOR][row], expected, atol=1e-5, rtol=0)


def test_both_is_the_mean_of_the_two_losses(uneven: PairsFolder, encoder: Encoder) -> None:
    _, batch = opened(uneven, encoder, AnchoredContrast(target="both", cached_negatives=50))
    terms: dict[str, dict[str, Tensor]] = {}
    for target in ("native", "pivot", "both"):
        objective = AnchoredContrast(target=target, pull=0.5, replay=1.0, replay_share=0.5)
        with torch.no_grad():
            encoded = encode(encoder, batch, objective.reads(encoder), objective.native_share)
            terms[target] = objective(encoded)
    for name in ("anchor", "pull"):
        for view in ("", "_replay"):
            towards_native = terms["native"][f"{name}{view}"]
            towards_pivot = terms["pivot"][f"{name}_pivot{view}"]
            assert towards_native != towards_pivot
            assert terms["both"][f"{name}{view}"] == towards_native / 2
            assert terms["both"][f"{name}_pivot{view}"] == towards_pivot / 2


@pytest.mark.parametrize("second", ["translation", "both"])
def test_second_texts_are_translations_where_there_are_some(
    second: str, uneven: PairsFolder, encoder: Encoder
) -> None:
    data, batch = opened(uneven, encoder, TransliterationLanguageModel(second=second))
    (pivots,) = data.text.pivots
    labels = batch[SECOND_LABELS]
    ids = torch.where(labels == IGNORE, batch[SECOND_IDS], labels)
    pairs = data.pairs
    assert pairs is not None
    taken = []
    for row, pair in enumerate(batch[PAIR_INDEX].tolist()):
        position = int(pivots.of_pair[pair])
        found = ids[row][batch[SECOND_ATTENTION][row]].tolist()
        romanized = pairs.romanized[pair].tolist()
        if position == NONE:
            assert found == romanized
        else:
            taken.append(found == pivots.texts.native[position].tolist())
            assert taken[-1] or (second == "both" and found == romanized)
    assert len(taken) > 10
    assert all(taken) == (second == "translation")
    assert any(taken)
    share = (labels != IGNORE).sum() / batch[SECOND_CONTENT].sum()
    assert 0.05 < share < 0.3
    # masks of their own, not those of the native rows again
    native = batch[LABELS][: len(labels)] != IGNORE
    length = min(native.shape[1], labels.shape[1])
    assert not torch.equal(native[:, :length], (labels != IGNORE)[:, :length])


def test_the_loss_over_translations_is_that_over_romanizations_where_they_are_the_same(
    uneven: PairsFolder, encoder: Encoder
) -> None:
    _, batch = opened(uneven, encoder, TransliterationLanguageModel(second="translation"))
    half = len(batch[PAIR_INDEX])
    # the second texts are now the romanized rows, without the last, empty columns
    length = int(batch[ATTENTION_MASK][half:].any(0).sum())
    fields = {
        SECOND_IDS: MASKED_IDS,
        SECOND_LABELS: LABELS,
        SECOND_ATTENTION: ATTENTION_MASK,
        SECOND_CONTENT: CONTENT_MASK,
    }
    romanized = {second: batch[name][half:, :length] for second, name in fields.items()}
    losses = []
    for second in ("romanization", "translation"):
        objective = TransliterationLanguageModel(second=second)
        with torch.no_grad():
            encoded = encode(encoder, {**batch, **romanized}, objective.reads(encoder))
            losses.append(objective(encoded)["tlm"].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    with torch.no_grad():
        changed = objective(encode(encoder, batch, objective.reads(encoder)))["tlm"].item()
    assert changed != pytest.approx(losses[0], rel=1e-5)


def test_each_folder_has_its_own_translations(
    uneven: PairsFolder, cldr_pairs: PairsFolder, encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "without"
    shutil.copytree(uneven.path, path, ignore=shutil.ignore_patterns("cache"))
    manifest = read_manifest(path)
    del manifest["languages"][PIVOT]
    table = uneven.table.filter(pc.not_equal(uneven.table["lang"], PIVOT))
    write_part(next((path / "data").glob("*.arrow")), table)
    write_manifest(path, {**manifest, "rows": len(table)})
    also = [path, cldr_pairs.path]
    data = small_data(uneven, encoder.tokenizer, pivot=[PIVOT], also=also)
    some, none, more = data.text.pivots
    assert [len(pivots.texts) for pivots in (some, none, more)] == [
        len(pivot_texts(uneven, "train")),
        0,
        len(pivot_texts(cldr_pairs, "train")),
    ]
    assert (none.of_pair == NONE).all()
    parts = data.text.parts()
    tokens = TrainingTokens(parts, encoder.tokenizer, pivots=[some, none, more])
    positions = tokens.translations()
    texts = ConcatenatedRows([texts.native for texts in tokens.texts])  # type: ignore[misc]
    last = len(positions) - len(parts[2])  # the first pair of the last folder
    for pair in np.flatnonzero(more.of_pair != NONE)[:20].tolist():
        found = texts[int(positions[last + pair])]
        assert np.array_equal(found, more.texts.native[int(more.of_pair[pair])])


def test_what_cannot_be_a_pivot(uneven: PairsFolder, encoder: Encoder) -> None:
    needs = batch_needs({"anchor": AnchoredContrast(target="both")}, encoder)
    with raises("TLN-CONFIG-324"):
        small_data(uneven, encoder.tokenizer, needs)
    with raises("TLN-CONFIG-323"):
        small_data(uneven, encoder.tokenizer, needs, pivot=["eng_Latn"])
    with raises("TLN-CONFIG-001"):
        AnchoredContrast(target="english")
    with raises("TLN-CONFIG-001"):
        TransliterationLanguageModel(second="english")
    alone = small_data(uneven, encoder.tokenizer, needs, pivot=[PIVOT], languages=[PIVOT])
    with raises("TLN-DATA-323"):
        alone.setup()
