"""Overrides on a command line: values that Hydra reads as they were meant."""

import re
from collections.abc import Sequence


def quoted(value: str) -> str:
    r"""A text as the value of an override, whatever characters it holds.

    >>> quoted("My Drive (1), a=b")
    "'My Drive (1), a=b'"
    """
    text = without_interpolation(value)
    # backslashes count only before a quote, where each stands for half a backslash
    text = re.sub(r"(\\*)'", lambda match: match[1] * 2 + r"\'", text)
    text = re.sub(r"(\\+)$", lambda match: match[1] * 2, text)
    return f"'{text}'"


def without_interpolation(value: str) -> str:
    r"""A text whose ``${`` is not the beginning of an interpolation for OmegaConf.

    >>> without_interpolation("a${b}")
    'a\\${b}'
    """
    if "${" not in value:
        return value
    return re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + r"\${", value)


def settings_of(overrides: Sequence[str]) -> dict[str, str]:
    """Key → value of overrides."""
    split = [override.partition("=") for override in overrides]
    return {key: value for key, _, value in split}
