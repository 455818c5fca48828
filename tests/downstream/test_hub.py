"""Labelled datasets of the Hugging Face hub, here in local folders."""

from pathlib import Path

import pytest

from transliconet.downstream.tables import LabelColumns, LabelledTables
from transliconet.downstream.tagged import TagColumns, TaggedSentences
from transliconet.errors import ConfigError, DataError

datasets = pytest.importorskip("datasets")
ROWS = {
    "eng_Latn": ["The team won.", "A new train."],
    "hin_Deva": ["टीम जीत गई।", "नई ट्रेन।"],
}


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    """Two languages, each a configuration with a train and a validation split."""
    features = datasets.Features(
        {
            "index_id": datasets.Value("int64"),
            "sentence": datasets.Value("string"),
            "category": datasets.ClassLabel(names=["sports", "travel"]),
        }
    )
    for lang, texts in ROWS.items():
        columns = {"index_id": [1, 2], "sentence": texts, "category": [0, 1]}
        rows = datasets.Dataset.from_dict(columns, features=features)
        unlabelled = {"index_id": [3], "sentence": ["?"], "category": [-1]}
        other = datasets.Dataset.from_dict(unlabelled, features=features)
        saved = datasets.DatasetDict(
            train=rows, validation=datasets.concatenate_datasets([rows, other])
        )
        saved.save_to_disk(str(tmp_path / "topics" / lang))
    return tmp_path / "topics"


COLUMNS = LabelColumns(text="sentence", label="category", id="index_id")


def test_texts_with_the_names_of_their_classes(topics: Path) -> None:
    splits = LabelledTables(f"hub:{topics}", COLUMNS).read()
    train = [(t.id, str(t.lang), t.text, t.label) for t in splits.texts["train"]]
    assert sorted(train) == sorted(
        (str(number), lang, text, label)
        for lang, texts in ROWS.items()
        for number, text, label in zip((1, 2), texts, ("sports", "travel"), strict=True)
    )
    assert len(splits.texts["dev"]) == 4
    # a class that has no name is left out and counted
    assert {lang: dict(reasons) for lang, reasons in splits.left_out.items()} == {
        "eng_Latn": {"missing_field": 1},
        "hin_Deva": {"missing_field": 1},
    }


def test_one_configuration(topics: Path) -> None:
    splits = LabelledTables(f"hub:{topics}:hin_Deva", COLUMNS).read()
    assert {str(text.lang) for text in splits.texts["train"]} == {"hin_Deva"}


def test_words_with_the_names_of_their_labels(tmp_path: Path) -> None:
    labels = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(labels),
        }
    )
    columns = {
        "tokens": [["राम", "कुमार", "आया"], [], ["वह"]],
        "ner_tags": [[1, 2, 0], [], [0]],
    }
    rows = datasets.Dataset.from_dict(columns, features=features)
    datasets.DatasetDict(test=rows).save_to_disk(str(tmp_path / "names" / "hi"))
    task = TaggedSentences(
        f"hub:{tmp_path / 'names'}",
        TagColumns(tags="ner_tags"),
        kind="entities",
        tags={"hi": "hin_Deva"},
    )
    splits = task.read()
    found = [(list(s.words), list(s.tags)) for s in splits.texts["test"]]
    assert found == [(["राम", "कुमार", "आया"], ["B-PER", "I-PER", "O"]), (["वह"], ["O"])]
    assert {str(s.lang) for s in splits.texts["test"]} == {"hin_Deva"}


def test_what_cannot_be_read(topics: Path) -> None:
    with pytest.raises(ConfigError) as split:
        LabelledTables({"train": f"hub:{topics}"}, COLUMNS).read()
    assert split.value.code == "TLN-CONFIG-657"
    with pytest.raises(DataError) as nothing:
        LabelledTables(f"hub:{topics}:tam_Taml", COLUMNS).read()
    assert nothing.value.code == "TLN-DATA-110"
