"""A metric of one's own, what a probe passes over, and models that are broken."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import transliconet as tn
from tests.settings import raises
from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder
from transliconet.model.vectors import normalize
from transliconet.pairs import PairsFolder
from transliconet.probe.results import pairs_data, read_results_file, write_results
from transliconet.report.coverage import coverage_rows
from transliconet.report.load import load_results
from transliconet.report.page import page
from transliconet.report.tables import probe_tables


def median_cosine(queries: np.ndarray, answers: np.ndarray) -> float:
    return float(np.median((normalize(queries) * normalize(answers)).sum(1)))


def ends(queries: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    cosines = (normalize(queries) * normalize(answers)).sum(1)
    return {"low": float(cosines.min()), "high": float(cosines.max())}


def test_a_metric_of_ones_own_is_recorded_and_shown(
    encoder: Encoder, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    probe = tn.RetrievalProbe(languages=["kat_Geor"], metrics=["standard", median_cosine, ends])
    records = probe.run(encoder, cldr_pairs)
    metrics = records[0].metrics
    assert metrics["ends_low"] < metrics["median_cosine"] < metrics["ends_high"]
    assert "mexa" in metrics
    file = tmp_path / "results.json"
    write_results(file, {"probe": records}, pairs_data(cldr_pairs), {"probe": probe.settings()})
    assert tn.read_results(file) == {"probe": records}
    assert "median cosine" in probe_tables(records)
    assert f"{metrics['median_cosine']:.3f}" in page(load_results([file]), "title")
    assert probe.settings()["metrics"][1].endswith("median_cosine")


def test_a_metric_is_named_by_its_path(encoder: Encoder, cldr_pairs: PairsFolder) -> None:
    probe = tn.RetrievalProbe(languages=["kat_Geor"], metrics=["transliconet.probe.alignment.mexa"])
    (record, _) = probe.run(encoder, cldr_pairs)
    assert record.metrics.keys() == {"mexa"}


def test_a_metric_that_fails_is_one_message(encoder: Encoder, cldr_pairs: PairsFolder) -> None:
    def broken(queries: np.ndarray, answers: np.ndarray) -> float:
        return 1 / 0

    with raises("TLN-CONFIG-605") as raised:
        tn.RetrievalProbe(metrics=[broken]).run(encoder, cldr_pairs)
    assert raised.value.code == "TLN-CONFIG-605"


def test_a_language_with_too_few_candidates_is_named_everywhere(
    encoder: Encoder, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    probe = tn.RetrievalProbe(candidates=tn.Candidates(min=10))
    assert probe.passed_over(cldr_pairs).lines() == []
    table = cldr_pairs.table
    few_rows = table.filter(pc.equal(table["lang"], "kat_Geor")).slice(0, 30)
    others = table.filter(pc.not_equal(table["lang"], "kat_Geor"))
    few = replace(cldr_pairs, table=pa.concat_tables([others, few_rows]))
    passed_over = probe.passed_over(few)
    assert [left_out.language for left_out in passed_over.too_few] == ["kat_Geor"]
    assert passed_over.too_few[0].candidates < 10
    file = tmp_path / "results.json"
    records = probe.run(encoder, few)
    assert "kat_Geor" not in {record.language for record in records}
    write_results(file, {"probe": records}, pairs_data(few), {}, passed_over=passed_over.as_dict())
    assert read_results_file(file).passed_over == passed_over
    reason = "no native ↔ romanized task: 6 candidates, 10 needed"
    columns = load_results([file])
    assert [row[-1] for row in coverage_rows(columns) if row[0] == "kat_Geor"] == [reason]
    assert reason in page(columns, "title")


def test_rows_that_repeat_an_id_are_counted(cldr_pairs: PairsFolder) -> None:
    languages = ["kat_Geor"]
    row = cldr_pairs.split("heldout", languages=languages).slice(0, 1)
    twice = replace(
        cldr_pairs,
        table=type(row).from_batches([*cldr_pairs.table.to_batches(), *row.to_batches()]),
    )
    assert tn.RetrievalProbe().passed_over(twice).duplicate_ids == {"kat_Geor": 1}


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_broken_weights_are_told(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder, value: float
) -> None:
    encoder = make_encoder()
    for parameter in encoder.parameters():
        parameter.data.fill_(value)
    with pytest.raises(CheckpointError) as raised:
        tn.RetrievalProbe().run(encoder, cldr_pairs)
    assert raised.value.code == "TLN-CKPT-600"
