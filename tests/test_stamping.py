"""Time stamps over checkpoints: our own word, another's, and authorities that answer wrongly or not at all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import tsp

from api.checking import verify
from api.doctor import examine
from api.exporting import export
from api.reactions import Reactions
from api.stamping import QUERY, REPLY, Unstamped, awaits, stamp_newest
from api.wiring import Municipality, open_folder
from signing.pki import certificate_pem
from signing.timestamp import TimestampAuthority
from tests.golden_store import Golden
from tests.signing_kit import stranger

Answer = Callable[[bytes], tuple[str, bytes]]


@pytest.fixture
def golden(tmp_path: Path) -> Golden:
    return Golden.copied(tmp_path)


@contextmanager
def opened(golden: Golden, url: str | None = None) -> Iterator[Municipality]:
    """The registry of the golden store, with one checkpoint more that awaits its stamp."""
    if url:
        settings = golden.dir / "liggare.toml"
        settings.write_text(settings.read_text("utf-8") + f'timestamp_url = "{url}"\n', "utf-8")
        (golden.dir / "pki" / "tsa.pem").write_bytes(certificate_pem(stranger().ca.certificate))
    municipality = open_folder(golden.dir)
    try:
        for stamped in (golden.dir / "checkpoints").glob("*.tst"):
            stamped.unlink()
        yield municipality
    finally:
        municipality.close()


@contextmanager
def authority(answer: Answer) -> Iterator[str]:
    """A time-stamp authority of somebody else's on this machine; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == QUERY
            kind, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsa"
        finally:
            server.shutdown()
            thread.join()


def honest(query: bytes) -> tuple[str, bytes]:
    theirs = TimestampAuthority(stranger().timestamp, lambda: datetime.now(UTC), policy="1.3.6.1.4.1.99999.1")
    return REPLY, theirs.respond(query)


OTHER = {
    "version": 1,
    "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(32)},
    "cert_req": True,
}


def step(result: dict[str, Any], name: str) -> tuple[bool | None, str]:
    return next((one["ok"], one["detail"]) for one in result["checks"] if one["step"] == name)


def looked(golden: Golden) -> tuple[bool | None, str]:
    found = examine(golden.dir, lambda _, english: english)
    return next((one["ok"], one["detail"]) for one in found["checks"] if one["check"] == "timestamps")


def test_our_own_stamp_is_our_own_word(golden: Golden) -> None:
    with opened(golden) as m:
        note = awaits(m)
        assert note
        assert stamp_newest(m)
        assert not stamp_newest(m)
        assert note.with_suffix(".tst").is_file()
    assert step(verify(golden.dir, language="en"), "timestamps")[1].endswith(
        "1 are self-asserted and 0 by another authority that was given"
    )
    assert looked(golden) == (True, "the newest checkpoint is stamped (our own authority: self-asserted)")


def test_an_authority_outside_vouches_where_its_certificate_was_given(golden: Golden, tmp_path: Path) -> None:
    with authority(honest) as url, opened(golden, url) as m:
        assert stamp_newest(m)
        export(m, tmp_path / "out")
    given = tmp_path / "given.pem"
    given.write_bytes(b"".join((golden.dir / "pki" / name).read_bytes() for name in ("trust.pem", "tsa.pem")))
    for path in (golden.dir, tmp_path / "out"):
        result = verify(path, language="en")
        assert result["ok"], [one for one in result["checks"] if one["ok"] is False]
        assert "0 are self-asserted and 0 by another" in step(result, "timestamps")[1]
        result = verify(path, trust=given, language="en")
        assert "0 are self-asserted and 1 by another" in step(result, "timestamps")[1]
        listed = {Path(one["file"]).suffix for one in result["unprotected"]}
        assert ".tst" in listed, "what an outside authority leaves unsigned in its token is not told apart"


WRONG: dict[str, Answer] = {
    "text/html": lambda _: ("text/html", b"<p>Later"),
    "Insufficient data": lambda _: (REPLY, b"no stamp"),
    "refused": lambda query: honest(query[:-3]),
    "time stamp was not given": lambda _: honest(bytes(tsp.TimeStampReq(OTHER).dump())),
    "not readable|does not fit|unsigned parts|not a": lambda query: (REPLY, honest(query)[1][:-1] + b"\0"),
}


@pytest.mark.parametrize(("words", "answer"), WRONG.items(), ids=WRONG)
def test_a_wrong_answer_is_not_kept(golden: Golden, words: str, answer: Answer) -> None:
    with authority(answer) as url, opened(golden, url) as m:
        with pytest.raises(Unstamped, match=words):
            stamp_newest(m)
        assert awaits(m)


def test_an_authority_that_is_not_there_stops_nothing_and_is_asked_again(
    golden: Golden, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with authority(honest) as url:
        pass  # it is gone
    with opened(golden, url) as m:
        reactions = Reactions(m)
        with caplog.at_level(logging.WARNING):
            reactions.run()
            assert reactions.run() == 0
        assert len([one for one in caplog.records if "no time stamp" in one.message]) == 1, "told once"
        assert not m.troubles, "the registry is ready all the same"
        export(m, tmp_path / "out")
        assert verify(tmp_path / "out")["ok"]
    ok, said = looked(golden)
    assert (ok, "awaits its time stamp (http" in said) == (False, True)
    (golden.dir / "pki" / "tsa.pem").unlink()
    m = open_folder(golden.dir)
    try:
        with pytest.raises(Unstamped, match=r"tsa\.pem"):
            stamp_newest(m)
    finally:
        m.close()


def test_a_stamp_of_another_checkpoint_or_of_a_stranger_fails(golden: Golden) -> None:
    with opened(golden) as m:
        stamp_newest(m)
        first, *_, last = sorted((golden.dir / "checkpoints").glob("*.note"))
    last.with_suffix(".tst").rename(first.with_suffix(".tst"))
    assert step(verify(golden.dir), "timestamps")[0] is False
