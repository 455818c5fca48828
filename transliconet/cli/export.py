"""``transliconet export``: a checkpoint of a run → a Hugging Face folder, also on the Hub."""

from pathlib import Path
from tempfile import TemporaryDirectory

import transformers
from omegaconf import DictConfig, OmegaConf

from transliconet.cli.build import plain
from transliconet.errors import ConfigError, Option
from transliconet.runs.adapter_folder import require_hub_base
from transliconet.runs.hf_folder import export_run, export_run_adapter
from transliconet.runs.hub import HubRepository


def export(cfg: DictConfig) -> list[str]:
    """Export the checkpoint that ``cfg`` names, to a folder, the Hub or both.

    Returns:
        Messages about where the export is.
    """
    transformers.logging.disable_progress_bar()
    if cfg.push is None:
        return [_exported_to(cfg, cfg.out)]
    repository = HubRepository(str(cfg.push), cfg.private)
    repository.require_token()  # before the weights are read
    messages = []
    with TemporaryDirectory(prefix="transliconet-") as temporary:
        out = Path(temporary) / "export"
        if not OmegaConf.is_missing(cfg, "out"):
            out = Path(cfg.out).expanduser()
        exported = _exported_to(cfg, out)
        if not OmegaConf.is_missing(cfg, "out"):
            messages.append(exported)
        if cfg.adapter:
            require_hub_base(out)
        messages.append(f"uploaded: {repository.upload(out)}")
    return messages


def _exported_to(cfg: DictConfig, out: str | Path) -> str:
    if cfg.adapter:
        if cfg.merge is not None:
            raise ConfigError(
                Option("merge", plain(cfg.merge)),
                "not together with adapter=true, which exports the adapters apart",
                "Give one of them",
                code="TLN-CONFIG-971",
            )
        written = export_run_adapter(cfg.run, out, cfg.checkpoint, overwrite=cfg.overwrite)
    else:
        written = export_run(
            cfg.run, out, cfg.checkpoint, overwrite=cfg.overwrite, merge=plain(cfg.merge)
        )
    return f"exported: {written}"


def main(cfg: DictConfig) -> None:
    for line in export(cfg):
        print(line)
