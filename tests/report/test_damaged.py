"""Whatever stands in a results file, a table of metrics or a sample, a report is written or one
error is raised.
"""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transliconet.cli.report import report
from transliconet.errors import DataError
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import FORMAT, read_results_file
from transliconet.probe.sample import SAMPLE_FILE, Sample
from transliconet.report.curves import training_curves

RECORD = RetrievalRecord(
    *("rus_Cyrl", "native→romanized", "rus_Cyrl", "rus_Cyrl", "native", "romanized"),
    layer=2,
    pooling="mean",
    similarity="cosine",
    n=50,
    acc={1: 0.5, 5: 0.6, 10: 0.7},
    mrr=0.6,
    ci95=(0.4, 0.6),
    depth=100,
    metrics={"mexa": 0.4},
)
CONTENT = {
    "format": FORMAT,
    "config": {"probe": {"split": "heldout", "candidates": {"max": 5}}},
    "data": {"rows": 3, "sources": [{"path": "a.txt", "sha256": "0"}]},
    "versions": {"torch": "2"},
    "passed_over": {"too_few": [], "duplicate_ids": {"rus_Cyrl": 1}},
    "records": [{"stage": "probe", **RECORD.as_dict()}],
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
FUZZ = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """The path of every value within a JSON value."""
    found = [path] if path else []
    inner: dict = {}
    if isinstance(value, dict):
        inner = value
    elif isinstance(value, list):
        inner = dict(enumerate(value))
    for key, child in inner.items():
        found += places(child, (*path, key))
    return found


def changed(path: tuple, value: Any) -> dict:
    content = json.loads(json.dumps(CONTENT))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return content


@FUZZ
@given(path=st.sampled_from(places(CONTENT)), value=VALUES)
def test_results_with_any_value_anywhere(tmp_path: Path, path: tuple, value: object) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(changed(path, value)), encoding="utf-8")
    with suppress(DataError):
        report([str(file)], str(tmp_path / "out"), "title", force=True)
    with suppress(DataError):
        report([str(file), str(file)], str(tmp_path / "out"), "title")


def damage(content: bytes, seed: int) -> bytes:
    """Some bytes flipped, or the end cut off."""
    rng, raw = random.Random(seed), bytearray(content)
    if seed % 3 == 0:
        return bytes(raw[: rng.randrange(len(raw))])
    for _ in range(rng.randint(1, 5)):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)


def make_sample(folder: Path) -> bytes:
    vectors = {"before": np.random.default_rng(0).normal(size=(2, 4, 8))}
    Sample(["rus_Cyrl"] * 4, ["да"] * 4, ["da"] * 4, vectors).save(folder)
    return (folder / SAMPLE_FILE).read_bytes()


READERS: dict[str, tuple[Callable[[Path], bytes], Callable[[Path], object]]] = {
    "results.json": (
        lambda folder: json.dumps(CONTENT, ensure_ascii=False).encode(),
        lambda folder: read_results_file(folder / "results.json"),
    ),
    SAMPLE_FILE: (make_sample, Sample.load),
    "metrics.csv": (
        lambda folder: b"step,loss,probe/a@1,probe/a@2\n0,2.0,0.1,0.2\n5,1.5,,\n9,1,.3,.4\n",
        training_curves,
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_damaged_bytes(name: str, tmp_path: Path) -> None:
    make, read = READERS[name]
    intact = make(tmp_path)
    (tmp_path / name).write_bytes(intact)
    assert read(tmp_path) is not None
    refused = 0
    for seed in range(300):
        (tmp_path / name).write_bytes(damage(intact, seed))
        try:
            read(tmp_path)
        except DataError:
            refused += 1
    assert refused > 30  # the damage is felt


def test_a_sample_that_unpacks_to_more_than_memory_is_refused(tmp_path: Path) -> None:
    with (tmp_path / SAMPLE_FILE).open("wb") as file:
        np.savez_compressed(file, vectors_before=np.zeros((1, 300_000_000), np.uint8))
    with pytest.raises(DataError) as raised:
        Sample.load(tmp_path)
    assert raised.value.code == "TLN-DATA-609"
