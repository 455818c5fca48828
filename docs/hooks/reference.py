"""mkdocs hook: the configuration reference, made from the files of conf/ whenever the site is
built.

One page a command: the keys of its root file, then every file of the groups that it uses. What a
key means is the comment beside it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

CONF = Path(__file__).parents[2] / "conf"
COMMANDS = ("prepare", "vocab", "train", "export", "probe", "transfer", "report", "compare")
HOMES = ("prepare", "train", "vocab", "probe", "transfer")
"""Where a group is described that several commands use: on the page of the first of these that
does.
"""
COMMENT = re.compile(r"^[\s\]}]*#\s?(.*)")
ALONE = re.compile(r"^\s*#\s?(.*)")
DESCRIBED = re.compile(r"^(\w+)  +(.*(?:\n +.*)*)", re.M)
"""A line of a command's help about a group or a section, and those that continue it."""


@dataclass(frozen=True)
class Option:
    """A key with its default, as the file has it, and what its comment says."""

    key: str
    default: str
    comment: str


@dataclass
class ConfFile:
    """One file of conf/: its opening comment, what it starts from, its keys, and what Hydra builds
    of its sections.
    """

    about: str
    defaults: list[Any]
    header: str = ""
    options: list[Option] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> ConfFile:
    """Parse a file of conf/ with its comments."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    plain = yaml.safe_load(text) or {}
    header = plain.get("hydra", {}).get("help", {}).get("header", "")
    found = ConfFile(_opening(lines), plain.get("defaults", []), header)
    for key, value in _leaves(yaml.compose(text)):
        if key.split(".")[0] in ("defaults", *(["hydra"] if path.parent == CONF else [])):
            # what a command asks of Hydra is the same for all; what a group does is there to be
            # changed
            continue
        if key.endswith("_target_"):
            found.targets[key.removesuffix("_target_").rstrip(".")] = value.value
        elif not key.endswith("_partial_"):
            default = text[value.start_mark.index : value.end_mark.index].strip()
            found.options.append(Option(key, default or "null", _comment(lines, value)))
    return found


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


def groups_of(root: ConfFile) -> dict[str, str]:
    """Group → option that a command takes without being asked."""
    items = (item for item in root.defaults if isinstance(item, dict))
    return {k: str(v) for item in items for k, v in item.items() if "/" not in k}


def home_of(group: str) -> str:
    """The command on whose page a group is described."""
    return next(command for command in HOMES if group in groups_of(read(CONF / f"{command}.yaml")))


def page(command: str) -> str:
    """The Markdown of a command's page."""
    root = read(CONF / f"{command}.yaml")
    usage, what, more = _split(root.header)
    described = {found[1]: " ".join(found[2].split()) for found in DESCRIBED.finditer(more)}
    groups = groups_of(root)
    parts = [
        f"# transliconet {command}",
        f"`{usage}`: {what}",
        escape(DESCRIBED.sub("", more).strip()),
    ]
    rows = [
        _group_row(command, name, groups, described.get(name, ""))
        for name in {**described, **groups}
    ]
    parts.append(_table(("", "default", ""), rows) if rows else "")
    parts.append(f"## Options {{ #options }}\n\n{_section(root, '', 'option-')}")
    for group in groups:
        if home_of(group) == command:
            parts.append(f"## {group}= {{ #{group} }}")
            parts += [_option(group, file) for file in sorted((CONF / group).glob("*.yaml"))]
    return "\n\n".join(filter(None, parts)) + "\n"


def _split(header: str) -> tuple[str, str, str]:
    """A command's help: how it is called, what it does, and the lines after that."""
    first, _, more = header.partition("\n")
    usage, _, what = first.partition(": ")
    return usage, what, more


def _group_row(command: str, name: str, groups: dict[str, str], what: str) -> tuple[str, ...]:
    """A group, or a section of the command's own keys, which has no default to choose."""
    if name not in groups:
        return f"<code>{name}.</code>", "", escape(what)
    home = home_of(name)
    address = f"#{name}" if home == command else f"{home}.html#{name}"
    chosen = "" if groups[name] == "None" else f"<code>{groups[name]}</code>"
    return f'<a href="{address}"><code>{name}=</code></a>', chosen, escape(what)


def _option(group: str, path: Path) -> str:
    conf = read(path)
    everywhere = path.read_text(encoding="utf-8").startswith("# @package _global_")
    parts = [f"### {group}={path.stem} {{ #{group}-{path.stem} }}", escape(conf.about)]
    if started := ", ".join(filter(None, (_start(group, item) for item in conf.defaults))):
        parts.append(f"Starts from {started}.")
    parts.append(_section(conf, "" if everywhere else f"{group}.", f"{group}-{path.stem}-"))
    return "\n\n".join(filter(None, parts))


def _start(group: str, item: Any) -> str:
    if item == "_self_":
        return ""
    if isinstance(item, str):
        return f"`{group}={item}`"
    return ", ".join(f"`{key.split('/')[-1]}={value}`" for key, value in item.items())


def _section(conf: ConfFile, prefix: str, anchor: str) -> str:
    built = [
        f"`{(prefix + name).rstrip('.')}` is built by "
        f'<autoref identifier="{target}" optional><code>{target}</code></autoref>.'
        for name, target in conf.targets.items()
    ]
    rows = [
        (
            f'<code id="{anchor}{o.key}">{escape(prefix + o.key)}</code>',
            "required" if o.default == "???" else f"<code>{escape(o.default)}</code>",
            escape(o.comment),
        )
        for o in conf.options
    ]
    table = _table(("key", "default", ""), rows) if rows else ""
    return "\n\n".join(filter(None, [table, " ".join(built)]))


def _table(heads: tuple[str, ...], rows: Any) -> str:
    head = "".join(f"<th>{h}</th>" for h in heads)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    return f'<div class="conf" markdown="0">{table}</div>'


def overview() -> str:
    """The Markdown of the page before them."""
    about = {command: _split(read(CONF / f"{command}.yaml").header)[1] for command in COMMANDS}
    return OVERVIEW + "".join(
        f"- [transliconet {command}]({command}.md): {what}\n" for command, what in about.items()
    )


OVERVIEW = """# Configuration reference

Made from the files of `conf/` with the site: every key with its default and its comment.

Options are [Hydra](https://hydra.cc)'s: `key=value` on the command line, `group=option` to choose a
file of a group, `key.inner=value` for a key inside another. `transliconet COMMAND --help` prints
the same with the values of your command line; `--cfg job` prints only the values.

"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs with the files of docs/; the reference's pages join them."""
    pages = {"index": overview(), **{command: page(command) for command in COMMANDS}}
    for name, content in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files
