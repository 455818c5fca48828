"""The training text of a run: the part of its pairs folders that is not held out."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from transformers import PreTrainedTokenizerBase

from transliconet.data.mixture import require_languages
from transliconet.data.settings import DataSettings
from transliconet.errors import ConfigError, DataError, Option
from transliconet.pairs import PairsFolder
from transliconet.tokens.cache import cached_token_ids
from transliconet.tokens.pivots import NONE, Pivots, match_pivots
from transliconet.tokens.spans import read_spans, span_of_words
from transliconet.tokens.tokenize import TokenizedPairs

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingText:
    """The training part of one or more pairs folders.

    Args:
        folders: at least one.
        settings: which pairs are trained on.
        tokenizer: of the encoder.
        prompt: put before each text.
    """

    folders: Sequence[PairsFolder]
    settings: DataSettings
    tokenizer: PreTrainedTokenizerBase
    prompt: str = ""

    @classmethod
    def from_folder(
        cls,
        pairs: PairsFolder,
        settings: DataSettings,
        tokenizer: PreTrainedTokenizerBase,
        prompt: str = "",
    ) -> Self:
        """The text of a folder and of those of ``settings.also``.

        Raises:
            ConfigError: a folder of ``settings.also`` holds out other ids than ``pairs``, or
                ``settings.skip_unchanged`` leaves out all of it; or no folder has a language of
                ``settings.pivot`` or ``settings.weights``.
        """
        folders = [pairs, *(PairsFolder.open(path) for path in settings.also)]
        for folder in folders[1:]:
            _require_same_heldout(pairs, folder)
            if settings.skip_unchanged:
                _require_native_views(folder)
        for tag in settings.pivot:
            if not any(tag in folder.manifest["languages"] for folder in folders):
                raise ConfigError(
                    Option("pivot", list(settings.pivot)),
                    f"the pairs have no {tag}",
                    f"They have {', '.join(pairs.manifest['languages'])}",
                    code="TLN-CONFIG-323",
                )
        text = cls(folders, settings, tokenizer, prompt)
        require_languages(settings.weights or {}, text.languages)
        return text

    @property
    def languages(self) -> list[str]:
        """Tags of the text; some may have no pair that is trained on."""
        if self.settings.languages is not None:
            return list(self.settings.languages)
        tags: dict[str, None] = {}  # a set that keeps the order
        for folder in self.folders:
            tags.update(dict.fromkeys(folder.manifest["languages"]))
        return list(tags)

    def parts(self) -> list[TokenizedPairs]:
        """The training pairs of each folder, tokenized."""
        settings = self.settings
        languages = settings.languages
        return [self._tokens(f, languages, settings.skip_unchanged) for f in self.folders]

    @cached_property
    def pivots(self) -> list[Pivots]:
        """The translations of the pairs of each folder, from the same folder's training part.

        Raises:
            DataError: no training pair has a translation.
        """
        found = [self._pivots_of(folder) for folder in self.folders]
        number = sum(int((pivots.of_pair != NONE).sum()) for pivots in found)
        pairs = sum(len(pivots.of_pair) for pivots in found)
        tags = ", ".join(self.settings.pivot)
        if not number:
            raise DataError(
                Option("pivot", list(self.settings.pivot)),
                f"no training pair shares its id with a text in {tags}",
                "Choose a language that the source gives the same ids",
                code="TLN-DATA-323",
            )
        log.info(
            f"{number} of {pairs} training pairs have a translation in {tags}; the others do "
            "without"
        )
        return found

    def _pivots_of(self, folder: PairsFolder) -> Pivots:
        present = [tag for tag in self.settings.pivot if tag in folder.manifest["languages"]]
        # a text in Latin script may be its own romanization, and is a translation all the same
        texts = self._tokens(folder, present, skip_unchanged=False)
        candidates = _ids(folder.batches("train", languages=present))
        return Pivots(texts, match_pivots(_ids(self._rows(folder)), candidates, present))

    @cached_property
    def concepts(self) -> np.ndarray:
        """(N,) int64, from 0: equal numbers for the pairs of all folders that have the same id."""
        ids = pa.concat_tables([_ids(self._rows(folder)) for folder in self.folders])["id"]
        distinct = pc.unique(ids)
        return pc.index_in(ids, value_set=distinct).to_numpy().astype(np.int64)

    def names(self, positions: Sequence[int]) -> list[str]:
        """Names of training pairs for messages: language and id in the pairs folder.

        Args:
            positions: among the training pairs of all folders, one after the other.

        Returns:
            Names such as ``hin_Deva 17``, in the order of ``positions``.
        """
        wanted = np.array(sorted(set(positions)), dtype=np.int64)
        names: dict[int, str] = {}
        for start, rows in self._numbered_rows():
            here = wanted[(wanted >= start) & (wanted < start + len(rows))]
            for position in here.tolist():
                row = position - start
                names[position] = f"{rows['lang'][row]} {rows['id'][row]}"
        return [names[position] for position in positions]

    def spans(self, file: str | Path) -> dict[int, np.ndarray]:
        """The spans of a tagger, by words.

        Args:
            file: see :func:`transliconet.tokens.spans.read_spans`.

        Returns:
            Position of each training pair that the file has → (W,) span of each word of its text,
            -1 outside of all.

        Raises:
            DataError: the file cannot be read.
        """
        of_texts = read_spans(file)
        spans: dict[int, np.ndarray] = {}
        for start, rows in self._numbered_rows():
            columns = [rows[name].to_pylist() for name in ("lang", "id", "text")]
            for row, (lang, id_, text) in enumerate(zip(*columns, strict=True)):
                if (lang, id_) in of_texts:
                    spans[start + row] = span_of_words(text, of_texts[lang, id_])
        return spans

    def _numbered_rows(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The training pairs of all folders, some thousands at a time, with the position of the
        first.
        """
        start = 0
        for folder in self.folders:
            for rows in self._rows(folder):
                yield start, rows
                start += len(rows)

    def _rows(self, folder: PairsFolder) -> Iterator[pa.RecordBatch]:
        """The training pairs of a folder, in the order of their token ids."""
        settings = self.settings
        return folder.batches(
            "train", skip_unchanged=settings.skip_unchanged, languages=settings.languages
        )

    def _tokens(
        self, folder: PairsFolder, languages: Sequence[str] | None, skip_unchanged: bool
    ) -> TokenizedPairs:
        return cached_token_ids(
            folder,
            self.tokenizer,
            self.settings.max_length,
            languages=languages,
            skip_unchanged=skip_unchanged,
            prompt=self.prompt,
        )


