"""Hugging Face datasets, by hub name or local path, streamed through the package ``datasets``
(extra ``hub``).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from transliconet.corpus.sources.base import (
    MISSING,
    Line,
    Skip,
    TagCache,
    describe_type,
    field_of,
    id_text,
)
from transliconet.corpus.sources.saved import load_saved, saved_configurations
from transliconet.errors import ConfigError, DataError, Option, first_line
from transliconet.language_tag import LanguageNames, LanguageTag, suggested_tag

log = logging.getLogger(__name__)

LISTED = 8
"""Most names of configurations in a message."""


class HubDataset:
    """A text dataset, read as a stream.

    Args:
        name: hub name (``cis-lmu/Glot500``), or a local folder. A folder that ``save_to_disk``
            wrote is read too, as is a folder of those: their names are its configurations.
        configs: configurations to read. Without ``lang`` and ``lang_column``, each has to be named
            by a tag (``hin_Deva``) or be mapped by ``tags``. None reads every such configuration
            and logs the names of the others.
        split: e.g. ``train``.
        text_column, lang_column, id_column: columns; ``translation.hi`` is the field ``hi`` of the
            column ``translation``. Without an id the id is ``<configuration>:<row number>``.
        lang: tag of every row, where neither the name of the configuration nor a column is one.
        revision: commit or tag of the dataset, for a run that can be repeated.
        tags: what the dataset's names of languages mean, see
            :class:`~transliconet.language_tag.LanguageNames`.

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
        *,
        text_column: str = "text",
        lang_column: str | None = None,
        id_column: str | None = None,
        lang: str | None = None,
        revision: str | None = None,
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        self.name, self.split, self.revision = name, split, revision
        self.text_column, self.lang_column, self.id_column = text_column, lang_column, id_column
        self.names = LanguageNames(tags)
        self.tag = self.names.tag(lang, Option("lang", lang)) if lang else None
        self.saved = saved_configurations(name)
        self.configs = list(configs) if configs else self._configs()
        if self.tag is None and lang_column is None:
            for config in self.configs:
                self.names.tag(config, Option("configs", config))

    def sources(self) -> list[dict[str, object]]:
        where = {"dataset": self.name, "revision": self.revision, "split": self.split}
        return [{**where, "config": config} for config in self.configs]

    def __iter__(self) -> Iterator[Line | Skip]:
        for config in self.configs:
            yield from self._rows(config)

    def _configs(self) -> list[str]:
        """Configurations whose language is known; what is passed over is named once."""
        every = list(self.saved) or self._ask(
            lambda datasets: datasets.get_dataset_config_names(self.name, revision=self.revision)
        )
        if self.tag is not None or self.lang_column is not None:
            return list(every)
        read = [name for name in every if self._is_tag(name)]
        others = [name for name in every if name not in read]
        suggestions = [_with_suggestion(name) for name in others[:LISTED]]
        if len(others) > LISTED:
            suggestions.append("…")
        listed = ", ".join(suggestions)
        if not read:
            raise DataError(
                Option("name", self.name),
                f"no configuration is named by a language tag ({listed})",
                "Set lang or lang_column, map the names with tags={hi: hin_Deva}, or take the "
                "likely scripts with tags=auto",
                code="TLN-DATA-108",
            )
        if others:
            some = f"{len(others)} of {len(every)} configurations"
            log.warning(
                "%s: %s are not read, as their names are not language tags: %s. Map them with "
                "tags={hi: hin_Deva}, or take likely scripts with tags=auto",
                self.name,
                some,
                listed,
            )
        return read

    def _is_tag(self, name: str) -> bool:
        try:
            self.names.tag(name)
        except DataError:
            return False
        return True

    def _rows(self, config: str) -> Iterator[Line | Skip]:
        source = f"{self.name}/{config}"
        stream = self._ask(lambda datasets: self._open(datasets, config))
        tags = TagCache(source, self.names)
        fixed = self.tag
        if fixed is None and self.lang_column is None:
            fixed = self.names.tag(config)
        number = 0
        rows = iter(stream)
        while (row := self._ask(lambda _: next(rows, None))) is not None:
            number += 1
            if number == 1:
                self._check_columns(source, row)
            yield self._line(tags, number, row, fixed)

    def _check_columns(self, source: str, row: Mapping[str, object]) -> None:
        columns = {
            "text_column": self.text_column,
            "lang_column": self.lang_column,
            "id_column": self.id_column,
        }
        for option, column in columns.items():
            if column and field_of(row, column) is MISSING:
                problem = f"no column {column!r}; it has {sorted(row)}"
                raise DataError(source, problem, f"Set {option}", code="TLN-DATA-109")

    def _line(
        self, tags: TagCache, number: int, row: Mapping[str, object], fixed: LanguageTag | None
    ) -> Line | Skip:
        """A row as a line, or as a skip that names the column."""
        lang: object = fixed or field_of(row, str(self.lang_column))
        known = str(lang) if isinstance(lang, LanguageTag | str) else "unknown"
        config = tags.source.removeprefix(f"{self.name}/")
        text_id: str | None = f"{config}:{number}"
        if self.id_column:
            value = field_of(row, self.id_column)
            text_id = id_text(value)
            if text_id is None:
                return _unusable(tags.source, number, known, self.id_column, value=value)
        text = field_of(row, self.text_column)
        if not isinstance(text, str) or text_id is None:
            return _unusable(tags.source, number, known, self.text_column, value=text)
        return tags.line(number, text_id, lang, text)

    def _open(self, datasets: Any, config: str) -> Any:
        if config in self.saved:
            return self._with_used_columns(load_saved(datasets, self.saved[config], self.split))
        stream = datasets.load_dataset(
            self.name, config, split=self.split, streaming=True, revision=self.revision
        )
        return self._with_used_columns(stream)

    def _with_used_columns(self, rows: Any) -> Any:
        """The dataset without the columns that are not read: decoding images or audio takes long,
        and a value that cannot be decoded there must not end the run.

        The whole dataset where its columns are not known before it is read, or one is missing: then
        the error lists them all.
        """
        used: list[str] = []
        for column in (self.text_column, self.lang_column, self.id_column):
            if not column:
                continue
            names = rows.column_names or []
            whole = column if column in names else column.partition(".")[0]
            if whole not in names:
                return rows
            if whole not in used:
                used.append(whole)
        return rows.select_columns(used)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        columns = [self.text_column, self.lang_column, self.id_column]
        return ask_datasets(self.name, question, filter(None, columns))


