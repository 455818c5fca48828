"""The keys of a training batch, each with its shape.

B pairs make 2B rows: rows ``0..B-1`` are the native view, rows ``B..2B-1`` the romanized view of
the same pairs, in the same order, so one forward pass serves both. L is the longest row of the
batch.
"""

PAIR_INDEX = "pair_index"
"""(B,) int64: position of each pair in the tokenized corpus."""

INPUT_IDS = "input_ids"
"""(2B, L) int64: token ids as the corpus has them."""

MASKED_IDS = "masked_ids"
"""(2B, L) int64: token ids after masking; present when an objective reads masked input."""

ATTENTION_MASK = "attention_mask"
"""(2B, L) bool: True at every token, special ones included; False at padding."""

CONTENT_MASK = "content_mask"
"""(2B, L) bool: True at tokens that are neither padding nor special. Masked positions count as
content.
"""

LABELS = "labels"
"""(2B, L) int64: the original id where the masked-LM loss is taken, :data:`IGNORE` elsewhere."""

ANCHOR = "anchor"
"""(B, H) float32: pooled native states of the model before training; present when an objective
reads anchors.
"""

WORDS = "words"
"""(2B, L) int64: which word of its row each token belongs to, counted from 0; -1 at special tokens
and padding, and throughout both rows of a pair whose views have different numbers of words. Present
when an objective reads words.
"""

NEGATIVES = "negatives"
"""(K, H) float32: anchors of K other training pairs; present when an objective reads more negatives
than the batch.
"""

SEED = "seed"
"""() int64: of what is random in training on the batch, dropout; so that a resumed run draws the
same.
"""

BY_PAIR = (PAIR_INDEX, ANCHOR, NEGATIVES, SEED)
"""Keys whose rows are not rows of the batch of texts."""

IGNORE = -100
"""The label that the masked-LM loss passes over."""
