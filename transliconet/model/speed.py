"""Trading time for memory, and compiling: neither changes what is computed."""

from transliconet.model.encoder import Encoder


def checkpoint_layers(encoder: Encoder) -> None:
    """Keep only each layer's input for the backward pass and compute the rest again (Chen et al., 2016)."""
    encoder.masked_lm.activation_checkpointing_enable({"use_reentrant": False})


def compile_layers(encoder: Encoder) -> None:
    """``torch.compile`` each layer for any number of tokens; names of weights stay as they are."""
    for layer in encoder.masked_lm.roberta.encoder.layer:
        layer.compile(dynamic=True)
