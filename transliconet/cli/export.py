"""``transliconet export``: checkpoint → Hugging Face folder."""

from pathlib import Path

from omegaconf import DictConfig

from transliconet.cli.app import hydra_command
from transliconet.runs.export import export_run


def export(cfg: DictConfig) -> Path:
    """Export the checkpoint that ``cfg`` names."""
    return export_run(cfg.run, cfg.out, cfg.checkpoint, cfg.overwrite)


@hydra_command("export")
def main(cfg: DictConfig) -> None:
    print(f"exported: {export(cfg)}")
