"""Pairs folders: what is kept, that every line is accounted for, and that a folder is whole or not there."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset
import pytest

from transliconet.corpus.pairs import PairsFolder, new_pairs_folder
from transliconet.corpus.prepare import Rules, id_fraction, prepare
from transliconet.corpus.read import Line, ParquetFiles, Skip, TextFiles
from transliconet.corpus.romanize import Identity, Uroman
from transliconet.corpus.scripts import LanguageTag
from transliconet.errors import ConfigError, DataError

RUSSIAN = LanguageTag("rus", "Cyrl")


class Upper:
    """A romaniser whose output is known, and which raises on one word."""

    name, version = "upper", "1"

    def __call__(self, text: str, language: str) -> str:
        if "bad" in text:
            raise AttributeError("no bad words")
        return "" if text == "silent" else text.upper()


class Lines:
    """A reader of what it is given."""

    def __init__(self, *texts: str | Skip, ids: list[str] | None = None) -> None:
        self.texts, self.ids = texts, ids or [str(i) for i in range(len(texts))]

    def sources(self) -> list[dict[str, object]]:
        return [{"path": "memory"}]

    def __iter__(self) -> Iterator[Line | Skip]:
        for number, (text, id_) in enumerate(zip(self.texts, self.ids, strict=True), 1):
            yield text if isinstance(text, Skip) else Line("memory", number, id_, RUSSIAN, text)


def made(tmp_path: Path, *texts: str | Skip, ids: list[str] | None = None, **rules: object) -> PairsFolder:
    return prepare(Lines(*texts, ids=ids), Upper(), tmp_path / "pairs", Rules(**rules), progress=False)  # type: ignore[arg-type]


def accounted(pairs: PairsFolder) -> bool:
    """Read = kept + dropped, for each language; and what was kept is in the table."""
    languages = pairs.manifest["languages"]
    kept = Counter(pairs.table["lang"].to_pylist())
    return all(
        c["read"] == c["kept"] + sum(c["dropped"].values()) and c["kept"] == kept[tag] for tag, c in languages.items()
    )


def test_every_reason_is_counted(tmp_path: Path) -> None:
    unreadable = Skip("memory", 9, "rus_Cyrl", "invalid_utf8", "byte 3")
    pairs = made(
        tmp_path, "one", "", "  \t", "one", " one ", "two", "nul\0byte", "x" * 30, "bad word", "silent", "SAME", unreadable,
        max_chars=20,
    )  # fmt: skip
    assert pairs.table["text"].to_pylist() == ["one", "two", "SAME"]
    assert pairs.table["romanized"].to_pylist() == ["ONE", "TWO", "SAME"]
    assert pairs.table["identical"].to_pylist() == [False, False, True]
    assert pairs.manifest["dropped"] == {
        "empty": 2, "duplicate": 2, "nul_byte": 1, "too_long": 1, "romanizer_error": 1, "empty_romanization": 1,
        "invalid_utf8": 1,
    }  # fmt: skip
    assert accounted(pairs)
    skipped = [json.loads(line) for line in (pairs.path / "skipped.jsonl").read_text().splitlines()]
    assert len(skipped) == 9
    (error,) = [s for s in skipped if s["reason"] == "romanizer_error"]
    assert (error["number"], error["detail"]) == (9, "AttributeError: no bad words")


def test_duplicates_and_identical_pairs_by_option(tmp_path: Path) -> None:
    pairs = made(tmp_path, "one", "one", "SAME", duplicates="keep", identical="drop")
    assert pairs.table["text"].to_pylist() == ["one", "one"]
    assert pairs.manifest["dropped"] == {"identical": 1}


def test_a_duplicate_is_one_within_a_language(tmp_path: Path) -> None:
    for tag in ("rus_Cyrl", "bul_Cyrl"):
        (tmp_path / f"{tag}.txt").write_text("да\nда\n")
    reader = TextFiles([str(tmp_path / f"{t}.txt") for t in ("rus_Cyrl", "bul_Cyrl")])
    pairs = prepare(reader, Identity(), tmp_path / "pairs", progress=False)
    assert pairs.manifest["dropped"] == {"duplicate": 2}
    assert pairs.table["lang"].to_pylist() == ["rus_Cyrl", "bul_Cyrl"]


def test_heldout_ids_are_the_same_in_every_language(cldr_pairs: PairsFolder) -> None:
    held: dict[str, set[bool]] = {}
    for id_, flag in zip(cldr_pairs.table["id"].to_pylist(), cldr_pairs.table["heldout"].to_pylist(), strict=True):
        held.setdefault(id_, set()).add(flag)
    assert {len(flags) for flags in held.values()} == {1}
    share = sum(flags == {True} for flags in held.values()) / len(held)
    assert 0.15 < share < 0.25
    assert accounted(cldr_pairs)


def test_max_per_language_takes_the_same_lines_in_any_order(tmp_path: Path) -> None:
    ids = [f"id{i}" for i in range(200)]
    texts = [f"text {i}" for i in range(200)]
    first = prepare(Lines(*texts, ids=ids), Upper(), tmp_path / "a", Rules(max_per_language=30), progress=False)
    backwards = Lines(*texts[::-1], ids=ids[::-1])
    second = prepare(backwards, Upper(), tmp_path / "b", Rules(max_per_language=30), progress=False)
    assert first.table.num_rows == 30
    assert set(first.table["id"].to_pylist()) == set(second.table["id"].to_pylist())
    assert first.manifest["dropped"] == {"over_max_per_language": 170}
    assert accounted(first)


def test_id_fraction_is_spread_evenly() -> None:
    fractions = [id_fraction(f"id{i}", 0) for i in range(4000)]
    assert 0.47 < sum(f < 0.5 for f in fractions) / 4000 < 0.53
    assert id_fraction("id1", 0) != id_fraction("id1", 1)


def test_processes_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.txt").write_text("\n".join(f"слово номер {i}" for i in range(600)))
    reader = TextFiles(str(tmp_path / "rus_Cyrl.txt"))
    one, two = (prepare(reader, Uroman(), tmp_path / f"p{n}", processes=n, progress=False) for n in (1, 2))
    assert one.table.equals(two.table)
    assert one.table["romanized"][7].as_py() == "slovo nomer 7"


def test_the_language_decides_the_romanisation(tmp_path: Path) -> None:
    for tag in ("rus_Cyrl", "ukr_Cyrl"):
        (tmp_path / f"{tag}.txt").write_text("гора\n")
    reader = TextFiles([str(tmp_path / f"{t}.txt") for t in ("rus_Cyrl", "ukr_Cyrl")])
    pairs = prepare(reader, Uroman(), tmp_path / "pairs", progress=False)
    assert pairs.table["romanized"].to_pylist() == ["gora", "hora"]


def test_a_line_that_uroman_raises_on_is_reported_and_kept_out(tmp_path: Path) -> None:
    (tmp_path / "zho_Hans.txt").write_text("百分之\n你好\n")
    pairs = prepare(TextFiles(str(tmp_path / "zho_Hans.txt")), Uroman(), tmp_path / "pairs", progress=False)
    assert pairs.table["text"].to_pylist() == ["你好"]
    assert pairs.manifest["dropped"] == {"romanizer_error": 1}
    assert "AttributeError" in (pairs.path / "skipped.jsonl").read_text()


def test_the_manifest_says_where_the_pairs_came_from(cldr_pairs: PairsFolder) -> None:
    manifest = cldr_pairs.manifest
    assert manifest["rows"] == cldr_pairs.table.num_rows
    assert manifest["sources"][0]["package"] == "babel"
    assert manifest["romanizer"]["name"] == "uroman"
    assert manifest["romanizer"]["version"]
    assert manifest["rules"]["heldout"] == 0.2


def test_other_programs_read_the_folder_as_an_arrow_dataset(cldr_pairs: PairsFolder) -> None:
    table = pyarrow.dataset.dataset(cldr_pairs.path / "data", format="ipc").to_table()
    assert table.equals(cldr_pairs.table)


def test_nothing_is_left_behind_when_preparing_fails(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no pair is left to write \(\{'empty': 2\}\)"):
        made(tmp_path, "", " ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_only_when_asked_and_only_by_a_whole_one(tmp_path: Path) -> None:
    first = made(tmp_path, "one")
    with pytest.raises(ConfigError, match="already there"):
        made(tmp_path, "two")
    with pytest.raises(DataError):
        prepare(Lines(""), Upper(), first.path, overwrite=True, progress=False)
    assert PairsFolder.open(first.path).table["text"].to_pylist() == ["one"]
    prepare(Lines("two"), Upper(), first.path, overwrite=True, progress=False)
    assert PairsFolder.open(first.path).table["text"].to_pylist() == ["two"]


def test_an_interrupted_writer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_pairs_folder(tmp_path / "pairs"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"duplicates": "dorp"}, "Did you mean 'drop'"),
        ({"heldout": 1.5}, "heldout=1.5"),
        ({"max_chars": 0}, "max_chars=0"),
        ({"max_per_language": 0}, "max_per_language=0"),
    ],
)
def test_impossible_rules(rules: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Rules(**rules)


def test_parts_and_languages_of_a_folder(cldr_pairs: PairsFolder) -> None:
    train, heldout = (cldr_pairs.part(p).num_rows for p in ("train", "heldout"))
    assert train + heldout == cldr_pairs.part("all").num_rows
    assert set(cldr_pairs.part("all", languages=["tha_Thai"])["lang"].to_pylist()) == {"tha_Thai"}
    with pytest.raises(ConfigError, match="hin_Deva: not in the pairs folder. It has ell_Grek"):
        cldr_pairs.part("all", languages=["hin_Deva"])


def test_parquet_ids_survive(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"id": ["v1"], "lang": ["rus_Cyrl"], "text": ["да"]}), tmp_path / "p.parquet")
    pairs = prepare(ParquetFiles(str(tmp_path / "p.parquet")), Uroman(), tmp_path / "pairs", progress=False)
    assert pairs.table.to_pylist() == [
        {"id": "v1", "lang": "rus_Cyrl", "text": "да", "romanized": "da", "identical": False, "heldout": False}
    ]
