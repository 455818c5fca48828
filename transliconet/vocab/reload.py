"""Whether a changed tokenizer is the same after it has been saved and read again."""

from collections.abc import Sequence
from tempfile import TemporaryDirectory

from transformers import AutoTokenizer

from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder
from transliconet.vocab.apply import tokenize_ids


def check_reload(encoder: Encoder, texts: Sequence[str]) -> None:
    """Check that what is saved is the tokenizer that is in memory.

    Some classes of transformers build the tokenizer anew when they read it, by their own rules.

    Args:
        encoder: with a changed tokenizer.
        texts: to compare ids on, besides the vocabulary.

    Raises:
        CheckpointError: it gives other ids after reading.
    """
    changed = encoder.tokenizer
    with TemporaryDirectory() as folder:
        # the architecture has a say in which class reads it
        encoder.masked_lm.config.save_pretrained(folder)
        changed.save_pretrained(folder)
        again = AutoTokenizer.from_pretrained(folder)
        before = list(tokenize_ids(changed, texts, special=True))
        after = list(tokenize_ids(again, texts, special=True))
        if before == after and again.get_vocab() == changed.get_vocab():
            return
    raise CheckpointError(
        encoder.name,
        f"transformers reads its tokenizer ({type(changed).__name__}) otherwise than it was saved",
        "Save it as PreTrainedTokenizerFast, and check its ids",
        code="TLN-CKPT-706",
    )
