"""``transliconet COMMAND --help``: the groups that a command has, and each of its keys with its
value and its comment.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from transliconet.cli.app import HELP_FLAGS
from transliconet.cli.conf_files import CONF, groups_of, options_of, read

WIDTH, COMMENT_COLUMN = 100, 40
"""Columns of a screen, and the one in which comments begin."""


def help_text(command: str, overrides: Sequence[str]) -> str:
    """The help of a command: with ``objective=anchored --help`` it has the keys of that objective.

    Args:
        command: a command's name.
        overrides: its command line, with or without ``--help``.

    Raises:
        HydraException: the command line names no option.
    """
    given = [
        override for override in overrides if override not in (*HELP_FLAGS, "-m", "--multirun")
    ]
    GlobalHydra.instance().clear()
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        cfg = compose(command, overrides=given, return_hydra_config=True)
    hydra = cfg.hydra
    groups = groups_of(read(CONF / f"{command}.yaml"))
    choices = {group: hydra.runtime.choices[group] for group in groups}
    values: dict[str, Any] = OmegaConf.to_container(cfg, resolve=False)  # type: ignore[assignment]
    del values["hydra"]
    comments = key_comments(command, choices)
    parts = [hydra.help.header.rstrip()]
    if choices:
        listed = [f"{group}: {', '.join(options_of(group))}" for group in choices]
        lines = [textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in listed]
        parts.append("\n".join(["== Groups (group=option) ==", *lines]))
    own = {key: value for key, value in values.items() if key not in choices}
    parts.append(_section("Options (key=value)", own, comments))
    for group, option in choices.items():
        if values.get(group):
            parts.append(_section(f"{group}={option}", {group: values[group]}, comments))
    return "\n\n".join(parts)


def key_comments(command: str, choices: Mapping[str, str | None]) -> dict[str, str]:
    """Key → its comment in the file that was chosen, or in one that this starts from.

    Args:
        command: a command's name.
        choices: group → the option that is chosen; None for none.
    """
    comments = {o.key: o.comment for o in read(CONF / f"{command}.yaml").options}
    everywhere: dict[str, str] = {}  # of experiments, which set keys of all sections
    for group, chosen in choices.items():
        for path in _chain(group, chosen):
            conf = read(path)
            known, prefix = comments, f"{group}."
            if conf.sets_all:
                known, prefix = everywhere, ""
            for option in conf.options:
                key = prefix + option.key
                known[key] = known.get(key) or option.comment
    for key, comment in everywhere.items():
        comments[key] = comments.get(key) or comment
    return comments


def _chain(group: str, chosen: str | None) -> Iterator[Path]:
    """The file of an option, then those that it starts from."""
    path = CONF / group / f"{chosen}.yaml"
    if not path.is_file():  # none is chosen, or a plugin has the option
        return
    yield path
    for item in read(path).defaults:
        if isinstance(item, str) and item != "_self_":
            yield from _chain(group, item.partition("@")[0])


def _section(title: str, values: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    lines = [f"== {title} =="]
    for key, value in _flat(values):
        lines += _lines(f"{key}={_written(value)}", comments.get(key, ""))
    return "\n".join(lines)


def _lines(setting: str, comment: str) -> list[str]:
    """A setting with its comment beside it, or below it where the setting is long."""
    wrapped = textwrap.wrap(comment, WIDTH - COMMENT_COLUMN)
    if len(setting) > COMMENT_COLUMN - 2 or not wrapped:
        first = [setting]
    else:
        first = [f"{setting:<{COMMENT_COLUMN}}{wrapped.pop(0)}"]
    return [*first, *(" " * COMMENT_COLUMN + line for line in wrapped)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif key not in ("_target_", "_partial_"):
            yield f"{prefix}{key}", value


def _written(value: Any) -> str:
    """A value as it is written on a command line."""
    if isinstance(value, str):
        return value
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()
