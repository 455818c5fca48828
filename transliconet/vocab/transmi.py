"""TransMI from start to finish: plan, protect, extend, report."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from transliconet.corpus.romanize import Romanizer
from transliconet.corpus.scripts import scripts_in
from transliconet.model.encoder import Encoder
from transliconet.vocab.apply import drop_pieces_used_in, extend, unigram_vocabulary
from transliconet.vocab.merge import merge_pieces


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

    def __call__(
        self, encoder: Encoder, romanizer: Romanizer, protect: Sequence[str] = ()
    ) -> tuple[Encoder, dict[str, int]]:
        """The extended encoder, and counts: pieces added and pieces that gave nothing, by reason.

        Args:
            encoder: changed in place; use the one returned.
            romanizer: pieces have no language, so it is called without one.
            protect: texts that must be cut as before; new pieces that they would use are left out.
        """
        wanted = None if self.scripts is None else set(self.scripts)
        plan = merge_pieces(
            unigram_vocabulary(encoder.tokenizer),
            lambda text: romanizer(text, ""),
            self.merge,
            set(encoder.tokenizer.all_special_ids),
            self.min_length,
            keep=None if wanted is None else lambda text: bool(scripts_in(text) & wanted),
        )
        if protect:
            plan = drop_pieces_used_in(encoder.tokenizer, plan, protect)
        return extend(encoder, plan.new), {"added": len(plan.new), **plan.skipped}
