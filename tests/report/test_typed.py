"""The table of text as people type it, from records whose numbers are known."""

from transliconet.probe.record import RetrievalRecord
from transliconet.report.typed import plotted_task, romanizer_of, typed_markdown, typed_tables

UROMAN = {"probe": {"romanizer": {"name": "uroman"}}}


def record(language: str, view: str, target: str, accuracy: float) -> RetrievalRecord:
    """From a view of a language to its native text, or to a pivot."""
    return RetrievalRecord(
        language=language,
        task=f"{view}→{target}",
        source=language,
        target=language if target == "native" else target,
        source_view=view,
        target_view="native",
        layer=12,
        pooling="mean",
        similarity="cosine",
        n=40,
        acc={1: accuracy, 5: accuracy, 10: accuracy},
        mrr=accuracy,
        ci95=(accuracy, accuracy),
        depth=100,
    )


def measured(human: float) -> list[RetrievalRecord]:
    records = []
    for language, shift in (("ell_Grek", 0.0), ("hin_Deva", 0.1)):
        for view, accuracy in (("romanized", 0.8), ("noisy", 0.6), ("human", human)):
            records.append(record(language, view, "native", accuracy + shift))
        records.append(record(language, "human", "eng_Latn", human))
    return records


def test_the_views_stand_side_by_side_before_and_after() -> None:
    to_native, to_english = typed_tables({"before": measured(0.2), "after": measured(0.5)}, "icu")
    assert to_native.headings == [
        *("", "candidates", "icu, before", "icu, after", "noise, before", "noise, after"),
        *("human, before", "human, after"),
    ]
    assert to_native.rows == [
        ["ell_Grek", "40", "80.0", "80.0", "60.0", "60.0", "20.0", "50.0"],
        ["hin_Deva", "40", "90.0", "90.0", "70.0", "70.0", "30.0", "60.0"],
        ["all", "2 languages", "85.0", "85.0", "65.0", "65.0", "25.0", "55.0"],
    ]
    assert to_native.title.startswith("→ native text (layer 12, mean, cosine")
    assert to_english.title.startswith("→ eng_Latn")
    assert to_english.rows[0] == ["ell_Grek", "40", "20.0", "50.0"]


def test_the_mean_is_over_languages_that_have_every_view() -> None:
    alone = record("arq_Arab", "human", "native", 0.9)
    (table,) = typed_tables({"probe": [*measured(0.2)[:3], *measured(0.2)[4:7], alone]}, "uroman")
    assert table.rows[0] == ["arq_Arab", "40", "", "", "90.0"]
    assert table.rows[-1] == ["all", "2 languages", "85.0", "65.0", "25.0"]


def test_records_without_typed_text_have_no_such_table() -> None:
    plain = [r for r in measured(0.2) if r.source_view != "human"]
    assert typed_tables({"probe": plain}, "uroman") == []
    assert typed_markdown({"probe": plain}, "uroman") == ""


def test_the_romanizer_is_named_where_the_results_name_it() -> None:
    assert romanizer_of(UROMAN) == "uroman"
    assert romanizer_of({"pairs": "x"}) == "romanized"
    assert romanizer_of({"probe": "damaged"}) == "romanized"


def test_the_plot_of_a_run_shows_what_people_typed() -> None:
    assert plotted_task(measured(0.2)) == "human→native"
    assert plotted_task([record("ell_Grek", "human", "eng_Latn", 0.5)]) == "human→eng_Latn"
    assert plotted_task([]) == "native→romanized"
