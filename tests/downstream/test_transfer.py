"""Transfer: heads trained on English and tested in other languages and views."""

import doctest
import json
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tests.settings import CliHere, raises
from transliconet.downstream import linear as linear_module
from transliconet.downstream import record as record_module
from transliconet.downstream import transfer as transfer_module
from transliconet.downstream.cldr_kinds import CldrKinds
from transliconet.downstream.evaluation import evaluation_sets
from transliconet.downstream.head import TrainingData
from transliconet.downstream.labelled import DEV, TEST, TRAIN, LabelledSplits, LabelledText
from transliconet.downstream.linear import LinearHead
from transliconet.downstream.record import Scores, macro_f1
from transliconet.downstream.tables import LabelColumns, LabelledTables
from transliconet.downstream.transfer import TransferResult, TransferSettings, transfer
from transliconet.language_tag import LanguageTag
from transliconet.model.encoder import Encoder
from transliconet.romanizers.uroman import Uroman

WORDS = {"sport": "вальс", "food": "хлеб", "sea": "море"}


def labelled_rows() -> list[dict[str, str]]:
    """Rows of three languages; every text holds the word for its class."""
    rows = []
    for split, count in (("train", 6), ("dev", 3), ("test", 5)):
        for number in range(count):
            label = list(WORDS)[number % 3]
            texts = {"eng_Latn": label, "rus_Cyrl": WORDS[label], "rus_Latn": f"typed {label}"}
            for lang, word in texts.items():
                text = f"{word} {split} {number}"
                row = {"id": f"{split}{number}", "lang": lang, "split": split}
                rows.append({**row, "label": label, "text": text})
    return rows


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "task.parquet"
    pq.write_table(pa.Table.from_pylist(labelled_rows()), file)
    return file


@pytest.fixture
def known_encoder(monkeypatch: pytest.MonkeyPatch, uroman: Uroman) -> None:
    """An encoder that knows English and Russian words, but takes romanized text for food."""

    def embed(_: object, texts: Sequence[str], **__: object) -> np.ndarray:
        vectors = []
        for text in texts:
            known = [label in text or word in text for label, word in WORDS.items()]
            vectors.append(known if any(known) else [False, True, False])
        return np.array(vectors, dtype=np.float32)

    monkeypatch.setattr(linear_module, "embed", embed)
    monkeypatch.setattr(transfer_module, "romanizer_of", lambda _: uroman)  # is loaded already


def by_view(result: TransferResult) -> dict[tuple[str, str], float]:
    return {(record.language, record.view): record.accuracy for record in result.records}


def test_a_known_answer_by_language_and_view(
    table: Path, known_encoder: None, encoder: Encoder
) -> None:
    result = transfer(encoder, LabelledTables(str(table)), TransferSettings(name="words"))
    assert by_view(result) == {
        ("eng_Latn", "native"): 1.0,
        ("rus_Cyrl", "native"): 1.0,
        ("rus_Cyrl", "romanized"): 0.4,  # two of the five test texts are about food
        ("rus_Cyrl", "human"): 1.0,
    }
    assert result.heads[0]["dev_score"] == 1.0
    first = result.records[0]
    assert (first.task, first.n, first.chance) == ("words", 5, 0.4)
    assert first.train_languages == ("eng_Latn",)


