"""Language Ranker's table, from records whose cosines are known."""

import json
from pathlib import Path

import pytest

from tests.settings import CliHere
from transliconet.probe.record import RetrievalRecord
from transliconet.report.ranking import language_scores, ranking_markdown, ranking_tables


def record(language: str, view: str, matched: float, **changes: object) -> RetrievalRecord:
    values: dict = {
        "language": language,
        "task": f"{view}→eng_Latn",
        "source": language,
        "target": "eng_Latn",
        "source_view": view,
        "target_view": "native",
        "layer": 2,
        "pooling": "mean",
        "similarity": "cosine",
        "n": 50,
        "acc": {1: 0.5, 5: 0.5, 10: 0.5},
        "mrr": 0.5,
        "ci95": (0.4, 0.6),
        "depth": 10,
        "metrics": {"matched": matched, "random": 0.25},
    }
    return RetrievalRecord(**{**values, **changes})


def test_the_nearest_language_is_first() -> None:
    records = [
        record("ell_Grek", "native", 0.5),
        record("hin_Deva", "native", 0.75),
        record("kat_Geor", "native", 0.25),
        record("ell_Grek", "romanized", 0.5),
        record("hin_Deva", "romanized", 0.375),
    ]
    scores = language_scores(records)
    assert [(score.view, score.language) for score in scores] == [
        ("native", "hin_Deva"),
        ("native", "ell_Grek"),
        ("native", "kat_Geor"),
        ("romanized", "ell_Grek"),
        ("romanized", "hin_Deva"),
    ]
    assert [score.above_random for score in scores] == [0.5, 0.25, 0, 0.25, 0.125]
    native, romanized = ranking_tables(records).items()
    assert native[0] == "native→eng_Latn (layer 2, mean; cosine)"
    assert native[1][0] == ["1", "hin_Deva", "50", "0.750", "0.250", "0.500"]
    assert [row[:2] for row in romanized[1]] == [["1", "ell_Grek"], ["2", "hin_Deva"]]


def test_layers_are_averaged_and_other_tasks_passed_over() -> None:
    records = [
        record("ell_Grek", "native", 0.5, layer=1),
        record("ell_Grek", "native", 1.0, layer=2),
        record("ell_Grek", "native", 0.9, task="native→eng_Latn, romanized"),
        record("ell_Grek", "native", 0.9, metrics={}),
        record("ell_Grek", "noisy", 0.9),
        record("ell_Grek", "native", 0.9, task="native→romanized", target="ell_Grek"),
        record("ell_Grek", "native", 0.9, task="eng_Latn→native", source="eng_Latn"),
    ]
    (score,) = language_scores(records)
    assert score.score == pytest.approx(0.75)
    assert ranking_markdown(records[2:]) == ""


def test_the_command_and_the_report_show_it(
    cli_here: CliHere, encoder_folder: Path, tmp_path: Path
) -> None:
    rows = []
    for tag, words in (("ell_Grek", "Αθήνα Κύπρος Ρωσία"), ("rus_Cyrl", "Афины Кипр Россия")):
        for word, english in zip(words.split(), ["Athens", "Cyprus", "Russia"], strict=True):
            rows.append({"lang": tag, "text": word, "eng": english})
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (tmp_path / "t.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = [f"encoder.path={encoder_folder}", "probe=sr_t", "probe.path=t.jsonl", "out=t.json"]
    options += ["probe.candidates.min=3", "probe.embedding.layer=2", "probe.romanizer=greek-typed"]
    done = cli_here("probe", *options)
    assert done.status == 0, done.err
    assert "### Language Ranker native→eng_Latn (layer 2, mean_with_special; cosine)" in done.out
    done = cli_here("report", "results=t.json", "out=r")
    assert done.status == 0, done.err
    assert "random pairs" in Path("r.html").read_text()
    assert "Language Ranker" in Path("r.md").read_text()
