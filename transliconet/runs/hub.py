"""Upload of an export to the Hugging Face Hub."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import huggingface_hub
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id

from transliconet.errors import ConfigError, Option, StorageError, first_line
from transliconet.outputs import MARKER
from transliconet.report.card import name_in_snippet

NO_ACCESS = {
    401: "the Hub does not know the token",
    403: "the token may not write there",
    404: "no such repository, or the token may not see it",
}
"""HTTP status → what it means."""


@dataclass(frozen=True)
class HubRepository:
    """A model repository of the Hub (of ``HF_ENDPOINT``), written with the token of ``HF_TOKEN`` or
    of ``hf auth login``.

    Args:
        name: ``user/name``.
        private: make a new repository private; an existing one must be.

    Raises:
        ConfigError: the name is none of the Hub's.
    """

    name: str
    private: bool = False

    def __post_init__(self) -> None:
        try:
            validate_repo_id(self.name)
        except HFValidationError as error:
            raise self._name_error(first_line(error)) from error
        if self.name.count("/") != 1:
            raise self._name_error("it names no user or organization")

    def _name_error(self, why: str) -> ConfigError:
        return ConfigError(
            Option("push", self.name),
            f"not a name of a repository ({why})",
            "Give user/name",
            code="TLN-CONFIG-870",
        )

    def require_token(self) -> None:
        """Raise where the upload would fail for want of a token.

        Raises:
            ConfigError: there is none.
        """
        if huggingface_hub.get_token() is None:
            raise ConfigError(
                Option("push", self.name),
                "no token for the Hub",
                "Run `hf auth login`, or set HF_TOKEN to a token that may write",
                code="TLN-CONFIG-871",
            )

    def upload(self, folder: Path) -> str:
        """Make the repository if it is missing, and upload an export in one commit. Files that the
        repository has besides stay.

        Args:
            folder: of the export.

        Returns:
            Address of the commit.

        Raises:
            ConfigError: there is no token, or the repository is public and was to be private.
            StorageError: the Hub cannot be reached, or refuses.
        """
        self.require_token()
        with self._upload_errors():
            self._api.create_repo(self.name, private=self.private or None, exist_ok=True)
            public = self.private and not self._api.model_info(self.name).private
        if public:
            raise ConfigError(
                Option("private", True),
                f"{self.name} is public",
                "Choose another name, or make it private on its settings page",
                code="TLN-CONFIG-872",
            )
        with self._upload_errors():
            commit = self._api.create_commit(
                self.name,
                self._additions(folder),
                commit_message="Upload of an export of transliconet",
            )
        return str(commit.commit_url)

    @cached_property
    def _api(self) -> HfApi:
        return HfApi()

    def _additions(self, folder: Path) -> list[CommitOperationAdd]:
        additions = []
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if not file.is_file() or name == MARKER:
                continue
            content: bytes | Path = file
            if name == "README.md":
                card = file.read_text(encoding="utf-8")
                content = name_in_snippet(card, self.name).encode()
            additions.append(CommitOperationAdd(name, content))
        return additions

    @contextmanager
    def _upload_errors(self) -> Iterator[None]:
        """Turn the errors of huggingface_hub and of the libraries below it into one of ours."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about metadata that a card may leave out
                yield
        except Exception as error:  # those of the HTTP client are of no common class
            problem, remedy, code = _upload_problem(error)
            raise StorageError(Option("push", self.name), problem, remedy, code=code) from error


def _upload_problem(error: Exception) -> tuple[str, str, str]:
    """What an error of huggingface_hub means, what to do about it, and the code of ours."""
    if isinstance(error, OfflineModeIsEnabled):
        return (
            "HF_HUB_OFFLINE forbids to ask the Hub",
            "Unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE",
            "TLN-STORAGE-870",
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        why = NO_ACCESS.get(status, error.server_message or f"status {status}")
        return (
            f"the Hub refuses the upload ({why})",
            "Check the name, and the rights of the token with `hf auth whoami`",
            "TLN-STORAGE-871",
        )
    return (
        f"the upload failed ({first_line(error)})",
        "Check the network, and run the same command again",
        "TLN-STORAGE-872",
    )
