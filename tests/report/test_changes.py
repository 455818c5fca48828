"""Tables say how large a change is, and when it is within noise."""

from pathlib import Path

import numpy as np
import pytest

from transliconet.cli.report import report
from transliconet.probe.record import Outcomes, RetrievalRecord
from transliconet.probe.results import write_results
from transliconet.report.changes import change_cells, points
from transliconet.report.effects import other_candidates, stage_difference
from transliconet.report.tables import before_after_tables, language_of, script_of


def record(language: str, found: int, n: int, **other: object) -> RetrievalRecord:
    """A record of ``n`` queries, of which the first ``found`` are found."""
    ranks = np.where(np.arange(n) < found, 1, 4)
    share = found / n
    task = ("native→romanized", language, language, "native", "romanized", 8, "mean", "cosine")
    scores = {1: share, 5: 1.0, 10: 1.0}
    values = {
        "sentences": f"{n}",
        "outcomes": Outcomes([str(i) for i in range(n)], ranks),
        **other,
    }
    mrr = share + (1 - share) / 4
    return RetrievalRecord(language, *task, n, scores, mrr, (0.0, 1.0), 100, **values)  # type: ignore[arg-type]


BEFORE = [record("rus_Cyrl", 12, 26), record("bul_Cyrl", 20, 100), record("ell_Grek", 30, 100)]
AFTER = [record("rus_Cyrl", 13, 26), record("bul_Cyrl", 80, 100), record("ell_Grek", 10, 100)]
STAGES = {"before": BEFORE, "after": AFTER}


def cells(table: str, row: str) -> list[str]:
    line = next(x for x in table.splitlines() if x.startswith(f"| {row} "))
    return [c.strip() for c in line.strip("|").split("|")]


def test_a_change_of_one_query_in_26_is_within_noise() -> None:
    table = before_after_tables(STAGES, language_of)
    assert cells(table, "rus_Cyrl") == [
        *["rus_Cyrl", "1", "26", "46.2", "50.0", "59.6", "62.5", "3.8"],
        *["+3.8", "0.0 to +11.5", "within noise"],
    ]
    assert cells(table, "bul_Cyrl")[-3::2] == ["+60.0", "better"]
    assert cells(table, "ell_Grek")[-3::2] == ["-20.0", "worse"]
    assert cells(table, "all")[-3] == "+14.6"
    assert "Holm" in table


def test_scripts_have_the_mean_of_their_languages() -> None:
    table = before_after_tables(STAGES, script_of)
    assert cells(table, "Cyrl")[-3::2] == ["+31.9", "better"]


def test_without_outcomes_the_table_is_as_before() -> None:
    bare = {k: [RetrievalRecord.from_dict(r.as_dict()) for r in v] for k, v in STAGES.items()}
    table = before_after_tables(bare, language_of)
    assert "change" not in table
    assert len(cells(table, "rus_Cyrl")) == 8


def test_other_sentences_have_no_change() -> None:
    after = [AFTER[0], record("bul_Cyrl", 80, 100, sentences="other"), AFTER[2]]
    table = before_after_tables({"before": BEFORE, "after": after}, language_of)
    assert cells(table, "bul_Cyrl")[-3:] == [""] * 3
    assert cells(table, "rus_Cyrl")[-1] == "within noise"
    assert cells(table, "all")[-3:] == [""] * 3  # the means are of more than what is compared
    fewer = before_after_tables({"before": BEFORE[:2], "after": AFTER}, language_of)
    assert cells(fewer, "ell_Grek")[-3:] == [""] * 3
    assert cells(fewer, "all")[-3:] == [""] * 3


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (record("rus_Cyrl", 1, 27), "26 and 27 candidates"),
        (record("rus_Cyrl", 1, 26, sentences="x"), "the same ids"),
        (
            record("rus_Cyrl", 1, 26, sentences="x", outcomes=Outcomes(["b"] * 26, np.ones(26))),
            "other sentences",
        ),
    ],
)
def test_what_differs_between_candidates(other: RetrievalRecord, words: str) -> None:
    assert words in other_candidates([BEFORE[0], other])
    assert other_candidates([BEFORE[0], AFTER[0]]) == ""
    assert stage_difference([BEFORE[0]], [other]) is None


def test_points_have_a_sign_and_no_negative_zero() -> None:
    assert [points(x) for x in (0.0384, -0.2, -0.0001, 0.0)] == ["+3.8", "-20.0", "0.0", "0.0"]
    assert change_cells(None) == ["", "", ""]


def test_the_page_says_it_too(tmp_path: Path) -> None:
    write_results(tmp_path / "results.json", STAGES, {}, {})
    html, markdown = report([str(tmp_path)], str(tmp_path / "page"), "title")
    text = html.read_text(encoding="utf-8")
    cell = "<td>+3.8</td><td>0.0 to +11.5</td><td>within noise</td>"
    assert cell in text
    assert "+14.6 points (95 % interval " in text.split("<h2>By script")[0]  # the answer
    assert "<td>+14.6</td>" in text.split("<h2>Scores by script")[0]  # of the means
    assert cells(markdown, "rus_Cyrl")[-1] == "within noise"
    write_results(tmp_path / "one.json", {"probe": AFTER}, {}, {})
    alone = report([str(tmp_path / "one.json")], str(tmp_path / "one"), "title")[0]
    assert "within noise" not in alone.read_text(encoding="utf-8")
