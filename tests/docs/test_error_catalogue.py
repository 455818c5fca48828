"""Every error has a code of its own, in its package's range, and stands in the catalogue."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
RANGES = {
    "errors": (1, 9),
    "batch": (10, 19),
    "corpus": (100, 199),
    "pairs": (200, 219),
    "storage": (220, 229),
    "outputs": (220, 229),
    "output_file": (220, 229),
    "language_tag": (230, 239),
    "romanizers": (240, 259),
    "tokens": (300, 319),
    "data": (320, 349),
    "model": (400, 449),
    "objectives": (500, 549),
    "probe": (600, 639),
    "documents": (640, 649),
    "downstream": (650, 679),
    "benchmark": (680, 699),
    "vocab": (700, 749),
    "train": (800, 849),
    "runs": (850, 879),
    "sweep": (880, 899),
    "report": (900, 929),
    "api": (930, 949),
    "cli": (950, 999),
}
KINDS = {
    "ConfigError": "CONFIG",
    "DataError": "DATA",
    "CheckpointError": "CKPT",
    "TrainingError": "TRAIN",
    "StorageError": "STORAGE",
    "Interrupted": "STOP",
}


@pytest.fixture(scope="module")
def catalogue() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "error_catalogue", ROOT / "docs" / "hooks" / "error_catalogue.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_every_error_has_a_code_of_its_kind_in_its_packages_range(catalogue: ModuleType) -> None:
    sites = list(catalogue.error_sites())
    assert len(sites) > 100
    for site in sites:
        place = f"{site.module}:{site.line}"
        match = re.fullmatch(r"TLN-([A-Z]+)-(\d{3})", site.code or "")
        assert match, f"{place}: {site.code} is not a code"
        assert match[1] == KINDS.get(site.kind, match[1]), f"{place}: {site.code} for a {site.kind}"
        first, last = RANGES[site.package]
        assert first <= int(match[2]) <= last, f"{place}: {site.code} is not in {first}-{last}"


def test_no_code_is_used_twice(catalogue: ModuleType) -> None:
    codes = Counter(site.code for site in catalogue.error_sites())
    assert [code for code, count in codes.items() if count > 1] == []


def test_the_page_is_up_to_date(catalogue: ModuleType) -> None:
    there = catalogue.PAGE.read_text(encoding="utf-8")
    assert there == catalogue.catalogue(), "run python docs/hooks/error_catalogue.py"
