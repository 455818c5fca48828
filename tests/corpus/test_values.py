"""Any JSON value in any field and any Arrow type in any column gives a line, a counted skip, or an
error that names the column and its type.
"""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.settings import raises
from transliconet.corpus.sources.base import Line, Skip, field_of, id_text
from transliconet.corpus.sources.hub import HubDataset
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.errors import DataError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {}, optional={"text": JSON_VALUES, "lang": JSON_VALUES, "id": JSON_VALUES}
    )
    | JSON_VALUES
)
def test_any_json_value_in_any_field_is_a_line_or_a_skip(row: object) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        path.write_text(json.dumps(row) + "\n", encoding="utf-8")
        if isinstance(row, list) and row and isinstance(row[0], dict):
            with raises("TLN-DATA-140"):  # the whole file is an array
                JsonLines(str(path), lang_field="lang", id_field="id")
            return
        (found,) = JsonLines(str(path), lang_field="lang", id_field="id")
    assert found.number == 1
    if isinstance(found, Line):
        assert isinstance(row, Mapping)
        assert found.text == row["text"]
        assert found.id == id_text(row["id"])
    else:
        assert found.reason in ("missing_field", "wrong_type", "wrong_language_tag", "empty")


def test_json_values_of_a_wrong_type_are_named(tmp_path: Path) -> None:
    rows: list[object] = [
        {"text": ["да"], "lang": "rus_Cyrl"},
        {"text": "да", "lang": ["rus_Cyrl"]},
        {"text": {"ru": "да"}, "lang": "rus_Cyrl"},
        {"lang": "rus_Cyrl"},
        ["да"],
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    skips = [x for x in JsonLines(str(tmp_path), lang_field="lang") if isinstance(x, Skip)]
    assert [(skip.reason, skip.detail) for skip in skips] == [
        ("wrong_type", "'text' is a list"),
        ("wrong_language_tag", "the language is a list"),
        ("wrong_type", "'text' is a dict"),
        ("missing_field", "no field 'text'"),
        ("missing_field", "the line is a list, not an object"),
    ]


def test_dotted_fields_of_a_row() -> None:
    row = {"translation": {"hi": "नमस्ते"}, "a.b": 1}
    assert field_of(row, "translation.hi") == "नमस्ते"
    assert field_of(row, "a.b") == 1
    assert not isinstance(field_of(row, "translation.ka"), str)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, "1"), (1.0, "1"), ("1", "1"), (0.5, "0.5"), (True, None), (math.nan, None), ([1], None)],
)
def test_ids(value: object, expected: str | None) -> None:
    assert id_text(value) == expected


COLUMNS = {
    "string": pa.array(["rus_Cyrl", None]),
    "large_string": pa.array(["rus_Cyrl", None], pa.large_string()),
    "dictionary": pa.array(["rus_Cyrl", None]).dictionary_encode(),
    "null": pa.nulls(2),
    "binary": pa.array([b"rus_Cyrl", b"\xff"]),
    "not_utf8": pa.array([b"rus_Cyrl", b"\xff"]).view(pa.string()),
    "bool": pa.array([True, None]),
    "int64": pa.array([1, None]),
    "uint8": pa.array([1, None], pa.uint8()),
    "float64": pa.array([1.0, math.nan]),
    "half": pa.array([1.0, None], pa.float32()),
    "decimal": pa.array([Decimal("1.0"), None]),
    "date": pa.array([1, None], pa.date32()),
    "timestamp": pa.array([1, None], pa.timestamp("ns")),
    "duration": pa.array([1, None], pa.duration("s")),
    "list": pa.array([["rus_Cyrl"], None]),
    "struct": pa.array([{"a": "rus_Cyrl"}, None]),
    "map": pa.array([[("a", "rus_Cyrl")], None], pa.map_(pa.string(), pa.string())),
}


STRINGS = ("string", "large_string", "dictionary", "null", "not_utf8")
NUMBERS = ("int64", "uint8", "float64", "half")


