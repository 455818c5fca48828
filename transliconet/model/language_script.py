"""Embeddings of languages and scripts beside the masked-LM head (LangSAMP)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from transliconet.errors import CheckpointError, first_line
from transliconet.language_codes import ROMANIZED_SCRIPT
from transliconet.model.vectors import normalize

LANGUAGE_SCRIPT_FILE = "language_script.safetensors"


class LanguageScriptEmbeddings(nn.Module):
    r"""A vector for each language and one for each script, added to the states that the masked-LM
    head gets (LangSAMP; Liu et al., 2025, arXiv 2409.18199, section 3).

    .. math:: h'_i = h_i + E^{lang}_l + E^{script}_s

    The head then need not read language and script from the state :math:`h_i`. Only the masked
    language model adds them: no vector of a text does. All are zero at first, so that training
    starts from what the checkpoint predicts.

    Args:
        languages: L codes of ISO 639-3.
        scripts: S codes of ISO 15924.
        width: H, of the encoder's states.
    """

    def __init__(self, languages: Sequence[str], scripts: Sequence[str], width: int) -> None:
        super().__init__()
        self.languages, self.scripts = tuple(languages), tuple(scripts)
        self.language = nn.Parameter(torch.zeros(len(languages), width))  # (L, H)
        self.script = nn.Parameter(torch.zeros(len(scripts), width))  # (S, H)

    @property
    def names(self) -> dict[str, Any]:
        """The constructor's arguments, as plain data."""
        width = self.language.shape[1]
        return {"languages": [*self.languages], "scripts": [*self.scripts], "width": width}

    def with_tags(self, tags: Sequence[str]) -> Self:
        """These embeddings and, of zeros, those of further languages and scripts.

        Args:
            tags: language tags, such as ``hin_Deva``. The script of romanized text is always there.
        """
        languages, scripts = list(self.languages), [*self.scripts, ROMANIZED_SCRIPT]
        for tag in tags:
            language, _, script = tag.partition("_")
            languages.append(language)
            scripts.append(script)
        # each once, in the order in which they were first met
        distinct = list(dict.fromkeys(languages)), list(dict.fromkeys(scripts))
        extended = type(self)(*distinct, self.language.shape[1])
        with torch.no_grad():
            extended.language[: len(self.languages)] = self.language
            extended.script[: len(self.scripts)] = self.script
        return extended

    def forward(self, languages: Tensor, scripts: Tensor) -> Tensor:
        """(M,) int64 numbers of languages and of scripts → (M, H) sums of their embeddings."""
        return self.language[languages] + self.script[scripts]

    def cosines(self) -> tuple[list[str], np.ndarray]:
        """How similar the languages are to the model, to choose a source for transfer to one.

        Returns:
            L codes, and (L, L) float32 cosines of their embeddings; 0 for a language that was never
            trained on.
        """
        return list(self.languages), cosine_table(self.language.detach().cpu().numpy())

    def save(self, folder: Path) -> None:
        """Write :data:`LANGUAGE_SCRIPT_FILE`, with the names of the rows in its metadata."""
        plain = {name: weight.cpu().float() for name, weight in self.state_dict().items()}
        save_file(plain, folder / LANGUAGE_SCRIPT_FILE, {"names": json.dumps(self.names)})

    @classmethod
    def load(cls, folder: str | Path) -> Self | None:
        """The embeddings beside an export, not trained further; None where there are none.

        Raises:
            CheckpointError: the file is damaged.
        """
        file = Path(folder) / LANGUAGE_SCRIPT_FILE
        if not file.is_file():
            return None
        try:
            with safe_open(file, framework="pt") as content:
                embeddings = cls(**json.loads(content.metadata()["names"]))
            embeddings.load_state_dict(load_file(file))
        except Exception as error:  # safetensors, json and torch raise errors of many kinds
            raise CheckpointError(
                file,
                f"damaged ({first_line(error)})",
                "Copy it again from the export, or delete it",
                code="TLN-CKPT-430",
            ) from error
        return embeddings.requires_grad_(False)


def cosine_table(vectors: np.ndarray) -> np.ndarray:
    r"""Cosines of all pairs of rows, :math:`\frac{a \cdot b}{|a| |b|}`; 0 for a row of zeros.

    Args:
        vectors: (N, D).

    Returns:
        (N, N) float32.

    >>> cosine_table(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])).round(2).tolist()
    [[1.0, 0.7099999785423279, 0.0], [0.7099999785423279, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    unit = normalize(vectors)
    return unit @ unit.T
