"""The probe of text that people typed, on sentences made for it and encoders whose answers are
known.
"""

import gzip
import json
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import transliconet as tn
from tests.settings import CliHere
from transliconet.errors import TransliconetError
from transliconet.model.encoder import Encoder
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.probe.passed_over import REASONS, PassedOver
from transliconet.probe.results import read_results_file
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.probe.typed import TypedProbe
from transliconet.tokens.noise import Augment

SENTENCES = [
    ("Πού πας το βράδυ;", "pou pas to vradi?", "Where are you going tonight?"),
    ("Θα έρθω αύριο το πρωί", "8a er8w ayrio to prwi", "I will come tomorrow morning"),
    ("Δεν έχω άλλο ψωμί", "den exw allo pswmi", "I have no more bread"),
    ("Η γάτα κοιμάται στον καναπέ", "i gata koimatai ston kanape", "The cat sleeps on the sofa"),
    ("Ξέχασα τα κλειδιά μου", "ksexasa ta kleidia mou", "I forgot my keys"),
    ("Τι ώρα φεύγει το τρένο;", "ti wra feygei to treno?", "When does the train leave?"),
    ("Σήμερα βρέχει πολύ", "simera vrexei poly", "It rains a lot today"),
    ("Ωραίο το καινούριο σου σπίτι", "wraio to kainourio sou spiti", "Your new house is nice"),
]
ROWS = [
    {"native": native, "romanized": typed, "lang": "ell_Grek", "english": english}
    for native, typed, english in SENTENCES
]
GREEK: dict[str, Any] = {"romanizer": "greek-typed", "candidates": tn.Candidates(min=4)}
WITH_ENGLISH = tn.TypedColumns(pivot="english")


def write_csv(rows: Sequence[dict], file: Path, delimiter: str = ",") -> Path:
    lines = [delimiter.join(rows[0])]
    for row in rows:
        values = [str(value) for value in row.values()]
        if delimiter == ",":  # some sentences have one
            values = [f'"{value}"' for value in values]
        lines.append(delimiter.join(values))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def write_jsonl(rows: Sequence[dict], file: Path) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def write_parquet(rows: Sequence[dict], file: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file


def write_gzip(rows: Sequence[dict], file: Path) -> Path:
    plain = write_csv(rows, file.with_suffix(""), "\t")
    file.write_bytes(gzip.compress(plain.read_bytes()))
    return file


@pytest.fixture
def typed_csv(tmp_path: Path) -> Path:
    return write_csv(ROWS, tmp_path / "typed.csv")


def by_sentence(probe: TypedProbe, lost: Callable[[dict], bool]) -> Callable[..., np.ndarray]:
    """An encoder with one direction for each sentence in every view; what people typed for
    ``lost`` sentences has a direction of its own.
    """
    plan = probe.plan(None)
    rows = [row for tag in plan.sentences for row in plan.sentences[tag].items()]
    numbers = {id_: number for number, id_ in enumerate(dict.fromkeys(id_ for id_, _ in rows))}
    directions = np.eye(2 * len(numbers), dtype=np.float32)
    place: dict[str, int] = {}
    for id_, row in rows:
        place[row["text"]] = place[row["romanized"]] = numbers[id_]
        if "human" in row:
            place[row["human"]] = numbers[id_] + len(numbers) * lost(row)
    return lambda texts: np.stack([directions[place[text]] for text in texts])


def test_half_of_what_people_typed_is_found(typed_csv: Path) -> None:
    """The romanizer's output is always found, people's for every other sentence."""
    probe = TypedProbe(path=typed_csv, columns=WITH_ENGLISH, **GREEK)
    lost = {native for native, _, _ in SENTENCES[::2]}
    vectors = by_sentence(probe, lambda row: row["text"] in lost)
    records = probe.evaluate(vectors, None, layer=2)
    accuracies = {record.task: record.acc[1] for record in records}
    assert accuracies == {
        "native→romanized": 1.0,
        "romanized→native": 1.0,
        "native→human": 0.5,
        "human→native": 0.5,
        "native→eng_Latn": 1.0,
        "eng_Latn→native": 1.0,
        "romanized→eng_Latn": 1.0,
        "eng_Latn→romanized": 1.0,
        "human→eng_Latn": 0.5,
        "eng_Latn→human": 0.5,
    }
    assert {record.n for record in records} == {len(SENTENCES)}
    typed = next(record for record in records if record.task == "native→human")
    assert (typed.language, typed.source_view, typed.target_view) == ("ell_Grek", "native", "human")
    assert "uniformity_human" in typed.metrics
    assert "identical" not in typed.metrics  # no romanizer made that text


def test_noise_stands_beside_what_people_typed(typed_csv: Path) -> None:
    noisy = tn.Candidates(min=4, noisy=Augment(typed=1.0))
    probe = TypedProbe(path=typed_csv, romanizer="greek-typed", candidates=noisy)
    assert {task.target.view for task in probe.plan(None).tasks} == {
        "native",
        "romanized",
        "noisy",
        "human",
    }
    ids = {tuple(task.ids) for task in probe.plan(None).tasks}
    assert len(ids) == 1  # every view has the same sentences


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_csv, "typed.csv"),
        (lambda rows, file: write_csv(rows, file, "\t"), "typed.tsv"),
        (write_gzip, "typed.tsv.gz"),
        (write_jsonl, "typed.jsonl"),
        (write_parquet, "typed.parquet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_file_gives_the_same_tasks(
    write: Callable[[Sequence[dict], Path], Path], name: str, tmp_path: Path, typed_csv: Path
) -> None:
    expected = TypedProbe(path=typed_csv, columns=WITH_ENGLISH, **GREEK).plan(None)
    file = write(ROWS, tmp_path / f"other-{name}")
    assert TypedProbe(path=file, columns=WITH_ENGLISH, **GREEK).plan(None) == expected
    assert len(expected.tasks) == 10


