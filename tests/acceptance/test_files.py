"""Files of 100 MB in and out of a real server and the command line: whole, held to their digest, in little memory."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.intake import LIMIT
from tests.acceptance.conftest import LIGGARE, environment, liggare

MIB = 1 << 20
ROOM = 32 * MIB  # that much more memory than at rest may be in use at any time, of the 100 MiB that pass
BLOCK = bytes(range(256)) * (MIB // 256)


def blocks(size: int = LIMIT) -> Iterator[bytes]:
    """So many bytes, no two megabytes the same."""
    for number in range(size // MIB):
        yield number.to_bytes(8, "big") + BLOCK[8:]


def digest(parts: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()


@dataclass
class Served:
    """A registry with its server and the operator's token."""

    folder: Path
    port: int
    token: str
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        sent = {"Authorization": f"Bearer {self.token}", "Connection": "close"} | (headers or {})
        connection.request(method, f"/v1/exempelby{path}", body=body, headers=sent)
        return connection.getresponse()

    def said(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Status and JSON."""
        with self.ask(method, path, body, headers) as answer:
            return answer.status, json.loads(answer.read())

    def answers(self) -> bool:
        try:
            return bool(self.said("GET", "/me")[0] == 200)
        except OSError:
            return False

    def memory(self, name: str) -> int:
        """VmRSS is what is in use, VmHWM the most that was since it was last set back."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) * 1024

    def at_rest(self) -> int:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.memory("VmRSS")

    def stored(self) -> list[Path]:
        return [path for path in (self.folder / "files").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("files")
    liggare("init", "--dir", "data", "--name", "Exempelby", "--json", cwd=place)
    operator = tomllib.loads((place / "data" / "liggare.toml").read_text("utf-8"))["operator"]
    token = liggare("token", operator, "--dir", "data", "--json", cwd=place).json["token"]
    process = subprocess.Popen(
        [*LIGGARE, "serve", "--dir", "data", "--port", "0", "--json"],
        cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    port = int(json.loads(process.stdout.readline())["address"].rpartition(":")[2])
    served = Served(place / "data", port, token, process)
    while not served.answers():
        assert process.poll() is None, "the server ended"
        time.sleep(0.05)
    yield served
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_a_hundred_megabytes_pass_through_the_server_in_little_memory(served: Served) -> None:
    whole = digest(blocks())
    small = f"/documents?title=Liten&direction=internal&sha256={hashlib.sha256(b'x').hexdigest()}"
    assert served.said("POST", small, b"x", {"Content-Type": "text/plain"})[0] == 201
    rest = served.at_rest()
    asked = f"/documents?title=Film&direction=incoming&size={LIMIT}&sha256={whole}"
    sent = {"Content-Type": "video/mp4", "Content-Length": str(LIMIT)}
    status, made = served.said("POST", asked, blocks(), sent)
    assert status == 201, made
    got = served.ask("GET", f"/documents/{made['id']}/file")
    found, size = hashlib.sha256(), 0
    while part := got.read(MIB):
        found.update(part)
        size += len(part)
    got.close()
    assert (size, found.hexdigest()) == (LIMIT, whole)
    assert got.headers["Repr-Digest"].startswith("sha-256=:")
    grown = served.memory("VmHWM") - rest
    assert grown < ROOM, f"{grown / MIB:.0f} MiB more than at rest"
    assert not any(BLOCK[8:4096] in path.read_bytes()[: 4 * MIB] for path in served.stored())


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"&sha256={'0' * 64}", "document-hash-differs"),
        (f"&size={2 * MIB}", "document-size-differs"),
    ],
)
def test_bytes_that_do_not_match_are_refused_and_leave_nothing(served: Served, query: str, code: str) -> None:
    before = served.stored()
    asked = f"/documents?title=Fel&direction=incoming{query}"
    sent = {"Content-Type": "video/mp4", "Content-Length": str(3 * MIB)}
    status, said = served.said("POST", asked, blocks(3 * MIB), sent)
    assert (status, said["code"]) == (422, code)
    assert served.stored() == before


def test_a_file_that_is_cut_off_leaves_nothing(served: Served) -> None:
    before = served.stored()
    sent = {"Content-Type": "video/mp4", "Content-Length": str(8 * MIB)}
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.putrequest("POST", "/v1/exempelby/documents?title=Halv&direction=incoming")
    for name, value in (sent | {"Authorization": f"Bearer {served.token}"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(BLOCK * 4)
    connection.close()
    # The server answers the next one only after it has let go of the first one's place, or beside it.
    assert served.answers()
    for _ in range(100):
        if served.stored() == before:
            break
        time.sleep(0.05)
    assert served.stored() == before


@pytest.mark.long_form
def test_the_command_line_takes_and_gives_files_in_little_memory(served: Served, tmp_path: Path) -> None:
    file, out = tmp_path / "film.mp4", tmp_path / "ut.mp4"
    with file.open("wb") as target:
        target.writelines(blocks())
    whole = digest(blocks())
    place = ["--dir", str(served.folder), "--json"]
    wrong = liggare(
        "document", "add", file, *place, "--title", "Film", "--direction", "incoming", "--sha256", "0" * 64,
        expect=4,
    )  # fmt: skip
    assert wrong.json["error"]["code"] == "document-hash-differs"
    peaks = []

    def run(*arguments: str) -> Any:
        with subprocess.Popen(
            [*LIGGARE, *arguments], env=environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, said
        peaks.append(used.ru_maxrss * 1024)
        return json.loads(said)

    small = tmp_path / "liten.txt"
    small.write_bytes(b"x")
    run("document", "add", str(small), *place, "--title", "Liten", "--direction", "internal")
    made = run(
        "document", "add", str(file), *place, "--title", "Film", "--direction", "incoming", "--sha256", whole
    )  # fmt: skip
    assert (made["sha256"], made["size"]) == (whole, LIMIT)
    run("document", "version", made["id"], str(small), *place, "--note", "Ersatt")
    got = run("document", "get", made["id"], *place, "--out", str(out), "--version", "1")
    assert (got["version"], got["size"]) == (1, LIMIT)
    with out.open("rb") as fetched:
        assert hashlib.file_digest(fetched, "sha256").hexdigest() == whole
    assert max(peaks) - peaks[0] < ROOM, [peak // MIB for peak in peaks]
