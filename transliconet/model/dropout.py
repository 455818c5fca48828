"""How much of the encoder's states is dropped in training."""

from torch import nn

from transliconet.errors import require_range
from transliconet.model.encoder import Encoder


def set_dropout(encoder: Encoder, probability: float) -> None:
    """Drop this share of states and attention weights everywhere, whatever the checkpoint's configuration says.

    Towards fixed targets (anchors) 0 learns faster in a short run; the papers keep the checkpoint's, 0.1.
    """
    require_range("dropout", probability, least=0, most=0.9)
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
