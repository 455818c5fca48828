"""Turns Hydra's errors into one message that names the key and suggests the nearest valid one."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from transliconet.errors import TransliconetError

PLUGINS = {
    "joblib": "sweep",
    "optuna": "sweep",
    "tpe": "sweep",
    "ray": "sweep-ray",
    "submitit_slurm": "sweep-slurm",
}
"""Choice that a plugin of Hydra offers → the extra that installs the plugin."""


def explain(error: BaseException, command: str, overrides: list[str]) -> str:
    """One message for an error in composing a configuration, building objects or running."""
    cause: BaseException | None = error
    while cause is not None:  # instantiate() wraps what a constructor raises
        if isinstance(cause, TransliconetError):
            return cause.with_section()
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    if "override_grammar" in text:
        given = next((override for override in overrides if override in text), "the command line")
        return f"{given}: Hydra cannot read it. Put the value in quotes: 'KEY=\"VALUE\"'"
    if match := re.search(r"Could not override '([^']+)'", text):
        return _unknown_key(match[1], command, overrides)
    if match := re.search(
        r"Could not find '([^']+)/([^'/]+)'\n\nAvailable options in '[^']+':\n((?:\t.*\n?)+)", text
    ):
        group, choice, options = match[1], match[2], match[3].split()
        if choice in PLUGINS:
            remedy = f"pip install -e '.[{PLUGINS[choice]}]' in a checkout"
            return f"{group}={choice}: Hydra's plugin for it is not installed. {remedy}"
        hint = _did_you_mean(choice, options)
        return f"{group}={choice}: not an option. {hint}The options are {', '.join(options)}"
    if match := re.search(r"Missing mandatory value: (\S+)", text):
        return f"{match[1]}: no value given. Add {match[1]}=… to the command"
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _unknown_key(key: str, command: str, overrides: list[str]) -> str:
    valid = _valid_keys(command, overrides)
    return (
        f"{key}: no such key. {_did_you_mean(key, valid)}"
        f"See transliconet {command} --help, or transliconet {command} --cfg job"
    )


def _did_you_mean(given: str, options: list[str]) -> str:
    close = get_close_matches(given, options, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}? " if close else ""


def _valid_keys(command: str, overrides: list[str]) -> list[str]:
    """All keys and groups of the configuration that results from the group choices in
    ``overrides``.
    """
    choices = [o for o in overrides if re.fullmatch(r"[a-z_]+=[A-Za-z0-9_]+", o)]
    GlobalHydra.instance().clear()
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        for attempt in (choices, []):
            try:
                return sorted(set(_flatten(compose(command, overrides=attempt))))
            except (HydraException, OmegaConfBaseException):
                continue
    return []


def _flatten(cfg: DictConfig, prefix: str = "") -> Iterator[str]:
    for key in map(str, cfg):
        name = f"{prefix}{key}"
        yield name
        if not OmegaConf.is_missing(cfg, key) and not OmegaConf.is_interpolation(cfg, key):
            value = cfg[key]
            if isinstance(value, DictConfig):
                yield from _flatten(value, f"{name}.")
