"""A check for broken weights before a probe."""

import torch

from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder


def require_usable_weights(encoder: Encoder) -> None:
    """Refuse a model with broken weights. Its Acc@1 would be 0, like that of a bad model.

    Raises:
        CheckpointError: a weight is NaN or infinite, or all weights or all embedding rows are zero.
    """
    matrices = [p for p in encoder.masked_lm.base_model.parameters() if p.ndim > 1]
    rows = list(encoder.masked_lm.get_input_embeddings().parameters())
    problem = ""
    with torch.no_grad():
        if not all(bool(torch.isfinite(matrix).all()) for matrix in matrices):
            problem = "its weights hold NaN or infinite values"
        elif not any(bool(matrix.any()) for matrix in matrices):
            problem = "its weights are all zero"
        elif not any(bool(matrix.any()) for matrix in rows):
            problem = "its embedding rows are all zero"
    if problem:
        raise CheckpointError(
            encoder.name,
            problem,
            "Take an earlier checkpoint, or download the model again",
            code="TLN-CKPT-600",
        )
