"""Every command of the README and the site names options that exist; their Python runs on an
export.
"""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from transliconet.cli.app import COMMANDS
from transliconet.cli.run import Workflow
from transliconet.cli.words import with_named_words
from transliconet.pairs import PairsFolder

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


def commands(page: Path) -> list[str]:
    lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    return [
        line.removeprefix("srun ")
        for line in lines
        if line.startswith(("transliconet ", "srun transliconet "))
    ]


LINES = {
    f"{page.relative_to(ROOT)}-{number}": line
    for page in PAGES
    for number, line in enumerate(commands(page))
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_commands(line: str) -> None:
    _, command, *overrides = shlex.split(line, comments=True)
    if command == "--completion":
        return
    assert command in COMMANDS
    if "-m" in overrides:
        overrides = [
            o if "[" in o else o.split(",")[0] for o in overrides if o != "-m" and "(" not in o
        ]
    if "--help" in overrides:
        return
    overrides = with_named_words(command, overrides)
    if command == "run":
        Workflow.from_overrides(overrides).check()
        return
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        compose(command, overrides=overrides)


def test_there_are_commands_and_no_placeholder() -> None:
    assert {shlex.split(line)[1] for line in LINES.values()} == {*COMMANDS, "--completion"}
    assert len(commands(PAGES[0])) >= 5
    assert len(LINES) >= 25
    assert not re.search(r"\b[A-Z]{3,}_[A-Z]{3,}\b", README)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_python_examples_run_on_an_export(
    page: Path,
    encoder_folder: Path,
    cldr_pairs: PairsFolder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "exported").symlink_to(encoder_folder)
    (tmp_path / "pairs").symlink_to(cldr_pairs.path)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks(page, "python"):
        exec(block, names)
    if "model" in names:
        assert len(names["tokenizer"]) <= names["model"].config.vocab_size
    if "found" in names:
        assert names["found"].positions.shape == (3, 2)
        assert (tmp_path / "map.png").is_file()
    if "probe" in names:
        assert 0 <= names["record"].acc[1] <= 1
    if "loss" in names:
        assert names["loss"].item() > 0
    if "score" in names:
        assert names["score"] == 1
    if "Greeklish" in names:
        assert names["Greeklish"]()("Καλά", "ell_Grek") == "kala"
    assert {"model", "found", "probe", "loss", "score", "Greeklish"} & set(names)
