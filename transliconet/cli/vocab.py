"""``transliconet vocab``: encoder → encoder with another vocabulary."""

from itertools import chain
from pathlib import Path

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.app import build, hydra_command
from transliconet.cli.train import build_encoder
from transliconet.corpus.pairs import PairsFolder
from transliconet.corpus.romanize import romanizer
from transliconet.errors import ConfigError
from transliconet.export import export_encoder
from transliconet.report.card import vocabulary_card
from transliconet.vocab.apply import changed_share
from transliconet.vocab.method import Material


def vocab(cfg: DictConfig) -> tuple[dict[str, int], dict[str, float]]:
    """Write the encoder with its new vocabulary to ``cfg.out``.

    Returns:
        Counts of pieces added and passed over, and, with ``cfg.pairs``, the share of native texts of each language that
        are cut differently now.
    """
    out = Path(cfg.out).expanduser()
    if out.exists() and not cfg.overwrite:
        raise ConfigError(f"out={out}", "already there", "Choose another folder, or overwrite=true")
    pairs = PairsFolder.open(cfg.pairs) if cfg.pairs else None
    if cfg.protect and pairs is None:
        raise ConfigError(f"protect={list(cfg.protect)}", "no pairs folder to take their text from", "Add pairs=FOLDER")
    texts = {t: pairs.part("all", languages=[t])["text"].to_pylist() for t in _languages(pairs)} if pairs else {}
    romanized = pairs.part("all")["romanized"].to_pylist() if pairs else []
    if absent := [t for t in cfg.protect if t not in texts]:
        raise ConfigError(f"protect={absent}", "not in the pairs folder", f"It has {', '.join(texts)}")
    encoder = build_encoder(cfg.encoder, pairs)
    before = encoder.tokenizer
    protected = [text for tag in cfg.protect for text in texts[tag]]
    everything = [*chain.from_iterable(texts.values()), *romanized]
    encoder, counts = build(cfg.method)(encoder, Material(romanizer(cfg.romanizer), protected, everything))
    changed = {tag: changed_share(before, encoder.tokenizer, native) for tag, native in texts.items()}
    export_encoder(encoder, out, vocabulary_card(encoder.name, counts, changed))
    return counts, changed


def _languages(pairs: PairsFolder) -> list[str]:
    return sorted(pairs.manifest["languages"])


@hydra_command("vocab")
def main(cfg: DictConfig) -> None:
    counts, changed = vocab(cfg)
    print(tabulate(counts.items(), ["pieces", "number"], tablefmt="simple"))
    if changed:
        rows = [(tag, f"{100 * share:.2f}") for tag, share in changed.items()]
        print("\n" + tabulate(rows, ["language", "% of native texts cut differently"], tablefmt="simple"))
    print(f"\nwritten: {cfg.out}")
