"""What can be told before torch is imported, which takes seconds: values that are missing, a pairs
folder that is not there, and what is being loaded.
"""

import os
import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from transliconet.cli.problems import Problems
from transliconet.errors import ConfigError, Option
from transliconet.progress import RANK

HEAVY = ("train", "vocab", "export", "probe", "transfer", "mteb", "search")
"""Commands that import torch."""
OPTIONAL = {"export": ("out",), "prepare": ("out",), "probe": ("pairs",)}
"""Command → keys that only some of its uses need."""
SEVERAL_FOLDERS = ("vocab",)
"""Commands that read several pairs folders."""


def check_before_loading(command: str, cfg: DictConfig) -> None:
    """Check what takes no torch, and say on stderr what is loaded next.

    Args:
        command: a command's name.
        cfg: its composed configuration.

    Raises:
        MissingMandatoryValue: a key has no value.
        ConfigError, DataError, SeveralErrors: of what is wrong.
    """
    problems = Problems()
    optional = set(OPTIONAL.get(command, ()))
    if command == "probe" and cfg.probe.get("_target_", "").endswith(".RetrievalProbe"):
        optional.remove("pairs")
    for key in sorted(OmegaConf.missing_keys(cfg) - optional):
        OmegaConf.select(cfg, key, throw_on_missing=True)
    if command == "train":
        problems.attempt(_refuse_what_cannot_run, cfg)
    what = problems.attempt(_pairs, command, cfg)
    problems.raise_found()
    first = int(os.environ.get(RANK, "0")) == 0
    if command in HEAVY and first and "torch" not in sys.modules:
        print(f"{what}loading PyTorch …", file=sys.stderr, flush=True)


def shows_progress(cfg: DictConfig) -> bool:
    """Whether a command shows how far it is."""
    others = cfg.get("progress", True)
    return bool(OmegaConf.select(cfg, "trainer.enable_progress_bar", default=others))


def pairs_paths(value: Any) -> list[str]:
    """The folders of ``pairs=``: one, several, or none."""
    if value is None:
        return []
    return [str(path) for path in value] if OmegaConf.is_list(value) else [str(value)]


def is_sharded(cfg: DictConfig) -> bool:
    """Whether the strategy is FSDP, which is an object, rather than a name of Lightning's."""
    return not isinstance(cfg.trainer.strategy, str)


def _pairs(command: str, cfg: DictConfig) -> str:
    """What the pairs folders hold, in a few words, with a semicolon; nothing if there is none."""
    if "pairs" not in cfg or OmegaConf.is_missing(cfg, "pairs") or cfg.pairs is None:
        return ""
    from transliconet.pairs import PairsFolder, read_manifest

    paths = pairs_paths(cfg.pairs)
    if len(paths) != 1 and command not in SEVERAL_FOLDERS:
        raise ConfigError(
            Option("pairs", paths),
            "not one folder",
            "Give one; train reads others by data.also=[FOLDER]",
            code="TLN-CONFIG-970",
        )
    rows = 0
    languages: set[str] = set()
    for path in paths:
        folder = Path(path).expanduser()
        if not folder.is_dir():
            PairsFolder.open(path)  # which says so
        manifest = read_manifest(folder)  # its files are checked when they are read
        rows += manifest["rows"]
        languages.update(manifest["languages"])
    return f"{rows} pairs in {len(languages)} languages; "


def _refuse_what_cannot_run(cfg: DictConfig) -> None:
    trainer = cfg.trainer
    if trainer.max_steps == -1 and trainer.max_epochs in (None, -1) and trainer.max_time is None:
        raise ConfigError(
            "trainer.max_epochs",
            "the run has no end",
            "Set trainer.max_epochs or trainer.max_steps",
            code="TLN-CONFIG-959",
        )
    if is_sharded(cfg) and ("new_rows" in cfg.trainable or "lora" in cfg.trainable):
        raise ConfigError(
            Option("trainable", cfg.trainable),
            "not with FSDP",
            "Use trainer=ddp, or trainable=all",
            code="TLN-CONFIG-960",
        )
    if is_sharded(cfg) and cfg.start_share:
        raise ConfigError(
            Option("start_share", cfg.start_share),
            "not with FSDP, whose checkpoints do not hold the starting weights",
            "Use trainer=ddp, or start_share=0",
            code="TLN-CONFIG-972",
        )
