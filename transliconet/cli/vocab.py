"""``transliconet vocab``: encoder → encoder with another vocabulary."""

from pathlib import Path

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.app import hydra_command
from transliconet.cli.surgery import Operated, native_texts, operate
from transliconet.cli.train import build_encoder
from transliconet.corpus.pairs import PairsFolder
from transliconet.errors import ConfigError
from transliconet.export import export_encoder
from transliconet.report.card import vocabulary_card
from transliconet.vocab.apply import changed_share


def vocab(cfg: DictConfig) -> tuple[Operated, dict[str, float]]:
    """Write the encoder with its new vocabulary to ``cfg.out``.

    Returns:
        What was done, and, with ``cfg.pairs``, the share of native texts of each language that are cut differently now.
    """
    out = Path(cfg.out).expanduser()
    if out.exists() and not cfg.overwrite:
        raise ConfigError(f"out={out}", "already there", "Choose another folder, or overwrite=true")
    if "_target_" not in cfg.method:
        raise ConfigError("method=none", "nothing to do", "Choose one of: transmi, trim, graft")
    pairs = PairsFolder.open(cfg.pairs) if cfg.pairs else None
    start = build_encoder(cfg.encoder, pairs)
    before = start.tokenizer
    operated = operate(cfg, start, pairs)
    encoder, texts = operated.encoder, native_texts(pairs) if pairs else {}
    changed = {tag: changed_share(before, encoder.tokenizer, native) for tag, native in texts.items()}
    export_encoder(encoder, out, vocabulary_card(encoder.name, operated.counts, changed))
    return operated, changed


@hydra_command("vocab")
def main(cfg: DictConfig) -> None:
    operated, changed = vocab(cfg)
    print(tabulate(operated.counts.items(), ["pieces", "number"], tablefmt="simple"))
    if changed:
        rows = [(tag, f"{100 * share:.2f}") for tag, share in changed.items()]
        print("\n" + tabulate(rows, ["language", "% of native texts cut differently"], tablefmt="simple"))
    print(f"\nwritten: {cfg.out}")
