"""What an objective needs of a batch beside token ids, and how it is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from transliconet.batch import FIELDS, has_rows, has_tokens
from transliconet.errors import ConfigError
from transliconet.tokens.pivots import NONE, Pivots
from transliconet.tokens.tokenize import TokenizedPairs


@dataclass(frozen=True)
class TrainingTokens:
    """The tokenized training text, before the first batch is made.

    Args:
        parts: the training pairs of each pairs folder.
        tokenizer: the encoder's.
        autocast: data type of matrix products in training; None: float32.
        read: (n,) sorted positions, among the pairs of all parts, of those that a run of less than
            an epoch reads; None: all.
        pivots: the translations of the pairs of each part; empty where no field reads them.
        concepts: (N,) int64, from 0, equal for the pairs of all parts that have the same id; None
            where neither a field nor the sampler reads them.
    """

    parts: Sequence[TokenizedPairs]
    tokenizer: PreTrainedTokenizerBase
    autocast: torch.dtype | None = None
    read: np.ndarray | None = None
    pivots: Sequence[Pivots] = ()
    concepts: np.ndarray | None = None

    @property
    def texts(self) -> list[TokenizedPairs]:
        """The N pairs of all parts, then the texts that translations are taken from."""
        return [*self.parts, *(pivots.texts for pivots in self.pivots)]

    def translations(self) -> np.ndarray:
        """The translation of each pair.

        Returns:
            (N,) int64 positions among all :attr:`texts`; its own for a pair without a translation.
        """
        positions = np.arange(sum(map(len, self.parts)))
        start, of_pivots = 0, len(positions)
        for part, pivots in zip(self.parts, self.pivots, strict=True):
            translated = np.flatnonzero(pivots.of_pair != NONE)
            positions[start + translated] = of_pivots + pivots.of_pair[translated]
            start += len(part)
            of_pivots += len(pivots.texts)
        return positions


@dataclass(frozen=True)
class BatchRows:
    """The rows of one batch, from which fields are made.

    Args:
        pairs: all N training pairs.
        indices: (B,) positions of the batch's pairs among them.
        native, romanized: B rows of token ids each, special tokens included, without padding; the
            romanized ones after augmentation.
        input_ids: (2B, L) int64, both views padded.
        attention_mask, content_mask: (2B, L) bool, see :mod:`transliconet.batch`.
        mask: masks rows that a field adds as the batch's own are masked: (N, L) ids and a mask of
            their content → (N, L) ids after masking, and (N, L) labels.
        rng: randomness that depends on the batch alone, so that a resumed run and any number of
            loader processes draw the same.
    """

    pairs: TokenizedPairs
    indices: np.ndarray
    native: list[np.ndarray]
    romanized: list[np.ndarray]
    input_ids: Tensor
    attention_mask: Tensor
    content_mask: Tensor
    rng: np.random.Generator
    mask: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


MakeField = Callable[[BatchRows], dict[str, Tensor]]
"""From the rows of a batch to fields by name. Loader processes call it."""


class BatchField:
    """One or more fields of a batch that an objective needs.

    A field that follows from the rows alone overrides :meth:`make`. One that needs preparation
    overrides :meth:`open`, and :meth:`prepare` where the preparation takes long. Equal fields that
    several objectives ask for are made once, so a subclass should be a frozen dataclass.

        LANGUAGE = register_field("language", "(B,) int64: number of the language.", axis="pair")

        @dataclass(frozen=True)
        class Languages(BatchField):
            names = (LANGUAGE,)

            def make(self, rows: BatchRows) -> dict[str, Tensor]:
                return {LANGUAGE: torch.from_numpy(rows.pairs.languages[rows.indices]).long()}
    """

    names: tuple[str, ...] = ()
    """The registered fields that it makes (:func:`transliconet.batch.register_field`)."""

    @property
    def translations(self) -> bool:
        """Whether it reads :attr:`TrainingTokens.pivots`."""
        return False

    def prepare(self, tokens: TrainingTokens) -> None:
        """Do what takes long and can be cached on disk.

        It is called before training, by one process on each machine; the others wait.

        Args:
            tokens: the tokenized training text.
        """

    def open(self, tokens: TrainingTokens) -> MakeField:
        """Make the function that makes the fields. Each training process calls this once.

        Args:
            tokens: the tokenized training text.

        Returns:
            A function from the rows of a batch to fields by name; by default :meth:`make`.
        """
        return self.make

    def make(self, rows: BatchRows) -> dict[str, Tensor]:
        """Make the fields of one batch.

        Args:
            rows: of the batch.

        Returns:
            Field by name.

        Raises:
            NotImplementedError: the subclass overrides neither this method nor :meth:`open`.
        """
        raise NotImplementedError

    def identity(self, tokens: TrainingTokens) -> list[str]:
        """Name the cached data that the fields come from.

        A run is only resumed where they are the same.

        Args:
            tokens: the tokenized training text.

        Returns:
            Their names; empty by default.
        """
        return []


@dataclass(frozen=True)
class BatchNeeds:
    """What the objectives of a run need of each batch beside token ids.

    Args:
        masked_input: whether tokens are masked, for fields ``masked_ids`` and ``labels``.
        fields: more fields.

    Raises:
        ConfigError: a field is not registered, or two of ``fields`` make the same one.
    """

    masked_input: bool = False
    fields: tuple[BatchField, ...] = ()

    def __post_init__(self) -> None:
        names = [name for field in self.fields for name in field.names]
        for name in names:
            if name not in FIELDS:
                raise ConfigError(
                    name,
                    "not a registered batch field",
                    "Register its shape with transliconet.batch.register_field",
                    code="TLN-CONFIG-300",
                )
            if names.count(name) > 1:
                raise ConfigError(
                    name,
                    "two objectives ask for this batch field with different settings",
                    "Give both the same settings, or switch one off",
                    code="TLN-CONFIG-301",
                )

    @property
    def translations(self) -> bool:
        """Whether a field reads translations."""
        return any(field.translations for field in self.fields)

    def has_field(self, name: str) -> bool:
        """Whether a field of that name is made."""
        return any(name in field.names for field in self.fields)


def check_fields(made: dict[str, Tensor], rows: BatchRows) -> dict[str, Tensor]:
    """Check that fields have the shapes that they were registered with.

    Args:
        made: field by name.
        rows: the batch that they belong to.

    Returns:
        ``made``.

    Raises:
        ConfigError: a field is not registered, or its first dimensions are not what it says.
    """
    for name, values in made.items():
        expected: list[int] = []
        if name in FIELDS and has_rows(name):
            expected = list(rows.input_ids.shape[: 2 if has_tokens(name) else 1])
        elif name in FIELDS and FIELDS[name].axis == "pair":
            expected = [len(rows.indices)]
        if name not in FIELDS or list(values.shape[: len(expected)]) != expected:
            axis = f"axis {FIELDS[name].axis!r}" if name in FIELDS else "no axis"
            raise ConfigError(
                name,
                f"a batch field of shape {tuple(values.shape)}, registered with {axis}",
                f"Make its first dimensions {expected}, or register another axis",
                code="TLN-CONFIG-302",
            )
    return made
