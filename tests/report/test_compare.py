"""Comparison of results files whose outcomes are known."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

import transliconet as tn
from tests.settings import CliHere, raises
from transliconet.cli.words import named_results
from transliconet.probe.record import Outcomes, RetrievalRecord, mean_reciprocal_rank
from transliconet.probe.results import write_results
from transliconet.report.compare import compare
from transliconet.report.comparison import Comparison

TASKS = ("native→romanized", "romanized→native")
N = 40


def record(
    language: str,
    found: int,
    task: str = TASKS[0],
    ids: Sequence[str] = (),
    layer: int = 4,
    sentences: str = "",
) -> RetrievalRecord:
    """A record of which the first ``found`` queries are hits, the others of rank 3."""
    ids = ids or [f"id{i}" for i in range(N)]
    ranks = np.where(np.arange(len(ids)) < found, 1, 3)
    return RetrievalRecord(
        language=language,
        task=task,
        source=language,
        target=language,
        source_view="native",
        target_view="romanized",
        layer=layer,
        pooling="mean",
        similarity="cosine",
        n=len(ids),
        acc={1: found / len(ids), 5: 1.0, 10: 1.0},
        mrr=mean_reciprocal_rank(ranks, 100),
        ci95=(0.0, 1.0),
        depth=100,
        metrics={"mexa": 0.5},
        sentences=sentences or f"{language} {task} {len(ids)}",
        outcomes=Outcomes(ids, ranks),
    )


def write(folder: Path, name: str, **stages: list[RetrievalRecord]) -> str:
    (folder / name).mkdir()
    write_results(folder / name / "results.json", stages, {}, {})
    return str(folder / name)


@pytest.fixture
def a(tmp_path: Path) -> str:
    before = [record("hin_Deva", 2), record("ell_Grek", 20)]
    after = [record("hin_Deva", 10), record("ell_Grek", 20), record("rus_Cyrl", 5)]
    return write(tmp_path, "a", before=before, after=after)


@pytest.fixture
def b(tmp_path: Path) -> str:
    probed = [record("ell_Grek", 21), record("hin_Deva", 35), record("rus_Cyrl", 1)]
    return write(tmp_path, "b", probe=[*probed, record("rus_Cyrl", 9, TASKS[1])])


def rows(comparison: Comparison, task: int = 0) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in comparison.cells(comparison.tasks[task].effects)}


def test_languages_are_compared_query_by_query(a: str, b: str) -> None:
    found = compare(a, b)
    cells = rows(found)
    assert list(cells) == ["ell_Grek", "hin_Deva", "rus_Cyrl", "all"]
    assert cells["hin_Deva"][:5] == ["1", "40", "25.0", "87.5", "+62.5"]
    assert cells["hin_Deva"][-2:] == ["<0.001", "better"]
    assert cells["ell_Grek"][2:5] == ["50.0", "52.5", "+2.5"]
    assert cells["ell_Grek"][-2:] == ["1.000", "within noise"]
    assert cells["rus_Cyrl"][-2:] == ["0.250", "within noise"]  # 2 · 2 / 2^4, twice by Holm
    assert cells["all"][:5] == ["3", "120", "29.2", "47.5", "+18.3"]
    low, high = found.tasks[0].effects["hin_Deva"].ci95
    assert low < 0.625 < high
    assert "Another training seed" in str(found)


def test_what_one_side_lacks_is_counted_and_named(a: str, b: str) -> None:
    assert compare(a, b).not_compared == [
        "romanized→native: 1 language not measured in a: rus_Cyrl"
    ]
    found = compare(a)  # before and after
    assert found.not_compared == [
        "native→romanized: 1 language not measured in a: before: rus_Cyrl"
    ]
    assert list(rows(found)) == ["ell_Grek", "hin_Deva", "all"]
    assert rows(found)["hin_Deva"][2:4] == ["5.0", "25.0"]
    assert found.headings[3:5] == ["before", "after"]
    assert found.title.startswith("a: after against before (Acc@1 in percent; one run each)")
    assert "rus_Cyrl" in str(found)
    assert "rus_Cyrl" in found._repr_html_()


def test_the_baseline_and_the_other_side_can_be_exchanged(a: str, b: str) -> None:
    one, other = compare(a, b), compare(b, a)
    for name, effect in one.tasks[0].effects.items():
        turned = other.tasks[0].effects[name]
        assert turned.difference == pytest.approx(-effect.difference)
        assert turned.p == pytest.approx(effect.p)


def test_several_tasks_have_a_table_of_their_means(tmp_path: Path) -> None:
    tasks = [record("hin_Deva", 9, task) for task in TASKS]
    one = write(tmp_path, "one", probe=tasks)
    other = write(tmp_path, "other", probe=[record("hin_Deva", 39, task) for task in TASKS])
    (title, means), *by_task = compare(one, other).tables()
    assert title == "Means over languages"
    assert [row[0].split(" ")[0] for row in means] == list(TASKS)
    assert [row[5] for row in means] == ["+75.0", "+75.0"]
    assert len(by_task) == 2


def test_the_order_of_queries_does_not_matter(a: str, tmp_path: Path) -> None:
    ids = [f"id{i}" for i in range(N)]
    turned = record("hin_Deva", 30, ids=ids[::-1])
    other = write(tmp_path, "turned", probe=[turned])
    effect = compare(a, other).tasks[0].effects["hin_Deva"]
    # of a, the first ten are hits; here all but the first ten
    assert effect.baseline == pytest.approx(0.25)
    # of the forty discordant queries all ten hits of a are misses here, and thirty the reverse
    assert effect.p == pytest.approx(binomtest(10, 40).pvalue)


def test_other_candidates_are_refused_and_compared_if_asked(a: str, tmp_path: Path) -> None:
    fewer = [f"id{i}" for i in range(30)]
    other = write(tmp_path, "fewer", probe=[record("hin_Deva", 20, ids=fewer)])
    with raises("TLN-DATA-907") as caught:
        compare(a, other)
    assert "40 and 30 candidates" in str(caught.value)
    found = compare(a, other, force=True)
    assert rows(found)["hin_Deva"][1:4] == ["30", "33.3", "66.7"]  # of the 30 queries of both
    assert "hin_Deva, native→romanized: 40 and 30 candidates" in str(found)
    text = write(tmp_path, "text", probe=[record("hin_Deva", 9, sentences="other")])
    with raises("TLN-DATA-907"):
        compare(a, text)
    assert "another text" in compare(a, text, force=True).warnings[0]


def test_results_with_nothing_in_common(a: str, tmp_path: Path) -> None:
    other = write(tmp_path, "other", probe=[record("kat_Geor", 2)])
    with raises("TLN-DATA-908"):
        compare(a, other)
    ids = [f"x{i}" for i in range(N)]
    apart = write(tmp_path, "apart", probe=[record("hin_Deva", 2, ids=ids, sentences="x")])
    with raises("TLN-DATA-908"):
        compare(a, apart, force=True)


def test_older_results_are_one_clear_line(a: str, b: str) -> None:
    Path(a, "results.outcomes.parquet").unlink()
    with raises("TLN-DATA-905") as caught:
        compare(a, b)
    assert "Probe again" in str(caught.value)
    Path(a, "results.json").write_text('{"records": []}', encoding="utf-8")
    with raises("TLN-DATA-904"):
        compare(a, b)


def test_several_runs_a_side(tmp_path: Path) -> None:
    one = [write(tmp_path, f"a{i}", probe=[record("hin_Deva", 8 + i)]) for i in range(3)]
    two = [write(tmp_path, f"b{i}", probe=[record("hin_Deva", 10 + i)]) for i in range(2)]
    found = compare(one, two)
    assert found.runs == (3, 2)
    assert found.baseline == "a0, a1, a2"
    assert rows(found)["hin_Deva"][2:4] == ["22.5", "26.2"]
    assert "over runs and queries" in str(found)
    short = write(tmp_path, "short", probe=[record("ell_Grek", 3)])
    with raises("TLN-DATA-908"):
        compare(one, [*two, short])  # no language that every run has
    more = write(tmp_path, "more", probe=[record("hin_Deva", 9), record("ell_Grek", 3)])
    assert compare(one, [*two, more]).not_compared == [
        "native→romanized: 1 language not measured in a0, a1, a2: ell_Grek",
        "native→romanized: 1 language measured in 1 of 3 runs of b0, b1, more: ell_Grek",
    ]


def test_layers(a: str, tmp_path: Path) -> None:
    """A single layer is compared with any other single layer; several are matched by number."""
    six = write(tmp_path, "six", probe=[record("hin_Deva", 11, layer=6)])
    assert "(layer 4 and 6, mean, cosine)" in compare(a, six).tasks[0].title
    layers = [record("hin_Deva", 9, layer=layer) for layer in (4, 6)]
    both = write(tmp_path, "both", probe=layers)
    found = compare(a, both)
    assert [task.layers for task in found.tasks] == [(4, 4)]
    assert "native→romanized: 1 language not measured in a: hin_Deva" in found.not_compared


def test_mrr_scripts_and_stages(a: str, b: str) -> None:
    found = compare(a, b, metric="mrr", by="script")
    effect = found.tasks[0].effects["Deva"]
    assert effect.baseline == pytest.approx((10 + 30 / 3) / 40)
    assert effect.verdict == "better"
    assert "MRR in percent" in found.title
    other = write(Path(b).parent, "c", before=[record("hin_Deva", 4)])
    assert compare(a, other, stage="before").headings[3:5] == ["a: before", "c: before"]
    assert rows(compare(a, a, stage="before"))["hin_Deva"][2:5] == ["5.0", "5.0", "0.0"]
    with raises("TLN-CONFIG-906"):
        compare(a, b, stage="before")
    for wrong in ({"metric": "acc@2"}, {"by": "family"}, {"samples": 3}):
        with raises("TLN-CONFIG-002" if "samples" in wrong else "TLN-CONFIG-001"):
            compare(a, b, **wrong)  # type: ignore[arg-type]


# ---- the command ------------------------------------------------------------------------------


def test_words_become_sides() -> None:
    assert named_results(["a", "b0,b1", "by=script"]) == [
        "results=[['a'],['b0','b1']]",
        "by=script",
    ]
    assert named_results(["results=[a,b]", "--help"]) == ["results=[a,b]", "--help"]


def test_the_command_prints_and_writes(a: str, b: str, cli_here: CliHere) -> None:
    done = cli_here("compare", a, b, "samples=200", "out=found.md")
    assert done.status == 0, done.err
    assert "| hin_Deva | 1 | 40 | 25.0 | 87.5 | +62.5 |" in " ".join(done.out.split())
    assert done.out in Path("found.md").read_text(encoding="utf-8")
    again = cli_here("compare", f"results=[{a},{b}]", "samples=200", "out=found.md")
    assert again.out == done.out  # and replaced the file
    assert "after" in cli_here("compare", a, "samples=200").out
    three = cli_here("compare", a, b, f"{a},{b}", "samples=200")
    assert three.out.count("## ") - three.out.count("### ") == 2
    Path("notes.md").write_text("mine", encoding="utf-8")
    refused = cli_here("compare", a, b, "out=notes.md")
    assert "[TLN-CONFIG-226]" in refused.error


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "TLN-CONFIG-956"),
        (("results=[[]]",), "TLN-CONFIG-955"),
        (("results=[1,2]",), "TLN-CONFIG-955"),
        (("nowhere",), "TLN-DATA-605"),
        (("nowhere", "format=xml"), "TLN-CONFIG-001"),
    ],
)
def test_mistakes_are_one_line(arguments: tuple[str, ...], code: str, cli_here: CliHere) -> None:
    done = cli_here("compare", *arguments)
    assert done.status == 1
    assert f"[{code}]" in done.error


def test_names_with_commas_and_quotes_in_the_results_list(
    tmp_path: Path, cli_here: CliHere
) -> None:
    odd = write(tmp_path, "it's [odd] 1", probe=[record("hin_Deva", 5)])
    done = cli_here("compare", odd, odd, "samples=200")
    assert done.status == 0, done.err
    assert "it's [odd] 1 against it's [odd] 1" in done.out


def test_csv_and_latex(a: str, b: str, cli_here: CliHere) -> None:
    done = cli_here("compare", a, b, "samples=200", "format=csv")
    table = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["row"] for row in table] == ["ell_Grek", "hin_Deva", "rus_Cyrl", "all"]
    assert float(table[1]["change"]) == pytest.approx(0.625)
    latex = cli_here("compare", a, b, "samples=200", "format=latex").out
    assert r"hin\_Deva & 1 & 40 & 25.0 & 87.5 & +62.5" in latex
    assert r"native$\to$romanized" in latex
    frame = tn.frame(compare(a, b, samples=200))
    assert list(frame.row) == ["ell_Grek", "hin_Deva", "rus_Cyrl", "all"]
    assert frame.verdict[1] == "better"
