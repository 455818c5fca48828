"""Reads the files of conf/ with their comments, which say what each key means. ``--help`` and the
configuration reference of the documentation show them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from transliconet import conf

CONF = Path(conf.__file__).parent
COMMENT = re.compile(r"^[\s\]}]*#\s?(.*)")
"""What follows a value that has a comment."""
ALONE = re.compile(r"^\s*#\s?(.*)")
"""A line that is a comment."""


@dataclass(frozen=True)
class Key:
    """A key with its default, as the file has it, and what its comment says."""

    key: str
    default: str
    comment: str


@dataclass
class ConfFile:
    """One file of conf/.

    Args:
        about: its opening comment.
        defaults: what it starts from.
        header: of a command's file, the beginning of its help.
        sets_all: it sets keys of all sections, in place of those of its group.
        options: its keys.
        targets: section → what Hydra builds of it.
    """

    about: str
    defaults: list[Any]
    header: str = ""
    sets_all: bool = False
    options: list[Key] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> ConfFile:
    """Parse a file of conf/ with its comments."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    plain = yaml.load(text, yaml.CSafeLoader) or {}
    header = plain.get("hydra", {}).get("help", {}).get("header", "")
    sets_all = text.startswith("# @package _global_")
    found = ConfFile(_opening(lines), plain.get("defaults", []), header, sets_all)
    for key, value in _leaves(yaml.compose(text, yaml.CSafeLoader)):
        if key.split(".")[0] in ("defaults", *(["hydra"] if path.parent == CONF else [])):
            # what a command asks of Hydra is the same for all; what a group does is there to be
            # changed
            continue
        if key.endswith("_target_"):
            found.targets[key.removesuffix("_target_").rstrip(".")] = value.value
        elif not key.endswith("_partial_"):
            default = text[value.start_mark.index : value.end_mark.index].strip()
            found.options.append(Key(key, default or "null", _comment(lines, value)))
    return found


def groups_of(root: ConfFile) -> dict[str, str]:
    """Group → option that a command takes without being asked."""
    groups = {}
    for item in root.defaults:
        if isinstance(item, dict):
            for group, chosen in item.items():
                if "/" not in group:
                    groups[group] = str(chosen)
    return groups


def options_of(group: str) -> list[str]:
    """The options of a group that this package has."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def _opening(lines: list[str]) -> str:
    """The comment that a file opens with, without Hydra's ``@package``."""
    comment = []
    for line in lines:
        if not (words := ALONE.match(line)):
            break
        if not words[1].startswith("@package"):
            comment.append(words[1].strip())
    return " ".join(comment)


def _leaves(node: yaml.Node | None, prefix: str = "") -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, value in node.value:
            yield from _leaves(value, f"{prefix}.{key.value}" if prefix else key.value)
    elif node is not None and prefix:
        yield prefix, node


def _comment(lines: list[str], value: yaml.Node) -> str:
    """The comment behind a value and the lines that continue it."""
    line, column = value.end_mark.line, value.end_mark.column
    first = COMMENT.match(lines[line][column:]) if line < len(lines) else None
    if first is None:
        return ""
    words, place = [first[1].strip()], lines[line].index("#", column)
    for further in lines[line + 1 :]:
        if not (more := ALONE.match(further)) or further.index("#") != place:
            break
        words.append(more[1].strip())
    return " ".join(words)
