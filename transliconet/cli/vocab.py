"""``transliconet vocab``: encoder → encoder with another vocabulary."""

from pathlib import Path

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.app import hydra_command
from transliconet.cli.surgery import Operated, operate
from transliconet.cli.train import build_encoder
from transliconet.corpus.pairs import PairsFolder
from transliconet.errors import ConfigError
from transliconet.export import export_encoder
from transliconet.report.card import vocabulary_card


def vocab(cfg: DictConfig) -> Operated:
    """Write the encoder with its new vocabulary to ``cfg.out``."""
    out = Path(cfg.out).expanduser()
    if out.exists() and not cfg.overwrite:
        raise ConfigError(f"out={out}", "already there", "Choose another folder, or overwrite=true")
    if "_target_" not in cfg.method:
        raise ConfigError("method=none", "nothing to do", "Choose one of: transmi, trim, graft")
    pairs = PairsFolder.open(cfg.pairs) if cfg.pairs else None
    operated = operate(cfg, build_encoder(cfg.encoder, pairs), pairs)
    encoder = operated.encoder
    export_encoder(encoder, out, vocabulary_card(encoder.name, operated.counts, operated.changed))
    return operated


@hydra_command("vocab")
def main(cfg: DictConfig) -> None:
    operated = vocab(cfg)
    print(tabulate(operated.counts.items(), ["pieces", "number"], tablefmt="simple"))
    if operated.changed:
        rows = [(tag, f"{100 * share:.2f}") for tag, share in operated.changed.items()]
        print("\n" + tabulate(rows, ["language", "% of native texts cut differently"], tablefmt="simple"))
    print(f"\nwritten: {cfg.out}")
