"""Shrinking: a smaller and faster encoder of every f-th layer, to distil the full one into."""

from dataclasses import dataclass

from transliconet.errors import require_range
from transliconet.model.encoder import Encoder
from transliconet.model.layers import even_layers, keep_layers, require_layers
from transliconet.vocab.base import VocabularyChange, VocabularyInputs


@dataclass(frozen=True)
class Shrink:
    """Keeps every f-th layer of an encoder (BiStil; Ansell et al., 2023, arXiv 2306.01709): the
    student with which distillation starts
    (:class:`transliconet.objectives.distillation.Distillation`).

    Embeddings and vocabulary stay as they are. They are most of the weights of a small multilingual
    encoder: :class:`transliconet.vocab.trim.Trim` reduces these.

    Args:
        layers: number of layers to keep.
    """

    layers: int = 6

    def __post_init__(self) -> None:
        require_range("layers", self.layers, least=1)

    def __call__(self, encoder: Encoder, inputs: VocabularyInputs) -> VocabularyChange:
        """The shrunk encoder, and counts of layers and weights. The inputs are not read.

        Raises:
            ConfigError: the encoder does not have so many layers.
            CheckpointError: it is not known where its layers are.
        """
        before = len(require_layers(encoder, "Take another encoder"))
        weights_before = _weights(encoder)
        shrunk = keep_layers(encoder, even_layers(self.layers, before))
        counts = {
            "layers": shrunk.layers,
            "layers removed": before - shrunk.layers,
            "weights": _weights(shrunk),
            "weights removed": weights_before - _weights(shrunk),
        }
        return VocabularyChange(shrunk, counts)


def _weights(encoder: Encoder) -> int:
    return sum(parameter.numel() for parameter in encoder.masked_lm.parameters())