def test_columns_by_number_and_one_language_for_all(tmp_path: Path, typed_csv: Path) -> None:
    headless = [f"{native}\t{typed}" for native, typed, _ in SENTENCES]
    file = tmp_path / "typed.tsv"
    file.write_text("\n".join(headless), encoding="utf-8")
    columns = tn.TypedColumns(native=1, romanized=2)
    probe = TypedProbe(path=file, columns=columns, lang="el-Grek", **GREEK)
    assert probe.plan(None) == TypedProbe(path=typed_csv, **GREEK).plan(None)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(ROWS))
def test_the_order_of_the_rows_changes_nothing(
    order: list[dict], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    few = tn.Candidates(min=4, max=5, noisy=Augment(typed=0.5))
    chosen = []
    for rows in (ROWS, order):
        file = write_jsonl(rows, folder / "order.jsonl")
        plan = TypedProbe(path=file, romanizer="greek-typed", candidates=few).plan(None)
        chosen.append([(task.name, task.ids) for task in plan.tasks])
    assert chosen[0] == chosen[1]


def with_row(**values: object) -> list[dict]:
    """The sentences and one more row."""
    row = {"native": "Καλημέρα σε όλους", "romanized": "kalimera se olous", "english": "Hello all"}
    return [*ROWS, {**row, "lang": "ell_Grek", **values}]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"romanized": " "}, "no_human_text"),
        ({"romanized": None}, "no_human_text"),
        ({"native": None}, "no_native_text"),
        ({"native": None, "english": None}, "only_human_text"),
        ({"english": ""}, "no_pivot_text"),
        ({"native": SENTENCES[0][0]}, "duplicate_native_text"),
        ({"romanized": SENTENCES[0][1]}, "duplicate_human_text"),
        ({"english": SENTENCES[0][2]}, "duplicate_pivot_text"),
        ({"romanized": "Καλημέρα σε όλους"}, "same_as_native"),
        ({"native": "ok, kalimera"}, "unchanged_by_romanizer"),
        ({"romanized": "kalimera"}, "too_few_words"),
        ({"native": "nul\0byte"}, "nul_byte"),
        ({"native": 3}, "wrong_type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_row_that_is_left_out_is_counted(
    values: dict[str, object], reason: str, tmp_path: Path
) -> None:
    file = write_jsonl(with_row(**values), tmp_path / "typed.jsonl")
    probe = TypedProbe(path=file, columns=WITH_ENGLISH, min_words=2, **GREEK)
    passed_over = probe.passed_over()
    assert passed_over.left_out == {"ell_Grek": {reason: 1}}
    assert PassedOver.from_dict(json.loads(json.dumps(passed_over.as_dict()))) == passed_over
    (line,) = passed_over.lines()
    assert line.startswith("ell_Grek: 1 row left out")
    assert REASONS.get(reason, ("", reason))[1] in line


def test_rows_of_an_unreadable_language_are_counted_under_its_name(tmp_path: Path) -> None:
    file = write_jsonl(with_row(lang="Greek"), tmp_path / "typed.jsonl")
    probe = TypedProbe(path=file, **GREEK)
    assert probe.passed_over().left_out == {"Greek": {"wrong_language_tag": 1}}
    mapped = TypedProbe(path=file, tags={"Greek": "ell_Grek"}, **GREEK)
    assert mapped.passed_over().left_out == {}


