"""Copies of sealed minutes, made, sealed, registered, handed out, verified, and looked at."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from fastapi.testclient import TestClient
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from api.app import create_app
from api.checking import verify
from api.copies import address, code, make, sealed
from api.wiring import Municipality, open_folder
from domain.document import CopyMade, Covering, Document
from domain.errors import Forbidden, Refused
from domain.minutes import Minutes
from projections.paper import render, sheet_boxes
from signing.copies import NAME, Copy, attached, verify_copy
from signing.report import Report, Said
from tests import paper_samples as samples
from tests.council import texts
from tests.forging import Called
from tests.outside import need, run
from tests.test_paper import outloud
from tests.web import SLUG

SECRET, PROVISION = "Rapporten räcker inte.", "OSL 18 kap. 1 §"
PEOPLE = ("Karin Lindqvist", "Per Ahlström", "Farida Noori", "Sofia Brandt", "Gunnar Öberg")
DISSENT = Covering(item=1, kind="dissent", piece="view", provision=PROVISION)


@pytest.fixture(scope="module")
def m(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Municipality]:
    finished = Called.make(tmp_path_factory.mktemp("called") / "town")
    with closing(open_folder(finished.told(tmp_path_factory.mktemp("finished") / "town"))) as opened:
        yield opened


def minutes_of(m: Municipality) -> str:
    found = {str(stored.originator_id) for stored in m.registry.recorder.scan()}
    (name,) = {one for one in found if one.startswith("minutes-")}
    return name.removeprefix("minutes-")


def made(
    m: Municipality, purpose: str, *coverings: Covering, items: list[int] | None = None
) -> tuple[str, bytes]:
    command, _ = make(
        m, m.settings.operator, "operator", minutes_of(m), purpose, items or [], list(coverings)
    )
    return command.document, m.files.get(m.registry.get(Document, command.document).newest.file)


@pytest.fixture(scope="module")
def masked(m: Municipality) -> tuple[str, bytes]:
    return made(m, "request", DISSENT)


def words(pdf: bytes) -> str:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:  # type: ignore[no-untyped-call]  # the library has no types
        return " ".join(page.get_text() for page in document)


def verified(pdf: bytes, m: Municipality, folder: Path) -> dict[str, Any]:
    path = folder / "copy.pdf"
    path.write_bytes(pdf)
    return verify(path, trust=m.keys.trust_anchor, language="en")


# --- for a request
def test_a_masked_copy_verifies_against_the_root_and_the_log_of_the_original(
    m: Municipality, masked: tuple[str, bytes], tmp_path: Path
) -> None:
    result = verified(masked[1], m, tmp_path)
    found = {check["step"]: check["ok"] for check in result["checks"]}
    held = [step for step, ok in found.items() if ok]
    assert held == ["checkpoints", "inclusion", "pades", "timestamps", "cms", "disclosures"]
    assert result["ok"] and result["trusted"] and not result["unprotected"]
    assert "neither there nor covered" not in str(result)
    proof = Copy.read(attached(masked[1]) or b"")
    silent = Report()  # the same copy, which does not say that it covers the dissent
    verify_copy(replace(proof, covered={}), [m.keys.authority.ca.certificate], silent)
    assert silent.remarks["disclosures"] == [Said("copy-left-out", {"count": 1, "kinds": "dissent"})]
    pin = m.registry.get(Minutes, minutes_of(m)).pins[-1]
    assert proof.root == pin.root
    assert list(proof.covered.values()) == [PROVISION]


def test_what_is_covered_is_neither_on_the_paper_nor_in_the_file(masked: tuple[str, bytes]) -> None:
    said, proof = words(masked[1]), attached(masked[1]) or b""
    assert SECRET not in said and SECRET not in proof.decode()
    assert PROVISION in said and "Farida Noori" in said and "Rådet lägger rapporten" in said
    assert "Maskad kopia" in said and "Kortkod" in said


def test_the_copy_is_registered_with_what_it_was_taken_from(
    m: Municipality, masked: tuple[str, bytes]
) -> None:
    state = m.registry.get(Document, masked[0])
    assert (state.kind, state.extract_of, state.extracted) == ("maskad kopia", minutes_of(m), (1, 2, 3, 4))
    event = m.registry.stream(f"document-{masked[0]}")[-1].event
    assert isinstance(event, CopyMade)
    assert (event.purpose, event.coverings, event.person) == ("request", (DISSENT,), m.settings.operator)


def test_a_paragraph_by_itself_verifies_and_opens_no_other(m: Municipality, tmp_path: Path) -> None:
    _, pdf = made(m, "request", items=[2])
    assert verified(pdf, m, tmp_path)["ok"]
    said, proof = words(pdf), attached(pdf) or b""
    assert SECRET not in said and SECRET not in proof.decode()
    assert "Rådet lägger rapporten" not in said and "Karin Lindqvist" in said


def test_a_covering_that_meets_nothing_and_minutes_that_are_not_there_are_refused(m: Municipality) -> None:
    wrong = DISSENT.model_copy(update={"piece": "number"})
    with pytest.raises(Refused, match="covers-nothing") as refused:
        made(m, "request", wrong)
    assert texts("refusals")["covers-nothing"]["sv"].format(**refused.value.values)
    with pytest.raises(Forbidden):
        make(m, "0" * 16, "token", minutes_of(m), "request", [], [])


# --- for the web
def test_a_copy_for_the_web_names_nobody(m: Municipality, tmp_path: Path) -> None:
    _, pdf = made(m, "web")
    said, proof = words(pdf), (attached(pdf) or b"").decode()
    for name in PEOPLE:
        assert name not in said and name not in proof
    assert "Dataskydd" in said and "Rådet lägger rapporten" in said
    result = verified(pdf, m, tmp_path)
    assert result["ok"]
    (cms,) = (check for check in result["checks"] if check["step"] == "cms")
    assert cms["ok"] is None and "brings no detached signatures" in cms["detail"]


# --- on paper
def test_the_code_on_the_paper_leads_to_the_proof(m: Municipality, masked: tuple[str, bytes]) -> None:
    document, pdf = masked
    assert f"QR-kod med adressen till handlingens bevis: {address(m, document)}" in spoken(pdf)
    with TestClient(create_app({SLUG: m})) as anybody:
        place = f"/v1/{SLUG}/copies/{document}"
        answer = anybody.get(f"{place}/{code(m, document)}")
        assert answer.status_code == 200 and answer.content == attached(pdf)
        assert "no-store" in answer.headers["cache-control"]
        assert anybody.get(f"{place}/{'0' * 32}").status_code == 404
        assert anybody.get(f"/v1/{SLUG}/copies/{'0' * 16}/{code(m, document)}").status_code == 404
        other, _ = made(m, "request")
        assert anybody.get(f"/v1/{SLUG}/copies/{other}/{code(m, document)}").status_code == 404


def spoken(pdf: bytes) -> list[str]:
    """What is said in place of the pictures of a PDF."""
    reader, found = PdfFileReader(io.BytesIO(pdf)), list[str]()
    for number in range(1, int(reader.trailer["/Size"])):
        with contextlib.suppress(Exception):
            one = reader.get_object(generic.Reference(number, 0, reader))
            if isinstance(one, generic.DictionaryObject) and "/Alt" in one:
                found.append(str(one["/Alt"]))
    return found


def test_the_address_on_the_paper_is_that_of_the_service_where_it_is_known(m: Municipality) -> None:
    assert address(m, "0" * 16).startswith(f"liggare:{SLUG}/copies/{'0' * 16}/")
    public = m.settings.model_copy(update={"public_url": "https://exempel.se/radet"})
    assert address(replace(m, settings=public), "0" * 16).startswith(
        f"https://exempel.se/radet/v1/{SLUG}/copies/"
    )


# --- a foreign disclosure
def test_a_copy_with_a_foreign_disclosure_stops_at_the_disclosures(m: Municipality, tmp_path: Path) -> None:
    """Made by somebody who has the municipality's own seal: only the commitments tell."""
    proof = Copy.read(attached(made(m, "request")[1]) or b"")
    path = next(path for path, (_, value) in proof.disclosed.items() if value == SECRET)
    salt, _ = proof.disclosed[path]
    foreign = replace(proof, disclosed={**proof.disclosed, path: (salt, "Rapporten räcker.")})
    sheet = samples.copy()
    pdf = sealed(m, render(sheet, proof=foreign.write()).pdf, sheet_boxes(sheet)[0])
    result = verified(pdf, m, tmp_path)
    assert [check["step"] for check in result["checks"] if check["ok"] is False] == ["disclosures"]
    assert path in result["checks"][-1]["detail"]
    assert not result["ok"]


# --- outside checkers
def test_others_take_the_sealed_copy_with_its_proof_for_sound(
    masked: tuple[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "copy.pdf"
    path.write_bytes(masked[1])
    run(need("qpdf"), "--check", path)
    run(outloud(), "--json", tmp_path / "report.json", "--fail-on", "warning", path)
    listed = run(need("pdfdetach"), "-list", path)
    assert "1 embedded files" in listed and NAME in listed
