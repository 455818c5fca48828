"""Every command of the README names options that exist; its Python runs on an export."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from transliconet.cli.app import COMMANDS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```bash\n(.*?)```", README, re.S)).replace("\\\n", " ")
LINES = [line for line in SHELL.splitlines() if line.startswith("transliconet ")]


@pytest.mark.parametrize("line", LINES)
def test_commands(line: str) -> None:
    _, command, *overrides = shlex.split(line, comments=True)
    assert command in COMMANDS
    if "-m" in overrides:
        overrides = [o if "[" in o else o.split(",")[0] for o in overrides if o != "-m"]
    if "--help" in overrides:
        return
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        compose(command, overrides=overrides)


def test_there_are_commands_and_no_placeholder() -> None:
    assert len(LINES) >= 7
    assert not re.search(r"\b[A-Z]{3,}_[A-Z]{3,}\b", README)


def test_the_python_examples_run_on_an_export(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, notebook = re.findall(r"```python\n(.*?)```", README, re.S)
    (tmp_path / "exported").symlink_to(encoder_folder)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(first, names)
    assert len(names["tokenizer"]) <= names["model"].config.vocab_size
    exec(notebook, names)
    assert names["found"].positions.shape == (3, 2)
    assert (tmp_path / "map.png").is_file()
