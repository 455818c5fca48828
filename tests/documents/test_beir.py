"""Collections in BEIR's layout: what is read, and what is counted."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.settings import raises
from transliconet.documents.beir import BeirFolder
from transliconet.documents.collection import Collection, Query
from transliconet.documents.territories import CldrTerritories

DOCUMENTS = [
    {"_id": "d1", "title": "Ελλάδα", "text": "Πρωτεύουσα είναι η Αθήνα."},
    {"_id": "d2", "title": "", "text": "Το ψωμί και το λάδι"},
    {"_id": 3, "text": "Ο καιρός αύριο"},
]
QUERIES = [
    {"_id": "q1", "text": "πρωτεύουσα της Ελλάδας", "typed": "prwteyoysa ths Elladas"},
    {"_id": "q2", "text": "καιρός", "metadata": {}},
]
JUDGMENTS = ["query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\td2\t0", "q2\t3\t1"]


def write(
    folder: Path,
    documents: Sequence[object] = DOCUMENTS,
    queries: Sequence[object] = QUERIES,
    judgments: Sequence[str] = JUDGMENTS,
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", documents), ("queries", queries)):
        lines = [
            row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("\n".join(judgments) + "\n", encoding="utf-8")
    return folder


def only(folder: Path, **options: str) -> Collection:
    (collection,) = BeirFolder(folder, **options).read()
    return collection


def test_what_is_read(tmp_path: Path) -> None:
    collection = only(write(tmp_path / "ell_Grek"), human="typed")
    assert collection.language == "ell_Grek"
    assert collection.documents == {
        "d1": "Ελλάδα Πρωτεύουσα είναι η Αθήνα.",
        "d2": "Το ψωμί και το λάδι",
        "3": "Ο καιρός αύριο",
    }
    assert collection.queries == [
        Query("q1", "πρωτεύουσα της Ελλάδας", "prwteyoysa ths Elladas"),
        Query("q2", "καιρός"),
    ]
    assert collection.relevant == {"q1": {"d1": 2.0}, "q2": {"3": 1.0}}
    assert collection.left_out == {"no_typed_query": 1}
    with raises("TLN-DATA-645", "human"):
        only(tmp_path / "ell_Grek", human="tipped")


def test_trec_judgments_and_compressed_files(tmp_path: Path) -> None:
    judgments = ["q1 0 d1 2", "q2 0 3 1"]
    folder = write(tmp_path / "x", judgments=judgments)
    corpus = folder / "corpus.jsonl"
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.read_bytes()))
    corpus.unlink()
    assert only(folder, lang="ell_Grek").relevant == {"q1": {"d1": 2.0}, "q2": {"3": 1.0}}


def test_everything_left_out_is_counted(tmp_path: Path) -> None:
    documents = [*DOCUMENTS, DOCUMENTS[0], {"_id": "d4", "text": " "}, "{broken", {"_id": "d5"}]
    queries = [*QUERIES, QUERIES[0], {"_id": "q3", "text": "λάδι"}, {"_id": "q4", "text": ""}]
    judgments = [
        *JUDGMENTS,
        "q1\td1\t1",
        "q3\tgone\t1",
        "q9\td1\t1",
        "q1\td2",
        "q3\td2\tyes",
        "q3\td2\tinf",
    ]
    collection = only(write(tmp_path / "ell_Grek", documents, queries, judgments))
    assert set(collection.relevant) == {"q1", "q2"}
    assert collection.left_out == {
        "duplicate_document_id": 1,
        "document_empty": 1,
        "document_invalid_json": 1,
        "document_missing_field": 1,
        "duplicate_query_id": 1,
        "empty": 1,
        "duplicate_judgment": 1,
        "unreadable_judgment": 3,
        "unknown_document": 1,
        "no_relevant_document": 1,
        "unknown_query": 1,
    }


def test_a_folder_for_each_language(tmp_path: Path) -> None:
    write(tmp_path / "ell_Grek")
    write(tmp_path / "hi")
    with raises("TLN-DATA-233"):
        BeirFolder(tmp_path)
    folder = BeirFolder(tmp_path, tags="auto")
    assert [c.language for c in folder.read()] == ["ell_Grek", "hin_Deva"]
    assert [c.language for c in folder.read(["hin_Deva"])] == ["hin_Deva"]
    assert len(folder.sources()) == 6
    with raises("TLN-CONFIG-640", "languages"):
        folder.read(["rus_Cyrl"])
    with raises("TLN-DATA-640"):
        BeirFolder(tmp_path, lang="ell_Grek")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with raises("TLN-DATA-641", "path"):
        BeirFolder(tmp_path / "nothing")
    folder = write(tmp_path / "ell_Grek")
    with raises("TLN-DATA-642") as caught:
        BeirFolder(folder, split="dev")
    assert "test.tsv" in str(caught.value)


def test_limits_keep_what_is_relevant() -> None:
    documents = {str(number): "x" for number in range(50)}
    queries = [Query(f"q{number}", "x") for number in range(10)]
    judgments = {f"q{number}": {str(number): 1.0, str(number + 20): 2.0} for number in range(10)}
    whole = Collection.from_judgments("ell_Grek", documents, queries, judgments, {})
    small = whole.limited(queries=4, documents=12, seed=0)
    assert (len(small.queries), len(small.documents)) == (4, 12)
    for query in small.queries:
        assert small.relevant[query.id].keys() <= small.documents.keys()
    assert whole.limited(4, 12, seed=1).documents.keys() != small.documents.keys()
    assert len(whole.limited(10, 1, seed=0).documents) == 20  # no relevant one is left out
    assert whole.limited(None, None, seed=0).digest() == whole.digest() != small.digest()


@pytest.mark.parametrize("tag", ["ell_Grek", "eng_Latn"])
def test_territories_of_cldr(tag: str) -> None:
    (collection,) = CldrTerritories().read([tag])
    texts = {query.id: query.text for query in collection.queries}
    assert len(set(texts.values())) == len(texts) > 400
    for id_, grades in collection.relevant.items():
        for document in grades:
            assert texts[id_] in collection.documents[document]
    assert collection.relevant["territories/FR"] == {"FR": 1.0}
    assert len(collection.relevant["currencies/EUR"]) > 20