def test_a_file_for_each_split_and_numbered_labels(
    tmp_path: Path, known_encoder: None, encoder: Encoder
) -> None:
    names = list(WORDS)
    for lang in ("eng_Latn", "rus_Cyrl"):
        folder = tmp_path / lang
        folder.mkdir()
        for split in ("train", "test"):
            lines = ["index_id\tcategory\ttext"]
            for row in labelled_rows():
                if row["lang"] == lang and row["split"] == split:
                    lines.append(f"{row['id']}\t{names.index(row['label'])}\t{row['text']}")
            (folder / f"{split}.tsv").write_text("\n".join(lines), encoding="utf-8")
    task = LabelledTables(
        {"train": f"{tmp_path}/*/train.tsv", "test": f"{tmp_path}/*/test.tsv"},
        LabelColumns(label="category", lang=None, id="index_id"),
        labels=names,
    )
    result = transfer(encoder, task)
    assert by_view(result)["rus_Cyrl", "native"] == 1.0
    assert result.heads[0]["dev_score"] is None
    assert {text.label for text in task.read().texts[TRAIN]} == set(names)


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "lang": "eng_Latn", "split": "train", "label": "a", "text": "one"},
        {"id": "2", "lang": "eng_Latn", "split": "train", "label": "b", "text": "two"},
        {"id": "3", "lang": "eng_Latn", "split": "train", "label": None, "text": "three"},
        {"id": "4", "lang": "eng_Latn", "split": "later", "label": "a", "text": "four"},
        {"id": "5", "lang": "eng_Latn", "split": "validation", "label": "a", "text": "five"},
        {"id": "6", "lang": "eng_Latn", "split": "train", "label": "7", "text": "six"},
        {"id": "7", "lang": "eng_Latn", "split": "test", "label": "a", "text": "two"},
        {"id": "8", "lang": "eng_Latn", "split": "test", "label": "a", "text": " "},
        {"id": "9", "lang": "Klingonish", "split": "test", "label": "a", "text": "nine"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "task.parquet")
    data = LabelledTables(str(tmp_path / "task.parquet"), labels=["a", "b"]).read()
    assert [text.text for text in data.texts[DEV]] == ["five"]
    clean = data.without_leaks()
    assert [text.text for text in clean.texts[TRAIN]] == ["one"]
    english = clean.left_out["eng_Latn"]
    assert sum(english.values()) == 5
    assert english["unknown_split"] == english["unknown_label"] == english["in_test_split"] == 1
    assert sum(clean.left_out["Klingonish"].values()) == 1


def test_an_id_of_the_test_split_in_training_is_an_error() -> None:
    english = LanguageTag("eng", "Latn")
    train, test = (LabelledText("7", english, text, "a") for text in ("one", "another"))
    with raises("TLN-DATA-650", naming="eng_Latn 7"):
        LabelledSplits({TRAIN: [train], DEV: [], TEST: [test]}).without_leaks()


def test_latin_text_of_a_language_in_another_script_is_its_human_view() -> None:
    tags = [LanguageTag.parse(tag) for tag in ("arb_Arab", "arb_Latn", "deu_Latn")]
    texts = [LabelledText(str(tag), tag, f"text {tag}", "a") for tag in tags]
    found = evaluation_sets(texts, lambda text, language: f"romanized {language}")
    assert [(part.language, part.view, [item.text for item in part.items]) for part in found] == [
        ("arb_Arab", "native", ["text arb_Arab"]),
        ("arb_Arab", "romanized", ["romanized arb_Arab"]),
        ("arb_Arab", "human", ["text arb_Latn"]),
        ("deu_Latn", "native", ["text deu_Latn"]),
    ]


