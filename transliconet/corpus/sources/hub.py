"""Hugging Face datasets, by hub name or local path, streamed: through the ``datasets`` package
(extra ``hub``).
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from transliconet.corpus.sources.base import Line, Skip, TagCache
from transliconet.errors import ConfigError, DataError, first_line
from transliconet.language_tag import LanguageTag

log = logging.getLogger(__name__)


class HubDataset:
    """A text dataset, read as a stream.

    Args:
        name: hub name (``cis-lmu/Glot500``) or local folder.
        configs: configurations to read. With ``lang_column`` None each must be a tag
            (``hin_Deva``); None takes every configuration of the dataset that is one.
        split: e.g. ``train``.
        text_column, lang_column, id_column: columns; without an id the id is ``<configuration>:<row
            number>``.
        lang: tag of every row, where neither the configuration nor a column says it.
        revision: commit or tag of the dataset, for a run that can be repeated.

    Raises:
        ConfigError: the package ``datasets`` is not installed.
        DataError: the dataset, a configuration, the split or a column is not there, or the hub
            cannot be reached.
    """

    def __init__(
        self,
        name: str,
        configs: Sequence[str] | None = None,
        split: str = "train",
        text_column: str = "text",
        lang_column: str | None = None,
        id_column: str | None = None,
        lang: str | None = None,
        revision: str | None = None,
    ) -> None:
        self.name, self.split, self.revision = name, split, revision
        self.text_column, self.lang_column, self.id_column = text_column, lang_column, id_column
        self.tag = LanguageTag.parse(lang, "corpus.lang") if lang else None
        self.configs = list(configs) if configs else self._configs()
        if self.tag is None and lang_column is None:
            for config in self.configs:
                LanguageTag.parse(config, "corpus.configs")

    def sources(self) -> list[dict[str, object]]:
        return [
            {"dataset": self.name, "revision": self.revision, "config": c, "split": self.split}
            for c in self.configs
        ]

    def __iter__(self) -> Iterator[Line | Skip]:
        for config in self.configs:
            yield from self._rows(config)

    def _configs(self) -> list[str]:
        names = self._ask(
            lambda datasets: datasets.get_dataset_config_names(self.name, revision=self.revision)
        )
        if self.tag is not None or self.lang_column is not None:
            return list(names)
        tags = [n for n in names if _is_tag(n)]
        if not tags:
            raise DataError(
                f"corpus.name={self.name}",
                f"no configuration is a language tag ({', '.join(names[:8])})",
                "Set corpus.lang, or corpus.lang_column",
                code="TLN-DATA-108",
            )
        return tags

    def _rows(self, config: str) -> Iterator[Line | Skip]:
        source = f"{self.name}/{config}"
        stream = self._ask(
            lambda d: d.load_dataset(
                self.name, config, split=self.split, streaming=True, revision=self.revision
            )
        )
        tags = TagCache(source)
        fixed = self.tag or (None if self.lang_column else LanguageTag.parse(config))
        needed = [c for c in (self.text_column, self.lang_column, self.id_column) if c]
        number = 0
        rows = iter(stream)
        while (row := self._ask(lambda _: next(rows, None))) is not None:
            number += 1
            if number == 1 and (missing := [c for c in needed if c not in row]):
                raise DataError(
                    source,
                    f"no column {missing[0]!r}; it has {sorted(row)}",
                    f"Set corpus.{_option(self, missing[0])}",
                    code="TLN-DATA-109",
                )
            text, lang = row[self.text_column], fixed or row[self.lang_column]
            if not isinstance(text, str):
                yield Skip(source, number, str(lang), "missing_field")
                continue
            id_ = str(row[self.id_column]) if self.id_column else f"{config}:{number}"
            yield tags.line(number, id_, lang, text)

    def _ask(self, question: Any) -> Any:
        """The answer of the ``datasets`` package; what it raises about names and networks in our
        words.
        """
        try:
            import datasets
        except ImportError as error:
            raise ConfigError(
                "corpus=hub",
                "the package datasets is not installed",
                "pip install 'transliconet[hub]'",
                code="TLN-CONFIG-103",
            ) from error
        try:
            return question(datasets)
        except (
            OSError,
            ValueError,
            RuntimeError,
        ) as error:  # its own errors are subclasses of these
            raise DataError(
                f"corpus.name={self.name}",
                f"cannot be read ({first_line(error)})",
                "Check the name, configuration and split, and that the hub is reachable; a local folder works too",
                code="TLN-DATA-110",
            ) from error


def _option(reader: HubDataset, column: str) -> str:
    names = ("text_column", "lang_column", "id_column")
    return next(n for n in names if getattr(reader, n) == column)


def _is_tag(name: str) -> bool:
    try:
        LanguageTag.parse(name)
    except DataError:
        return False
    return True
