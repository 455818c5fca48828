"""What prepare says about the lines that it kept and dropped, and which of two is kept."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.settings import CliHere
from transliconet.corpus.chunks import count_letters
from transliconet.corpus.prepare import prepare
from transliconet.corpus.recipe import Recipe, Rules
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.errors import DataError
from transliconet.pairs import PairsFolder
from transliconet.romanizers.base import Identity
from transliconet.unicode_script import scripts_in

Row = tuple[str, str, str]
"""Id, tag and text."""


def write_parquet(file: Path, rows: list[Row]) -> ParquetFiles:
    ids, langs, texts = zip(*rows, strict=True)
    pq.write_table(pa.table({"id": ids, "lang": langs, "text": texts}), file)
    return ParquetFiles(str(file))


def made(folder: Path, rows: list[Row], **rules: object) -> PairsFolder:
    folder.mkdir(exist_ok=True)
    reader = write_parquet(folder / "rows.parquet", rows)
    recipe = Recipe(rules=Rules(**rules))  # type: ignore[arg-type]
    return prepare(reader, Identity(), folder / "pairs", recipe, overwrite=True, progress=False)


def test_of_two_lines_with_one_id_one_is_kept_and_the_other_counted(tmp_path: Path) -> None:
    rows = [("a", "rus_Cyrl", "да"), ("a", "rus_Cyrl", "нет"), ("a", "bul_Cyrl", "да")]
    pairs = made(tmp_path, rows)
    languages = pairs.manifest["languages"]
    assert languages["rus_Cyrl"]["dropped"] == {"duplicate_id": 1}
    assert languages["bul_Cyrl"]["dropped"] == {}
    (entry,) = map(json.loads, (pairs.path / "skipped.jsonl").read_text().splitlines())
    assert entry["reason"] == "duplicate_id"
    assert entry["text"] in ("да", "нет")


def test_equal_texts_are_kept_under_their_own_ids_only(tmp_path: Path) -> None:
    rows = [("a", "rus_Cyrl", "да"), ("b", "rus_Cyrl", "да"), ("b", "rus_Cyrl", "да")]
    pairs = made(tmp_path, rows, duplicates="keep")
    assert sorted(pairs.table["id"].to_pylist()) == ["a", "b"]
    assert pairs.manifest["dropped"] == {"duplicate_id": 1}


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["rus_Cyrl", "bul_Cyrl"]),
        st.sampled_from(["да", "нет", "гора", "река"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.sampled_from(["drop", "keep"]))
def test_language_and_id_are_unique_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], random: object, duplicates: str
) -> None:
    folder = tmp_path_factory.mktemp("unique")
    table = made(folder, rows, duplicates=duplicates).table
    keys = list(zip(table["lang"].to_pylist(), table["id"].to_pylist(), strict=True))
    assert len(keys) == len(set(keys))
    shuffled = rows[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = made(folder, shuffled, duplicates=duplicates).table
    names = ["lang", "id", "text"]
    assert _sorted(table.select(names)) == _sorted(other.select(names))


def _sorted(table: pa.Table) -> list[tuple]:
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_the_first_lines_that_were_dropped_are_shown(tmp_path: Path) -> None:
    rows = [
        ("1", "hi", "नमस्ते"),
        ("2", "rus_Cyrl", "да\0"),
        ("3", "rus_Cyrl", " "),
        ("4", "hi", "x"),
    ]
    with pytest.raises(DataError) as error:
        made(tmp_path, rows)
    assert error.value.code == "TLN-DATA-100"
    shown = error.value.remedy
    assert "rows.parquet:1 (hi) wrong_language_tag" in shown
    assert "hin_Deva" in shown  # the remedy
    assert "nul_byte" in shown
    assert "да" in shown  # the value
    assert shown.count("rows.parquet:") == 3


def test_letters_that_stayed_as_they_were_are_counted(tmp_path: Path) -> None:
    rows = [("1", "rus_Cyrl", "да, да"), ("2", "srp_Cyrl", "da да 12"), ("3", "eng_Latn", "yes")]
    languages = made(tmp_path, rows).manifest["languages"]
    shares = {tag: counts["unromanized"] for tag, counts in languages.items()}
    assert shares == {"rus_Cyrl": 1.0, "srp_Cyrl": 0.5, "eng_Latn": 0.0}


@given(st.text())
def test_letters_by_the_unicode_properties(text: str) -> None:
    letters = [c for c in text if c.isalpha()]
    foreign = [c for c in letters if scripts_in(c) - {"Latn"}]
    assert count_letters(text) == (len(letters), len(foreign))


def write_lines(folder: Path, tag: str, number: int) -> None:
    lines = [f"слово {n}\n" for n in range(number)]
    (folder / f"{tag}.txt").write_text("".join(lines), encoding="utf-8")


def test_a_language_that_the_probe_will_pass_over_is_named(
    cli_here: CliHere, tmp_path: Path
) -> None:
    write_lines(tmp_path, "rus_Cyrl", 200)
    write_lines(tmp_path, "bul_Cyrl", 12)
    sources = "corpus.paths=[rus_Cyrl.txt,bul_Cyrl.txt]"
    done = cli_here("prepare", sources, "rules.heldout=0.5", "out=pairs", "progress=false")
    assert done.status == 0, done.err
    heldout = PairsFolder.open(tmp_path / "pairs").manifest["languages"]["bul_Cyrl"]["heldout"]
    assert f"bul_Cyrl ({heldout})" in done.out
    assert "rus_Cyrl (" not in done.out
    assert "rules.heldout" in done.out
    assert "% unromanized" in done.out


def test_without_held_out_lines_nothing_is_said_about_the_probe(
    cli_here: CliHere, tmp_path: Path
) -> None:
    write_lines(tmp_path, "rus_Cyrl", 12)
    done = cli_here("prepare", "corpus.paths=[rus_Cyrl.txt]", "out=pairs", "progress=false")
    assert done.status == 0, done.err
    assert "held-out" not in done.out


def test_a_dry_run_tells_loading_from_romanizing(cli_here: CliHere, tmp_path: Path) -> None:
    write_lines(tmp_path, "rus_Cyrl", 12)
    done = cli_here("prepare", "corpus.paths=[rus_Cyrl.txt]", "dry_run=true", "progress=false")
    assert done.status == 0, done.err
    assert "0.0 min" in done.out
    assert "s to load the romanizer" in done.out


def test_every_line_is_either_kept_or_counted(tmp_path: Path) -> None:
    rows = [(str(n % 7), "rus_Cyrl", f"слово {n % 5}") for n in range(40)]
    counts = made(tmp_path, rows).manifest["languages"]["rus_Cyrl"]
    assert counts["read"] == 40 == counts["kept"] + sum(counts["dropped"].values())
    reasons = Counter(
        json.loads(line)["reason"]
        for line in (tmp_path / "pairs" / "skipped.jsonl").read_text().splitlines()
    )
    assert reasons == counts["dropped"]
