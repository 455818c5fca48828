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
LIGHTNING = "pytorch_lightning.utilities.rank_zero"
"""Name of the logger by which Lightning reports devices and the end of a run."""


def ignore_warnings() -> None:
    """Ignore them from now on, or until the end of a ``warnings.catch_warnings`` block."""
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)


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
