"""TransMI (arXiv 2405.09913): romanized subwords for a vocabulary, without training."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from transliconet.errors import ConfigError, Option, require_choice, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.rows import first_new_row
from transliconet.tokens.marks import WORD_START, WordMarks
from transliconet.unicode_script import property_values, scripts_in
from transliconet.vocab.apply import (
    add_subwords,
    complete_plan,
    drop_subwords_used_in,
    extend,
    used_token_ids,
)
from transliconet.vocab.base import VocabularyChange, VocabularyInputs
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.merge import MergePlan, merge_subwords
from transliconet.vocab.whole_words import count_words, whole_word_subwords

KEEP, BLEND = "keep", "blend"
HOMOGRAPHS = (KEEP, BLEND)
BLENDED = "blended"
"""In the counts of a change: the number of original subwords with another row."""


@dataclass(frozen=True)
class TransMI:
    """Adds the romanizations of a vocabulary's subwords to it.

    Args:
        merge: ``max``, ``min`` or ``average``; see :func:`transliconet.vocab.merge.merge_subwords`.
        scripts: ISO 15924 codes; only subwords with a letter of one of them are romanized. None
            takes every script.
        languages: tags of the pairs folder; only subwords that their native text uses are
            romanized. None takes all.
        language_codes: uroman's output depends on the language. True romanizes a subword without a
            code, as the paper does, and also with the code of each language of the pairs folder
            whose text uses it.
        min_length: shortest new subword, in characters.
        min_word_count: also adds a subword for each whole romanized word that occurs at least this
            often in the pairs and would otherwise be split unlike its native word
            (:mod:`transliconet.vocab.whole_words`; not in the paper). None adds none.
        homographs: ``keep`` leaves an original subword that is the romanization of others as it is,
            as the paper does; ``blend`` gives it a row between its own and theirs, by frequency
            (:func:`transliconet.vocab.merge.merge_subwords`; not in the paper). Those that
            protected text uses stay as they are.
    """

    merge: str = "max"
    scripts: Collection[str] | None = None
    languages: Collection[str] | None = None
    language_codes: bool = True
    min_length: int = 1
    min_word_count: int | None = None
    homographs: str = KEEP

    def __post_init__(self) -> None:
        require_choice("homographs", self.homographs, HOMOGRAPHS)
        if self.min_word_count is not None:
            require_range("min_word_count", self.min_word_count, least=1)

    def __call__(self, encoder: Encoder, inputs: VocabularyInputs) -> VocabularyChange:
        """Extend the vocabulary. The counts are those of subwords added, and of subwords that gave
        none, by reason.

        Raises:
            ConfigError: a language that the pairs do not have, or no romanizer.
        """
        plan = self.plan(encoder.tokenizer, inputs, first_new_row(encoder))
        blended = sum(subword.replaces is not None for subword in plan.new)
        counts = {"added": len(plan.new) - blended, **plan.skipped}
        if blended:
            counts[BLENDED] = blended
        return VocabularyChange(extend(encoder, plan.new, plan.banned), counts)

    def plan(
        self,
        original: PreTrainedTokenizerBase,
        inputs: VocabularyInputs,
        first_added: int | None = None,
    ) -> MergePlan:
        """The subwords that :meth:`__call__` adds, without those that protected texts would use.

        Args:
            original: the tokenizer before the change.
            inputs: texts and romanizers.
            first_added: id of the first subword that was added to the tokenizer before. Such
                subwords are not blended: their rows may have been trained.

        Raises:
            ConfigError: a language that the pairs do not have, or no romanizer.
        """
        if not inputs.romanizers:
            raise ConfigError(
                "romanizers=[]",
                "nothing to romanize subwords with",
                "Give one, e.g. romanizer=uroman",
                code="TLN-CONFIG-703",
            )
        if self.homographs == BLEND and not inputs.protected:
            raise ConfigError(
                Option("homographs", BLEND),
                "no text is protected, so the rows of English words would change, too",
                "Add pairs=FOLDER with English text in it, or leave homographs=keep",
                code="TLN-CONFIG-713",
            )
        tags = inputs.tags(self.languages)
        codes = self._codes_by_subword(original, inputs, tags)

        def romanize(subword: str) -> list[str]:
            """Romanize by every romanizer, without a language and as each language that uses the
            subword.
            """
            with_codes = ["", *codes[subword]] if self.language_codes else [""]
            return [r(subword, code) for r in inputs.romanizers for code in with_codes]

        family = family_of(original)
        fixed = set(original.added_tokens_decoder)
        if first_added is not None:
            fixed.update(range(first_added, family.size))
        plan = merge_subwords(
            family.vocabulary(),
            romanize,
            self.merge,
            special_ids=set(original.all_special_ids),
            min_length=self.min_length,
            keep=self._source_filter(codes),
            frequency=family.frequency if self.homographs == BLEND else None,
            fixed_ids=fixed,
        )
        plan = drop_subwords_used_in(original, plan, inputs.protected)
        if self.min_word_count is None:
            return complete_plan(original, plan)
        whole_words = whole_word_subwords(
            original,
            add_subwords(original, plan.new, plan.banned),
            count_words(inputs.text_pairs(tags)),
            romanize,
            min_count=self.min_word_count,
        )
        plan = drop_subwords_used_in(original, plan.with_whole_words(whole_words), inputs.protected)
        return complete_plan(original, plan)

    def _codes_by_subword(
        self, tokenizer: PreTrainedTokenizerBase, inputs: VocabularyInputs, tags: Sequence[str]
    ) -> defaultdict[str, list[str]]:
        """Subword (without word-start mark) → codes of the languages whose native text uses it."""
        codes: defaultdict[str, list[str]] = defaultdict(list)
        marks = WordMarks.from_tokenizer(tokenizer)
        if not self.language_codes and self.languages is None:
            return codes
        for tag in tags:
            ids = sorted(used_token_ids(tokenizer, inputs.native[tag]))
            for subword in tokenizer.convert_ids_to_tokens(ids):
                codes[marks.plain(subword).removeprefix(WORD_START)].append(tag)
        return codes

    def _source_filter(self, used: Collection[str]) -> Callable[[str], bool] | None:
        """A test whether a subword may be romanized; None where every subword may."""
        if self.scripts is None and self.languages is None:
            return None
        scripts = None if self.scripts is None else property_values(self.scripts)

        def is_source(subword: str) -> bool:
            in_script = scripts is None or bool(scripts_in(subword) & scripts)
            in_languages = self.languages is None or subword in used
            return in_script and in_languages

        return is_source
