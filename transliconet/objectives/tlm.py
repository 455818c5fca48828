"""Transliteration language modelling: hidden tokens of one script are predicted from both."""

from dataclasses import dataclass

from torch import Tensor

from transliconet.batch import IGNORE, LABELS
from transliconet.errors import require_range
from transliconet.model.encoder import EncoderLike
from transliconet.objectives.encode import JOINED, LABELLED, EncodedPairs, Read, Reads, join
from transliconet.objectives.liger import require_kernel
from transliconet.objectives.mlm import hidden_token_losses


@dataclass(frozen=True)
class TransliterationLanguageModel:
    r"""Masked language modelling on a sentence and its romanization put one behind the other (PPA,
    arXiv 2406.19759).

    The loss is TLM's (Lample & Conneau, 2019, section 3.3), with the romanization where they have a
    translation: of :math:`[x; \hat x]`, whose halves each count their positions from the start,

    .. math:: -\frac{1}{|M|} \sum_{i \in M} \log p\big([x; \hat x]_i \mid [x; \hat x]_{\setminus M}\big)

    Each half keeps its own special tokens. It takes a forward pass of its own, over rows twice as
    long.

    Args:
        weight: factor in the total loss.
        chunk_size, kernel: see :func:`transliconet.objectives.vocabulary_loss.vocabulary_loss`.
    """

    weight: float = 1.0
    chunk_size: int | None = 512
    kernel: str = "chunked"

    def __post_init__(self) -> None:
        require_range("objective.tlm.weight", self.weight, least=0)
        if self.chunk_size is not None:
            require_range("objective.tlm.chunk_size", self.chunk_size, least=1)
        require_kernel("objective.tlm.kernel", self.kernel)

    @property
    def native_share(self) -> float:
        return 1.0

    def reads(self, encoder: EncoderLike) -> Reads:
        return {Read(JOINED, encoder.layers, LABELLED)}

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        labels = join(encoded.batch[LABELS])
        targets = labels[labels != IGNORE]
        states = encoded.states[Read(JOINED, encoded.encoder.layers, LABELLED)]
        return {
            "tlm": hidden_token_losses(encoded, states, [targets], self.chunk_size, self.kernel)[0]
        }
