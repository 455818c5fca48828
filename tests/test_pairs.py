"""Pairs folders that were damaged or forged give one message each, whatever was done to them."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transliconet.errors import DataError
from transliconet.pairs import (
    MIN_CANDIDATES,
    SCHEMA,
    PairsFolder,
    is_pairs_folder,
    join_parts,
    write_manifest,
    write_part,
)

ROWS = [
    {
        "id": f"{i}",
        "lang": lang,
        "text": f"текст {i}",
        "romanized": f"tekst {i}",
        "identical": False,
        "heldout": i % 3 == 0,
    }
    for lang in ("rus_Cyrl", "bul_Cyrl")
    for i in range(20)
]


def write_folder(folder: Path, rows: list[dict] = ROWS, changes: dict | None = None) -> Path:
    (folder / "data").mkdir(parents=True)
    write_part(folder / "data" / "part-00000.arrow", pa.Table.from_pylist(rows, SCHEMA))
    languages: dict[str, dict] = {"rus_Cyrl": {"kept": 20}, "bul_Cyrl": {"kept": 20}}
    content = {"rows": len(rows), "languages": languages, "sources": [], "romanizer": {}}
    write_manifest(folder, {**content, **(changes or {})})
    return folder


def code_of(folder: Path) -> str:
    """The code of the error that opening gives; empty if it opens, and its rows can be read."""
    try:
        pairs = PairsFolder.open(folder)
    except DataError as error:
        return error.code if len(str(error)) < 500 else "a message of many lines"
    assert len(pairs.split("all").to_pylist()) == pairs.manifest["rows"]
    pairs.split("heldout", languages=list(pairs.manifest["languages"]))
    return ""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("pairs") / "whole")


@pytest.fixture(scope="module")
def copy(whole: Path) -> Path:
    """To be damaged, again and again."""
    return Path(shutil.copytree(whole, whole.with_name("copy")))


def test_a_whole_folder_opens(whole: Path) -> None:
    assert code_of(whole) == ""
    assert is_pairs_folder(whole)
    assert PairsFolder.open(whole).table.to_pylist() == ROWS


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_changed_byte_of_the_data_is_found(
    whole: Path, copy: Path, data: st.DataObject
) -> None:
    raw = bytearray((whole / "data" / "part-00000.arrow").read_bytes())
    changes = st.tuples(st.integers(0, len(raw) - 1), st.integers(1, 255))
    for place, change in data.draw(
        st.lists(changes, min_size=1, max_size=4, unique_by=lambda c: c[0])
    ):
        raw[place] ^= change
    (copy / "data" / "part-00000.arrow").write_bytes(raw)
    shutil.copy(whole / "manifest.json", copy)
    assert code_of(copy).startswith("TLN-DATA-2")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_a_data_file_that_was_cut_short_is_found(whole: Path, copy: Path, length: int) -> None:
    raw = (whole / "data" / "part-00000.arrow").read_bytes()
    (copy / "data" / "part-00000.arrow").write_bytes(raw[: length % len(raw)])
    shutil.copy(whole / "manifest.json", copy)
    assert code_of(copy).startswith("TLN-DATA-2")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_data_with_forged_checksums_is_an_error_or_can_be_read(
    whole: Path, copy: Path, data: st.DataObject
) -> None:
    raw = bytearray((whole / "data" / "part-00000.arrow").read_bytes())
    changes = st.tuples(st.integers(0, len(raw) - 1), st.integers(1, 255))
    for place, change in data.draw(st.lists(changes, min_size=1, max_size=8)):
        raw[place] ^= change
    (copy / "data" / "part-00000.arrow").write_bytes(raw)
    manifest = json.loads((whole / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "files": {}}))
    code = code_of(copy)
    assert not code or code.startswith("TLN-DATA-2")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["format", "rows", "languages", "sources", "rules", "romanizer", "files"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KEYS), JSON)
def test_any_value_in_the_manifest(whole: Path, copy: Path, key: str, value: object) -> None:
    shutil.copy(whole / "data" / "part-00000.arrow", copy / "data")
    manifest = json.loads((whole / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    code = code_of(copy)
    assert not code or code.startswith("TLN-DATA-2")


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=40), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_manifest(whole: Path, copy: Path, raw: bytes) -> None:
    shutil.copy(whole / "data" / "part-00000.arrow", copy / "data")
    (copy / "manifest.json").write_bytes(raw)
    assert code_of(copy).startswith("TLN-DATA-2")


@pytest.mark.parametrize(
    ("rows", "manifest", "code"),
    [
        (ROWS, {"rows": 39}, "TLN-DATA-203"),
        (ROWS, {"format": 99}, "TLN-DATA-208"),
        (ROWS, {"languages": {"rus_Cyrl": {}}}, "TLN-DATA-210"),
        ([*ROWS, {**ROWS[0], "romanized": None}], {}, "TLN-DATA-211"),
    ],
)
def test_a_manifest_that_does_not_fit(
    tmp_path: Path, rows: list[dict], manifest: dict, code: str
) -> None:
    assert code_of(write_folder(tmp_path / "pairs", rows, manifest)) == code


def test_a_folder_of_an_earlier_format_opens(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pairs")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["format"], manifest["files"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert code_of(folder) == ""


def test_other_columns_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pairs")
    table = pa.table({"id": ["1"], "text": ["текст"]})
    write_part(folder / "data" / "part-00001.arrow", table)
    assert code_of(folder) == "TLN-DATA-204"


def test_parts_are_joined_in_order(tmp_path: Path) -> None:
    parts = []
    for number, row in enumerate(ROWS):
        parts.append(tmp_path / f"{number}.arrow")
        write_part(parts[-1], pa.Table.from_pylist([row], SCHEMA))
    join_parts(parts * 2, tmp_path / "data")
    files = sorted((tmp_path / "data").iterdir())
    assert [file.name for file in files] == ["part-00000.arrow", "part-00001.arrow"]
    tables = [pa.ipc.open_file(str(file)).read_all() for file in files]
    assert pa.concat_tables(tables).to_pylist() == ROWS * 2


def test_the_probe_needs_as_many_candidates_as_prepare_says() -> None:
    from transliconet.probe.retrieval import RetrievalProbe

    assert RetrievalProbe().candidates.min == MIN_CANDIDATES
