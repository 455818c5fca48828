"""Words of a command line that are no ``key=value``, and folders in the place of an option."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from transliconet.sweep.overrides import quoted

TASK = re.compile(r"(?<![\w'\"/@.→-])([\w/@.-]+→[\w@.-]+)(?![\w'\"])")
"""A task such as ``native→eng_Latn`` that is not in quotes, which Hydra's grammar asks for."""


def named_results(arguments: Sequence[str]) -> list[str]:
    """A command line whose words without ``=`` are results; commas join the runs of a side.

    >>> named_results(["runs/a", "b0,b1", "metric=mrr"])
    ["results=[['runs/a'],['b0','b1']]", 'metric=mrr']
    """
    words, others = _split(arguments)
    if not words:
        return others
    sides = [_quoted_list(filter(None, word.split(","))) for word in words]
    return [f"results=[{','.join(sides)}]", *others]


def named_files(arguments: Sequence[str]) -> list[str]:
    """A command line whose words without ``=`` are files.

    >>> named_files(["a/hin_Deva.txt", "eng_Latn.txt", "out=first"])
    ["files=['a/hin_Deva.txt','eng_Latn.txt']", 'out=first']
    """
    words, others = _split(arguments)
    return [f"files={_quoted_list(words)}", *others] if words else others


def named_query(arguments: Sequence[str]) -> list[str]:
    """A command line whose words without ``=`` are a sentence.

    >>> named_query(["Where is it?", "k=3"])
    ["query='Where is it?'", 'k=3']
    """
    words, others = _split(arguments)
    if not words:
        return others
    return [f"query={quoted(' '.join(words))}", *others]


def named_sweep(arguments: Sequence[str]) -> list[str]:
    """A command line whose words without ``=`` are what to do, and the folder of a sweep.

    >>> named_sweep(["status", "runs/sweep"])
    ["action='status'", "folder='runs/sweep'"]
    """
    words, others = _split(arguments)
    named = []
    for key, word in zip(("action", "folder"), words, strict=False):
        named.append(f"{key}={quoted(word)}")
    return [*named, *others]


WORDS: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "compare": named_results,
    "run": named_files,
    "search": named_query,
    "sweep": named_sweep,
}
"""Command → what names its words."""


def with_named_words(command: str, arguments: Sequence[str]) -> list[str]:
    """A command line for Hydra: words have a key, ``encoder=FOLDER`` is written in full, and tasks
    are in quotes.

    >>> with_named_words("probe", ["encoder=runs/first/export"])
    ['encoder=local', "encoder.path='runs/first/export'"]
    >>> with_named_words("report", ["by=native→eng_Latn", "title='a→b'"])
    ["by='native→eng_Latn'", "title='a→b'"]
    """
    named = list(arguments)
    if command in WORDS:
        named = WORDS[command](arguments)
    overrides = []
    for override in named:
        key, _, value = override.partition("=")
        if key == "encoder" and _is_folder(value):
            overrides += ["encoder=local", f"encoder.path={quoted(value)}"]
        else:
            overrides.append(TASK.sub(r"'\1'", override))
    return overrides


def _is_folder(value: str) -> bool:
    """Whether the value of ``encoder`` is a folder, rather than an option or a list of options."""
    if not value or value[0] in "'\"[{$" or "," in value:
        return False
    if os.sep in value:
        return True
    from transliconet.cli.conf_files import options_of

    return Path(value).is_dir() and value not in options_of("encoder")


def _quoted_list(paths: Iterable[str]) -> str:
    """Paths as Hydra's grammar writes a list."""
    return f"[{','.join(map(quoted, paths))}]"


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words without ``=``, and everything else."""
    words: list[str] = []
    others: list[str] = []
    for argument in arguments:
        is_word = "=" not in argument and not argument.startswith(("-", "~"))
        (words if is_word else others).append(argument)
    return words, others
