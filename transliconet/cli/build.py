"""Builds objects from sections of the configuration, and records the configuration."""

import re
from typing import Any, cast

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue
from omegaconf.resolvers import oc

from transliconet.errors import ConfigError, TransliconetError


def build(cfg: Any, **arguments: Any) -> Any:
    """Build the object that a section of the configuration describes.

    Its arguments are plain Python values, so that no other package depends on Hydra's types.

    Args:
        cfg: a section with a ``_target_``.
        arguments: further arguments. They bypass instantiate(), which would turn a dataclass into a
            config.

    Raises:
        ConfigError: the constructor refuses an option. The error has the section's full key.
    """
    try:
        if arguments:
            return instantiate(cfg, _convert_="all", _partial_=True)(**arguments)
        return instantiate(cfg, _convert_="all")
    except Exception as error:
        # Lightning's error; by name, since importing Lightning takes seconds
        misconfigured = type(error).__name__ == "MisconfigurationException"
        if misconfigured or isinstance(error, InstantiationException | TypeError | ValueError):
            raise _section_error(cfg, error) from error
        raise


def plain(value: Any) -> Any:
    """A value of the configuration as plain Python, such as a list in place of a ListConfig."""
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def recorded_settings(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain containers, resolved, but for values of environment variables: a
    token must not get into a file that is shared. ``${oc.env:NAME}`` stays as it is written, also
    where another key refers to it.
    """
    OmegaConf.register_new_resolver("oc.env", _reference, replace=True)
    try:
        resolved = OmegaConf.to_container(cfg, resolve=True)
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
    return cast(dict[str, Any], resolved)


def _reference(*arguments: str) -> str:
    """How a value of the environment is written in a configuration."""
    return f"${{oc.env:{','.join(map(str, arguments))}}}"


def _section_error(cfg: Any, error: Exception) -> Exception:
    """The package's own error with the section that was being built. A library's error becomes a
    :class:`ConfigError`.
    """
    section = cfg._get_full_key(None) if isinstance(cfg, DictConfig) else ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InstantiationException):
            # Hydra names the nested section that failed, such as data.masking
            nested = re.search(r"^full_key: (\S+)$", str(cause), re.M)
            section = nested[1] if nested else section
        if isinstance(cause, TransliconetError):
            return cause.in_section(section) if section else cause
        if isinstance(cause, MissingMandatoryValue):
            return cause
        root, cause = cause, cause.__cause__
    return ConfigError(
        section or "configuration",
        str(root).strip().splitlines()[0].rstrip(".!"),
        "Change that option; --help lists what there is",
        code="TLN-CONFIG-950",
    )
