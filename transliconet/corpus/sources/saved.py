"""Folders that ``save_to_disk`` of the ``datasets`` package has written."""

from pathlib import Path
from typing import Any

from transliconet.errors import DataError, Option

SPLITS_FILE, STATE_FILE = "dataset_dict.json", "state.json"
"""Files that mark a saved dataset: one with splits, and one split alone."""


def is_saved(folder: Path) -> bool:
    """Whether ``save_to_disk`` has written ``folder``."""
    return any((folder / name).is_file() for name in (SPLITS_FILE, STATE_FILE))


def saved_configurations(name: str) -> dict[str, Path]:
    """Find datasets that ``save_to_disk`` wrote.

    Args:
        name: a local folder, or the name of a dataset on the hub.

    Returns:
        Name → path of the folder itself, or of its subfolders. Empty where none was saved.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return {}
    folder = folder.absolute()
    if is_saved(folder):
        return {folder.name: folder}
    return {path.name: path for path in sorted(folder.iterdir()) if is_saved(path)}


def load_saved(datasets: Any, folder: Path, split: str) -> Any:
    """Open a saved dataset.

    Args:
        datasets: the package.
        folder: of one dataset.
        split: taken from a dataset with splits; one that was saved without any is read whole.

    Returns:
        Its rows, memory-mapped.

    Raises:
        DataError: there is no such split.
    """
    dataset = datasets.load_from_disk(str(folder))
    if not isinstance(dataset, datasets.DatasetDict):
        return dataset
    if split not in dataset:
        raise DataError(
            Option("split", split),
            f"{folder} has {', '.join(dataset)}",
            "Choose one of these",
            code="TLN-DATA-136",
        )
    return dataset[split]
