"""``transliconet vocab``: encoder → encoder with another vocabulary."""

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.app import build, hydra_command, plain
from transliconet.cli.train import build_encoder
from transliconet.errors import ConfigError
from transliconet.outputs import output_folder
from transliconet.pairs import PairsFolder
from transliconet.report.card import vocabulary_card
from transliconet.runs.export import KIND, export_encoder
from transliconet.vocab.apply import changed_share
from transliconet.vocab.surgery import (
    VocabularyChange,
    VocabularySpec,
    change_vocabulary,
    native_texts,
)


def vocab(cfg: DictConfig) -> tuple[VocabularyChange, dict[str, float]]:
    """Write the encoder with its new vocabulary to ``cfg.out``.

    Returns:
        What was done, and, with ``cfg.pairs``, the share of native texts of each language that are
        cut differently now.
    """
    output_folder(cfg.out, KIND, cfg.overwrite)  # before anything is computed
    if "_target_" not in cfg.method:
        raise ConfigError(
            "method=none",
            "nothing to do",
            "Choose one of: transmi, trim, graft",
            code="TLN-CONFIG-963",
        )
    pairs = PairsFolder.open(cfg.pairs) if cfg.pairs else None
    start = build_encoder(cfg.encoder, pairs)
    before = start.tokenizer
    spec = VocabularySpec(build(cfg.method), plain(cfg.romanizer), plain(cfg.protect))
    operated = change_vocabulary(spec, start, [pairs] if pairs else [])
    encoder, texts = operated.encoder, native_texts(pairs) if pairs else {}
    changed = {
        tag: changed_share(before, encoder.tokenizer, native) for tag, native in texts.items()
    }
    card = vocabulary_card(encoder.name, operated.counts, changed)
    export_encoder(encoder, cfg.out, card, cfg.overwrite)
    return operated, changed


@hydra_command("vocab")
def main(cfg: DictConfig) -> None:
    operated, changed = vocab(cfg)
    print(tabulate(operated.counts.items(), ["pieces", "number"], tablefmt="simple"))
    if changed:
        rows = [(tag, f"{100 * share:.2f}") for tag, share in changed.items()]
        print(
            "\n"
            + tabulate(rows, ["language", "% of native texts cut differently"], tablefmt="simple")
        )
    print(f"\nwritten: {cfg.out}")
