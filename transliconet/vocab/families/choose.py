"""The family that a tokenizer belongs to."""

from transformers import PreTrainedTokenizerBase

from transliconet.errors import CheckpointError
from transliconet.vocab.families.base import TokenizerFamily
from transliconet.vocab.families.bpe import BPE
from transliconet.vocab.families.unigram import Unigram
from transliconet.vocab.families.wordpiece import WordPiece

FAMILIES: tuple[type[TokenizerFamily], ...] = (Unigram, WordPiece, BPE)


def family_of(tokenizer: PreTrainedTokenizerBase) -> TokenizerFamily:
    """The family that a tokenizer belongs to, with its vocabulary.

    Args:
        tokenizer: a fast one.

    Raises:
        CheckpointError: it is of another family, or its subwords do not say where words begin.
    """
    kind = type(tokenizer.backend_tokenizer.model).__name__
    for family in FAMILIES:
        if family.kind == kind:
            return family(tokenizer)
    raise CheckpointError(
        tokenizer.name_or_path,
        f"its tokenizer is {kind}, not Unigram, WordPiece or BPE",
        "Leave its vocabulary as it is",
        code="TLN-CKPT-700",
    )
