"""Translation language modelling: masked tokens are predicted from the text and its romanization,
or from the text and its translation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from transliconet.batch import IGNORE, LABELS
from transliconet.errors import ConfigError, Option, require_choice, require_range
from transliconet.model.encoder import Encoder, EncoderLike
from transliconet.objectives.base import Objective
from transliconet.objectives.encode import (
    CONCATENATED,
    LABELLED_TOKENS,
    TRANSLATED,
    EncodedPairs,
    StateRequest,
    StateRequests,
    concatenate_views,
)
from transliconet.objectives.liger import require_kernel
from transliconet.objectives.mlm import masked_token_losses, require_head, row_losses
from transliconet.objectives.second_text import (
    ROMANIZATION,
    SECOND_LABELS,
    SECOND_TEXTS,
    SecondTexts,
    side_by_side,
)
from transliconet.tokens.fields import BatchField


@dataclass(frozen=True)
class TransliterationLanguageModel(Objective):
    r"""Masked language modelling on a sentence and its romanization in one row (PPA,
    arXiv 2406.19759).

    The loss is that of TLM (Lample & Conneau, 2019, section 3.3), with the romanization
    :math:`\hat x` in the place of a translation. M are the masked positions of the row
    :math:`[x; \hat x]`:

    .. math::
        -\frac{1}{|M|} \sum_{i \in M} \log p\big([x; \hat x]_i \mid [x; \hat x]_{\setminus M}\big)

    Positions start anew in each text, and each keeps its special tokens. The objective needs a
    forward pass of its own, over rows twice as long.

    MuRIL (arXiv 2103.10730, section 3) has it with translations as well. ``second="translation"``
    puts the native text of the pair's translation in the place of :math:`\hat x`; ``both`` takes
    one of the two.

    Args:
        weight: factor in the total loss.
        second: the second text of the row, ``romanization``, ``translation`` or ``both``
            (:class:`transliconet.objectives.second_text.SecondTexts`).
        chunk_size, kernel: see :func:`transliconet.objectives.vocabulary_loss.vocabulary_loss`.

    Raises:
        ConfigError: a value is out of range, or the kernel cannot be used here.
    """

    weight: float = 1.0
    second: str = ROMANIZATION
    chunk_size: int | None = 512
    kernel: str = "chunked"

    def __post_init__(self) -> None:
        require_range("weight", self.weight, least=0)
        if self.chunk_size is not None:
            require_range("chunk_size", self.chunk_size, least=1)
        require_choice("second", self.second, SECOND_TEXTS)
        require_kernel(self.kernel)

    @property
    def _input(self) -> str:
        return CONCATENATED if self.second == ROMANIZATION else TRANSLATED

    def fields(self, encoder: Encoder) -> Sequence[BatchField]:
        return [] if self.second == ROMANIZATION else [SecondTexts(self.second)]

    def reads(self, encoder: EncoderLike) -> StateRequests:
        require_head(encoder)
        if not encoder.positions_restart:
            raise ConfigError(
                Option("weight", self.weight),
                "the encoder counts positions through the whole row, and cannot start anew in the "
                "second text",
                "Set it to 0, or choose another encoder",
                code="TLN-CONFIG-506",
            )
        return {StateRequest(self._input, encoder.layers, LABELLED_TOKENS)}

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        states, labels = self._masked(encoded)
        targets = labels[labels != IGNORE]  # (M,)
        losses = masked_token_losses(
            encoded, states, [targets], chunk_size=self.chunk_size, kernel=self.kernel
        )  # (1,)
        return {"tlm": losses[0]}

    def pair_losses(self, encoded: EncodedPairs) -> Tensor:
        states, labels = self._masked(encoded)
        return row_losses(encoded, states, labels, self.chunk_size)

    def _masked(self, encoded: EncodedPairs) -> tuple[Tensor, Tensor]:
        """(M, H) states of masked tokens, row after row, and the labels of the rows, (B, L)."""
        labels = encoded.batch[LABELS]  # (2B, L)
        if self._input == CONCATENATED:
            labels = concatenate_views(labels)  # (B, 2L)
        else:
            second = encoded.batch[SECOND_LABELS]  # (B, S)
            labels = side_by_side(labels[: encoded.pairs], second, IGNORE)  # (B, 2 max(L, S))
        request = StateRequest(self._input, encoded.encoder.layers, LABELLED_TOKENS)
        return encoded.states[request], labels
