"""Words of a command line that are no ``key=value``, and folders in the place of an option."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from transliconet.sweep.overrides import quoted


def named_results(arguments: Sequence[str]) -> list[str]:
    """A command line whose words without ``=`` are results; commas join the runs of a side.

    >>> named_results(["runs/a", "b0,b1", "metric=mrr"])
    ["results=[['runs/a'],['b0','b1']]", 'metric=mrr']
    """
    words, others = _split(arguments)
    if not words:
        return list(arguments)
    sides = []
    for word in words:
        paths = [quoted(path) for path in word.split(",") if path]
        sides.append(f"[{','.join(paths)}]")
    return [f"results=[{','.join(sides)}]", *others]


def named_files(arguments: Sequence[str]) -> list[str]:
    """A command line whose words without ``=`` are files.

    >>> named_files(["a/hin_Deva.txt", "eng_Latn.txt", "out=first"])
    ["files=['a/hin_Deva.txt','eng_Latn.txt']", 'out=first']
    """
    words, others = _split(arguments)
    if not words:
        return list(arguments)
    return [f"files=[{','.join(map(quoted, words))}]", *others]


def named_query(arguments: Sequence[str]) -> list[str]:
    """A command line whose words without ``=`` are a sentence.

    >>> named_query(["Where is it?", "k=3"])
    ["query='Where is it?'", 'k=3']
    """
    words, others = _split(arguments)
    return [f"query={quoted(' '.join(words))}", *others] if words else list(arguments)


WORDS: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "compare": named_results,
    "run": named_files,
    "search": named_query,
}
"""Command → what names its words."""


def with_named_words(command: str, arguments: Sequence[str]) -> list[str]:
    """A command line for Hydra: words have a key, and ``encoder=FOLDER`` is written in full.

    >>> with_named_words("probe", ["encoder=runs/first/export"])
    ['encoder=local', "encoder.path='runs/first/export'"]
    """
    named = WORDS[command](arguments) if command in WORDS else list(arguments)
    overrides = []
    for override in named:
        key, _, value = override.partition("=")
        if key == "encoder" and _is_folder(value):
            overrides += ["encoder=local", f"encoder.path={quoted(value)}"]
        else:
            overrides.append(override)
    return overrides


def _is_folder(value: str) -> bool:
    """Whether the value of ``encoder`` is a folder, rather than an option or a list of options."""
    if not value or value[0] in "'\"[{$" or "," in value:
        return False
    if os.sep in value:
        return True
    from transliconet.cli.conf_files import options_of

    return Path(value).is_dir() and value not in options_of("encoder")


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words without ``=``, and everything else."""
    words: list[str] = []
    others: list[str] = []
    for argument in arguments:
        is_word = "=" not in argument and not argument.startswith(("-", "~"))
        (words if is_word else others).append(argument)
    return words, others
