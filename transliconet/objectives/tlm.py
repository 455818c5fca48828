"""Transliteration language modelling: masked tokens are predicted from the text in both scripts."""

from dataclasses import dataclass

from torch import Tensor

from transliconet.batch import IGNORE, LABELS
from transliconet.errors import ConfigError, Option, require_range
from transliconet.model.encoder import EncoderLike
from transliconet.objectives.base import Objective
from transliconet.objectives.encode import (
    CONCATENATED,
    LABELLED_TOKENS,
    EncodedPairs,
    StateRequest,
    StateRequests,
    concatenate_views,
)
from transliconet.objectives.liger import require_kernel
from transliconet.objectives.mlm import masked_token_losses, require_head


@dataclass(frozen=True)
class TransliterationLanguageModel(Objective):
    r"""Masked language modelling on a sentence and its romanization in one row (PPA,
    arXiv 2406.19759).

    The loss is that of TLM (Lample & Conneau, 2019, section 3.3), with the romanization
    :math:`\hat x` in the place of a translation. M are the masked positions of the row
    :math:`[x; \hat x]`:

    .. math::
        -\frac{1}{|M|} \sum_{i \in M} \log p\big([x; \hat x]_i \mid [x; \hat x]_{\setminus M}\big)

    Positions start anew in each view, and each view keeps its special tokens. The objective needs a
    forward pass of its own, over rows twice as long.

    Args:
        weight: factor in the total loss.
        chunk_size, kernel: see :func:`transliconet.objectives.vocabulary_loss.vocabulary_loss`.

    Raises:
        ConfigError: a value is out of range, or the kernel cannot be used here.
    """

    weight: float = 1.0
    chunk_size: int | None = 512
    kernel: str = "chunked"

    def __post_init__(self) -> None:
        require_range("weight", self.weight, least=0)
        if self.chunk_size is not None:
            require_range("chunk_size", self.chunk_size, least=1)
        require_kernel(self.kernel)

    def reads(self, encoder: EncoderLike) -> StateRequests:
        require_head(encoder)
        if not encoder.positions_restart:
            raise ConfigError(
                Option("weight", self.weight),
                "the encoder counts positions through the whole row, and cannot start anew in the "
                "second view",
                "Set it to 0, or choose another encoder",
                code="TLN-CONFIG-506",
            )
        return {StateRequest(CONCATENATED, encoder.layers, LABELLED_TOKENS)}

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        labels = concatenate_views(encoded.batch[LABELS])  # (B, 2L)
        targets = labels[labels != IGNORE]  # (M,)
        request = StateRequest(CONCATENATED, encoded.encoder.layers, LABELLED_TOKENS)
        states = encoded.states[request]  # (M, H)
        losses = masked_token_losses(
            encoded, states, [targets], chunk_size=self.chunk_size, kernel=self.kernel
        )  # (1,)
        return {"tlm": losses[0]}
