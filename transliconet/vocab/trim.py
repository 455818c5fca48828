"""Trimming: a smaller vocabulary for training, of the subwords that a corpus uses."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from transliconet.errors import ConfigError, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.vocabulary import keep_rows
from transliconet.tokens.marks import WORD_START
from transliconet.unicode_script import scripts_in
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


@dataclass(frozen=True)
class Trim:
    """Keeps only the subwords that a corpus uses, so that the embedding table and its optimizer
    state are small.

    Args:
        min_per_script: number of subwords of each script that are always kept: those of the highest
            score, whether the corpus uses them or not.
    """

    min_per_script: int = 100

    def __post_init__(self) -> None:
        require_range("min_per_script", self.min_per_script, least=0)

    def __call__(self, encoder: Encoder, inputs: VocabularyInputs) -> VocabularyChange:
        """The trimmed encoder, and counts of subwords.

        Raises:
            ConfigError: there are no texts.
        """
        texts = [encoder.prompt + text for text in inputs.texts]
        if not texts:
            raise ConfigError(
                "pairs=null",
                "no text whose subwords could be kept",
                "Add pairs=FOLDER",
                code="TLN-CONFIG-705",
            )
        vocabulary = family_of(encoder.tokenizer).vocabulary()
        used = used_token_ids(encoder.tokenizer, [*texts, *inputs.protected])
        frequent = most_frequent_by_script(vocabulary, self.min_per_script)
        trimmed = keep_tokens(encoder, used | frequent)
        kept = len(trimmed.tokenizer)
        counts = {
            "used": len(used),
            "kept by min_per_script": len(frequent - used),
            "kept": kept,
            "removed": len(vocabulary) - kept,
        }
        return VocabularyChange(trimmed, counts)
