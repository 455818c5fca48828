"""``transliconet export``: checkpoint → Hugging Face folder."""

from pathlib import Path

from omegaconf import DictConfig

from transliconet.runs.hf_folder import export_run


def export(cfg: DictConfig) -> Path:
    """Export the checkpoint that ``cfg`` names."""
    return export_run(cfg.run, cfg.out, cfg.checkpoint, cfg.overwrite)


def main(cfg: DictConfig) -> None:
    print(f"exported: {export(cfg)}")
