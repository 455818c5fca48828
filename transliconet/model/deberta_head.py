"""The masked-LM head of DeBERTa v2 and v3, of which transformers has two forms.

The published checkpoints have ``lm_predictions.lm_head``. The form that transformers makes unless
``config.json`` says otherwise, ``cls.predictions``, computes the same: linear layer, activation,
norm, the embedding matrix and a bias. The weights of the first are put into the second, which has
an output layer that vocabulary extension and trimming can change.
"""

from collections.abc import Iterable
from typing import Any

import torch
from transformers import AutoModelForMaskedLM, PreTrainedConfig, PreTrainedModel

PUBLISHED = "lm_predictions.lm_head."
"""What the names of a published head's weights begin with."""


def head_options(config: PreTrainedConfig) -> dict[str, Any]:
    """Arguments of ``from_pretrained`` by which a model has the head of ``cls.predictions``."""
    return {"legacy": True} if config.model_type == "deberta-v2" else {}


def adopt_published_head(masked_lm: PreTrainedModel, path: str, unused: Iterable[str]) -> bool:
    """Put the weights of a published head into a model that was loaded without them.

    Args:
        masked_lm: changed in place.
        path: of the checkpoint.
        unused: names of the checkpoint's weights that the model has no place for.

    Returns:
        Whether the checkpoint has such a head.
    """
    has_head = any(name.startswith(PUBLISHED) for name in unused)
    if masked_lm.config.model_type != "deberta-v2" or not has_head:
        return False
    published = AutoModelForMaskedLM.from_pretrained(path, dtype=torch.float32, legacy=False)
    source, target = published.lm_predictions.lm_head, masked_lm.cls.predictions
    target.transform.dense.load_state_dict(source.dense.state_dict())
    target.transform.LayerNorm.load_state_dict(source.LayerNorm.state_dict())
    target.bias.data.copy_(source.bias.data)
    return True
