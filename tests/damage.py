"""Damage of the kinds that disks, copies and people do to files and folders."""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLES = int(os.environ.get("TRANSLICONET_EXAMPLES", "0"))
"""How many cases a test of damage draws; 0: few, as each test has it."""
STRANGE: tuple[Any, ...] = (
    *(None, True, -1, 10**30, 0.5, float("nan"), "", "x", "\ud800", "../../etc", [], [1], {}),
    *({"a": []}, [[[]]], "9" * 5000),
)
"""Values that stand where another type belongs."""


def examples(few: int) -> int:
    """Number of cases to draw: ``few``, or what the environment says."""
    return EXAMPLES or few


def flip(raw: bytes, rng: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(rng.randint(1, 6)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(raw: bytes, rng: random.Random) -> bytes:
    return raw[: rng.randrange(len(raw))] if raw else raw


def noise(raw: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 200))


def empty(raw: bytes, rng: random.Random) -> bytes:
    return b""


def strange_json(raw: bytes, rng: random.Random) -> bytes:
    """One value of another type; bytes that are no JSON are flipped."""
    try:
        content = json.loads(raw)
    except ValueError:
        return flip(raw, rng)
    place = {"root": content}
    here: Any = place
    keys: list[Any] = ["root"]
    while keys:
        key = rng.choice(keys)
        inner = here[key]
        keys = list(inner) if isinstance(inner, dict) else []
        if isinstance(inner, list):
            keys = list(range(len(inner)))
        if not keys or rng.random() < 0.3:
            if rng.random() < 0.3 and isinstance(here, dict):
                del here[key]
            else:
                here[key] = rng.choice(STRANGE)
            break
        here = inner
    return json.dumps(place.get("root")).encode()


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip, truncate, noise, empty)


def damage_file(file: Path, rng: random.Random) -> None:
    """Damage a file in one of many ways; it may be gone, or a folder, afterwards."""
    ways = [*WAYS, strange_json, strange_json] if file.suffix == ".json" else list(WAYS)
    way = rng.randrange(len(ways) + 2)
    if way < len(ways):
        file.write_bytes(ways[way](file.read_bytes(), rng))
        return
    file.unlink()
    if way == len(ways):
        file.mkdir()


def damaged_copy(original: Path, copy: Path, rng: random.Random) -> Path:
    """A copy of a file or folder with one file damaged."""
    if original.is_dir():
        shutil.copytree(original, copy)
        files = sorted(path for path in copy.rglob("*") if path.is_file())
    else:
        shutil.copyfile(original, copy)
        files = [copy]
    damage_file(rng.choice(files), rng)
    return copy
