"""mkdocs hook: the configuration reference, made from the files of conf/ whenever the site is
built.

One page a command: the keys of its root file, then every file of the groups that it uses. What a
key means is the comment beside it.
"""

import re
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from transliconet.cli.app import COMMANDS
from transliconet.cli.conf_files import CONF, ConfFile, groups_of, read

HOMES = ("prepare", "train", "vocab", "probe", "transfer")
"""Where a group is described that several commands use: on the page of the first of these that
does.
"""
DESCRIBED = re.compile(r"^(\w+)  +(.*(?:\n +.*)*)", re.M)
"""A line of a command's help about a group or a section, and those that continue it."""


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
    parts = [f"### {group}={path.stem} {{ #{group}-{path.stem} }}", escape(conf.about)]
    if started := ", ".join(filter(None, (_start(group, item) for item in conf.defaults))):
        parts.append(f"Starts from {started}.")
    parts.append(_section(conf, "" if conf.sets_all else f"{group}.", f"{group}-{path.stem}-"))
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
