"""What stands on top of a report: the answer in one sentence, and what it is of."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from transliconet.probe.passed_over import PassedOver, TooFew
from transliconet.probe.record import Outcomes, RetrievalRecord, rank_scores
from transliconet.report.answer import answer_lines
from transliconet.report.coverage import coverage_rows
from transliconet.report.facts import facts
from transliconet.report.intervals import mean_score, pairings, with_short_names
from transliconet.report.load import ReportColumn
from transliconet.report.script_charts import script_rows
from transliconet.report.view_charts import view_rows

NUMBER = 40
"""Queries of a record."""


def record(language: str, found: int, task: str = "romanized→native") -> RetrievalRecord:
    """A record of which the first ``found`` queries are found first."""
    source, target = task.split("→")
    ranks = np.where(np.arange(NUMBER) < found, 1, 4)
    return RetrievalRecord(
        language=language,
        task=task,
        source=language,
        target=target if "_" in target else language,
        source_view=source,
        target_view="native" if "_" in target else target,
        layer=8,
        pooling="mean",
        similarity="cosine",
        sentences=f"{language} {task}",
        outcomes=Outcomes([str(number) for number in range(NUMBER)], ranks),
        **rank_scores(ranks, depth=100, seed=0),
    )


def column(title: str, stage: str, records: Sequence[RetrievalRecord], content: dict | None = None) -> ReportColumn:  # fmt: skip
    content = {} if content is None else content
    name = stage if title == "run" else f"{title}: {stage}"
    return ReportColumn(name, records, content, Path(title), PassedOver(), title, stage)


def run(
    before: Sequence[RetrievalRecord], after: Sequence[RetrievalRecord], title: str = "run"
) -> list[ReportColumn]:
    content: dict = {"config": {}}
    return [column(title, "before", before, content), column(title, "after", after, content)]


def without_outcomes(records: Sequence[RetrievalRecord]) -> list[RetrievalRecord]:
    return [replace(each, outcomes=None) for each in records]


LOW = [record("hin_Deva", 4), record("kat_Geor", 6)]
HIGH = [record("hin_Deva", 38), record("kat_Geor", 34)]


def test_before_and_after_with_the_interval_of_the_change() -> None:
    (line,) = answer_lines(run(LOW, HIGH))
    assert line.startswith("Romanized → native: 12.5 → 90.0 % found first, +77.5 points (95 % ")
    assert line.endswith("), mean over 2 languages.")


def test_a_change_for_the_worse_and_one_within_noise_are_called_so() -> None:
    (line,) = answer_lines(run(HIGH, LOW))
    assert "-77.5 points (95 % interval -" in line
    assert "), worse, mean over" in line
    (line,) = answer_lines(run([record("hin_Deva", 20)], [record("hin_Deva", 21)]))
    assert "+2.5 points" in line
    assert line.endswith("within noise, Hindi.")


def test_without_outcomes_there_is_no_interval() -> None:
    bare = run(without_outcomes(LOW), without_outcomes(HIGH))
    (line,) = answer_lines(bare)
    assert "12.5 → 90.0 % found first, +77.5 points (no interval: " in line
    (line,) = answer_lines(bare[::-1])
    assert "worse than before" in line


def test_a_single_measurement_has_its_own_interval() -> None:
    (line,) = answer_lines([column("run", "probe", HIGH)])
    assert line.startswith("Romanized → native: 90.0 % found first (95 % interval 8")
    assert "nothing to compare it with" in line


def test_translations_have_a_sentence_of_their_own() -> None:
    """Training across scripts must not cost what the encoder knew of meaning."""
    kept, lost = record("hin_Deva", 30, "native→eng_Latn"), record("hin_Deva", 5, "native→eng_Latn")
    lines = answer_lines(run([*LOW, kept], [*HIGH, lost]))
    assert [line.split(":")[0] for line in lines] == ["Romanized → native", "Native → English"]
    assert "75.0 → 12.5 %" in lines[1]
    assert "worse" in lines[1]
    only = answer_lines(run([kept], [kept]))
    assert [line.split(":")[0] for line in only] == ["Native → English"]


def test_what_people_typed_counts_most() -> None:
    typed = [record("hin_Deva", 9, "human→native")]
    (line,) = answer_lines([column("run", "probe", [*HIGH, *typed])])
    assert line.startswith("Typed by people → native: 22.5 %")


def test_of_several_the_best_is_compared_with_the_first() -> None:
    middle = [record("hin_Deva", 20), record("kat_Geor", 20)]
    columns = [column(name, "probe", records) for name, records in (("a", LOW), ("b", HIGH), ("c", middle))]  # fmt: skip
    columns = with_short_names(columns)
    (line,) = answer_lines(columns)
    assert line.startswith("Best of 2 results against a. Romanized → native: b against a, 12.5 → ")


def test_the_last_stages_of_several_runs_are_compared() -> None:
    columns = [*run(LOW, HIGH, "x"), *run(LOW, LOW, "y")]
    (pairing,) = pairings(columns)
    assert (pairing.baseline.name, pairing.other.name) == ("x: after", "y: after")
    assert [found.name for found in with_short_names(columns)] == [each.name for each in columns]


def test_nothing_was_measured() -> None:
    assert answer_lines([column("run", "probe", [])]) == []


def test_the_interval_of_a_mean_is_that_of_drawing_ids() -> None:
    """Languages share ids: a NumPy bootstrap that draws ids once for both of them."""
    one, two = (np.array(each.outcomes.ranks) <= 1 for each in HIGH)
    draws = np.random.default_rng(1).integers(0, NUMBER, (4000, NUMBER))
    low, high = np.percentile((one[draws].mean(1) + two[draws].mean(1)) / 2, [2.5, 97.5])
    score = mean_score(HIGH)
    assert score.value == pytest.approx(0.9)
    assert score.ci95 == pytest.approx((low, high), abs=0.015)
    assert mean_score(HIGH[:1]).ci95 == HIGH[0].ci95
    assert mean_score(without_outcomes(HIGH)).ci95 is None


def test_rows_of_a_chart_are_scripts_in_words_and_the_best_comes_first() -> None:
    more = [record("mar_Deva", 40), record("ell_Grek", 10)]
    rows = script_rows({"before": LOW, "after": [*HIGH, *more]})
    after = [(row["row"], row["score"]) for row in rows if row["column"] == "after"]
    assert after == [
        ("Devanagari (Hindi, Marathi)", 97.5),
        ("Georgian", 85.0),
        ("Greek", 25.0),
    ]
    (row,) = (row for row in rows if row["row"] == "Greek")
    assert row["languages"] == "Greek"
    assert (row["chance"], row["candidates"]) == (2.5, NUMBER)
    assert row["low"] < 25 < row["high"]


def test_of_one_script_the_rows_are_languages() -> None:
    rows = script_rows({"probe": [record("hin_Deva", 4), record("mar_Deva", 9)]})
    assert [row["row"] for row in rows] == ["Marathi (Devanagari)", "Hindi (Devanagari)"]


def test_views_are_side_by_side_where_every_view_was_measured() -> None:
    records = [record("ell_Grek", 40)]  # nobody typed Greek here
    for view, found in (("romanized", 30), ("noisy", 20), ("human", 10)):
        records.append(record("hin_Deva", found, f"{view}→native"))
    rows = view_rows({"probe": records}, "uroman")["native"]
    assert [(row["row"], row["score"]) for row in rows] == [
        ("uroman's romanization", 75.0),
        ("noisy romanized", 50.0),
        ("typed by people", 25.0),
    ]
    assert view_rows({"probe": HIGH}, "uroman") == {}


def test_coverage_names_what_was_left_out_and_why() -> None:
    passed_over = PassedOver(
        [TooFew("ell_Grek", "native→romanized", 7, 20)],
        {"hin_Deva": 3},
        {"kat_Geor": {"same_as_native": 1}},
    )
    columns = [replace(each, passed_over=passed_over) for each in run(LOW, HIGH)]
    rows = {row[0]: row[1:] for row in coverage_rows(columns)}
    assert rows["ell_Grek"] == [
        *("Greek", "Greek", "", "0 of 1"),
        "no native→romanized task: 7 candidates, 20 needed",
    ]
    assert rows["hin_Deva"] == ["Hindi", "Devanagari", "40", "1 of 1", "3 rows repeating an id"]
    assert rows["kat_Geor"][-1] == "1 row: the romanized text is the native text"


def test_facts_are_those_of_the_results_file() -> None:
    content = {
        "date": "2026-11-26T08:00:00+00:00",
        "config": {
            "encoder": {"path": "user/model"},
            "recipe": "recommended",
            "method": {"_target_": "transliconet.vocab.transmi.TransMI"},
            "objective": {"mlm": {"weight": 0.0}, "anchor": {"weight": 1.0}},
            "trainable": "new_rows",
            "data": {"batch_size": 64},
            "seed": 3,
        },
        "revision": "0123456789abcdef",
        "training": {"steps": 325},
        "data": {"pairs": "ui", "rows": 20800, "sources": [{"path": "a/ui.parquet"}]},
        "versions": {"transliconet": "0.1.0", "torch": "2.13.0"},
    }
    assert facts(content, LOW) == {
        "Encoder": "user/model, revision 0123456789",
        "Recipe": "recommended: TransMI vocabulary, anchored contrast, trains new rows, "
        "325 steps of 64 pairs, seed 3",
        "Data": "ui, 20,800 rows (ui.parquet)",
        "Measured": "2 languages in 2 scripts, layer 8, mean pooling, cosine",
        "Date": "2026-11-26 08:00:00 UTC",
        "Versions": "transliconet 0.1.0, torch 2.13.0",
    }
    assert facts({"config": [], "data": 3, "versions": None}) == {}
