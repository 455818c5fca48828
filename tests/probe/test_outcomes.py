"""The outcome of each query: kept beside a results file, and never taken for another's."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.settings import raises
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.outcomes import digest_of_sentences
from transliconet.probe.record import RetrievalRecord, mean_reciprocal_rank
from transliconet.probe.results import pairs_data, read_results_file, write_results
from transliconet.probe.retrieval import RetrievalProbe


@pytest.fixture(scope="module")
def records(encoder: Encoder, cldr_pairs: PairsFolder) -> list[RetrievalRecord]:
    return RetrievalProbe().run(encoder, cldr_pairs)


@pytest.fixture
def results(records: list[RetrievalRecord], cldr_pairs: PairsFolder, tmp_path: Path) -> Path:
    file = tmp_path / "results.json"
    stages = {"before": records, "after": records[:3]}
    write_results(file, stages, pairs_data(cldr_pairs), {})
    return file


def test_outcomes_are_those_of_the_scores(records: list[RetrievalRecord]) -> None:
    assert len(records) > 5
    for record in records:
        assert record.outcomes is not None
        ranks = record.outcomes.ranks
        assert len(set(record.outcomes.ids)) == len(ranks) == record.n
        assert float((ranks <= 1).mean()) == record.acc[1]
        assert mean_reciprocal_rank(ranks, record.depth) == record.mrr


def test_they_are_read_as_they_were_written(records: list[RetrievalRecord], results: Path) -> None:
    read = read_results_file(results)
    assert read.without_outcomes == ""
    assert read.records == {"before": records, "after": records[:3]}
    for there, here in zip(read.records["before"], records, strict=True):
        assert there.outcomes is not None
        assert here.outcomes is not None
        assert there.outcomes.ids == list(here.outcomes.ids)
        assert np.array_equal(there.outcomes.ranks, here.outcomes.ranks)
    table = pq.read_table(results.with_name("results.outcomes.parquet"))
    assert table.column_names == ["stage", "task", "language", "layer", "id", "rank"]
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["stage"], first["task"]) == ("before", records[0].task)


def test_writing_again_gives_the_same_bytes(
    records: list[RetrievalRecord], results: Path, cldr_pairs: PairsFolder
) -> None:
    path = results.with_name("results.outcomes.parquet")
    before = path.read_bytes()
    stages = {"before": records, "after": records[:3]}
    write_results(results, stages, pairs_data(cldr_pairs), {})
    assert path.read_bytes() == before


def test_what_is_missing_or_damaged_is_said_and_scores_are_read_all_the_same(
    results: Path,
) -> None:
    path = results.with_name("results.outcomes.parquet")
    intact = path.read_bytes()
    for damage in (intact[:-20], intact[:200] + b"x" + intact[201:], b""):
        path.write_bytes(damage)
        read = read_results_file(results)
        assert path.name in read.without_outcomes
        assert all(record.outcomes is None for record in read.records["before"])
    path.unlink()
    assert "not beside it" in read_results_file(results).without_outcomes
    content = json.loads(results.read_text(encoding="utf-8"))
    for entry in ({}, None, 5, {"file": "../x.outcomes.parquet"}, {"file": "/etc/passwd"}):
        results.write_text(json.dumps({**content, "outcomes": entry}), encoding="utf-8")
        assert read_results_file(results).without_outcomes


def test_outcomes_of_other_records_are_not_taken(
    results: Path, records: list[RetrievalRecord], cldr_pairs: PairsFolder
) -> None:
    other = results.with_name("other.json")
    write_results(other, {"probe": records[:2]}, pairs_data(cldr_pairs), {})
    path = results.with_name("results.outcomes.parquet")
    path.write_bytes(results.with_name("other.outcomes.parquet").read_bytes())
    assert "other results" in read_results_file(results).without_outcomes


def test_a_file_of_another_kind_is_not_replaced(
    tmp_path: Path, records: list[RetrievalRecord], cldr_pairs: PairsFolder
) -> None:
    (tmp_path / "mine.outcomes.parquet").write_text("my notes", encoding="utf-8")
    with raises("TLN-CONFIG-226"):
        write_results(tmp_path / "mine.json", {"probe": records}, pairs_data(cldr_pairs), {})
    assert not (tmp_path / "mine.json").exists()


def test_records_without_outcomes_leave_no_file(
    results: Path, records: list[RetrievalRecord], cldr_pairs: PairsFolder
) -> None:
    bare = [RetrievalRecord.from_dict(record.as_dict()) for record in records]
    write_results(results, {"before": bare}, pairs_data(cldr_pairs), {})
    assert not results.with_name("results.outcomes.parquet").exists()
    assert read_results_file(results).records["before"] == records  # with the same digests


def test_a_digest_tells_texts_apart_whatever_their_order() -> None:
    one = digest_of_sentences(["1", "2"], ["a", "b"], ["A", "B"])
    assert one == digest_of_sentences(["2", "1"], ["b", "a"], ["B", "A"])
    for other in (
        digest_of_sentences(["1", "2"], ["b", "a"], ["A", "B"]),
        digest_of_sentences(["1", "3"], ["a", "b"], ["A", "B"]),
        digest_of_sentences(["1"], ["a"], ["A"]),
        digest_of_sentences(["1", "2"], ["aA", "b"], ["", "B"]),
    ):
        assert one != other


def test_a_task_has_the_same_digest_for_every_encoder_and_another_in_each_direction(
    records: list[RetrievalRecord],
) -> None:
    by_task = {(r.language, r.task): r.sentences for r in records}
    assert len(set(by_task.values())) == len(by_task)
