"""Plain text, one sentence a line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transliconet.corpus.sources.base import Line, Skip, TaggedFiles
from transliconet.corpus.sources.files import numbered_lines
from transliconet.language_tag import LanguageTag


class TextFiles(TaggedFiles):
    """Plain text, UTF-8, one sentence a line.

    Args:
        paths: files, folders or patterns; ``.gz``, ``.bz2``, ``.xz`` and ``.zst`` are decompressed.
        lang: tag of every file; None takes each file's from its name or its folder's.
        tags: what the source's names of languages mean, see
            :class:`~transliconet.language_tag.LanguageNames`.
        parallel: line n is the same meaning in every file, so its id is ``n``. Otherwise the id is
            ``<file name>:<line number>``: lines of different files are not taken for translations
            of each other.

    Only ``\\n`` and ``\\r\\n`` end a line.
    """

    suffixes = (".txt",)

    def __init__(
        self,
        paths: str | Sequence[str],
        lang: str | None = None,
        parallel: bool = False,
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        super().__init__(paths, lang, tags)
        self.parallel = parallel

    def _lines(self, path: Path, tag: LanguageTag) -> Iterator[Line | Skip]:
        for number, raw in numbered_lines(path):
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                detail = f"byte {error.start}: {error.reason}"
                yield Skip(str(path), number, str(tag), "invalid_utf8", detail)
                continue
            yield Line(
                str(path),
                number,
                str(number) if self.parallel else f"{self.labels[path]}:{number}",
                tag,
                text,
            )
