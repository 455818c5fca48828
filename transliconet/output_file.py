"""Output files: what may be replaced."""

from pathlib import Path

from transliconet.errors import ConfigError, Option
from transliconet.outputs import require_writable_above
from transliconet.storage import storage_errors


def output_file(out: str | Path, kind: str, beginning: str, overwrite: bool = False) -> Path:
    """The path of an output file, checked: what would be replaced is a file of the same kind.

    Args:
        out: the file that the user named.
        kind: what it will hold, for the message.
        beginning: what each file of that kind begins with.
        overwrite: a file of that kind, or an empty one, may be replaced.

    Raises:
        ConfigError: there is something at ``out`` that is not replaced.
        StorageError: its folder cannot be written.
    """
    given, path = Option("out", out), Path(out).expanduser()
    with storage_errors(given):
        if path.is_dir():
            raise ConfigError(given, "a folder", "Name a file", code="TLN-CONFIG-225")
        require_writable_above(path)
        if not path.exists():
            return path
        expected = beginning.encode()
        start = b""
        if path.is_file():
            with path.open("rb") as opened:
                start = opened.read(len(expected))
    if not path.is_file() or start not in (b"", expected):
        raise ConfigError(
            given,
            f"{path.name} is something else than a transliconet {kind}, it is not replaced",
            "Choose another file",
            code="TLN-CONFIG-226",
        )
    if not overwrite:
        raise ConfigError(
            given,
            "already there",
            "Choose another file, or overwrite=true",
            code="TLN-CONFIG-227",
        )
    return path
