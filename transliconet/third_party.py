"""Third-party chatter that a user can do nothing about, kept out of the way of our own lines."""

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
"""The logger that Lightning tells of devices and of the end of a run with."""


def ignore_warnings() -> None:
    """From now on, or to the end of a ``warnings.catch_warnings`` block."""
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Lightning's notes and these warnings are left out; warnings of any other kind are not."""
    logger = logging.getLogger(LIGHTNING)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            ignore_warnings()
            yield
    finally:
        logger.setLevel(level)