def test_the_dev_split_selects_the_strength(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    labels = ["a", "b"] * 20
    signal = np.array([[1.0], [-1.0]] * 20)
    vectors = np.hstack([signal, rng.normal(size=(40, 60))]).astype(np.float32)
    monkeypatch.setattr(linear_module, "embed", lambda *_, **__: vectors)
    english = LanguageTag("eng", "Latn")
    train = [LabelledText(str(i), english, "", label) for i, label in enumerate(labels)]
    wrong_way = [*train[1:], train[0]]  # the classes of the neighbours
    for dev, score in ((train, 1.0), (wrong_way, 0.0), ([], None)):
        head = LinearHead().fit(encoder, TrainingData(train, dev, "accuracy"))
        assert head.dev_score == score
        assert head.predict(train) == [[label] for label in labels]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    predicted, labels = map(list, zip(*pairs, strict=True))
    expected = f1_score(labels, predicted, average="macro", zero_division=0)
    assert macro_f1(predicted, labels) == pytest.approx(expected)
    ids = [str(number) for number in range(len(labels))]
    scores = Scores.from_predictions([[c] for c in predicted], [[c] for c in labels], ids)
    assert scores.ci95[0] <= scores.accuracy <= scores.ci95[1]


def test_docstring_examples() -> None:
    assert doctest.testmod(record_module).failed == 0


def test_names_by_kind_have_the_same_split_in_every_language() -> None:
    data = CldrKinds(["eng_Latn", "kat_Geor"]).read().without_leaks()
    splits = {name: {text.id for text in texts} for name, texts in data.texts.items()}
    assert not splits[TRAIN] & splits[TEST]
    assert not splits[TRAIN] & splits[DEV]
    assert {str(text.lang) for text in data.texts[TEST]} == {"eng_Latn", "kat_Geor"}
    assert data.left_out["eng_Latn"]["ambiguous_name"] > 10


def test_the_command_writes_what_it_prints(cli_here: CliHere, encoder_folder: Path) -> None:
    done = cli_here(
        "transfer",
        f"encoder.path={encoder_folder}",
        "task.languages=[eng_Latn,kat_Geor]",
        "task.kinds=[territories,currencies]",
        "out=results.json",
    )
    assert done.status == 0, done.err
    records = json.loads(Path("results.json").read_text(encoding="utf-8"))["transfer"]
    assert [(record["language"], record["view"]) for record in records] == [
        ("eng_Latn", "native"),
        ("kat_Geor", "native"),
        ("kat_Geor", "romanized"),
    ]
    for record in records:
        assert record["task"] == "cldr"
        assert f"{100 * record['accuracy']:.1f}" in done.out
    again = cli_here("transfer", f"encoder.path={encoder_folder}", "out=results.json")
    assert again.error.endswith("[TLN-CONFIG-227]")


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        (["task.languages=[kat_Geor]"], "TLN-CONFIG-653"),
        (["task.languages=[eng_Latn]", "transfer.languages=[hin_Deva]"], "TLN-CONFIG-653"),
        (["task=classification", "task.paths={later: x.csv}"], "TLN-CONFIG-650"),
        (
            ["task=classification", "task.paths=x.parquet", "task.columns.lang=null"],
            "TLN-CONFIG-651",
        ),
    ],
)
def test_what_cannot_run_is_said(
    overrides: list[str], code: str, cli_here: CliHere, encoder_folder: Path
) -> None:
    done = cli_here("transfer", f"encoder.path={encoder_folder}", *overrides, "out=r.json")
    assert done.error.endswith(f"[{code}]"), done.err


def test_the_folders_of_sib200(
    cli_here: CliHere, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``task.folder`` is where the dataset's ``hin_Deva/train.tsv`` and so on start. Nothing is
    asked of the network.
    """
    monkeypatch.setattr(socket, "socket", None)
    for tag in ("eng_Latn", "ell_Grek"):
        (tmp_path / "sib" / tag).mkdir(parents=True)
        for start, split in enumerate((TRAIN, DEV, TEST)):
            rows = ["index_id\tcategory\ttext"]
            for number in range(12):
                label = ("travel", "health")[number % 2]
                rows.append(f"{100 * start + number}\t{label}\t{label} {tag} {start} {number}")
            file = tmp_path / "sib" / tag / f"{split}.tsv"
            file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = cli_here(
        "transfer",
        "task=sib200",
        "task.folder=sib",
        f"encoder.path={encoder_folder}",
        "transfer.romanizer=none",
        "out=sib.json",
    )
    assert done.status == 0, done.err
    tested = json.loads(Path("sib.json").read_text(encoding="utf-8"))["transfer"]
    assert {(row["language"], row["n"]) for row in tested} >= {("ell_Grek", 12), ("eng_Latn", 12)}