def ask_datasets(name: str, question: Callable[[Any], Any], columns: Iterable[str] = ()) -> Any:
    """Call the package ``datasets``, and turn what it raises into errors of ours.

    Args:
        name: of the dataset, for the errors.
        question: is given the package.
        columns: that are read, for the errors.

    Returns:
        What ``question`` returns.

    Raises:
        ConfigError: the package is not installed.
        DataError: the dataset cannot be read.
    """
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            "corpus=hub",
            "the package datasets is not installed",
            "pip install -e '.[hub]' in a checkout",
            code="TLN-CONFIG-103",
        ) from error
    try:
        return question(datasets)
    except DataError:
        raise
    except UnicodeDecodeError as error:
        named = ", ".join(repr(column) for column in columns)
        raise DataError(
            Option("name", name),
            f"a value of type string, of a column that is read ({named}), is not UTF-8 "
            f"({first_line(error)})",
            "Mend the dataset, or read its files with corpus=parquet, which skips such rows",
            code="TLN-DATA-137",
        ) from error
    # third-party code on a network and arbitrary files: it raises errors of many kinds
    except Exception as error:
        raise DataError(
            Option("name", name),
            f"cannot be read ({first_line(error)})",
            "Check the name, configuration and split, and that the hub is reachable; a local "
            "folder works too",
            code="TLN-DATA-110",
        ) from error


def _unusable(source: str, number: int, lang: str, column: str, value: object) -> Skip:
    if value is None or value is MISSING:
        return Skip(source, number, lang, "missing_field", detail=f"no {column!r}")
    return Skip(source, number, lang, "wrong_type", detail=f"{column!r} is {describe_type(value)}")


def _with_suggestion(name: str) -> str:
    tag = suggested_tag(name)
    return f"{name} (→ {tag})" if tag else name
