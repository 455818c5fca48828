"""Results of transfer in comparisons, reports and frames."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

import transliconet as tn
from tests.settings import CliHere, raises
from transliconet.downstream.outcomes import read_transfer, write_item_outcomes
from transliconet.downstream.record import Scores, TransferRecord
from transliconet.probe.paired_bootstrap import PairedScores, bootstrap_differences
from transliconet.probe.results import read_results_file, write_results
from transliconet.report.compare import compare
from transliconet.sweep.process import run_accuracies

N = 60


def record(
    found: int, language: str = "hin_Deva", view: str = "romanized", seed: int = 0, **more: Any
) -> TransferRecord:
    """Of N texts, the first ``found`` are classified right."""
    ids = [f"id{number}" for number in range(N)]
    predicted = [["a"] if number < found else ["b"] for number in range(N)]
    scores = Scores.from_predictions(predicted, [["a"]] * N, ids)
    return TransferRecord(
        task="sib200",
        language=language,
        view=view,
        train_languages=("eng_Latn",),
        head="linear",
        seed=seed,
        texts=f"{language} {view}",
        **{**vars(scores), **more},
    )


def tagged(predicted: list[list[str]], labels: list[list[str]]) -> TransferRecord:
    ids = [str(number) for number in range(len(labels))]
    scores = Scores.from_predictions(predicted, labels, ids, kind="entities")
    return TransferRecord(
        task="ner",
        language="rus_Cyrl",
        view="native",
        train_languages=("eng_Latn",),
        head="finetune",
        texts="same",
        **vars(scores),
    )


def write(file: Path, *records: TransferRecord, stages: tuple[str, ...] = ()) -> Path:
    staged = list(zip(stages or ("",) * len(records), records, strict=True))
    entries = [{"stage": stage, **each.as_dict()} for stage, each in staged]
    outcomes = write_item_outcomes(file, staged)
    write_results(file, {}, {}, {}, transfer=entries, transfer_outcomes=outcomes)
    return file


def test_outcomes_come_back(tmp_path: Path) -> None:
    labels = [["B-PER", "O"], ["B-LOC"]]
    records = [record(20), tagged([["B-PER", "O"], ["O"]], labels)]
    file = write(tmp_path / "a.json", *records)
    staged, problem = read_transfer(file, read_results_file(file).content)
    assert problem == ""
    for (_, found), expected in zip(staged, records, strict=True):
        assert found == expected
        assert found.outcomes is not None
        assert expected.outcomes is not None
        assert found.outcomes.ids == expected.outcomes.ids
        assert (found.outcomes.right == expected.outcomes.right).all()
    assert staged[1][1].outcomes.entities.tolist() == [[2, 2], [0, 1]]  # type: ignore[union-attr]
    with (tmp_path / "a.transfer.parquet").open("ab") as parquet:
        parquet.write(b"more")
    with raises("TLN-DATA-913"):
        compare(file, file)


def test_one_language_is_compared_by_mcnemars_test(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.json", record(20)), write(tmp_path / "b.json", record(35))
    comparison = compare(one, other)
    assert comparison.metric == "accuracy"
    effect = comparison.tasks[0].effects["hin_Deva"]
    assert comparison.tasks[0].task == "sib200, romanized"
    assert (effect.baseline, effect.other) == (20 / N, 35 / N)
    assert effect.p == pytest.approx(binomtest(0, 15, 0.5).pvalue)
    assert effect.verdict == "better"
    with raises("TLN-CONFIG-915", naming="metric"):
        compare(one, other, metric="entity_f1")
    with raises("TLN-CONFIG-906", naming="stage"):
        compare(one, other, stage="after")


def test_stages_of_a_run_and_seeds_of_a_head(tmp_path: Path) -> None:
    run = write(tmp_path / "run.json", record(20), record(21), stages=("before", "after"))
    effect = compare(run).tasks[0].effects["hin_Deva"]
    assert (effect.baseline, effect.other, effect.verdict) == (20 / N, 21 / N, "within noise")
    seeds = write(tmp_path / "seeds.json", record(20, seed=0), record(40, seed=1))
    comparison = compare(run, seeds)
    assert comparison.runs == (1, 2)
    assert comparison.tasks[0].effects["hin_Deva"].other == 0.5


def test_f1_of_entities_is_resampled_by_sentences(tmp_path: Path) -> None:
    labels = [["B-PER", "O"], ["B-LOC", "B-PER"], ["O"]] * 8
    half = [["B-PER", "O"], ["B-LOC", "O"], ["B-PER"]] * 8
    files = [write(tmp_path / f"{n}.json", tagged(p, labels)) for n, p in enumerate((half, labels))]
    effect = compare(*files).tasks[0].effects["rus_Cyrl"]
    assert (effect.baseline, effect.other) == (pytest.approx(2 / 3), 1.0)
    assert effect.ci95[0] < 1 / 3 < effect.ci95[1]
    assert effect.verdict == "better"
    words = compare(*files, metric="accuracy").tasks[0].effects["rus_Cyrl"]
    assert words.baseline == pytest.approx(24 / 40)


def test_a_ratio_of_sums_against_resampling_by_hand() -> None:
    """Items drawn one by one; the whole is scikit-learn's F1."""
    rng = np.random.default_rng(0)
    right, found = rng.integers(0, 2, (2, 12))
    ids = np.arange(12)
    parts, wholes = 2 * right * found, right + found
    nothing = np.zeros_like(parts)
    scores = PairedScores(ids, nothing[None], parts[None], (wholes[None], wholes[None]))
    assert scores.means == (0.0, pytest.approx(f1_score(right, found)))
    draws = bootstrap_differences([scores], samples=4000, seed=1)[:, 0]
    expected = []
    for _ in range(4000):
        items = rng.integers(0, 12, 12)
        expected.append(parts[items].sum() / max(wholes[items].sum(), 1))
    assert np.percentile(draws, [5, 50, 95]) == pytest.approx(
        np.percentile(expected, [5, 50, 95]), abs=0.05
    )


def test_jobs_of_a_sweep_are_told_apart_by_transfer(tmp_path: Path) -> None:
    after = [record(20), record(40, "ell_Grek"), record(30, view="native")]
    write(
        tmp_path / "results.json", record(0), *after, stages=("before", "after", "after", "after")
    )
    found = run_accuracies(tmp_path)
    assert found == {"transfer/romanized": 0.5, "transfer/native": 0.5}


def test_reports_and_frames(tmp_path: Path, cli_here: CliHere) -> None:
    labels = [["B-PER", "O"], ["B-LOC"]]
    write(Path("a.json"), record(20), record(30, view="native"))
    write(Path("b.json"), tagged(labels, labels))
    done = cli_here("report", "results=[a.json,b.json]", "out=r", "format=[html,csv,latex]")
    assert done.status == 0, done.err
    for suffix in (".html", ".md", ".csv", ".tex"):
        text = Path(f"r{suffix}").read_text(encoding="utf-8")
        assert "rus" in text
        assert "33.3" in text or suffix == ".csv"
    assert r"\toprule" in Path("r.tex").read_text(encoding="utf-8")
    frame = tn.frame(["a.json", "b.json"])
    assert frame.accuracy.tolist() == [20 / N, 30 / N, 1.0]
    assert frame.entity_f1.isna().tolist() == [True, True, False]
    assert frame.results.tolist() == ["a", "a", "b"]
    again = cli_here("report", "results=a.json", "out=r", "format=csv")
    assert again.status == 0, again.err  # its own files are recognized
    compared = cli_here("compare", "a.json", "a.json")
    assert "within noise" in compared.out, compared.err
