"""Settings that can be shared: without paths of a machine and addresses of a logger."""

import re
from collections.abc import Mapping
from typing import Any

PRIVATE_SECTIONS = ("logger", "hydra", "jobs", "run_dir")
"""Sections of a run's settings that say where it ran, not what it did."""
_OUTSIDE = re.compile(r"(file:/+|/|~|\.\.[/\\]|[A-Za-z]:[/\\]|\\\\)")
"""Beginnings of a path that leads out of the working folder."""


def shareable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without private sections. Paths outside the working folder are reduced to their last
    part.

    >>> shareable({"pairs": "/home/me/pairs", "seed": 0, "logger": {"project": "secret"}})
    {'pairs': 'pairs', 'seed': 0}
    """
    kept = {key: value for key, value in settings.items() if key not in PRIVATE_SECTIONS}
    return {str(key): without_paths(value) for key, value in kept.items()}


def without_paths(value: Any) -> Any:
    """A plain value in which paths outside the working folder are reduced to their last part."""
    if isinstance(value, Mapping):
        return {str(key): without_paths(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(inner) for inner in value]
    if isinstance(value, str):
        return path_name(value)
    return value


def path_name(text: str) -> str:
    """The last part of a path that leads out of the working folder; any other text as it is.

    >>> path_name("/data/models/e5-small"), path_name("intfloat/multilingual-e5-small")
    ('e5-small', 'intfloat/multilingual-e5-small')
    """
    if not _OUTSIDE.match(text) or "\n" in text:
        return text
    return re.split(r"[/\\]", text.rstrip("/\\"))[-1] or text[:1]
