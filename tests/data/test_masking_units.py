"""What is masked as a whole, where, and how often: words, spans of a tagger, rare words, schedules."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor

from tests.batches import small_data
from tests.settings import raises
from transliconet.batch import CONTENT_MASK, IGNORE, INPUT_IDS, LABELS, PAIR_INDEX
from transliconet.data.batching import PairFeatures
from transliconet.data.masking import Masking, Units, mask_tokens, unit_probabilities
from transliconet.data.sampler import PairBatchSampler, batches_of_run
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.tokens.padding import Vocabulary
from transliconet.tokens.ragged import ConcatenatedRows, RaggedArray
from transliconet.tokens.spans import read_spans, span_of_words
from transliconet.tokens.words import WordBoundaries

VOCABULARY = Vocabulary(1, 4, torch.arange(5), torch.arange(5, 1005))
ROWS, LENGTH = 300, 120


def rows_of_words() -> tuple[Tensor, Tensor, Units]:
    """Rows of 1,000 ids in words of 1 to 4 tokens, the last 20 tokens padding."""
    rng = np.random.default_rng(0)
    numbers = np.cumsum(rng.random((ROWS, LENGTH)) < 0.4, axis=1)
    content = torch.ones(ROWS, LENGTH, dtype=torch.bool)
    content[:, -20:] = False
    numbers[:, -20:] = -1
    ids = torch.randint(5, 1005, (ROWS, LENGTH), generator=torch.Generator().manual_seed(9))
    units = Units(torch.from_numpy(numbers), torch.ones(ROWS, LENGTH, dtype=torch.float64))
    return ids, content, units


def predicted(masking: Masking, units: Units | None, progress: float = 0.0) -> Tensor:
    ids, content, _ = rows_of_words()
    generator = torch.Generator().manual_seed(1)
    _, labels = mask_tokens(
        ids, content, VOCABULARY, masking, generator, units=units, progress=progress
    )
    return labels != IGNORE


def chosen_of_words(chosen: Tensor, units: Units) -> list[tuple[int, int]]:
    """(predicted tokens, tokens) of each word with a predicted token."""
    found = []
    for row, numbers in zip(chosen.numpy(), units.numbers.numpy(), strict=True):
        for word in set(numbers[row].tolist()):
            inside = numbers == word
            found.append((int(row[inside].sum()), int(inside.sum())))
    return found


def test_words_are_masked_whole_and_as_many_tokens() -> None:
    _, content, units = rows_of_words()
    chosen = predicted(Masking(unit="word"), units)
    of_words = chosen_of_words(chosen, units)
    assert all(number == size for number, size in of_words)
    assert max(size for _, size in of_words) > 3
    assert chosen.sum() / content.sum() == pytest.approx(0.15, abs=0.01)


def test_one_token_of_a_word_and_as_many_tokens() -> None:
    _, content, units = rows_of_words()
    chosen = predicted(Masking(unit="one_of_word"), units)
    of_words = chosen_of_words(chosen, units)
    assert {number for number, _ in of_words} == {1}
    assert max(size for _, size in of_words) > 3
    assert chosen.sum() / content.sum() == pytest.approx(0.15, abs=0.01)
    # the token is drawn: it is not always the first
    firsts = torch.ones_like(units.numbers, dtype=torch.bool)
    firsts[:, 1:] = units.numbers[:, 1:] != units.numbers[:, :-1]
    assert 0.2 < (chosen & firsts).sum() / chosen.sum() < 0.8


def test_single_tokens_as_units_change_nothing() -> None:
    """The general rule gives the masks of the plain one, bit for bit."""
    ids, content, _ = rows_of_words()
    generator = torch.Generator().manual_seed(1)
    plain = (torch.rand(ids.shape, generator=generator) < 0.15) & content
    assert torch.equal(predicted(Masking(), None), plain)


def test_probabilities_by_weight_against_the_equation() -> None:
    numbers = torch.tensor([[-1, 0, 0, 1, 2, 2, 2, -1]])
    weights = torch.tensor([[1.0, 2, 2, 1, 4, 4, 4, 1]], dtype=torch.float64)
    content = torch.tensor([[False, True, True, True, True, True, True, True]])
    units = Units(numbers, weights)
    total = 2 * 2 + 1 * 1 + 3 * 4
    whole = unit_probabilities(units, content, 0.2)[0]
    assert whole.tolist() == pytest.approx(
        [0, *(0.2 * 7 * w / total for w in (2, 2, 1, 4, 4, 4)), 0]
    )
    one = unit_probabilities(units, content, 0.5, one_token=True)[0]
    assert one.tolist() == pytest.approx([0, 1, 1, 0.5, 1, 1, 1, 0])  # 0.5 * 7 * w / 7, at most 1


def test_a_schedule_goes_from_its_first_share_to_its_last() -> None:
    masking = Masking(probability=[0.3, 0.05])
    _, content, _ = rows_of_words()
    shares = [float(predicted(masking, None, p).sum() / content.sum()) for p in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.3, 0.175, 0.05], abs=0.01)
    sampler = PairBatchSampler(PairFeatures(np.arange(40)), 10)
    assert {plan.progress for plan in sampler} == {0.0}
    sampler.run_batches = 8
    assert [plan.progress for plan in sampler] == [0, 1 / 8, 2 / 8, 3 / 8]
    sampler.set_epoch(1)
    sampler.resume(1, 2)
    assert [plan.progress for plan in sampler] == [6 / 8, 7 / 8]


def test_the_length_of_a_run_is_that_of_its_steps_or_epochs() -> None:
    def of(max_steps: int, max_epochs: int | None) -> int:
        trainer = SimpleNamespace(
            max_steps=max_steps, max_epochs=max_epochs, accumulate_grad_batches=2
        )
        return batches_of_run(trainer, 30)  # type: ignore[arg-type]

    assert of(10, -1) == 20
    assert of(-1, 3) == of(1000, 3) == 90
    with raises("TLN-CONFIG-326"):
        of(-1, -1)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"probability": [0.3]}, "TLN-CONFIG-325"),
        ({"probability": [0.3, 1.5]}, "TLN-CONFIG-002"),
        ({"probability": "a lot"}, "TLN-CONFIG-002"),
        ({"unit": "sentence"}, "TLN-CONFIG-001"),
    ],
)
def test_impossible_options(options: dict, code: str) -> None:
    with raises(code):
        Masking(**options)


def first_batch(
    pairs: PairsFolder, encoder: Encoder, masking: Masking
) -> tuple[dict[str, Tensor], WordBoundaries]:
    data = small_data(pairs, encoder.tokenizer, masking=masking)
    data.setup()
    boundaries = WordBoundaries.from_tokenizer(encoder.tokenizer)
    return next(iter(data.train_dataloader())), boundaries


def test_real_rows_are_masked_by_words(cldr_pairs: PairsFolder, encoder: Encoder) -> None:
    masking = Masking(probability=0.5, unit="word")
    batch, boundaries = first_batch(cldr_pairs, encoder, masking)
    partly = 0
    for ids, labels in zip(batch[INPUT_IDS].numpy(), batch[LABELS].numpy(), strict=True):
        numbers, chosen = boundaries.number(ids), labels != IGNORE
        words = set(numbers[chosen].tolist())
        assert chosen[np.isin(numbers, list(words))].all()
        partly += 0 < len(words) < numbers.max() + 1
    assert partly  # the guard: rows of which some words are masked


def test_rare_words_are_masked_more_often(cldr_pairs: PairsFolder, encoder: Encoder) -> None:
    data = small_data(cldr_pairs, encoder.tokenizer, masking=Masking(unit="word", spans="rare"))
    data.setup()
    counts = data.pairs.native.counts(len(encoder.tokenizer))
    counts = counts + data.pairs.romanized.counts(len(encoder.tokenizer))
    chosen, content = [], []
    for batch in data.train_dataloader():
        chosen.append(batch[INPUT_IDS][batch[LABELS] != IGNORE])
        content.append(batch[INPUT_IDS][batch[CONTENT_MASK]])
    of_chosen, of_content = (np.log(counts[torch.cat(ids)]).mean() for ids in (chosen, content))
    assert of_chosen < of_content - 0.05
    share = sum(map(len, chosen)) / sum(map(len, content))
    assert 0.12 < share < 0.18


def test_counts_of_parts_are_those_of_the_whole() -> None:
    rows = RaggedArray.from_rows([np.array([3, 1], np.int32), np.array([3], np.int32)])
    assert rows.counts(5).tolist() == [0, 1, 0, 2, 0]
    assert ConcatenatedRows([rows, rows]).counts(5).tolist() == [0, 2, 0, 4, 0]


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_only_spans_of_a_tagger_are_masked(
    cldr_pairs: PairsFolder, encoder: Encoder, tmp_path: Path, ending: str
) -> None:
    """The last word of each text is a span; its romanization is the last romanized word."""
    rows = cldr_pairs.split("train").to_pylist()
    file = tmp_path / f"spans{ending}"
    tagged = []
    for row in rows:
        start = row["text"].rfind(" ") + 1
        spans = [[start, len(row["text"])]]
        tagged.append({"id": row["id"], "lang": row["lang"], "spans": spans})
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(tagged), file)
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in tagged))
    masking = Masking(probability=0.4, unit="word", spans=str(file))
    batch, boundaries = first_batch(cldr_pairs, encoder, masking)
    pairs = [*batch[PAIR_INDEX].tolist()] * 2
    views = ["text"] * 16 + ["romanized"] * 16
    several = 0
    for pair, view, ids, labels in zip(pairs, views, batch[INPUT_IDS], batch[LABELS], strict=True):
        numbers = boundaries.number(ids.numpy())
        chosen = set(numbers[labels.numpy() != IGNORE].tolist())
        if len(rows[pair][view].split()) == len(rows[pair]["text"].split()) == numbers.max() + 1:
            assert chosen <= {numbers.max()}
            several += len(chosen) and numbers.max() > 0
    assert several


def test_a_file_without_spans(tmp_path: Path) -> None:
    for name, content in [("a.jsonl", '{"id": "1", "lang": "x"}\n'), ("b.parquet", "PAR1")]:
        (tmp_path / name).write_text(content)
        with raises("TLN-DATA-300"):
            read_spans(tmp_path / name)
    with raises("TLN-DATA-300"):
        read_spans(tmp_path / "missing.jsonl")


def test_words_in_spans() -> None:
    text = "Der Bundestag in Berlin"
    assert span_of_words(text, [[4, 13], [17, 20]]).tolist() == [-1, 0, -1, 1]
    assert span_of_words(text, []).tolist() == [-1] * 4
    assert span_of_words("", [[0, 3]]).tolist() == []
