"""``transliconet vocab``: an encoder → the same encoder with another vocabulary."""

from collections.abc import Mapping

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.build import build, plain
from transliconet.cli.early import pairs_paths
from transliconet.cli.train import build_encoder
from transliconet.errors import ConfigError
from transliconet.outputs import output_folder
from transliconet.pairs import PairsFolder
from transliconet.report.card import vocabulary_card
from transliconet.runs.hf_folder import KIND, export_encoder
from transliconet.vocab.apply import changed_share
from transliconet.vocab.base import VocabularyChange
from transliconet.vocab.change import VocabularySpec, change_vocabulary, native_texts


def vocab(cfg: DictConfig) -> tuple[VocabularyChange, dict[str, float]]:
    """Write the encoder with its new vocabulary to ``cfg.out``.

    Returns:
        The change. With ``cfg.pairs`` also language tag → share of native texts that are now
        tokenized differently.
    """
    output_folder(cfg.out, KIND, cfg.overwrite)  # before anything is computed
    if "_target_" not in cfg.method:
        raise ConfigError(
            "method=none",
            "nothing to do",
            "Choose one of: transmi, tokenizer, trim, shrink, graft",
            code="TLN-CONFIG-963",
        )
    folders = [PairsFolder.open(path) for path in pairs_paths(cfg.pairs)]
    start = build_encoder(cfg.encoder, folders[0] if folders else None)
    original = start.tokenizer
    spec = VocabularySpec(build(cfg.method), plain(cfg.romanizer), plain(cfg.protect))
    change = change_vocabulary(spec, start, folders)
    changed: dict[str, float] = {}
    for tag, texts in native_texts(folders).items():
        changed[tag] = changed_share(original, change.encoder.tokenizer, texts)
    card = vocabulary_card(change.encoder.name, _method_name(cfg.method), change.counts, changed)
    export_encoder(change.encoder, cfg.out, card, cfg.overwrite)
    return change, changed


def _method_name(method: Mapping) -> str:
    """The class of a method, for the card."""
    return str(method["_target_"]).rpartition(".")[2]


def main(cfg: DictConfig) -> None:
    change, changed = vocab(cfg)
    print(tabulate(change.counts.items(), ["what", "number"], tablefmt="simple"))
    if changed:
        rows = [(tag, f"{100 * share:.2f}") for tag, share in changed.items()]
        headings = ["language", "% of native texts tokenized differently"]
        print(f"\n{tabulate(rows, headings, tablefmt='simple')}")
    print(f"\nwritten: {cfg.out}")
