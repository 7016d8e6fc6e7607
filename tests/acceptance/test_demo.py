"""liggare demo: what it makes, what it says, and that it is a registry like any other afterwards."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pymupdf
from fastapi.testclient import TestClient

from api.app import create_app
from api.demo.people import PEOPLE
from api.wiring import clock_declared, open_folder
from registry.registry import Registry
from tests.acceptance.conftest import Played, liggare
from tests.outside import need, run

TITLES = ("Kommun", "Säkerhetschefen")
ROLES = {"secretary", "chair", "justerare", "member", "registrar", "auditor", "archivist", "administrator"}


def test_it_says_what_the_contract_says(played: Played) -> None:
    assert set(played.said) == {"municipalities"}
    told = played.municipality
    keys = {"name", "slug", "dir", "bodies", "meetings", "trust_anchor", "database", "tokens"}
    assert keys <= set(told)
    assert [set(body) for body in told["bodies"]] == [{"id", "name"}] * 2
    assert [meeting["date"] for meeting in told["meetings"]] == [
        "2024-03-05", "2024-05-28", "2024-09-17", "2024-12-03",
    ]  # fmt: skip
    for meeting in told["meetings"]:
        assert set(meeting) == {"id", "body", "date", "minutes_pdf"}
        assert Path(meeting["minutes_pdf"]).read_bytes().startswith(b"%PDF")
    assert set(told["tokens"]) == ROLES
    for place in ("dir", "trust_anchor", *([] if played.env else ["database"])):
        assert Path(told[place]).exists()
    assert (played.folder / "keys" / f"{told['slug']}.key").is_file()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine", "utf-8")
    liggare("demo", "--dir", tmp_path, "--no-serve", "--json", expect=2)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_every_paper_is_there_and_every_page_says_that_it_is_an_example(played: Played) -> None:
    names = sorted(path.name for path in papers(played).glob("*.pdf"))
    days = ["2024-03-05", "2024-05-28", "2024-09-17", "2024-12-03"]
    kinds = [f"{day}-{kind}.pdf" for day in days for kind in ("anteckningar", "kallelse")]
    assert names == sorted([*kinds, "2024-12-03-rattelse.pdf"])
    for name in names:
        for page in pages(papers(played) / name):
            assert "EXEMPEL" in page, name
            assert "UTKAST" not in page, name


def papers(played: Played) -> Path:
    return played.folder / "papers" / str(played.municipality["slug"])


def pages(path: Path) -> list[str]:
    with pymupdf.open(path) as document:  # type: ignore[no-untyped-call]  # the library has no types
        return [document[number].get_text() for number in range(document.page_count)]


def test_the_sealed_papers_hold_their_signatures_for_an_outsider_too(played: Played) -> None:
    need("pdfsig")
    for path in papers(played).glob("*-anteckningar.pdf"):
        said = run("pdfsig", "-nocert", str(path))
        assert said.count("Signature is Valid") == 3, said  # pdfsig does not look at the archive time stamp


def test_nobody_who_lives_is_in_it() -> None:
    for one in PEOPLE:
        official = one.name.startswith(TITLES)
        assert official or re.search(r"Exempel|Prov|exempel|Förening|Skrivare", one.name), one.name


def test_it_verifies_from_the_anchor_that_is_handed_out(played: Played) -> None:
    answer = played.run("verify", played.data, "--trust", played.municipality["trust_anchor"], "--json")
    assert answer.json["trusted"] is True


def test_the_clock_that_was_played_on_is_declared_simulated(demo: Played) -> None:
    municipality = open_folder(demo.data)
    try:
        assert clock_declared(municipality) == "simulated"
    finally:
        municipality.close()


# --- afterwards
def test_life_goes_on_afterwards_on_the_real_clock(demo: Played) -> None:
    municipality = open_folder(demo.data)
    try:
        before = municipality.registry.recorder.head()
        assert before.recorded_at < "2026"
        slug, council = demo.municipality["slug"], council_of(demo)
        with TestClient(create_app({slug: municipality})) as client:
            for role in ROLES:
                answer = client.get(f"/v1/{slug}/bodies", headers=bearer(demo, role))
                assert answer.status_code == 200, (role, answer.text)
            meeting = {"body": council, "starts": "2099-03-04T13:00", "place": "Rum Exemplet"}
            made = client.post(
                f"/v1/{slug}/meetings/schedule-meeting", json=meeting, headers=bearer(demo, "secretary")
            )
            assert made.status_code == 201, made.text
            assert made.json()["events"][0]["position"] == before.position + 1
        head = municipality.registry.recorder.head()
        assert head.recorded_at[:10] == datetime.now(UTC).date().isoformat()
        assert ordered(municipality.registry)
    finally:
        municipality.close()
    demo.run("verify", demo.data, "--trust", demo.trust, "--json")


def council_of(played: Played) -> str:
    return next(str(body["id"]) for body in played.municipality["bodies"] if body["name"] == "Trygghetsrådet")


def bearer(played: Played, role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {played.municipality['tokens'][role]}"}


def ordered(registry: Registry) -> bool:
    times = [fact.recorded_at for fact in registry.facts()]
    return times == sorted(times)


def test_it_serves_and_stops_quietly(demo: Played) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", "serve", "--dir", str(demo.folder), "--port", str(port)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert reached(f"http://127.0.0.1:{port}{path}"), path
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=60)
    assert "Traceback" not in said


def reached(address: str, within: float = 60) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310  # our own server, on loopback
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.1)
    return False
