"""The configuration: one root per command, and groups. Installed as ``transliconet.conf``."""

from omegaconf import DictConfig, OmegaConf


def fits(size: str, value: int, *, _root_: DictConfig) -> int:
    """A number of layers or positions, or that of an encoder from scratch, if it has fewer.

    ``${fits:layers,8}`` is 8, and 2 with ``encoder=tiny encoder.layers=2``.

    Args:
        size: ``layers`` or ``positions``, options of ``encoder=tiny``. Those of a checkpoint are
            not known before it is loaded.
        value: what the configuration asks for.
    """
    own = OmegaConf.select(_root_, f"encoder.{size}")
    return value if own is None else min(value, own)


OmegaConf.register_new_resolver("fits", fits, replace=True)
