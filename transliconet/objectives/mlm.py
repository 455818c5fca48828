"""Masked language modelling on the native and on the romanized view."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.batch import IGNORE, LABELS
from transliconet.errors import ConfigError, require_range
from transliconet.model.encoder import Encoder, EncoderLike
from transliconet.model.language_script import LanguageScriptEmbeddings
from transliconet.objectives.base import Objective
from transliconet.objectives.distributed import mean_weight
from transliconet.objectives.encode import (
    LABELLED_TOKENS,
    MASKED,
    EncodedPairs,
    StateRequest,
    StateRequests,
)
from transliconet.objectives.language_script import LANGUAGE, SCRIPT, LanguageScript
from transliconet.objectives.liger import require_kernel
from transliconet.objectives.vocabulary_loss import vocabulary_loss
from transliconet.tokens.fields import BatchField


def mlm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Mean negative log-likelihood of the hidden tokens (Devlin et al., 2019).

    .. math:: -\frac{1}{|M|} \sum_{i \in M} \log \mathrm{softmax}(z_i)_{y_i}

    Args:
        logits: (M, V), one row per token to predict.
        labels: (M,) int64.

    Returns:
        Scalar, float32; 0 where nothing is masked.

    >>> mlm_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.6931)
    """
    if len(labels) == 0:
        # part of the graph, so that every process has the same parameters in the backward pass
        return logits.float().sum() * 0
    return F.cross_entropy(logits.float(), labels)


def require_head(encoder: EncoderLike) -> None:
    """Raise :class:`ConfigError` unless the encoder has a masked-LM head that can be trained."""
    if not encoder.has_head:
        raise ConfigError(
            "objective",
            "the encoder has no masked-LM head (sentence encoders often have none)",
            "Choose one without masked tokens, such as objective=anchored, or another encoder",
            code="TLN-CONFIG-505",
        )


@dataclass(frozen=True)
class MaskedLanguageModel(Objective):
    r"""The masked language model's loss of both views, summed.

    .. math:: L_{MLM}(native) + L_{MLM}(romanized)

    (TransliCo, arXiv 2401.06620, section 3.2.) The language-model head is computed at masked
    positions only.

    Args:
        weight: factor in the total loss.
        chunk_size: rows of logits in memory at a time
            (:func:`transliconet.objectives.vocabulary_loss.vocabulary_loss`); None: all.
        kernel: ``chunked``, or ``liger`` on GPUs.
        language_script: add an embedding of the row's language and one of its script to the states
            of masked tokens (LangSAMP;
            :class:`transliconet.model.language_script.LanguageScriptEmbeddings`).

    Raises:
        ConfigError: a value is out of range, or the kernel cannot be used here.
    """

    weight: float = 1.0
    chunk_size: int | None = 512
    kernel: str = "chunked"
    language_script: bool = False

    def __post_init__(self) -> None:
        require_range("weight", self.weight, least=0)
        if self.chunk_size is not None:
            require_range("chunk_size", self.chunk_size, least=1)
        require_kernel(self.kernel)

    def prepare(self, encoder: Encoder, tags: Sequence[str]) -> None:
        if self.language_script:
            known = encoder.language_script
            if known is None:
                known = LanguageScriptEmbeddings([], [], encoder.masked_lm.config.hidden_size)
            encoder.language_script = known.with_tags(tags)

    def fields(self, encoder: Encoder) -> Sequence[BatchField]:
        if not self.language_script:
            return []
        assert encoder.language_script is not None, "prepare() has run"
        return [LanguageScript(encoder.language_script.languages, encoder.language_script.scripts)]

    def reads(self, encoder: EncoderLike) -> StateRequests:
        require_head(encoder)
        return {StateRequest(MASKED, encoder.layers, LABELLED_TOKENS)}

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        labels = encoded.batch[LABELS]  # (2B, L)
        native, romanized = labels[: encoded.pairs], labels[encoded.pairs :]
        targets = [native[native != IGNORE], romanized[romanized != IGNORE]]
        # (M, H), native tokens first, as in `targets`
        states = self._masked_states(encoded)
        losses = masked_token_losses(
            encoded, states, targets, chunk_size=self.chunk_size, kernel=self.kernel
        )  # (2,)
        return {"mlm_native": losses[0], "mlm_romanized": losses[1]}

    def pair_losses(self, encoded: EncodedPairs) -> Tensor:
        states, labels = self._masked_states(encoded), encoded.batch[LABELS]
        of_rows = row_losses(encoded, states, labels, self.chunk_size)  # (2B,)
        return of_rows.view(2, -1).sum(0)

    def _masked_states(self, encoded: EncodedPairs) -> Tensor:
        """(M, H) of the masked tokens, row after row."""
        states = encoded.states[StateRequest(MASKED, encoded.encoder.layers, LABELLED_TOKENS)]
        if not self.language_script:
            return states
        assert encoded.encoder.language_script is not None, "prepare() has run"
        rows = (encoded.batch[LABELS] != IGNORE).nonzero()[:, 0]  # (M,) of each masked token
        languages, scripts = encoded.batch[LANGUAGE][rows], encoded.batch[SCRIPT][rows]
        return states + encoded.encoder.language_script(languages, scripts)


def masked_token_losses(
    encoded: EncodedPairs,
    states: Tensor,
    targets: Sequence[Tensor],
    chunk_size: int | None,
    kernel: str = "chunked",
) -> Tensor:
    """:func:`mlm_loss` of groups of masked tokens. With several processes each mean is over the
    tokens of all processes.

    Args:
        encoded: has the encoder and its language-model head.
        states: (M, H), the states of all groups, group after group.
        targets: G tensors, the labels of each group.
        chunk_size, kernel: see :func:`transliconet.objectives.vocabulary_loss.vocabulary_loss`.

    Returns:
        (G,) float32.
    """
    sizes = [len(labels) for labels in targets]
    # averaged over processes, each loss is the mean over the tokens of all
    factors = [mean_weight(size, states.device) for size in sizes]
    weight, bias = encoded.encoder.decoder  # (V, H), (V,)
    return vocabulary_loss(
        encoded.encoder.transform_for_decoder(states),
        weight,
        bias,
        torch.cat(list(targets)),
        sizes=sizes,
        factors=factors,
        chunk_size=chunk_size,
        kernel=kernel,
    )


@torch.no_grad()
def row_losses(
    encoded: EncodedPairs, states: Tensor, labels: Tensor, chunk_size: int | None
) -> Tensor:
    """:func:`mlm_loss` of each row by itself, for the log.

    Args:
        encoded: has the encoder and its language-model head.
        states: (M, H), the states of masked tokens, row after row.
        labels: (R, L), of all rows.
        chunk_size: rows of logits in memory at a time; None: all.

    Returns:
        (R,) float32, NaN for a row without masked tokens.
    """
    masked = labels != IGNORE  # (R, L)
    sizes = masked.sum(1)  # (R,)
    weight, bias = encoded.encoder.decoder  # (V, H), (V,)
    losses = vocabulary_loss(
        encoded.encoder.transform_for_decoder(states),
        weight.detach(),
        bias.detach(),
        labels[masked],
        sizes=sizes.tolist(),
        chunk_size=chunk_size,
    )
    return losses.masked_fill(sizes == 0, float("nan"))
