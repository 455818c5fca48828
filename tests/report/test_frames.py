"""Results as DataFrames, CSV and LaTeX."""

import csv
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import transliconet as tn
from tests.report.test_changes import AFTER, BEFORE, STAGES
from tests.settings import CliHere, raises
from transliconet.cli.report import report, report_sweep
from transliconet.downstream.record import TransferRecord
from transliconet.probe.results import write_results
from transliconet.report.formats import csv_text, latex_table, latex_text
from transliconet.sweep.job import DONE, FAILED, Job


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run_1"
    folder.mkdir()
    write_results(folder / "results.json", STAGES, {}, {})
    return folder


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    folder = tmp_path / "sweep"
    accuracies = {"native→romanized": 0.5, "romanized→native": 0.25}
    for number, state in enumerate((DONE, FAILED)):
        place = folder / str(number)
        place.mkdir(parents=True)
        error = "" if state == DONE else "100 % & more"
        done = accuracies if state == DONE else {}
        Job(place, [f"seed={number}", "data.batch_size=8"], state, error, 3.0, done).write()
    return folder


def test_a_run_is_a_frame(run: Path) -> None:
    frame = tn.frame(run)
    assert len(frame) == len(BEFORE) + len(AFTER)
    russian = frame[(frame.language == "rus_Cyrl") & (frame.stage == "after")].iloc[0]
    assert russian["acc@1"] == pytest.approx(0.5)
    assert (russian.results, russian.script, russian.candidates) == ("run_1", "Cyrl", 26)
    assert (russian["acc@1_low"], russian["acc@1_high"]) == (0.0, 1.0)
    assert tn.frame([run, run / "results.json"]).results.unique().tolist() == ["run_1", "results"]


def test_what_python_returns_is_a_frame(run: Path, sweep: Path) -> None:
    assert len(tn.frame(AFTER)) == 3
    assert tn.frame(STAGES).stage.tolist() == ["before"] * 3 + ["after"] * 3
    assert tn.frame(SimpleNamespace(records=STAGES)).equals(
        tn.frame(tn.read_results(run / "results.json"))
    )
    for jobs in (tn.frame(sweep), tn.frame(tn.read_sweep(sweep))):
        assert jobs.seed.tolist() == ["0", "1"]
        assert jobs.state.tolist() == ["done", "failed"]
        assert jobs["native→romanized"][0] == 0.5
    assert len(tn.frame([])) == 0
    with raises("TLN-DATA-910"):
        tn.frame(5)


def test_transfer_is_a_frame(tmp_path: Path) -> None:
    record = TransferRecord(
        task="sib200",
        language="hin_Deva",
        view="romanized",
        train_languages=("eng_Latn", "fra_Latn"),
        head="linear",
        n=204,
        accuracy=0.5,
        ci95=(0.4, 0.6),
        macro_f1=0.45,
        chance=0.25,
    )
    write_results(tmp_path / "t.json", {}, {}, {}, transfer=[record.as_dict()])
    frame = tn.frame(tmp_path / "t.json")
    assert frame.equals(tn.frame(SimpleNamespace(records=[record])))
    row = frame.iloc[0]
    assert (row.view, row.train_languages) == ("romanized", "eng_Latn,fra_Latn")
    assert (row.accuracy_low, row.accuracy_high) == (0.4, 0.6)


def test_without_pandas_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with raises("TLN-CONFIG-909"):
        tn.frame(AFTER)


def test_formats_of_a_report(run: Path, sweep: Path, tmp_path: Path, cli_here: CliHere) -> None:
    done = cli_here("report", f"results={run}", "out=paper", "format=[csv,latex]")
    assert done.status == 0, done.err
    assert done.out.rstrip().endswith("written: paper.csv and paper.tex")
    assert not Path("paper.html").exists()
    rows = list(csv.DictReader(Path("paper.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 6
    assert rows[3]["acc@1"] == "0.5"
    latex = Path("paper.tex").read_text(encoding="utf-8")
    line = r"rus\_Cyrl & 26 & 46.2 [0.0, 100.0] & 50.0 [0.0, 100.0] & +3.8 & 0.0 to +11.5 & within noise \\"
    assert line in latex
    assert latex.index(r"\midrule" + "\nall") > latex.index("rus")
    assert latex.startswith("% a transliconet report")
    report([str(run)], "paper", "title", formats=["latex", "csv"])  # replaces its own
    report_sweep(str(sweep), "jobs", "title", ["csv", "latex"])
    assert "job & state & trade-off & seed" in Path("jobs.tex").read_text(encoding="utf-8")
    assert Path("jobs.csv").read_text(encoding="utf-8").startswith("job,state,on_pareto_front,seed")
    Path("mine.csv").write_text("a,b\n", encoding="utf-8")
    with raises("TLN-CONFIG-226"):
        report([str(run)], "mine", "title", formats=["csv"])
    with raises("TLN-CONFIG-001"):
        report([str(run)], "x", "title", formats=["docx"])
    with raises("TLN-CONFIG-957"):
        report([str(run)], "x", "title", formats=[])


def test_one_column_and_missing_languages(tmp_path: Path, run: Path) -> None:
    write_results(tmp_path / "one.json", {"probe": AFTER[:2]}, {}, {})
    one = str(tmp_path / "one.json")
    report([one], str(tmp_path / "one"), "title", formats=["latex"])
    assert "change" not in (tmp_path / "one.tex").read_text(encoding="utf-8")
    report([one, str(run)], str(tmp_path / "all"), "title", force=True, formats=["latex"])
    text = (tmp_path / "all.tex").read_text(encoding="utf-8")
    assert r"ell\_Grek & 100 &  & 30.0 [0.0, 100.0] & 10.0 [0.0, 100.0] \\" in text


def test_csv_has_every_column_and_quotes() -> None:
    text = csv_text([{"a": 1, "b": 'x,"y"'}, {"c": None}])
    assert text == 'a,b,c\n1,"x,""y""",\n,,\n'


@given(st.text())
def test_latex_leaves_no_special_character(text: str) -> None:
    escaped = latex_text(text)
    plain = re.sub(r"\\[&%$#_{}]|\$(\\to|\\leftrightarrow|-)\$|\\\w+\{\}", "", escaped)
    assert not re.search(r"[&%$#_{}~^\\<>]", plain)


def test_latex_tells_a_sign_from_a_hyphen() -> None:
    assert latex_text("-1.0 to -0.5") == "$-$1.0 to $-$0.5"
    assert latex_text("85–108, 2024-05") == "85--108, 2024-05"


def test_a_latex_table() -> None:
    table = latex_table("50 % of a_b", ["", "x"], [["a", "-1.0"], ["all", "2"]])
    assert table.splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{50 \% of a\_b}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r" & x \\",
        r"\midrule",
        r"a & $-$1.0 \\",
        r"\midrule",
        r"all & 2 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
