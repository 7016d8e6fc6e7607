"""Who waits for the log to grow is woken, in this process and in the others.

- Appends here ring at once. Other processes are told by NOTIFY on the schema's own channel, after the commit: in the
  appending transaction it would hold up the commits of the whole database. It is sent by the session that listens, in
  transactions that wait for no disk, and once for all appends of ten milliseconds.
- A notification can be missed while a session is lost; whoever waits also looks once a second.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable

import psycopg

from registry.postgres_schema import compose
from registry.postgres_sessions import Sessions

POLL = 1.0
TOGETHER = 0.01


class Bell:
    """Rings when the log of a schema has grown."""

    def __init__(self, sessions: Sessions, schema: str) -> None:
        self._sessions = sessions
        self._listen = compose("SET synchronous_commit = off; LISTEN {schema}", schema)
        self._notify = compose("NOTIFY {schema}", schema)
        self._rings, self._rung = 0, threading.Condition()
        self._starting, self._listening, self._ended = threading.Lock(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._untold = False
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)

    def ring(self) -> None:
        """The log has grown by an append of this process: wake those who wait here, and tell the others soon."""
        self._ring()
        if not self._untold:  # else they are about to be told, and of this too
            self._untold = True
            self._start()
            with contextlib.suppress(BlockingIOError):
                self._waker.send(b"x")

    def wait(self, grown: Callable[[], bool], timeout: float) -> bool:
        """Wait until grown() holds, asked at every ring and at least once a second; whether it does."""
        self._start()
        self._listening.wait(POLL)
        until = time.monotonic() + timeout
        while True:
            rings = self._rings  # read before asking: a ring in between is not slept through
            if grown():
                return True
            left = until - time.monotonic()
            if left <= 0:
                return False
            with self._rung:
                if self._rings == rings:
                    self._rung.wait(min(left, POLL))

    def _ring(self) -> None:
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error):
                self._serve()
            if self._ended.wait(POLL):
                return

    def _serve(self) -> None:
        """Listen and tell on one session, until it is lost or all is over and told."""
        with self._sessions.connect() as session:
            session.execute(self._listen)
            self._listening.set()
            self._ring()  # for what was appended while nobody listened
            me = session.info.backend_pid
            while self._untold or not self._ended.is_set():
                if self._untold:
                    self._untold = False  # before telling: an append from here on is told of again
                    session.execute(self._notify)
                    self._ended.wait(TOGETHER)
                else:
                    select.select([session.fileno(), self._wake.fileno()], [], [], POLL)
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(4096)
                others = [notice.pid for notice in session.notifies(timeout=0) if notice.pid != me]
                if others:
                    self._ring()

    def close(self) -> None:
        """Tell what is untold, and end; a second time nothing."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._waker.send(b"x")
        if self._thread is not None:
            self._thread.join()
        self._wake.close()
        self._waker.close()
