"""Collections in BEIR's layout (Thakur et al., 2021, arXiv 2104.08663)::

    FOLDER/
      corpus.jsonl     {"_id": "d1", "title": "…", "text": "…"}
      queries.jsonl    {"_id": "q1", "text": "…"}
      qrels/test.tsv   query-id, corpus-id, score

or a folder of such folders, each with the tag of its language as name: ``hin_Deva/``.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import isfinite
from pathlib import Path

from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.files import COMPRESSED, UNREADABLE, describe
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.lines import text_lines
from transliconet.documents.collection import Collection, LeftOut, Query, add
from transliconet.errors import ConfigError, DataError, Option
from transliconet.language_tag import LanguageNames, LanguageTag

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
ID, TITLE, TEXT = "_id", "title", "text"
MOST_CHARACTERS = 1_000_000
"""A longer document is left out; the encoder truncates others."""
CLEANING = Cleaning(max_chars=MOST_CHARACTERS)


class BeirFolder:
    """Reads collections in BEIR's layout, compressed or not.

    Judgments may also be in TREC's format, with four columns: query, a column that is not read,
    document, grade.

    Args:
        path: folder of one collection, or of one a language.
        split: name of the file of judgments in ``qrels/``.
        lang: tag of the one collection; None takes it from the folder's name.
        human: field of ``queries.jsonl`` with what people typed for the query; None: there is none.
        tags: what the names of folders mean, see
            :class:`transliconet.language_tag.LanguageNames`.

    Raises:
        DataError: there is no such folder or file, or its language is not known.
    """

    def __init__(
        self,
        path: str | Path,
        split: str = "test",
        lang: str | None = None,
        human: str | None = None,
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        self.path, self.split, self.human = Path(path).expanduser(), split, human
        names = LanguageNames(tags)
        self.folders: dict[LanguageTag, Path] = {}
        for folder in self._folders():
            tag = names.tag(lang, Option("lang", lang)) if lang else _tag_of(folder, names)
            if tag in self.folders:
                raise DataError(
                    Option("path", path),
                    f"two collections of {tag}: {self.folders[tag].name} and {folder.name}",
                    "Give one collection, or one for each language",
                    code="TLN-DATA-640",
                )
            self.folders[tag] = folder
        self._files  # noqa: B018  a file that is missing is told now, not after an hour of training

    def _folders(self) -> list[Path]:
        if _find(self.path, CORPUS) is not None:
            return [self.path]
        found = []
        for corpus in sorted(self.path.glob(f"*/{CORPUS}*")):
            if corpus == _find(corpus.parent, CORPUS):
                found.append(corpus.parent)
        if not found:
            raise DataError(
                Option("path", self.path),
                f"no {CORPUS} in it, nor in a folder in it",
                f"Give a folder in BEIR's layout: {CORPUS}, {QUERIES}, {QRELS}/{self.split}.tsv",
                code="TLN-DATA-641",
            )
        return found

    @cached_property
    def _files(self) -> dict[LanguageTag, dict[str, Path]]:
        files: dict[LanguageTag, dict[str, Path]] = {}
        for tag, folder in self.folders.items():
            files[tag] = {}
            for name in (CORPUS, QUERIES, f"{QRELS}/{self.split}.tsv"):
                file = _find(folder, name)
                if file is None:
                    raise DataError(
                        folder,
                        f"no {name} in it",
                        f"It has {_names_in(folder, name)}",
                        code="TLN-DATA-642",
                    )
                files[tag][name.split("/")[0]] = file
        return files

    def sources(self) -> list[dict[str, object]]:
        """The files, with their digests."""
        every: list[Path] = []
        for files in self._files.values():
            every += files.values()
        return describe(every)

    def read(self, languages: Sequence[str] | None = None) -> list[Collection]:
        """See :meth:`transliconet.documents.collection.CollectionSource.read`.

        Raises:
            ConfigError: there is no collection of one of the languages.
        """
        tags = list(self.folders)
        if languages is not None:
            given = Option("languages", list(languages))
            tags = [LanguageTag.parse(language, given) for language in languages]
            if absent := sorted(str(tag) for tag in tags if tag not in self.folders):
                raise ConfigError(
                    given,
                    f"no collection of {', '.join(absent)}",
                    f"There are {', '.join(map(str, self.folders))}",
                    code="TLN-CONFIG-640",
                )
        return [self._read(tag) for tag in dict.fromkeys(tags)]

    def _read(self, tag: LanguageTag) -> Collection:
        files, counts = self._files[tag], LeftOut()
        documents = _documents(files[CORPUS], tag, counts)
        queries = self._queries(files[QUERIES], tag, counts)
        judgments = _judgments(files[QRELS], str(tag), counts)
        return Collection.from_judgments(
            str(tag), documents, queries, judgments=judgments, left_out=counts
        )

    def _queries(self, file: Path, tag: LanguageTag, counts: LeftOut) -> list[Query]:
        typed: dict[int, str] = {}
        if self.human is not None:
            typed = _texts_by_number(file, tag, self.human)
        found: dict[str, Query] = {}
        for line in _lines(file, tag, TEXT):
            text, reason = _cleaned(line)
            if reason:
                add(counts, reason, 1)
            elif line.id in found:  # type: ignore[union-attr]  # a skip has a reason
                add(counts, "duplicate_query_id", 1)
            else:
                assert isinstance(line, Line)
                found[line.id] = Query(line.id, text, typed.get(line.number, ""))
        if self.human is not None:
            if found and not typed:
                raise DataError(
                    Option("human", self.human),
                    f"no query of {file} has this field",
                    "Name the field of queries.jsonl with what people typed",
                    code="TLN-DATA-645",
                )
            without = [query for query in found.values() if not query.human]
            add(counts, "no_typed_query", len(without))
        return list(found.values())


def _documents(file: Path, tag: LanguageTag, counts: LeftOut) -> dict[str, str]:
    """Id → title and text, with a space between, as BEIR's own models read it."""
    titles = _texts_by_number(file, tag, TITLE)
    documents: dict[str, str] = {}
    for line in _lines(file, tag, TEXT):
        text, reason = _cleaned(line)
        title = titles.get(line.number, "")
        if reason == "empty" and title:
            reason = ""
        if reason:
            add(counts, f"document_{reason}", 1)
            continue
        assert isinstance(line, Line)
        if line.id in documents:
            add(counts, "duplicate_document_id", 1)
        else:
            documents[line.id] = f"{title} {text}".strip()
    return documents


