"""Labels for words: their files, where they stand among subwords, and how they are scored."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score as seqeval_f1
from sklearn.metrics import accuracy_score

from tests.settings import raises
from transliconet.downstream import linear as linear_module
from transliconet.downstream import transfer as transfer_module
from transliconet.downstream.entities import bare_tag_f1, entity_f1
from transliconet.downstream.labelled import DEV, ENTITY_F1, TEST, TRAIN
from transliconet.downstream.record import Scores
from transliconet.downstream.tagged import TagColumns, TaggedSentences
from transliconet.downstream.transfer import TransferSettings, transfer
from transliconet.model.encoder import Encoder
from transliconet.model.word_vectors import embed_words
from transliconet.tokens.word_positions import NOWHERE, tokenize_words

CONLLU = """# sent_id = first
# text = vámonos al mar
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\t_\t_\t_\t_\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t_\t_\t_\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\t_\t_\t_\t_\t_\t_
4\tel\tel\tDET\t_\t_\t_\t_\t_\t_
5\tmar\tmar\tNOUN\t_\t_\t_\t_\t_\t_
5.1\tnada\tnada\tVERB\t_\t_\t_\t_\t_\t_

# sent_id = second
1\t10 000\t10 000\tNUM\t_\t_\t_\t_\t_\t_
"""
ENTITIES = ["O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC"]
BARE = ["NOUN", "SCONJ", "CCONJ", "X", "INTJ"]


@settings(max_examples=80, deadline=None)
@pytest.mark.parametrize(("f1", "tags"), [(entity_f1, ENTITIES), (bare_tag_f1, BARE)])
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")
def test_f1_is_seqevals(f1: Callable[..., float], tags: list[str], data: st.DataObject) -> None:
    """Also on bare tags, where seqeval takes the first character for a prefix."""
    tag = st.sampled_from(tags)
    pairs = st.lists(st.tuples(tag, tag), min_size=1, max_size=7)
    sentences = data.draw(st.lists(pairs, min_size=1, max_size=4))
    predicted = [[one for one, _ in sentence] for sentence in sentences]
    labels = [[other for _, other in sentence] for sentence in sentences]
    assert f1(predicted, labels) == pytest.approx(float(seqeval_f1(labels, predicted)))


@pytest.mark.filterwarnings("ignore")
def test_bare_tags_give_another_figure_than_accuracy() -> None:
    labels = [["NOUN", "SCONJ", "CCONJ", "VERB"]]
    predicted = [["NOUN", "CCONJ", "SCONJ", "NOUN"]]
    scores = Scores.from_predictions(predicted, labels, ["1"], kind="words")
    assert scores.accuracy == accuracy_score(labels[0], predicted[0]) == 0.25
    assert scores.bare_tag_f1 == pytest.approx(float(seqeval_f1(labels, predicted)))
    assert (scores.words, scores.n, scores.entity_f1) == (4, 1, None)


def test_universal_dependencies(tmp_path: Path) -> None:
    """Words written as one are one word, whose label is that of the most telling of them."""
    folder = tmp_path / "UD_Spanish-GSD"
    folder.mkdir()
    (folder / "es_gsd-ud-test.conllu").write_text(CONLLU, encoding="utf-8")
    data = TaggedSentences(str(folder), tags={"es": "spa_Latn"}).read()
    first, second = data.texts[TEST]
    assert list(zip(first.words, first.tags, strict=True)) == [
        ("vámonos", "VERB"),
        ("al", "ADP"),
        ("mar", "NOUN"),
    ]
    assert (str(first.lang), second.words, second.tags) == ("spa_Latn", ["10 000"], ["NUM"])
    assert not data.left_out


@pytest.mark.parametrize(
    "text",
    [
        "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\n# NN O O\n\nPeter NNP I-NP B-PER\n",
        "# sent_id = 1\n1\tEU\tB-ORG\t-\t-\n2\t#\tO\t-\t-\n\n1\tPeter\tB-PER\t-\t-\n",
        "EU B-ORG\n# O\n\nPeter B-PER",
    ],
    ids=["CoNLL-2003", "Universal NER", "two columns"],
)
def test_files_with_a_word_a_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "eng_Latn").mkdir()
    (tmp_path / "eng_Latn" / "train.txt").write_text(text, encoding="utf-8")
    data = TaggedSentences(str(tmp_path), kind="entities").read()
    assert [sentence.words for sentence in data.texts[TRAIN]] == [["EU", "#"], ["Peter"]]
    assert [sentence.tags for sentence in data.texts[TRAIN]] == [["B-ORG", "O"], ["B-PER"]]
    assert data.metric == ENTITY_F1


def test_tables_of_lists(tmp_path: Path) -> None:
    rows = [
        {"lang": "eng_Latn", "split": "validation", "tokens": ["a", "b"], "tags": [0, 1]},
        {"lang": "eng_Latn", "split": "test", "tokens": ["a", "b"], "tags": [0]},
        {"lang": "eng_Latn", "split": "test", "tokens": ["a", "b"], "tags": [0, 2]},
        {"lang": "eng_Latn", "split": "other", "tokens": ["a"], "tags": [0]},
        {"lang": "nowhere", "split": "test", "tokens": ["a"], "tags": [0]},
        {"lang": "eng_Latn", "split": "test", "tokens": [], "tags": []},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "tags.parquet")
    lines = [*map(json.dumps, rows), "no JSON"]
    (tmp_path / "tags.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for name, more in (("tags.parquet", 0), ("tags.jsonl", 1)):
        data = TaggedSentences(str(tmp_path / name), labels=["O", "B-PER"]).read()
        assert [sentence.tags for sentence in data.texts[DEV]] == [["O", "B-PER"]]
        english = data.left_out["eng_Latn"]
        assert english == {
            "tags_do_not_match": 1,
            "unknown_label": 1,
            "unknown_split": 1,
            "empty": 1,
        }
        assert data.left_out["nowhere"] == {"wrong_language_tag": 1}
        assert ("unknown" in data.left_out) == bool(more)
    with raises("TLN-DATA-651"):
        TaggedSentences(str(tmp_path / "tags.jsonl"), TagColumns(words="words")).read()


def test_a_sentence_with_a_line_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    text = b"Peter B-PER\n\xff\xfe O\n\nParis B-LOC\n"
    (tmp_path / "fra_Latn_test.txt").write_bytes(text)
    data = TaggedSentences(str(tmp_path / "fra_Latn_test.txt")).read()
    assert [sentence.words for sentence in data.texts[TEST]] == [["Paris"]]
    assert data.left_out == {"fra_Latn": {"invalid_utf8": 1}}


def test_one_column_without_the_other_is_refused(tmp_path: Path) -> None:
    (tmp_path / "eng_Latn_test.conll").write_text("a B-PER\n", encoding="utf-8")
    with raises("TLN-CONFIG-654", naming="word_number"):
        TaggedSentences(str(tmp_path), TagColumns(word_number=1)).read()
    with raises("TLN-CONFIG-001"):
        TaggedSentences("x", kind="phrases")


@settings(max_examples=30, deadline=None)
@given(words=st.lists(st.text("аб тsm\u200cي中", max_size=6), min_size=1, max_size=8))
def test_each_word_is_found_at_its_own_first_subword(words: list[str], encoder: Encoder) -> None:
    tokens = tokenize_words(encoder.tokenizer, [words], max_length=64, prompt="query: ")
    first = tokens.first[0]
    encoded = encoder.tokenizer("query: " + " ".join(words), return_offsets_mapping=True)
    assert tokens.rows[0].tolist() == encoded["input_ids"]
    start = len("query: ")
    for word, position in zip(words, first, strict=True):
        inside = []  # tokens whose last character is one of the word's
        for place, (begin, end) in enumerate(encoded["offset_mapping"]):
            if begin < end and start < end <= start + len(word):
                inside.append(place)
        assert position == (inside[0] if inside else NOWHERE)
        start += len(word) + 1


def test_words_without_subword_and_truncated_ones_keep_the_others_labels(encoder: Encoder) -> None:
    words = ["Россия", "", "Греция", "Италия"]
    whole = tokenize_words(encoder.tokenizer, [words], max_length=64)
    assert whole.first[0][1] == NOWHERE
    limit = int(whole.first[0][3]) + 1  # the last place is of the closing special token
    short = tokenize_words(encoder.tokenizer, [words], max_length=limit)
    assert short.first[0].tolist() == [*whole.first[0][:3], NOWHERE]
    assert len(short.rows[0]) == limit
    vectors, seen = embed_words(encoder, [words, ["Россия"]])
    assert seen.tolist() == [True, False, True, True, True]
    assert not vectors[1].any()
    assert vectors[0].any()
    with raises("TLN-CKPT-302"):
        tokenize_words(_slow_tokenizer(), [words], max_length=8)


def _slow_tokenizer() -> object:
    return type("SlowTokenizer", (), {"is_fast": False})()


def write_words(path: Path) -> None:
    """English and Russian sentences; each word says its label."""
    rows = []
    for split, count in (("train", 8), ("dev", 4), ("test", 4)):
        for number in range(count):
            for lang, words in (
                ("eng_Latn", ["man", "in", f"town{split}{number}"]),
                ("rus_Cyrl", ["муж", "в", f"город{split}{number}"]),
            ):
                row = {"lang": lang, "split": split, "tokens": words}
                rows.append({**row, "tags": ["B-PER", "O", "B-LOC"]})
    pq.write_table(pa.Table.from_pylist(rows), path)


def test_a_known_answer_by_language_and_view(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encoder that knows the words of both languages, but sees no romanized ``v`` at all and
    takes all other romanized words for towns.
    """

    def embed_words(
        _: object, sentences: Sequence[Sequence[str]], **__: object
    ) -> tuple[np.ndarray, np.ndarray]:
        vectors, seen = [], []
        for sentence in sentences:
            for word in sentence:
                vectors.append(
                    [
                        word in ("man", "муж"),
                        word in ("in", "в"),
                        word not in ("man", "муж", "in", "в"),
                    ]
                )
                seen.append(word != "v")
        return np.array(vectors, dtype=np.float32), np.array(seen)

    monkeypatch.setattr(linear_module, "embed_words", embed_words)
    romanized = {"муж": "muzh", "в": "v"}
    monkeypatch.setattr(
        transfer_module, "romanizer_of", lambda _: lambda word, _: romanized.get(word, "gorod")
    )
    write_words(tmp_path / "words.parquet")
    task = TaggedSentences(str(tmp_path / "words.parquet"), kind="entities")
    result = transfer(encoder, task, TransferSettings(name="ner"))
    scores = {(r.language, r.view): (r.accuracy, r.entity_f1) for r in result.records}
    # muzh is taken for a town; v, which is not seen, for the most frequent label of three equal
    # ones, B-LOC: of three entities, one is right, and of two, one is found
    assert scores == {
        ("eng_Latn", "native"): (1.0, 1.0),
        ("rus_Cyrl", "native"): (1.0, 1.0),
        ("rus_Cyrl", "romanized"): (pytest.approx(1 / 3), pytest.approx(2 / 5)),
    }
    assert result.heads[0]["dev_score"] == 1.0
    assert result.mean("romanized") == pytest.approx(2 / 5)
    assert {record.n for record in result.records} == {4}
    assert {record.words for record in result.records} == {12}
