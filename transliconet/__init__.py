"""transliconet: bring a sentence and its romanisation to the same place in a multilingual encoder."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("transliconet")
except PackageNotFoundError:  # a source tree on sys.path that was never installed
    __version__ = "0+unknown"
