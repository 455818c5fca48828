"""Overrides on a command line, quoted so that Hydra reads the values literally."""

import re
from collections.abc import Sequence


def quoted(value: str) -> str:
    r"""Quote a text as the value of an override, whatever characters it holds.

    >>> quoted("My Drive (1), a=b")
    "'My Drive (1), a=b'"
    """
    text = without_interpolation(value)
    # before a quote, Hydra reads two backslashes as one; elsewhere it leaves them alone
    text = re.sub(r"(\\*)'", lambda match: match[1] * 2 + r"\'", text)
    text = re.sub(r"(\\+)$", lambda match: match[1] * 2, text)
    return f"'{text}'"


def without_interpolation(value: str) -> str:
    r"""Escape ``${``, so that OmegaConf does not take it for an interpolation.

    >>> without_interpolation("a${b}")
    'a\\${b}'
    """
    if "${" not in value:
        return value
    return re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + r"\${", value)


def settings_of(overrides: Sequence[str]) -> dict[str, str]:
    """The keys of overrides and their values."""
    split = [override.partition("=") for override in overrides]
    return {key: value for key, _, value in split}
