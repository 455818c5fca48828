"""Functions for notebooks: load, save, romanize, search, and a small corpus. They are also names of
the package itself, ``import transliconet as tn``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple, overload

import faiss
import numpy as np

from transliconet.corpus.cleaning import mend
from transliconet.corpus.prepare import prepare
from transliconet.corpus.recipe import Recipe, Rules
from transliconet.corpus.sources.cldr import KINDS, CldrNames
from transliconet.errors import ConfigError, DataError, Option, require_range
from transliconet.language_tag import LanguageTag
from transliconet.model.embed import embed as embed_texts
from transliconet.model.encoder import Encoder
from transliconet.model.vectors import normalize
from transliconet.outputs import is_kind
from transliconet.pairs import PairsFolder
from transliconet.report.card import plain_card
from transliconet.romanizers.base import Romanizer, romanize_line
from transliconet.romanizers.registry import romanizer
from transliconet.runs.hf_folder import KIND, export_encoder
from transliconet.runs.hub import HubRepository

_ROMANIZERS: dict[str, Romanizer] = {}


def load(path: str | Path, prompt: str | None = None, language: str | None = None) -> Encoder:
    """Load an encoder in evaluation mode, ready to embed.

    Args:
        path: a folder, such as an export, or a name on the Hugging Face hub.
        prompt: text that is put before every text, such as ``"query: "``, or the name of one of the
            checkpoint's prompts; None: the checkpoint's default.
        language: of an encoder that has adapters for single languages (X-MOD), those that are used,
            such as ``en_XX``.

    Raises:
        CheckpointError: it does not exist, lacks weights or a tokenizer, or its architecture is not
            supported.
        ConfigError: the encoder has no such adapters.
    """
    return Encoder.from_pretrained(str(path), language, prompt)


@overload
def romanize(texts: str, lang: str = "", by: str = "uroman") -> str: ...  # type: ignore[overload-overlap]
@overload
def romanize(texts: Sequence[str], lang: str = "", by: str = "uroman") -> list[str]: ...
def romanize(texts: str | Sequence[str], lang: str = "", by: str = "uroman") -> str | list[str]:
    """Romanize texts. They are first normalized as ``prepare`` does it: Unicode NFC, no control
    characters.

    Args:
        texts: one text, or several of one language.
        lang: the language's tag (``hin_Deva``, ``sr-Latn``) or code (``uk``), on which uroman's
            output depends. Empty: no language is assumed.
        by: a romanizer's name, such as ``uroman``, ``icu`` or ``greek-typed``.

    Returns:
        A string for one text, a list for several.

    Raises:
        ConfigError: an unknown romanizer.
        DataError: ``lang`` is not a language.
    """
    roman = _romanizer(by)
    language = str(LanguageTag.parse(lang, likely=True)) if lang else ""
    if isinstance(texts, str):  # a sequence of letters, otherwise
        return romanize_line(roman, mend(texts), language)[0]
    return [romanize_line(roman, mend(text), language)[0] for text in texts]


def _romanizer(name: str) -> Romanizer:
    """The romanizer of that name, made once: loading its tables takes seconds."""
    if name not in _ROMANIZERS:
        _ROMANIZERS[name] = romanizer(name)
    return _ROMANIZERS[name]


def prepare_cldr(
    out: str | Path,
    languages: Sequence[str] | None = None,
    kinds: Sequence[str] = KINDS,
    heldout: float = 0.13,
) -> PairsFolder:
    """Make pairs of names from Unicode CLDR: text in many scripts, parallel across languages,
    without a download.

    Args:
        out: the pairs folder to write. If it already holds the same pairs, it is opened.
        languages: tags, also of languages in Latin script; None takes all in other scripts.
        kinds: any of ``territories``, ``languages``, ``scripts`` and ``currencies``.
        heldout: share of ids that are held out from training, the same ids in every language.

    Raises:
        ConfigError: ``out`` holds other pairs.
        DataError: a tag that does not exist, or no name is left.
    """
    reader, rules = CldrNames(kinds, languages), Rules(heldout=heldout)
    if not Path(out).expanduser().exists():
        return prepare(reader, _romanizer("uroman"), out, Recipe(rules=rules), progress=False)
    pairs = PairsFolder.open(out)
    there = pairs.manifest["sources"], pairs.manifest["rules"], sorted(pairs.manifest["languages"])
    if there != (reader.sources(), asdict(rules), sorted(map(str, reader.locales))):
        raise ConfigError(
            f"out={out}",
            "holds other pairs",
            "Choose another folder, or remove it",
            code="TLN-CONFIG-930",
        )
    return pairs


def save(encoder: Encoder, path: str | Path) -> Path:
    """Write an encoder as a Hugging Face folder for :func:`load` and ``AutoModelForMaskedLM``. An
    earlier export in the folder is replaced.
    """
    return export_encoder(encoder, path, plain_card(encoder.name), overwrite=True)


def push(folder: str | Path, name: str, *, private: bool = False) -> str:
    """Upload an export to the Hugging Face Hub, in one commit, with the token of ``HF_TOKEN`` or of
    ``hf auth login``. The repository is made if it is missing.

    Args:
        folder: an export: ``result.export`` of :func:`fit`, or what :func:`save` wrote.
        name: ``user/name``.
        private: make a new repository private; an existing one must be.

    Returns:
        Address of the commit.

    Raises:
        ConfigError: ``folder`` is no export, ``name`` is none of the Hub's, there is no token, or
            the repository is public and was to be private.
        StorageError: the Hub cannot be reached, or refuses.
    """
    path, repository = Path(folder).expanduser(), HubRepository(name, private)
    if not is_kind(path, KIND):
        raise ConfigError(
            Option("folder", folder),
            "not an export",
            "Give a folder that tn.fit, tn.save, export or vocab wrote",
            code="TLN-CONFIG-931",
        )
    return repository.upload(path)


def embed(
    encoder: Encoder,
    texts: Iterable[str],
    layer: int | str = "auto",
    pooling: str = "auto",
    max_length: int | None = None,
    batch_tokens: int = 4096,
    *,
    normalize: bool = False,
    language: str | None = None,
) -> np.ndarray:
    """Sentence vectors, in evaluation mode and without gradients.

    Texts are cleaned as ``prepare`` does it (Unicode NFC, no control characters, no outer spaces),
    so that a query gets the vector of the same text in a pairs folder.

    Args:
        encoder: the model and its tokenizer.
        texts: N texts, also from a generator; only the vectors are held in memory.
        layer: hidden layer, 0 … ``encoder.layers`` or ``last``; ``auto``: as the checkpoint says,
            else the last.
        pooling: see :func:`transliconet.model.pooling.pool`; ``auto``: as the checkpoint says, else
            ``mean``.
        max_length: most tokens of a text; longer ones are truncated. None: as the checkpoint says,
            else 512.
        batch_tokens: most tokens of a batch, padding included.
        normalize: scale each vector to length 1, so that the dot product is the cosine.
        language: tag of the texts, ``hin_Latn`` of romanized ones; an encoder with adapters per
            language or script takes theirs.

    Returns:
        (N, H) float32, in the order of ``texts``.

    Raises:
        ConfigError: no such layer or pooling, or no language where there are adapters for some.
        DataError: the model gives NaN or infinite values, or the tag is none.
    """
    return embed_texts(
        encoder,
        map(mend, texts),
        layer=layer,
        pooling=pooling,
        max_length=max_length,
        batch_tokens=batch_tokens,
        normalize=normalize,
        language=language,
    )


class Neighbours(NamedTuple):
    """(N, k) positions of the nearest candidates, best first, and their cosines."""

    positions: np.ndarray
    cosines: np.ndarray


def nearest(queries: np.ndarray, candidates: np.ndarray, k: int = 5) -> Neighbours:
    """The ``k`` candidates of highest cosine for each query, exactly.

    Args:
        queries: (N, D).
        candidates: (M, D).
        k: number of candidates to return; at most M are.

    Raises:
        DataError: vectors of different lengths, or NaN values.
    """
    require_range("k", k, least=1)
    if queries.ndim != 2 or candidates.ndim != 2 or queries.shape[1] != candidates.shape[1]:
        raise DataError(
            f"queries {queries.shape}, candidates {candidates.shape}",
            "not two sets of vectors of one length",
            "Embed both with the same encoder and layer",
            code="TLN-DATA-930",
        )
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(normalize(candidates))
    cosines, positions = index.search(normalize(queries), min(k, len(candidates)))
    return Neighbours(positions, cosines)
