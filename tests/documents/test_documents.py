"""The probe of documents, with encoders whose answers are known, and as a command."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import transliconet as tn
from tests.documents.test_beir import write
from tests.settings import CliHere, raises
from transliconet.documents.collection import Collection, Query
from transliconet.documents.probe import DocumentProbe
from transliconet.documents.views import half_romanized
from transliconet.model.encoder import Encoder
from transliconet.probe.passed_over import REASONS
from transliconet.probe.results import mean_accuracies, read_results_file
from transliconet.report.documents import document_tables
from transliconet.tokens.noise import Augment

WORDS = ["Αθήνα", "ψωμί", "λάδι", "καιρός", "θάλασσα", "βουνό"]
CANDIDATES = tn.Candidates(min=2, max=None, noisy=Augment(typed=1.0))


class Words:
    """Six documents of two words each; a query is a word, and what people typed for some."""

    def read(self, languages: Sequence[str] | None) -> list[Collection]:
        pairs = zip(WORDS, [*WORDS[1:], WORDS[0]], strict=True)
        documents = {f"d{i}": " ".join(pair) for i, pair in enumerate(pairs)}
        queries = [Query(f"q{i}", f"{word} εδώ") for i, word in enumerate(WORDS)]
        queries[0] = Query("q0", queries[0].text, human="athina")
        queries[1] = Query("q1", queries[1].text, human="pswmi")
        judgments = {f"q{i}": {f"d{i}": 1.0, f"d{(i - 1) % 6}": 1.0} for i in range(6)}
        return [Collection.from_judgments("ell_Grek", documents, queries, judgments, {})]

    def sources(self) -> list[dict[str, object]]:
        return [{"words": len(WORDS)}]


def reads_greek(texts: Sequence[str], prompt: str = "") -> np.ndarray:
    """A direction for each Greek word; all other text is in one place."""
    vectors = np.zeros((len(texts), len(WORDS) + 1), dtype=np.float32)
    for vector, text in zip(vectors, texts, strict=True):
        for number, word in enumerate(WORDS):
            vector[number] = word in text
        vector[-1] = not vector.any()
    return vectors


def test_an_encoder_that_reads_one_script() -> None:
    probe = DocumentProbe(path=Words(), romanizer="greek-typed", candidates=CANDIDATES)
    records = {record.source_view: record for record in probe.evaluate(reads_greek, None, 2)}
    assert list(records) == ["native", "romanized", "noisy", "half", "human"]
    native, romanized, half = records["native"], records["romanized"], records["half"]
    assert (native.acc[1], native.mrr, native.metrics["ndcg@10"]) == (1, 1, 1)
    assert (native.n, native.documents, native.candidates, native.depth) == (6, 6, 6, 10)
    assert native.task == "native→documents"
    # nothing is near: the four documents that are not relevant come first
    expected = (1 / np.log2(6) + 1 / np.log2(7)) / (1 + 1 / np.log2(3))
    assert romanized.metrics["ndcg@10"] == pytest.approx(expected)
    assert romanized.metrics["ndcg@10_of_native"] == pytest.approx(expected)
    assert (romanized.acc[1], romanized.acc[5]) == (0, 1)
    assert romanized.mrr == pytest.approx(0.2)
    assert romanized.metrics["identical"] == 0
    assert half.metrics["halved"] == 1
    found = half.metrics["ndcg@10"]
    assert romanized.metrics["ndcg@10"] < found < 1  # where the word with a meaning stayed
    human = records["human"]
    assert human.n == 2
    assert human.metrics["mrr_of_native"] == pytest.approx(0.2)
    assert human.outcomes is not None
    assert list(human.outcomes.ids) == ["q0", "q1"]
    assert mean_accuracies([native, romanized])["romanized→documents"] == pytest.approx(expected)
    assert len({record.sentences for record in records.values()}) == 5


def test_the_digest_is_of_queries_documents_and_judgments() -> None:
    class Other(Words):
        def __init__(self, change: str) -> None:
            self.change = change

        def read(self, languages: Sequence[str] | None) -> list[Collection]:
            (c,) = super().read(languages)
            documents, relevant = dict(c.documents), dict(c.relevant)
            if self.change == "documents":
                documents["d9"] = "άλλο"
            if self.change == "relevant":
                relevant["q0"] = {"d0": 1.0}
            return [Collection(c.language, documents, c.queries, relevant)]

    digests = []
    for change in ("", "documents", "relevant"):
        probe = DocumentProbe(path=Other(change), romanizer="none", candidates=CANDIDATES)
        digests.append(probe.evaluate(reads_greek, None, 2)[0].sentences)
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("native", "romanized", "kept"),
    [
        ("α β γ δ", "a b c d", 2),
        ("α β γ", "a b c", 1),
        ("α β", "a b", 1),
        ("α", "a", None),
        ("αβ", "a b", None),
    ],
)
def test_half_of_the_words(native: str, romanized: str, kept: int | None) -> None:
    places = set()
    for seed in range(20):
        text = half_romanized(native, romanized, np.random.default_rng(seed))
        if kept is None:
            assert text == ""
            continue
        words = text.split()
        own = [i for i, word in enumerate(words) if word == native.split()[i]]
        assert len(own) == kept
        assert [w for i, w in enumerate(words) if i not in own] == [
            w for i, w in enumerate(romanized.split()) if i not in own
        ]
        places.add(tuple(own))
    assert kept is None or len(places) > 1


def test_documents_have_a_prompt_of_their_own(encoder: Encoder) -> None:
    asked = []

    def embed(texts: Sequence[str], prompt: str | None = None) -> np.ndarray:
        asked.append((prompt, len(texts)))
        return reads_greek(texts)

    settings: dict[str, Any] = {"path": Words(), "romanizer": "none", "candidates": CANDIDATES}
    DocumentProbe(**settings, document_prompt="passage: ").evaluate(embed, None, 2)
    assert asked[0] == ("passage: ", 6)
    assert {prompt for prompt, _ in asked[1:]} == {None}
    plain, prompted = (
        DocumentProbe(**settings, document_prompt=prompt).run(encoder)[0]
        for prompt in (None, "ABC ABC ")
    )
    assert plain.sentences == prompted.sentences


@pytest.mark.parametrize("similarity", ["cosine", "maxsim"])
def test_the_command_from_embedding_to_comparison(
    cli_here: CliHere, encoder_folder: Path, tmp_path: Path, similarity: str
) -> None:
    """A document is found by its own words, and romanized ones find less."""
    texts = [f"{word} {other}" for word in WORDS for other in WORDS if word != other]
    folder = write(
        tmp_path / "ell_Grek",
        [{"_id": f"d{i}", "text": text} for i, text in enumerate(texts)],
        [{"_id": f"q{i}", "text": text} for i, text in enumerate(texts)],
        [*(f"q{i}\td{i}\t1" for i in range(len(texts))), "q99\td1\t1"],
    )
    options = [f"encoder.path={encoder_folder}", "probe=documents", f"probe.path={folder}"]
    options += ["probe.romanizer=greek-typed", f"probe.search.similarity={similarity}"]
    done = cli_here("probe", *options, "out=a.json")
    assert done.status == 0, done.err
    assert "Documents, by how the query is typed: nDCG@10" in done.out
    assert "a judgment for a query that is not there" in done.out
    results = read_results_file("a.json")
    native = results.records["probe"][0]
    assert native.documents == len(texts)
    assert native.acc[1] > 0.9
    assert native.pooling == ("tokens" if similarity == "maxsim" else "mean")
    assert native.outcomes is not None
    assert native.outcomes.scores["ndcg@10"].mean() == pytest.approx(native.metrics["ndcg@10"])
    assert json.loads(Path("a.json").read_text())["data"]["probe"]["collections"]["ell_Grek"] == {
        "documents": 30,
        "queries": 30,
        "relevant": 30,
    }
    if similarity == "maxsim":
        return
    layer = "probe.embedding.layer=1"
    assert cli_here("probe", *options, layer, "out=b.json").status == 0
    compared = cli_here("compare", "a.json", "b.json", "metric=ndcg@10")
    assert compared.status == 0, compared.err
    assert "romanized→documents" in compared.out
    report = cli_here("report", "results=[a.json,b.json]", "out=r", "format=[html,csv]")
    assert report.status == 0, report.err
    assert "recall@100" in Path("r.html").read_text()
    assert "ndcg@10" in Path("r.csv").read_text()


def test_mistakes(tmp_path: Path) -> None:
    with raises("TLN-CONFIG-641", "similarity"):
        DocumentProbe(search=tn.Search(similarity="margin"))
    with raises("TLN-CONFIG-601", "index"):
        DocumentProbe(search=tn.Search(similarity="maxsim", index="hnsw"))
    probe = DocumentProbe(path=Words(), romanizer="none")
    with raises("TLN-DATA-644", "path"):
        probe.evaluate(reads_greek, None, 2)
    assert "6 candidates where 20 are needed" in probe.passed_over().lines()[0]


def test_every_reason_is_explained() -> None:
    source = Path("transliconet/documents")
    code = "".join(file.read_text() for file in (Path(__file__).parents[2] / source).glob("*.py"))
    for reason in ("unknown_document", "no_relevant_document", "unknown_query", "latin_name"):
        assert f'"{reason}"' in code
        assert reason in REASONS


def test_the_table_has_views_side_by_side() -> None:
    probe = DocumentProbe(path=Words(), romanizer="greek-typed", candidates=CANDIDATES)
    records = probe.evaluate(reads_greek, None, 2)
    ndcg, mrr, recall = document_tables({"before": records, "after": records}, "greek-typed")
    assert ndcg.headings[:5] == ["", "queries", "documents", "native, before", "native, after"]
    assert ndcg.rows[0][:4] == ["ell_Grek", "6", "6", "100.0"]
    assert mrr.rows[0][5] == "20.0 (20 %)"
    assert mrr.title.startswith("MRR@10")
    assert recall.rows[0][3] == "100.0"
