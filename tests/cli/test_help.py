"""``--help``: a command's own groups, and a comment for each of its keys."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.settings import CliHere
from transliconet.cli.app import COMMANDS
from transliconet.cli.completion import completion_script
from transliconet.cli.conf_files import CONF, groups_of, options_of, read
from transliconet.cli.help import key_comments

ROOTS = {command: groups_of(read(CONF / f"{command}.yaml")) for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_has_a_comment(command: str) -> None:
    """Also those of options that are not the default."""
    bare = []
    for group in ROOTS[command]:
        if group == "experiment":
            continue
        for option in options_of(group):
            found = key_comments(command, {**ROOTS[command], group: option})
            bare += [key for key, comment in found.items() if not comment]
    bare += [key for key, comment in key_comments(command, {}).items() if not comment]
    assert sorted(set(bare)) == []


def test_help_lists_what_the_command_line_chooses(cli_here: CliHere) -> None:
    done = cli_here("train", "experiment=recommended", "optim.optimizer.lr=3e-4", "--help")
    lines = done.out.splitlines()
    assert done.status == 0
    assert "== objective=anchored ==" in lines
    assert "method: graft, none, shrink, tokenizer, transmi, trim" in lines
    assert next(line for line in lines if line.startswith("optim.optimizer.lr=0.0003 "))
    # the meaning of a key, in place of why an experiment sets it
    assert (
        next(line for line in lines if line.startswith("dropout=0  ")).count("configuration") == 1
    )
    assert not [line for line in lines if line.startswith("corpus")]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("transliconet comp", ["compare"]),
        ("transliconet train objective=anch", ["anchored"]),
        (
            "transliconet train objective=",
            ["anchored", "contrast", "distilled", "lexical", "parts", "ppa", "translico"],
        ),
        ("transliconet train objective.tcm.temp", ["objective.tcm.temperature="]),
        ("transliconet probe --h", ["--help"]),
        ("transliconet report objective", []),
    ],
)
def test_completion(typed: str, completed: list[str]) -> None:
    """Words are broken as bash breaks them."""
    words = re.findall(r"=|[^\s=]+", typed) + ([""] if typed.endswith(" ") else [])
    script = completion_script(list(COMMANDS))
    call = (
        f"{script}\nCOMP_LINE={shlex.quote(typed)} COMP_POINT={len(typed)} "
        f"COMP_CWORD={len(words) - 1} COMP_WORDS=({shlex.join(words)})\n"
        '_transliconet; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", call], capture_output=True, text=True, check=True)
    assert done.stdout.split() == completed


def test_help_of_an_option_that_is_not_there(cli_here: CliHere) -> None:
    done = cli_here("train", "objective=anchord", "--help")
    assert (done.status, done.out) == (1, "")
    assert "'anchored'" in done.error


def test_comments_come_from_what_an_option_starts_from(tmp_path: Path) -> None:
    comments = key_comments("train", {"probe": "sr_b", "trainer": "auto"})
    assert comments["probe.search.depth"].startswith("ranks are exact")
    assert (
        comments["trainer.strategy"]
        == key_comments("train", {"trainer": "cpu"})["trainer.strategy"]
    )
