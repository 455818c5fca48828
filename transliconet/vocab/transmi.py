"""TransMI from start to finish: plan, protect, extend, report."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import chain

from transformers import PreTrainedTokenizerBase

from transliconet.errors import ConfigError, require_range
from transliconet.model.encoder import Encoder
from transliconet.tokens.words import WORD_START
from transliconet.unicode_script import scripts_in
from transliconet.vocab.apply import (
    add_subwords,
    drop_subwords_used_in,
    extend,
    unigram_vocabulary,
    used_token_ids,
)
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.merge import MergePlan, merge_subwords
from transliconet.vocab.whole_words import count_words, whole_word_subwords


@dataclass(frozen=True)
class TransMI:
    """Adds the romanizations of a vocabulary's pieces to it (arXiv 2405.09913); no training.

    Args:
        merge: ``max``, ``min`` or ``average``; see :func:`transliconet.vocab.merge.merge_subwords`.
        scripts: ISO 15924 codes; only pieces with a letter of one of them are romanized. None takes
            every script.
        languages: tags of the pairs folder; only pieces that their native text uses are romanized.
            None takes all.
        language_codes: uroman's output depends on the language. A piece is romanized without a
            code, as the paper has it, and also as each language of the pairs folder whose text uses
            it is romanized.
        min_length: shortest new piece, in characters.
        min_word_count: also a piece for each whole romanized word that the pairs have at least so
            many times, where it would otherwise be cut unlike its native word
            (:mod:`transliconet.vocab.whole_words`; not in the paper); None: no such pieces.
    """

    merge: str = "max"
    scripts: Collection[str] | None = None
    languages: Collection[str] | None = None
    language_codes: bool = True
    min_length: int = 1
    min_word_count: int | None = None

    def __post_init__(self) -> None:
        if self.min_word_count is not None:
            require_range("method.min_word_count", self.min_word_count, least=1)

    def __call__(
        self, encoder: Encoder, material: VocabularyInputs
    ) -> tuple[Encoder, dict[str, int]]:
        """The extended encoder, and counts: pieces added and pieces that gave nothing, by reason.

        The encoder given is changed; use the one returned.

        Raises:
            ConfigError: a language that the pairs do not have.
        """
        plan = self.plan(encoder.tokenizer, material)
        return extend(encoder, plan.new), {"added": len(plan.new), **plan.skipped}

    def plan(self, original: PreTrainedTokenizerBase, material: VocabularyInputs) -> MergePlan:
        """What :meth:`__call__` adds to a tokenizer. New pieces that the protected texts would use
        are left out.

        Raises:
            ConfigError: a language that the pairs do not have, or no romanizer.
        """
        if not material.romanizers:
            raise ConfigError(
                "romanizers=[]",
                "nothing to romanize pieces with",
                "Give one, e.g. romanizer=uroman",
                code="TLN-CONFIG-703",
            )
        tags = self._tags(material)
        codes = self._codes(original, material, tags)

        def romanize(piece: str) -> list[str]:
            of_piece = ("", *(codes[piece] if self.language_codes else ()))
            return [
                romanizer(piece, code) for romanizer in material.romanizers for code in of_piece
            ]

        plan = merge_subwords(
            unigram_vocabulary(original),
            romanize,
            self.merge,
            set(original.all_special_ids),
            self.min_length,
            keep=self._wanted(codes),
        )
        plan = drop_subwords_used_in(original, plan, material.protected)
        if self.min_word_count is not None:
            pairs = chain.from_iterable(
                zip(material.native[t], material.romanized[t], strict=True) for t in tags
            )
            extended = add_subwords(original, plan.new)
            whole = whole_word_subwords(
                original, extended, count_words(pairs), romanize, self.min_word_count
            )
            plan = drop_subwords_used_in(original, plan.with_more(whole), material.protected)
        return plan

    def _tags(self, material: VocabularyInputs) -> list[str]:
        tags = list(material.native) if self.languages is None else list(self.languages)
        if absent := [tag for tag in tags if tag not in material.native]:
            there = ", ".join(material.native) or "none: add pairs=FOLDER"
            raise ConfigError(
                f"method.languages={absent}",
                "not in the pairs folder",
                f"There are {there}",
                code="TLN-CONFIG-704",
            )
        return tags

    def _codes(
        self, tokenizer: PreTrainedTokenizerBase, material: VocabularyInputs, tags: Sequence[str]
    ) -> defaultdict[str, list[str]]:
        """Piece (without its mark) → codes of the languages whose native text uses it."""
        codes: defaultdict[str, list[str]] = defaultdict(list)
        if self.language_codes or self.languages is not None:
            for tag in tags:
                for piece in tokenizer.convert_ids_to_tokens(
                    sorted(used_token_ids(tokenizer, material.native[tag]))
                ):
                    codes[piece.removeprefix(WORD_START)].append(tag.split("_")[0])
        return codes

    def _wanted(self, codes: Collection[str]) -> Callable[[str], bool] | None:
        scripts = None if self.scripts is None else set(self.scripts)
        if scripts is None and self.languages is None:
            return None
        return lambda text: (
            (scripts is None or bool(scripts_in(text) & scripts))
            and (self.languages is None or text in codes)
        )