def _judgments(file: Path, lang: str, counts: LeftOut) -> dict[str, dict[str, float]]:
    """Id of a query → id of a document → grade. A pair that is judged twice keeps the first."""
    judgments: dict[str, dict[str, float]] = {}
    try:
        for number, line in text_lines(file, lang):
            cells = _cells(line)
            if not cells or (number == 1 and not _is_number(cells[-1])):
                continue  # an empty line, or the header
            if len(cells) not in (3, 4) or not _is_number(cells[-1]):
                add(counts, "unreadable_judgment", 1)
                continue
            # TREC's format has an unused column between the two
            query, document = cells[0].strip(), cells[-2].strip()
            of_query = judgments.setdefault(query, {})
            if document in of_query:
                add(counts, "duplicate_judgment", 1)
            else:
                of_query[document] = float(cells[-1])
    except UNREADABLE:
        add(counts, "unreadable_rest", 1)
    return judgments


def _cells(line: str | Skip) -> list[str]:
    if isinstance(line, Skip):
        return [line.reason]
    return line.split("\t") if "\t" in line else line.split()


def _lines(file: Path, tag: LanguageTag, field: str) -> Iterator[Line | Skip]:
    return iter(JsonLines(str(file), lang=str(tag), text_field=field, id_field=ID))


def _texts_by_number(file: Path, tag: LanguageTag, field: str) -> dict[int, str]:
    """Number of a line → the text of one of its fields, where it has one."""
    texts = {}
    for line in _lines(file, tag, field):
        text, reason = _cleaned(line)
        if not reason:
            texts[line.number] = text
    return texts


def _cleaned(line: Line | Skip) -> tuple[str, str]:
    """The mended text, and why it cannot be used; the reason is empty if it can."""
    if isinstance(line, Skip):
        return "", line.reason
    text, reason = CLEANING(line.text, line.lang)
    return text, reason or ""


def _is_number(cell: str) -> bool:
    try:
        return isfinite(float(cell))
    except ValueError:
        return False


def _find(folder: Path, name: str) -> Path | None:
    """A file of a folder, compressed or not."""
    for ending in ("", *COMPRESSED):
        file = folder / f"{name}{ending}"
        if file.is_file():
            return file
    return None


def _names_in(folder: Path, name: str) -> str:
    """What is in the folder of a file that is missing."""
    here = (folder / name).parent
    names = sorted(os.listdir(here)) if here.is_dir() else []
    return ", ".join(names[:10]) or "no file there"


def _tag_of(folder: Path, names: LanguageNames) -> LanguageTag:
    return names.tag_of_file(folder.absolute() / CORPUS)