def test_an_unreadable_language_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [*ROWS, {**ROWS[0], "lang": "Greek"}, {**ROWS[1], "lang": "Greek"}]
    for _ in range(2):  # another probe tells it again
        caplog.clear()
        probe = TypedProbe(path=write_jsonl(rows, tmp_path / "typed.jsonl"), **GREEK)
        assert probe.passed_over().left_out == {"Greek": {"wrong_language_tag": 2}}
        (warning,) = caplog.records
        assert "'Greek'" in warning.getMessage()


def test_text_is_mended_before_it_is_compared(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", SENTENCES[1][0])
    assert apart != SENTENCES[1][0]
    file = write_jsonl(with_row(native=f"\u200e{apart} "), tmp_path / "typed.jsonl")
    probe = TypedProbe(path=file, **GREEK)
    assert probe.passed_over().left_out == {"ell_Grek": {"duplicate_native_text": 1}}


def test_typed_text_without_native_text_is_compared_with_its_translation(tmp_path: Path) -> None:
    rows = [{**row, "native": ""} for row in ROWS]
    probe = TypedProbe(path=write_csv(rows, tmp_path / "typed.csv"), columns=WITH_ENGLISH, **GREEK)
    records = probe.evaluate(by_sentence(probe, lambda row: False), None, layer=0)
    assert {record.task: record.acc[1] for record in records} == {
        "human→eng_Latn": 1.0,
        "eng_Latn→human": 1.0,
    }
    assert probe.passed_over().left_out == {"ell_Grek": {"no_native_text": len(ROWS)}}


@pytest.mark.parametrize(
    ("options", "given", "code"),
    [
        ({"path": "absent.csv"}, "path=absent.csv", "TLN-DATA-610"),
        ({"path": "typed.xlsx"}, "path=typed.xlsx", "TLN-CONFIG-611"),
        ({"columns": tn.TypedColumns(native="text")}, "typed.csv", "TLN-DATA-611"),
        ({"languages": ["hin_Deva"]}, "languages=['hin_Deva']", "TLN-CONFIG-612"),
        ({"languages": ["Greek"]}, "languages=['Greek']", "TLN-DATA-230"),
        ({"candidates": tn.Candidates(min=9)}, "path=typed.csv", "TLN-DATA-612"),
        ({"pivot": "English"}, "pivot=English", "TLN-DATA-230"),
        ({"lang": "ell"}, "lang=ell", "TLN-DATA-234"),
        ({"romanizer": "greeklish"}, "romanizer=greeklish", "TLN-CONFIG-001"),
        ({"romanizer": 3}, "romanizer=3", "TLN-CONFIG-241"),
        ({"min_words": 0}, "min_words=0", "TLN-CONFIG-002"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("TLN") else "",
)
def test_what_cannot_be_probed_is_one_message(
    options: dict[str, Any],
    given: str,
    code: str,
    typed_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(typed_csv.parent)
    Path("typed.xlsx").write_bytes(b"PK\x03\x04")

    def probe_it() -> None:
        probe = TypedProbe(**{"path": "typed.csv", **GREEK, **options})
        probe.evaluate(lambda texts: np.ones((len(texts), 4)), None, layer=0)

    with pytest.raises(TransliconetError) as raised:
        probe_it()
    assert (raised.value.given, raised.value.code) == (given, code)


def test_too_few_translations_are_an_error_that_says_why(tmp_path: Path) -> None:
    rows = [{**row, "english": ""} for row in ROWS]
    file = write_csv(rows, tmp_path / "typed.csv")
    probe = TypedProbe(path=file, columns=WITH_ENGLISH, **GREEK)
    with pytest.raises(TransliconetError, match="no translation") as raised:
        probe.evaluate(lambda texts: np.ones((len(texts), 4)), None, layer=0)
    assert raised.value.code == "TLN-DATA-612"


def test_a_probe_of_pairs_says_that_it_needs_them(encoder: Encoder) -> None:
    with pytest.raises(TransliconetError) as raised:
        RetrievalProbe().run(encoder)
    assert (raised.value.given, raised.value.code) == ("pairs=None", "TLN-CONFIG-610")


COMMAND = (
    "probe=typed",
    "probe.romanizer=greek-typed",
    "probe.columns.pivot=english",
    "probe.candidates.min=4",
    "probe.candidates.noisy.typed=1",
)


def test_the_command_needs_no_pairs_and_shows_the_views_side_by_side(
    cli_here: CliHere, typed_csv: Path, encoder_folder: Path
) -> None:
    call = (*COMMAND, f"probe.path={typed_csv}", f"encoder.path={encoder_folder}")
    done = cli_here("probe", *call, "out=one.json")
    assert done.status == 0, done.err
    table = done.out[: done.out.index("### native→romanized")]
    assert table.count("### Text as people type it → ") == 2
    assert "greek-typed |   noise |   human |" in table
    assert "ell_Grek |            8 |" in table
    content = read_results_file("one.json").content
    assert content["data"]["probe"]["romanizer"]["name"] == "greek-typed"
    assert content["data"]["probe"]["rows"] == len(ROWS)
    assert content["data"]["probe"]["path"] == "typed.csv"
    assert "pairs" not in content["config"]
    assert {record["source_view"] for record in content["records"]} == {
        "native",
        "romanized",
        "noisy",
        "human",
    }
    # two results of the same text stand side by side, of other text not
    assert cli_here("probe", *call, "probe.embedding.pooling=cls", "out=two.json").status == 0
    done = cli_here("report", "results=[one.json,two.json]", "out=both")
    assert done.status == 0, done.err
    assert "human, two: probe" in done.out
    assert "<h2>Text as people type it</h2>" in Path("both.html").read_text(encoding="utf-8")
    other = Path("one.json").read_text(encoding="utf-8").replace('"min_words": 1', '"min_words": 5')
    Path("three.json").write_text(other, encoding="utf-8")
    done = cli_here("report", "results=[one.json,three.json]", "out=both")
    assert "probe.min_words" in done.error


def test_a_missing_file_is_told_with_the_key(cli_here: CliHere, encoder_folder: Path) -> None:
    done = cli_here("probe", *COMMAND, "probe.path=absent.csv", f"encoder.path={encoder_folder}")
    assert done.status == 1
    assert done.error.startswith("error: probe.path=absent.csv: no such file.")
    done = cli_here("probe", *COMMAND, f"encoder.path={encoder_folder}")
    assert done.error.startswith("error: probe.path: no value given.")


def test_a_run_probes_typed_text_before_within_and_after(
    make_encoder: Callable[..., Encoder],
    cldr_pairs: PairsFolder,
    typed_csv: Path,
    tmp_path: Path,
) -> None:
    result = tn.fit(
        make_encoder(),
        cldr_pairs,
        {"tcm": TransliterationContrast(1.0, 1.0, "last", similarity="cosine", input="clean")},
        tmp_path / "run",
        steps=2,
        batch_size=16,
        probe=tn.TypedProbe(path=typed_csv, columns=WITH_ENGLISH, **GREEK),
        probe_every_n_steps=1,
        checkpoints=None,
    )
    tasks = [record.task for record in result.records["after"]]
    assert [record.task for record in result.records["before"]] == tasks
    assert "human→eng_Latn" in tasks
    header = (tmp_path / "run" / "metrics.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "probe/human→native" in header
    card = (result.export / "README.md").read_text(encoding="utf-8")
    assert "human, before" in card
    assert "human, after" in card
    data = read_results_file(tmp_path / "run" / "results.json").content["data"]
    assert data["rows"] == cldr_pairs.table.num_rows
    assert data["probe"]["rows"] == len(ROWS)
    assert (tmp_path / "run" / "before_after.png").is_file()


def test_translations_without_typed_text_are_each_languages_own(tmp_path: Path) -> None:
    """Two languages have the same English sentence; each finds its own translation."""
    rows = [
        {"lang": "ell_Grek", "text": native, "eng": english} for native, _, english in SENTENCES
    ]
    rows += [
        {"lang": "rus_Cyrl", "text": "Сегодня идёт дождь", "eng": SENTENCES[6][2]},
        {"lang": "rus_Cyrl", "text": "У меня нет хлеба", "eng": SENTENCES[3][2]},
        {"lang": "rus_Cyrl", "text": "", "eng": SENTENCES[2][2]},
    ]
    file = write_jsonl(rows, tmp_path / "tatoeba.jsonl")
    columns = tn.TypedColumns(native="text", romanized=None, pivot="eng")
    probe = TypedProbe(path=file, columns=columns, candidates=tn.Candidates(min=2))
    plan = probe.plan(None)
    sizes = {(task.language, task.name): len(task.ids) for task in plan.tasks}
    names = ["native→romanized", "romanized→native", "native→eng_Latn", "eng_Latn→native"]
    names += ["romanized→eng_Latn", "eng_Latn→romanized"]
    greek = {("ell_Grek", name): 8 for name in names}
    assert sizes == greek | {("rus_Cyrl", name): 2 for name in names}
    assert plan.passed_over.left_out == {"rus_Cyrl": {"no_text": 1}}
