"""Silences messages of libraries about which a user can do nothing."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

WARNINGS = (
    ".*does not have many workers.*",
    ".*Experiment logs directory .* exists and is not empty.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*LeafSpec.*",
)
NO_WIDGETS = "IProgress not found"
"""tqdm's warning in a notebook without ipywidgets: its bars are lines of text there."""
LIGHTNING = "pytorch_lightning.utilities.rank_zero"
"""Name of the logger by which Lightning reports devices and the end of a run."""


def ignore_warnings() -> None:
    """Ignore them from now on, or until the end of a ``warnings.catch_warnings`` block."""
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)


@contextmanager
def no_loading_bars() -> Iterator[None]:
    """Leave out transformers' bars of loading and writing weights within the block; those of
    downloads stay.
    """
    from huggingface_hub.utils import are_progress_bars_disabled, enable_progress_bars
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    downloads_shown = not are_progress_bars_disabled()
    transformers_logging.disable_progress_bar()  # that of downloads, too
    if downloads_shown:
        enable_progress_bars()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Leave out Lightning's notes and some warnings within the block. Other warnings are shown."""
    logger = logging.getLogger(LIGHTNING)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            ignore_warnings()
            yield
    finally:
        logger.setLevel(level)
