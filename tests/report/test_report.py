"""Tables and plots from records whose numbers are known."""

from pathlib import Path

from transliconet.probe.record import RetrievalRecord
from transliconet.report.plots import plot_before_after
from transliconet.report.tables import before_after_tables, language_of, probe_tables


def record(language: str, acc: float, n: int = 100) -> RetrievalRecord:
    return RetrievalRecord(
        language,
        "native→romanized",
        language,
        language,
        "native",
        "romanized",
        8,
        "mean",
        "cosine",
        n,
        {1: acc, 5: acc, 10: acc},
        acc,
        (acc - 0.1, acc + 0.1),
        100,
        mrr_ci95=(acc - 0.2, acc + 0.1),
    )


BEFORE = [record("rus_Cyrl", 0.2), record("bul_Cyrl", 0.4), record("ell_Grek", 0.1, n=50)]
AFTER = [record("rus_Cyrl", 0.8), record("bul_Cyrl", 0.6), record("ell_Grek", 0.9, n=50)]


def cells(table: str, row: str) -> list[str]:
    line = next(x for x in table.splitlines() if x.startswith(f"| {row} "))
    return [c.strip() for c in line.strip("|").split("|")]


def test_before_and_after_by_script_each_language_counting_the_same() -> None:
    table = before_after_tables({"before": BEFORE, "after": AFTER})
    assert cells(table, "Cyrl") == ["Cyrl", "2", "100", "30.0", "70.0", "30.0", "70.0", "1.0"]
    assert cells(table, "Grek") == ["Grek", "1", "50", "10.0", "90.0", "10.0", "90.0", "2.0"]
    assert cells(table, "all")[1:5] == ["3", "83", "23.3", "76.7"]
    assert "layer 8, mean, cosine" in table


def test_probe_tables_by_language_show_the_interval_and_chance() -> None:
    table = probe_tables(AFTER, language_of)
    assert cells(table, "rus_Cyrl") == [
        "rus_Cyrl",
        "1",
        "100",
        *["80.0"] * 4,
        "70.0–90.0",
        "60.0–90.0",
        "1.0",
    ]
    assert cells(table, "all")[-1] == "1.3"


def test_the_plot_is_a_png(tmp_path: Path) -> None:
    plot_before_after({"before": BEFORE, "after": AFTER}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "plot.png").stat().st_size > 5000
