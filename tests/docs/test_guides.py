"""The guides can be followed to the end: their commands and their Python are run in order, on small
encoders.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.settings import SMALL_BATCHES, SMALL_ENCODER, CliHere
from transliconet.pairs import PairsFolder
from transliconet.probe.results import read_results
from transliconet.romanizers.registry import ROMANIZERS
from transliconet.romanizers.uroman import Uroman

DOCS = Path(__file__).parents[2] / "docs"
FEW_STEPS = [
    *SMALL_BATCHES,
    "trainer=cpu",
    "trainer.max_steps=2",
    "trainer.max_epochs=null",
    "logger=none",
]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.S)


def follow(
    guide: str, cli: CliHere, changed: Mapping[str, Sequence[str]], left_out: Sequence[str] = ()
) -> dict[str, Any]:
    """Do what a page says, in the working folder.

    Args:
        guide: the page.
        cli: runs a command.
        changed: command → overrides that make it quick, put behind those of the page.
        left_out: commands with one of these words are not run.

    Returns:
        The names that the page's Python defines; under ``commands`` what was run, in order.
    """
    names: dict[str, Any] = {"commands": []}
    page = (DOCS / guide).read_text(encoding="utf-8")
    for language, block in BLOCK.findall(page):
        if language == "py":
            exec(block, names)
            continue
        for line in block.replace("\\\n", " ").splitlines():
            _, command, *overrides = shlex.split(line, comments=True)
            if any(word in line for word in left_out):
                continue
            done = cli(command, *overrides, *changed.get(command, ()))
            assert done.status == 0, f"{line}\n{done.err}"
            names["commands"].append(command)
    return names


@pytest.fixture(autouse=True)
def uroman_is_loaded(uroman: Uroman, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take the romanizer that is there: loading its tables takes seconds."""
    monkeypatch.setitem(ROMANIZERS, "uroman", lambda: uroman)


def test_use_it_and_a_language_that_the_tokenizer_lacks(cli_here: CliHere) -> None:
    """Both pages begin with the same encoder."""
    pytest.importorskip("sentence_transformers")
    few_names = ["corpus.kinds=[territories]"]
    steps = [*SMALL_BATCHES, "trainer.max_steps=8", "logger=none"]
    quick = {"prepare": few_names, "train": [*SMALL_ENCODER, *steps]}
    names = follow("use.md", cli_here, quick, ["transliconet mteb"])  # tests/benchmark runs it
    assert names["commands"] == ["prepare", "train"]
    assert names["vectors"].shape == (6, 32)
    assert all(len(set(row)) == 2 for row in names["found"])

    names = follow("new_language.md", cli_here, quick, ["out=names", "out=runs/names"])
    assert names["commands"] == ["prepare", "probe", "vocab", "probe", "vocab"]
    by_script = {stats.script: stats for stats in names["georgian_stats"]}
    assert by_script["Geor"].native.unknown > 0.4
    assert by_script["Geor"].romanized.unknown == 0
    assert names["found"].positions.shape == (2, 2)


def test_queries_in_any_script(cli_here: CliHere, encoder_folder: Path) -> None:
    small = f"encoder.path={encoder_folder}"
    quick = {"probe": [small], "train": [*FEW_STEPS, small]}
    names = follow("queries.md", cli_here, quick)
    assert names["commands"] == ["probe", "prepare", "train", "compare"]
    views = {record.source_view: record.n for record in read_results("before.json")["probe"]}
    assert views == {"native": 2, "romanized": 2, "noisy": 2, "half": 2, "human": 1}
    for ids in names["found"].values():
        assert set(ids) < set(names["documents"])


def test_what_people_type(cli_here: CliHere, encoder_folder: Path) -> None:
    small = f"encoder.path={encoder_folder}"
    quick = {"probe": [small], "train": [*FEW_STEPS, small]}
    names = follow("typed.md", cli_here, quick)
    assert names["commands"] == ["probe", "prepare", "train", "compare"]
    tasks = {record.task for record in read_results("before.json")["probe"]}
    assert {"human→native", "noisy→native", "human→eng_Latn"} <= tasks
    assert PairsFolder.open("pairs").split("all").num_rows == 3  # the train is measured with
