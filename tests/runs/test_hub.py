"""Uploads to the Hub, against a stand-in for it on this machine."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

import transliconet as tn
from tests.settings import CliHere, raises
from transliconet.model.encoder import Encoder

TOKEN = "hf_a-secret-token"
NAME = "someone/aligned"


@dataclass
class StubHub:
    """What a stand-in for the Hub was told.

    Args:
        address: of the server.
        private: whether the repository is; None where it does not exist.
        status: to answer all requests with, if any.
        files: name → content, after the commits.
        commits: number of them.
        large: digest → content of files that are uploaded by themselves.
    """

    address: str = ""
    private: bool | None = None
    status: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    large: dict[str, bytes] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Status and JSON of the answer to a request."""
        if self.status:
            return self.status, {"error": "on purpose"}
        if path == "/api/repos/create":
            if self.private is not None:
                return 409, {"error": "exists", "url": f"{self.address}/{NAME}"}
            self.private = json.loads(body).get("visibility") == "private"
            return 200, {"url": f"{self.address}/{NAME}"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": [{"message": "no eval results"}]}
        if path == f"/api/models/{NAME}":
            return 200, {"id": NAME, "private": self.private, "siblings": [], "tags": []}
        if path == f"/api/models/{NAME}/preupload/main":
            return 200, {"files": [self._mode(file) for file in json.loads(body)["files"]]}
        if path == f"/{NAME}.git/info/lfs/objects/batch":
            return 200, {"objects": [self._action(o) for o in json.loads(body)["objects"]]}
        if method == "PUT":
            self.large[path.rpartition("/")[2]] = body
            return 200, {}
        if path == f"/api/models/{NAME}/commit/main":
            self._commit([json.loads(line) for line in body.splitlines()])
            return 200, {"commitUrl": f"{self.address}/{NAME}/commit/1", "commitOid": "1"}
        return 404, {"error": f"{method} {path}"}

    @staticmethod
    def _mode(file: dict) -> dict:
        mode = "lfs" if file["path"].endswith(".safetensors") else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}

    def _action(self, wanted: dict) -> dict:
        upload = {"href": f"{self.address}/large/{wanted['oid']}"}
        return {**wanted, "actions": {"upload": upload}}

    def _commit(self, operations: list[dict]) -> None:
        self.commits += 1
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                self.files[value["path"]] = self.large[value["oid"]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubHub]:
    """A stand-in, with a token for it."""
    stub = StubHub()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            stub.tokens.add(self.headers.get("authorization", ""))
            status, content = stub.answer(self.command, self.path.partition("?")[0], body)
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _reply

        def log_message(self, *arguments: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "ENDPOINT", stub.address)  # HF_ENDPOINT, read at import
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield stub
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("run_folder")
def test_an_export_is_uploaded_in_one_commit(
    hub: StubHub, cli_here: CliHere, tmp_path: Path
) -> None:
    done = cli_here("export", "run=run", "out=out", f"push={NAME}")
    assert done.status == 0, done.err
    assert done.out.splitlines() == [
        "exported: out",
        f"uploaded: {hub.address}/{NAME}/commit/1",
    ]
    assert TOKEN not in done.out + done.err
    assert (hub.commits, hub.private, hub.tokens - {""}) == (1, False, {f"Bearer {TOKEN}"})
    exported = {}
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file():
            exported[str(file.relative_to(tmp_path / "out"))] = file.read_bytes()
    assert hub.files.keys() == exported.keys() - {".transliconet.json"}
    assert {"modules.json", "tokenizer.json", "1_WordWeights/config.json"} <= hub.files.keys()
    digest = sha256(exported["model.safetensors"]).hexdigest()
    assert hub.large[digest] == hub.files["model.safetensors"] == exported["model.safetensors"]
    card = hub.files["README.md"].decode()
    assert f'SentenceTransformer("{NAME}")' in card
    assert str(tmp_path) not in card


@pytest.mark.usefixtures("run_folder")
def test_no_folder_is_needed_for_an_upload(hub: StubHub, cli_here: CliHere, tmp_path: Path) -> None:
    done = cli_here("export", "run=run", f"push={NAME}", "private=true")
    assert done.status == 0, done.err
    assert done.out == f"uploaded: {hub.address}/{NAME}/commit/1\n"
    assert hub.private
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    # once more: the repository is there
    assert cli_here("export", "run=run", f"push={NAME}", "private=true").status == 0


def test_a_notebook_uploads_what_it_saved(hub: StubHub, encoder: Encoder, tmp_path: Path) -> None:
    folder = tn.save(encoder, tmp_path / "saved")
    assert tn.push(folder, NAME, private=True) == f"{hub.address}/{NAME}/commit/1"
    assert (hub.private, hub.commits) == (True, 1)
    assert hub.files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    (tmp_path / "thesis").mkdir()
    with raises("TLN-CONFIG-931", naming="thesis"):
        tn.push(tmp_path / "thesis", NAME)
    with raises("TLN-CONFIG-870", naming="aligned"):
        tn.push(folder, "aligned")
    assert hub.commits == 1


@pytest.mark.usefixtures("run_folder")
def test_what_is_to_be_private_is_not_uploaded_to_a_public_repository(
    hub: StubHub, cli_here: CliHere
) -> None:
    hub.private = False
    done = cli_here("export", "run=run", f"push={NAME}", "private=true")
    assert "[TLN-CONFIG-872]" in done.error
    assert not hub.commits


@pytest.mark.usefixtures("run_folder")
@pytest.mark.parametrize("status", [401, 403, 500])
def test_the_hub_refuses(status: int, hub: StubHub, cli_here: CliHere) -> None:
    hub.status = status
    done = cli_here("export", "run=run", f"push={NAME}")
    assert done.status == 1
    assert "[TLN-STORAGE-871]" in done.error
    assert TOKEN not in done.out + done.err
    assert done.err.count("\n") == 1


@pytest.mark.usefixtures("run_folder", "hub")
def test_the_hub_cannot_be_reached(cli_here: CliHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    done = cli_here("export", "run=run", f"push={NAME}")
    assert "[TLN-STORAGE-872]" in done.error
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    done = cli_here("export", "run=run", f"push={NAME}")
    assert "[TLN-STORAGE-870]" in done.error


@pytest.mark.usefixtures("hub")
def test_errors_before_the_weights_are_read(
    cli_here: CliHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aligned", "a/b/c", "someone/", "some one/x", "3"):
        done = cli_here("export", "run=nowhere", f"push='{name}'")
        assert "[TLN-CONFIG-870]" in done.error, name
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    done = cli_here("export", "run=nowhere", f"push={NAME}")
    assert "[TLN-CONFIG-871]" in done.error
