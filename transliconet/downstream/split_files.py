"""Which files hold which split of a task."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transliconet.downstream.labelled import DEV, SPLITS, TEST, TRAIN
from transliconet.errors import ConfigError, Option

SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "dev": DEV,
    "valid": DEV,
    "val": DEV,
    "validation": DEV,
    "test": TEST,
}
"""What data sets call their splits → the names used here."""

SplitPaths = str | Sequence[str] | Mapping[str, str | Sequence[str]]
"""Files, folders or patterns that hold every split; or split → its files."""


def split_of(name: str) -> str:
    """The split that a name means; empty if it means none."""
    return SPLIT_NAMES.get(name.strip().lower(), "")


def split_of_file(path: Path) -> str:
    """The split that a file is named after; empty if there is none.

    >>> split_of_file(Path("UD_Hindi-HDTB/hi_hdtb-ud-test.conllu")), split_of_file(Path("a.txt"))
    ('test', '')
    """
    words = re.split(r"[^a-z]+", path.name.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "")


def paths_by_split(
    paths: SplitPaths, folder: str | Path | None
) -> Iterator[tuple[str | None, list[str]]]:
    """Each split with its files.

    Args:
        paths: as the user gives them.
        folder: where relative ones start; None: the working folder.

    Returns:
        Split and paths; None for files that hold every split.

    Raises:
        ConfigError: ``paths`` names an unknown split.
    """
    if not isinstance(paths, Mapping):
        yield None, _in_folder(paths, folder)
        return
    for name, of_split in paths.items():
        split = split_of(str(name))
        if not split:
            raise ConfigError(
                Option("paths", name),
                "not a split",
                f"Choose from: {', '.join(SPLITS)}",
                code="TLN-CONFIG-650",
            )
        yield split, _in_folder(of_split, folder)


def _in_folder(paths: str | Sequence[str], folder: str | Path | None) -> list[str]:
    several = [paths] if isinstance(paths, str) else list(paths)
    if folder is None:
        return several
    return [str(Path(folder, path)) for path in several]
