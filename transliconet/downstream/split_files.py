"""Which files hold which split of a task."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transliconet.corpus.sources.hub_tables import PREFIX, hub_tables
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
"""Files, folders or patterns that hold every split; or split → its files. ``hub:NAME`` is a dataset
of the Hugging Face hub."""


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
    paths: SplitPaths, folder: str | Path | None, tags: Mapping[str, str] | str | None = None
) -> Iterator[tuple[str | None, list[str]]]:
    """Each split with its files.

    Args:
        paths: as the user gives them.
        folder: where relative ones start; None: the working folder.
        tags: which names of a dataset's configurations are languages, see
            :func:`transliconet.corpus.sources.hub_tables.hub_tables`.

    Returns:
        Split and paths; None for files that hold every split.

    Raises:
        ConfigError: ``paths`` names an unknown split, or a dataset of the hub as one split.
        DataError: a dataset of the hub cannot be read.
    """
    if not isinstance(paths, Mapping):
        yield None, _in_folder(paths, folder, tags)
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
        named = [of_split] if isinstance(of_split, str) else of_split
        if any(path.startswith(PREFIX) for path in named):
            raise ConfigError(
                Option(f"paths.{name}", of_split),
                "a dataset of the hub has splits of its own",
                "Give it without a split: paths=hub:NAME",
                code="TLN-CONFIG-657",
            )
        yield split, _in_folder(of_split, folder, tags)


def _in_folder(
    paths: str | Sequence[str],
    folder: str | Path | None,
    tags: Mapping[str, str] | str | None,
) -> list[str]:
    several = [paths] if isinstance(paths, str) else list(paths)
    if folder is None:
        return [hub_tables(path, tags) for path in several]
    return [str(Path(folder, path)) for path in several]
