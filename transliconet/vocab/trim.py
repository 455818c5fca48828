"""Trimming: a smaller vocabulary, of the subwords that a corpus uses, or of some scripts, or
frequent.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from transliconet.errors import ConfigError, Option, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.vocabulary import keep_rows
from transliconet.tokens.marks import WORD_START
from transliconet.unicode_script import property_values, scripts_in
from transliconet.vocab.apply import used_token_ids
from transliconet.vocab.base import VocabularyChange, VocabularyInputs
from transliconet.vocab.families.choose import family_of

TOKEN_ID_SETTINGS = (
    *("bos_token_id", "pad_token_id", "eos_token_id", "mask_token_id"),
    *("cls_token_id", "sep_token_id", "unk_token_id"),
)
"""Settings of a configuration that are ids of tokens."""


def most_frequent_by_script(vocabulary: Sequence[tuple[str, float]], number: int) -> set[int]:
    """Ids of the ``number`` subwords of highest score of each script."""
    of_script: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    for id_, (subword, score) in enumerate(vocabulary):
        for script in scripts_in(subword.removeprefix(WORD_START)):
            of_script[script].append((-score, id_))
    chosen: set[int] = set()
    for scored_ids in of_script.values():
        chosen.update(id_ for _, id_ in sorted(scored_ids)[:number])
    return chosen


def keep_tokens(encoder: Encoder, kept: Collection[int]) -> Encoder:
    """Reduce an encoder to some subwords and the special tokens, in their order, with their rows
    and biases.

    Text that uses only these subwords is tokenized as before. The given encoder is changed: use
    the one that is returned.
    """
    family = family_of(encoder.tokenizer)
    config = encoder.masked_lm.config
    of_config = {getattr(config, name, None) for name in TOKEN_ID_SETTINGS}
    named = {id_ for id_ in family.ids.values() if id_ in of_config}
    order = sorted(family.needed({*kept, *named}))
    new_ids = {old: new for new, old in enumerate(order)}
    tokenizer = family.reduced(order)
    keep_rows(encoder.masked_lm, order)
    for name in TOKEN_ID_SETTINGS:
        if getattr(config, name, None) is not None:
            setattr(config, name, new_ids.get(getattr(config, name)))
    if hasattr(config, "original_vocabulary"):
        config.original_vocabulary = int(np.searchsorted(order, config.original_vocabulary))
    return encoder.with_tokenizer(tokenizer)


def written_in(
    vocabulary: Sequence[tuple[str, float]],
    scripts: Collection[str] | None = None,
    min_probability: float = 0.0,
) -> set[int]:
    """Ids of the subwords all of whose letters are of some scripts, and that are not rare (Abdaoui
    et al., 2020, arXiv 2010.05609; MAFT, arXiv 2204.06487, section 3.3, leaves out scripts).

    Digits, punctuation and symbols are of every script.

    Args:
        vocabulary: (subword in plain form, score) by id.
        scripts: ISO 15924 codes; None: every script.
        min_probability: least probability of a subword, whose logarithm the score is. With 0 the
            scores are not read.

    >>> vocabulary = [("▁да", -2.0), ("▁da", -9.0), ("▁2", -3.0), ("▁dа", -2.0)]
    >>> written_in(vocabulary, ["Cyrl"]), written_in(vocabulary, min_probability=0.01)
    ({0, 2}, {0, 2, 3})
    """
    expected = None if scripts is None else property_values(scripts)
    least = math.log(min_probability) if min_probability > 0 else -math.inf
    chosen = set()
    for id_, (subword, score) in enumerate(vocabulary):
        in_script = expected is None or scripts_in(subword) <= expected
        if in_script and score >= least:
            chosen.add(id_)
    return chosen


@dataclass(frozen=True)
class Trim:
    """Keeps only some subwords, so that the embedding table and its optimizer state are small.

    Kept are the subwords that the pairs use, if there are pairs; those that ``scripts`` and
    ``min_probability`` choose together, if one of them is given; and the most frequent of each
    script.

    Args:
        min_per_script: number of subwords of each script that are always kept: those of the highest
            score, whether the corpus uses them or not.
        scripts: ISO 15924 codes; keeps the subwords that are written in these alone. None: none
            are kept for their script.
        min_probability: keeps the subwords of at least this probability in the tokenizer's own
            Unigram model, such as 1e-6, of ``scripts`` or of every script. None: any.
    """

    min_per_script: int = 100
    scripts: Collection[str] | None = None
    min_probability: float | None = None

    def __post_init__(self) -> None:
        require_range("min_per_script", self.min_per_script, least=0)
        if self.min_probability is not None:
            require_range("min_probability", self.min_probability, above=0, most=1)

    def __call__(self, encoder: Encoder, inputs: VocabularyInputs) -> VocabularyChange:
        """The trimmed encoder, and counts of subwords.

        Raises:
            ConfigError: there is nothing to choose subwords by, or the tokenizer has none of the
                scripts, or no probabilities.
        """
        texts = [encoder.prompt + text for text in inputs.texts]
        vocabulary = family_of(encoder.tokenizer).vocabulary()
        chosen = self._chosen(encoder, vocabulary)
        if not texts and not chosen:
            raise ConfigError(
                "pairs=null",
                "no text whose subwords could be kept",
                "Add pairs=FOLDER, or choose subwords by method.scripts or method.min_probability",
                code="TLN-CONFIG-705",
            )
        used = used_token_ids(encoder.tokenizer, [*texts, *inputs.protected, encoder.prompt])
        frequent = most_frequent_by_script(vocabulary, self.min_per_script)
        trimmed = keep_tokens(encoder, used | chosen | frequent)
        kept = len(trimmed.tokenizer)
        counts = {
            "used": len(used),
            "chosen by script or probability": len(chosen - used),
            "kept by min_per_script": len(frequent - used - chosen),
            "kept": kept,
            "removed": len(vocabulary) - kept,
        }
        return VocabularyChange(trimmed, counts)

    def _chosen(self, encoder: Encoder, vocabulary: Sequence[tuple[str, float]]) -> set[int]:
        """Ids of the subwords that scripts and probability choose."""
        if self.scripts is None and self.min_probability is None:
            return set()
        if self.min_probability is not None and not family_of(encoder.tokenizer).has_probabilities:
            raise ConfigError(
                Option("min_probability", self.min_probability),
                "the tokenizer has no probabilities: it is not Unigram",
                "Leave it away, and choose by scripts",
                code="TLN-CONFIG-707",
            )
        present: set[str] = set()
        for subword, _ in vocabulary:
            present |= scripts_in(subword)
        absent = [
            code for code in self.scripts or () if present.isdisjoint(property_values([code]))
        ]
        if absent:
            raise ConfigError(
                Option("scripts", absent),
                "the vocabulary has no subword in it",
                f"It has {', '.join(sorted(present))}",
                code="TLN-CONFIG-708",
            )
        return written_in(vocabulary, self.scripts, self.min_probability or 0.0)
