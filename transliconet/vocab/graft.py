"""Grafting: a model trained with a trimmed vocabulary gets its full vocabulary back."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from transliconet.errors import CheckpointError, Option
from transliconet.model.encoder import Encoder
from transliconet.model.merge_adapters import merged_state
from transliconet.model.shapes import chosen_language
from transliconet.model.vocabulary import ids_in_full
from transliconet.vocab.base import VocabularyChange, VocabularyInputs


@dataclass(frozen=True)
class Graft:
    """Gives a model that was trained with a trimmed vocabulary its full vocabulary back.

    Layers, and the rows and biases of all subwords that were kept, are those of the trained model.
    All other rows are those of the full model, bit for bit. Subwords are matched by their text.

    Args:
        full: folder or hub name of the encoder that was trimmed.
    """

    full: str

    def __call__(self, encoder: Encoder, inputs: VocabularyInputs) -> VocabularyChange:
        """The full encoder with the trained weights in it, and counts of subwords.

        Raises:
            CheckpointError: the two models differ in shape, or the trained one has subwords that
                the full one lacks.
        """
        language = chosen_language(encoder.masked_lm.config)
        full = Encoder.from_pretrained(self.full, language, encoder.prompt)
        ids = ids_in_full(encoder.tokenizer, full.tokenizer, Option("full", self.full))
        size = len(encoder.masked_lm.get_input_embeddings().weight)
        state = full.masked_lm.state_dict()
        with torch.no_grad():
            for name, values in merged_state(encoder).items():
                self._copy(name, values, state[name], ids=ids, size=size)
        full.language_script = encoder.language_script
        counts = {"put back": len(ids), "unchanged": len(full.tokenizer) - len(ids)}
        return VocabularyChange(full, counts)

    def _copy(
        self, name: str, trained: Tensor, full: Tensor, *, ids: Sequence[int], size: int
    ) -> None:
        """Copy a trained tensor into that of the full model; where it has a row a subword, into the
        rows ``ids``.
        """
        if trained.shape == full.shape:
            full.copy_(trained)
        elif trained.shape[:1] == (size,) and trained.shape[1:] == full.shape[1:]:
            full[list(ids)] = trained[: len(ids)]
        else:
            raise CheckpointError(
                Option("full", self.full),
                f"{name} has shape {tuple(full.shape)}, not {tuple(trained.shape)}",
                "Name the encoder that was trimmed",
                code="TLN-CKPT-702",
            )