@pytest.mark.parametrize("column", ["id", "lang", "text"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_any_arrow_type_in_any_column(column: str, kind: str, tmp_path: Path) -> None:
    usual = {"id": ["a", "b"], "lang": ["rus_Cyrl"] * 2, "text": ["да", "нет"]}
    table = pa.table({**usual, column: COLUMNS[kind]})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    if kind not in STRINGS and not (column == "id" and kind in NUMBERS):
        with pytest.raises(DataError) as error:
            ParquetFiles(str(path))
        assert error.value.code == "TLN-DATA-118"
        type_ = pq.read_schema(path).field(column).type
        assert f"the column {column!r} is of type {type_}" in error.value.problem
        return
    found = list(ParquetFiles(str(path)))
    assert [x.number for x in found] == [1, 2]
    for line in found:
        assert not isinstance(line, Line) or line.text in ("да", "нет", "rus_Cyrl")


SAVED_COLUMNS = {kind: COLUMNS[kind] for kind in COLUMNS if kind not in ("map", "not_utf8")}
SAVED_COLUMNS |= {
    "time": pa.array([1, None], pa.time32("s")),
    "fixed_binary": pa.array([b"ab", None], pa.binary(2)),
    "fixed_list": pa.array([[1, 2], None], pa.list_(pa.int32(), 2)),
    "float16": pa.array([1.0, None], pa.float16()),
}
"""Types that the package datasets can hold."""
REASONS = ("missing_field", "wrong_type", "wrong_language_tag")


@pytest.mark.parametrize("column", ["id", "lang", "text"])
def test_any_arrow_type_in_any_column_of_a_hub_dataset(column: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    usual = {"id": ["a", "b"], "lang": ["rus_Cyrl"] * 2, "text": ["да", "нет"]}
    for kind, values in SAVED_COLUMNS.items():
        table = pa.table({**usual, column: values})
        datasets.Dataset(table).save_to_disk(str(tmp_path / kind))
    found = list(HubDataset(str(tmp_path), id_column="id", lang_column="lang"))
    assert len(found) == 2 * len(SAVED_COLUMNS)
    for line in found:
        kind = Path(line.source).name
        if isinstance(line, Line):
            assert kind in STRINGS or (column == "id" and kind in (*NUMBERS, "float16"))
            assert line.text in ("да", "нет", "rus_Cyrl")
        else:
            assert line.reason in REASONS
            named = "language" if column == "lang" else repr(column)
            assert named in line.detail


@pytest.mark.parametrize("column", ["id", "lang", "text"])
def test_a_hub_dataset_whose_strings_are_not_utf8(column: str, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    usual = {"id": ["a", "b"], "lang": ["rus_Cyrl"] * 2, "text": ["да", "нет"]}
    table = pa.table({**usual, column: COLUMNS["not_utf8"], "unread": COLUMNS["not_utf8"]})
    pq.write_table(table, tmp_path / "train.parquet")
    options = {"id": {"id_column": "id", "lang": "rus_Cyrl"}, "lang": {"lang_column": "lang"}}
    reader = HubDataset(str(tmp_path), **options.get(column, {"lang": "rus_Cyrl"}))
    with pytest.raises(DataError) as error:
        list(reader)
    assert error.value.code == "TLN-DATA-137"
    assert repr(column) in error.value.problem


def test_columns_of_a_hub_dataset_that_are_not_read_may_hold_anything(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    table = pa.table({"text": ["да", "нет"], "unread": COLUMNS["not_utf8"]})
    pq.write_table(table, tmp_path / "train.parquet")
    assert [x.text for x in HubDataset(str(tmp_path), lang="rus_Cyrl")] == ["да", "нет"]


def test_whole_numbers_are_one_id_however_they_are_stored(tmp_path: Path) -> None:
    for name, ids in (("a", pa.array([1, 2])), ("b", pa.array([1.0, 2.0]))):
        table = pa.table({"id": ids, "lang": ["rus_Cyrl"] * 2, "text": ["да", "нет"]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert [x.id for x in ParquetFiles(str(tmp_path)) if isinstance(x, Line)] == [*"1212"]
