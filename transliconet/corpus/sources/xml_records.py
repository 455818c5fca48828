"""XML files read as a stream of records, with one record in memory at a time."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar
from xml.parsers import expat

from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.files import UNREADABLE, open_bytes
from transliconet.errors import DataError

BLOCK = 1 << 16


class Numbered(Protocol):
    """A record; ``number`` counts from 1 in its file."""

    number: int


Record = TypeVar("Record", bound=Numbered)


class RecordParser(ABC, Generic[Record]):
    """Collects records as the parser meets them; those that are complete lie in ``finished``.

    A subclass says what the root element is called, and handles elements and text.

    Args:
        path: the file, for messages.

    Raises:
        DataError: the root is another one, or the file declares entities, which could make it
            unboundedly large.
    """

    roots: tuple[str, ...]

    def __init__(self, path: Path) -> None:
        self.path = path
        self.finished: deque[Record] = deque()
        self.expat = expat.ParserCreate()
        self.expat.buffer_text = True
        self.expat.StartElementHandler = self._require_root
        self.expat.EndElementHandler = self.end
        self.expat.CharacterDataHandler = self.text
        self.expat.EntityDeclHandler = self._refuse_entity

    @abstractmethod
    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    @abstractmethod
    def end(self, name: str) -> None: ...

    @abstractmethod
    def text(self, text: str) -> None: ...

    def _require_root(self, name: str, attributes: dict[str, str]) -> None:
        if name not in self.roots:
            raise DataError(
                self.path,
                f"its root element is {name!r}, not {self.roots[0]!r}",
                "Extract the text of other XML first",
                code="TLN-DATA-134",
            )
        self.expat.StartElementHandler = self.start
        self.start(name, attributes)

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise DataError(
            self.path,
            f"it declares the entity {name!r}",
            "Expand entities first: they can make a small file unboundedly large",
            code="TLN-DATA-135",
        )


def xml_records(
    path: Path, make_parser: Callable[[Path], RecordParser[Record]]
) -> Iterator[Record]:
    """Read the records of a file, in order.

    Args:
        path: the file, compressed or not.
        make_parser: makes the parser of a file.

    Raises:
        DataError: the file is of another kind or declares entities.
        xml.parsers.expat.ExpatError: it is not well-formed XML.
    """
    with open_bytes(path) as f:
        yield from _parsed(f, make_parser(path))


def _parsed(f: BinaryIO, parser: RecordParser[Record]) -> Iterator[Record]:
    read = getattr(f, "read1", f.read)
    while block := read(BLOCK):
        parser.expat.Parse(block, False)
        while parser.finished:
            yield parser.finished.popleft()
    parser.expat.Parse(b"", True)


def require_records(path: Path, records: Iterator[Record], kind: str) -> None:
    """Refuse a file whose beginning is not of a kind; one that cannot be read is counted later.

    Args:
        path: the file.
        records: an iterator that reads it.
        kind: name of the format.

    Raises:
        DataError: it is no XML, or of another kind.
    """
    try:
        next(records, None)
    except expat.ExpatError as error:
        raise DataError(
            path, f"not {kind} ({error})", "corpus=text reads plain text", code="TLN-DATA-133"
        ) from error
    except UNREADABLE:
        pass


def record_lines(
    path: Path, records: Iterator[Record], lines_of: Callable[[Record], Iterator[Line | Skip]]
) -> Iterator[Line | Skip]:
    """The lines of all records, up to where the XML is damaged.

    Args:
        path: the file.
        records: an iterator that reads it.
        lines_of: gives the lines of a record.

    Returns:
        An iterator over lines; one skip (``unreadable_rest``) stands for what follows damage.
    """
    number = 0
    try:
        for record in records:
            number = record.number
            yield from lines_of(record)
    except expat.ExpatError as error:
        detail = f"XML is damaged: {error}"
        yield Skip(str(path), number + 1, "unknown", "unreadable_rest", detail=detail)
