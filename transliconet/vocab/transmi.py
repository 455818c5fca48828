"""TransMI from start to finish: plan, protect, extend, report."""

from collections.abc import Collection
from dataclasses import dataclass

from transliconet.corpus.scripts import scripts_in
from transliconet.model.encoder import Encoder
from transliconet.vocab.apply import drop_pieces_used_in, extend, unigram_vocabulary
from transliconet.vocab.merge import merge_pieces
from transliconet.vocab.method import Material


@dataclass(frozen=True)
class TransMI:
    """Adds the romanisations of a vocabulary's pieces to it (arXiv 2405.09913); no training.

    Args:
        merge: ``max``, ``min`` or ``average``; see :func:`transliconet.vocab.merge.merge_pieces`.
        scripts: ISO 15924 codes; only pieces with a letter of one of them are romanised. None takes every script.
        min_length: shortest new piece, in characters.
    """

    merge: str = "max"
    scripts: Collection[str] | None = None
    min_length: int = 1

    def __call__(self, encoder: Encoder, material: Material) -> tuple[Encoder, dict[str, int]]:
        """The extended encoder, and counts: pieces added and pieces that gave nothing, by reason.

        New pieces that the protected texts would use are left out. The encoder given is changed; use the one returned.
        """
        wanted = None if self.scripts is None else set(self.scripts)
        plan = merge_pieces(
            unigram_vocabulary(encoder.tokenizer),
            lambda text: material.romanizer(text, ""),
            self.merge,
            set(encoder.tokenizer.all_special_ids),
            self.min_length,
            keep=None if wanted is None else lambda text: bool(scripts_in(text) & wanted),
        )
        if material.protected:
            plan = drop_pieces_used_in(encoder.tokenizer, plan, material.protected)
        return extend(encoder, plan.new), {"added": len(plan.new), **plan.skipped}
