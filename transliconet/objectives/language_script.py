"""The language and the script of each row of a batch, as numbers of embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from transliconet.batch import register_field
from transliconet.language_codes import ROMANIZED_SCRIPT
from transliconet.tokens.fields import BatchField, BatchRows

LANGUAGE = register_field(
    "row_language", "(2B,) int64: number of the row's language among those of the encoder.", "row"
)
SCRIPT = register_field(
    "row_script",
    "(2B,) int64: number of the row's script among those of the encoder. Romanized rows have the "
    "language of their text, and Latin script.",
    "row",
)


@dataclass(frozen=True)
class LanguageScript(BatchField):
    """The batch fields :data:`LANGUAGE` and :data:`SCRIPT`.

    Args:
        languages: codes of ISO 639-3, in the order of their embeddings.
        scripts: codes of ISO 15924, in the order of theirs.
    """

    languages: Sequence[str]
    scripts: Sequence[str]

    names = (LANGUAGE, SCRIPT)

    def make(self, rows: BatchRows) -> dict[str, Tensor]:
        languages, native, romanized = [], [], []
        for number in rows.pairs.languages[rows.indices].tolist():
            language, _, script = rows.pairs.tags[number].partition("_")
            languages.append(self.languages.index(language))
            native.append(self.scripts.index(script))
            romanized.append(self.scripts.index(ROMANIZED_SCRIPT))
        return {
            LANGUAGE: torch.tensor([*languages, *languages]),
            SCRIPT: torch.tensor([*native, *romanized]),
        }
