"""TransMI from start to finish: plan, protect, extend, report."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from transliconet.corpus.scripts import scripts_in
from transliconet.errors import ConfigError
from transliconet.model.encoder import Encoder
from transliconet.vocab.apply import drop_pieces_used_in, extend, unigram_vocabulary, used_pieces
from transliconet.vocab.merge import WORD_START, merge_pieces
from transliconet.vocab.method import Material


@dataclass(frozen=True)
class TransMI:
    """Adds the romanisations of a vocabulary's pieces to it (arXiv 2405.09913); no training.

    Args:
        merge: ``max``, ``min`` or ``average``; see :func:`transliconet.vocab.merge.merge_pieces`.
        scripts: ISO 15924 codes; only pieces with a letter of one of them are romanised. None takes every script.
        languages: tags of the pairs folder; only pieces that their native text uses are romanised. None takes all.
        language_codes: uroman's output depends on the language. A piece is romanised without a code, as the paper has
            it, and also as each language of the pairs folder whose text uses it is romanised.
        min_length: shortest new piece, in characters.
    """

    merge: str = "max"
    scripts: Collection[str] | None = None
    languages: Collection[str] | None = None
    language_codes: bool = True
    min_length: int = 1

    def __call__(self, encoder: Encoder, material: Material) -> tuple[Encoder, dict[str, int]]:
        """The extended encoder, and counts: pieces added and pieces that gave nothing, by reason.

        New pieces that the protected texts would use are left out. The encoder given is changed; use the one returned.
        """
        codes = self._codes(encoder.tokenizer, material)

        def romanize(text: str) -> list[str]:
            return [
                material.romanizer(text, code) for code in ("", *(codes.get(text, ()) if self.language_codes else ()))
            ]

        plan = merge_pieces(
            unigram_vocabulary(encoder.tokenizer),
            romanize,
            self.merge,
            set(encoder.tokenizer.all_special_ids),
            self.min_length,
            keep=self._wanted(codes),
        )
        if material.protected:
            plan = drop_pieces_used_in(encoder.tokenizer, plan, material.protected)
        return extend(encoder, plan.new), {"added": len(plan.new), **plan.skipped}

    def _codes(self, tokenizer: PreTrainedTokenizerBase, material: Material) -> dict[str, list[str]]:
        """Piece (without its mark) → codes of the languages whose native text uses it."""
        tags = list(material.native) if self.languages is None else list(self.languages)
        if absent := [tag for tag in tags if tag not in material.native]:
            there = ", ".join(material.native) or "none: add pairs=FOLDER"
            raise ConfigError(f"method.languages={absent}", "not in the pairs folder", f"There are {there}")
        codes: defaultdict[str, list[str]] = defaultdict(list)
        if self.language_codes or self.languages is not None:
            for tag in tags:
                for piece in tokenizer.convert_ids_to_tokens(sorted(used_pieces(tokenizer, material.native[tag]))):
                    codes[piece.removeprefix(WORD_START)].append(tag.split("_")[0])
        return codes

    def _wanted(self, codes: Collection[str]) -> Callable[[str], bool] | None:
        scripts = None if self.scripts is None else set(self.scripts)
        if scripts is None and self.languages is None:
            return None
        return lambda text: (
            (scripts is None or bool(scripts_in(text) & scripts)) and (self.languages is None or text in codes)
        )
