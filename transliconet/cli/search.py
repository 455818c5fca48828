"""``transliconet search``: a sentence, an encoder and a pairs folder → the nearest sentences."""

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.train import build_encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.pairs_index import PairsIndex, SentenceMatch

HEADINGS = ["native", "romanized", "language", "text", "romanization"]


def search(cfg: DictConfig) -> list[SentenceMatch]:
    """The sentences that are nearest to ``cfg.query``.

    Raises:
        ConfigError: an unknown view, or ``cfg.k`` below 1.
        DataError: no pairs folder, or an empty one.
    """
    pairs = PairsFolder.open(cfg.pairs)
    encoder = build_encoder(cfg.encoder, pairs)
    index = PairsIndex(encoder, pairs, cfg.layer, cfg.pooling)
    return index.search(str(cfg.query), cfg.k, cfg.view, one_per_script=cfg.one_per_script)


def main(cfg: DictConfig) -> None:
    """Print a table: both cosines of each sentence, its language and its two views."""
    rows = []
    for match in search(cfg):
        cosines = [f"{match.native_cosine:.3f}", f"{match.romanized_cosine:.3f}"]
        rows.append([*cosines, match.lang, match.text, match.romanized])
    print(tabulate(rows, HEADINGS, tablefmt="simple", disable_numparse=True))
    print("\nnative, romanized: cosine of each view with the query")
    if cfg.one_per_script:
        print("the nearest sentence of each script")
