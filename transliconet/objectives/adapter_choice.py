"""The adapter of each token of a batch, where there is one per language or script."""

from dataclasses import dataclass

import torch
from torch import Tensor

from transliconet.batch import register_field
from transliconet.language_codes import romanized_tag
from transliconet.model.adapter_choice import AdapterChoice, adapter_name, adapter_number
from transliconet.tokens.fields import BatchField, BatchRows

ADAPTER = register_field(
    "adapter",
    "(2B, L) int64: number of the adapter that each token goes through. Romanized rows have the "
    "language of their text, and Latin script. Present with adapters per language or script.",
    "token",
)


@dataclass(frozen=True)
class ChosenAdapters(BatchField):
    """The batch field :data:`ADAPTER`.

    Args:
        per: ``language`` or ``script``.
        adapters: names of the encoder's adapters.
    """

    per: str
    adapters: tuple[str, ...]

    names = (ADAPTER,)

    @classmethod
    def from_choice(cls, choice: AdapterChoice) -> "ChosenAdapters":
        """For the adapters of an encoder."""
        return cls(choice.per, choice.names)

    def make(self, rows: BatchRows) -> dict[str, Tensor]:
        tags = [rows.pairs.tags[i] for i in rows.pairs.languages[rows.indices].tolist()]
        of_rows = [*tags, *map(romanized_tag, tags)]
        names = [adapter_name(tag, self.per) for tag in of_rows]
        numbers = [adapter_number(name, self.adapters) for name in names]
        of_tokens = torch.tensor(numbers).unsqueeze(1).expand_as(rows.input_ids)  # (2B, L)
        return {ADAPTER: of_tokens.contiguous()}
