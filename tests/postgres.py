"""A PostgreSQL of the tests' own: made in a temporary folder, reached by a socket in it, gone at the end.

- PostgreSQL does not run as root, so root starts it as `nobody`; anybody else starts it as themselves.
- It syncs as one in service does: what the tests say of an acknowledged append is said of synced disks.
- Where the programs are not installed the tests that need them are skipped and say which Debian package adds them;
  where nothing may be skipped (LIGGARE_ALL_TOOLS=1) they fail.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

DEBIAN = Path("/usr/lib/postgresql")  # where Debian keeps them, a folder a version, off the path
OTHER = "nobody"
PORT = 5432  # in the socket's name only
SOCKET = f".s.PGSQL.{PORT}"
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "fsync": "on",
    "shared_buffers": "32MB",
    "max_connections": "120",
    "autovacuum_naptime": "1s",
}


def programs() -> Path:
    """The folder of initdb and postgres; skips, or fails where every tool is required."""
    versions = sorted(DEBIAN.glob("[0-9]*/bin"), key=lambda path: int(re.sub(r"\D", "", path.parent.name)))
    on_path = shutil.which("initdb")
    for folder in (*reversed(versions), *([Path(on_path).resolve().parent] if on_path else [])):
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    message = "postgres is not installed; add it with: apt-get install postgresql"
    if os.environ.get("LIGGARE_ALL_TOOLS") == "1":
        pytest.fail(message)
    pytest.skip(message)


class Cluster:
    """One server over one folder."""

    def __init__(self, folder: Path, programs: Path, **settings: str) -> None:
        self._settings = SETTINGS | settings | {"unix_socket_directories": str(folder)}
        self.folder, self._programs = folder, programs
        self._data, self._log = folder / "data", folder / "server.log"
        self._server: subprocess.Popen[bytes] | None = None
        # user, group and groups of the server, or none to keep one's own
        self._as: tuple[int | None, int | None, list[int] | None] = (None, None, None)
        if os.geteuid() == 0:
            other = pwd.getpwnam(OTHER)
            self._as = (other.pw_uid, other.pw_gid, [])
            os.chown(folder, other.pw_uid, other.pw_gid)
        user, group, groups = self._as
        subprocess.run(
            [programs / "initdb", "--pgdata", self._data, "--username=liggare", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, user=user, group=group, extra_groups=groups,
        )  # fmt: skip

    @property
    def url(self) -> str:
        """How to reach its first database."""
        return make_conninfo(host=str(self.folder), port=PORT, user="liggare", dbname="postgres")

    def start(self) -> None:
        """Start it and wait until it answers."""
        user, group, groups = self._as
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data,
                 *(word for name, value in self._settings.items() for word in ("-c", f"{name}={value}"))],
                stdout=log, stderr=log, cwd=self.folder,
                user=user, group=group, extra_groups=groups,
            )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                assert self._server.poll() is None, self._log.read_text("utf-8", "replace")
                assert time.monotonic() < until, self._log.read_text("utf-8", "replace")
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends every connection in order, SIGQUIT is a crash."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(60)
            self._server = None

    def database(self) -> str:
        """How to reach a new, empty database."""
        return self._made("")

    def copy(self, url: str) -> str:
        """How to reach a copy of a database that nobody is connected to."""
        return self._made(f"TEMPLATE {conninfo_to_dict(url)['dbname']}")

    def _made(self, how: str) -> str:
        name = f"d{secrets.token_hex(4)}"
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name} {how}".encode())
        return make_conninfo(self.url, dbname=name)


@contextlib.contextmanager
def cluster(**settings: str) -> Iterator[Cluster]:
    """A running server, gone afterwards."""
    found = programs()
    folder = Path(tempfile.mkdtemp(prefix="liggare-pg-"))  # short: a socket's path has at most 107 bytes
    server = Cluster(folder, found, **settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


VARIABLE = "LIGGARE_DATABASE"


@contextlib.contextmanager
def known(environment: Mapping[str, str]) -> Iterator[None]:
    """Let this process know where a registry's database is, while it opens it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@dataclass(frozen=True)
class Database:
    """What registries lie in: files of their folders, or databases of a server."""

    cluster: Cluster | None = None

    def new(self) -> dict[str, str]:
        """The environment of a registry that is yet to be made."""
        return {VARIABLE: self.cluster.database()} if self.cluster else {}

    def copy(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment of a copy of a registry that nobody has open."""
        return {VARIABLE: self.cluster.copy(environment[VARIABLE])} if self.cluster else {}


class Wire:
    """What lies between a program and the server, and can fail: a socket of its own that passes bytes on."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.folder, self._server = folder, str(cluster.folder / SOCKET)
        self.url = make_conninfo(cluster.url, host=str(folder))
        self._unheard: bytes | None = None
        self._unanswered: bytes | None = None
        self._cut_all = False
        self._doomed = set[socket.socket]()
        self._open, self._lock = list[socket.socket](), threading.Lock()
        self._listening: socket.socket | None = None
        self.join()

    def join(self) -> None:
        """Take connections (again)."""
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.folder / SOCKET))
        self._listening.listen()
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and take no more."""
        if self._listening is not None:
            (self.folder / SOCKET).unlink()
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        with self._lock:
            ends, self._open = self._open, []
        for end in ends:
            _shut(end)

    def lose_request(self, about: bytes = b"") -> None:
        """Break the connection that next asks something about this, before the server hears it."""
        self._unheard = about

    def lose_answer(self, about: bytes = b"", *, and_all: bool = False) -> None:
        """Break the connection that next asks something about this, when the server has done it; or every one."""
        self._unanswered, self._cut_all = about, and_all

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            with self._lock:
                self._open += [near, far]
            far.connect(self._server)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other, one is far), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if not is_answer and self._unheard is not None and self._unheard in data:
                    self._unheard = None
                    break
                if not is_answer and self._unanswered is not None and self._unanswered in data:
                    self._unanswered = None
                    self._doomed.add(target)
                if is_answer and source in self._doomed:
                    if self._cut_all:
                        self.cut()
                    break
                target.sendall(data)
        except OSError:
            pass
        _shut(source)
        _shut(target)

    def close(self) -> None:
        self.cut()


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