def _ids(batches: Iterator[pa.RecordBatch]) -> pa.Table:
    columns = [pa.Table.from_batches([batch.select(["id", "lang"])]) for batch in batches]
    nothing = pa.table({"id": pa.array([], pa.string()), "lang": pa.array([], pa.string())})
    return pa.concat_tables([nothing, *columns])


def _require_same_heldout(first: PairsFolder, other: PairsFolder) -> None:
    """Raise unless both folders hold out the same ids. Otherwise one would train on what the other
    holds out for evaluation.
    """
    ours, theirs = _heldout_rule(first), _heldout_rule(other)
    if theirs != ours:
        raise ConfigError(
            Option("also", other.path),
            f"it holds out other ids than {first.path} ({theirs}, not {ours})",
            "Prepare both with the same heldout and seed",
            code="TLN-CONFIG-321",
        )


def _require_native_views(folder: PairsFolder) -> None:
    """Raise if every text of the folder is its own romanization, such as code-mixed text in Latin
    letters. All of it would be left out without a word.
    """
    counts = folder.manifest["languages"].values()
    identical = sum(count.get("identical", 0) for count in counts)
    if folder.manifest["rows"] and identical == folder.manifest["rows"]:
        raise ConfigError(
            Option("also", folder.path),
            "all its texts equal their romanizations, and such pairs are left out",
            "Train with skip_unchanged=false, or leave the folder out",
            code="TLN-CONFIG-331",
        )


def _heldout_rule(folder: PairsFolder) -> dict[str, Any]:
    rules = folder.manifest["rules"]
    return {name: rules.get(name) for name in ("heldout", "seed")}
