"""The verifier by itself: what it says of an export and a PDF, and what it refuses."""

from __future__ import annotations

import html.parser
import io
import json
import re
import runpy
import shutil
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from signing import alone, page, seal
from signing.alone import BROKEN, HOLDS, UNUSABLE
from signing.export import CHECKPOINTS
from signing.note import Algorithm, Note
from signing.pki import certificate_pem
from signing.report import OF_COPIES, STEPS, TEXTS, say
from signing.signer import Signer
from signing.timestamp import LocalTimeStamper, TimestampAuthority, stamp
from signing.vkeys import write_vkeys
from signing.witness import cosigned
from tests.evidence import failed, people
from tests.golden_hostile import LOG, SOUND
from tests.house import ROOT
from tests.signature_service import one_time
from tests.signing_kit import FIELDS, NOW, SEALED_AT, authority, stranger, timestamper
from tests.test_copies import a_proof, printed

PAPER = next((SOUND / "minutes").glob("*.pdf"))
ANCHOR = SOUND / "trust.pem"
STRANGERS = certificate_pem(stranger().ca.certificate)


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, expect: int = HOLDS) -> str:
    assert alone.main([str(one) for one in arguments]) == expect
    said = capsys.readouterr()
    assert (said.err[-1:], said.err.count("\n")) == (("\n", 1) if expect == UNUSABLE else ("", 0))
    return said.out + said.err


def outcomes(report: dict[str, Any]) -> dict[str, bool | None]:
    return {one["step"]: one["ok"] for one in report["checks"]}


# --- what it says
def test_an_export_holds_in_every_step_it_has_something_for(capsys: pytest.CaptureFixture[str]) -> None:
    newest = max((SOUND / "checkpoints").glob("*.note"))
    report = json.loads(
        answer(capsys, SOUND, "--trust", ANCHOR, "--checkpoint", newest, "--json", "-", "--language", "en")
    )
    left = {step for step, ok in outcomes(report).items() if ok is None}
    assert left == {"columns", "statements", "rerender", "digest", "destruction"}
    assert (report["ok"], report["trusted"], report["clock"], report["events"]) == (
        True,
        True,
        "simulated",
        6,
    )
    assert report["path"] == str(SOUND)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", report["at"])
    why = next(one["detail"] for one in report["checks"] if one["step"] == "digest")
    assert why == "not run: an export holds no keys; verify the data folder"


def test_a_pdf_names_its_signers_and_what_could_not_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, PAPER, "--trust", ANCHOR)
    assert "Ordforande: Åsa Öberg; Justerare: Łukasz Çelik; Stampel: Exempelkommun" in told
    assert "Inte prövat: en PDF för sig innehåller inga händelser" in told
    assert "Prövat mot det certifikat som angavs." in told
    anchor = x509.load_pem_x509_certificate(ANCHOR.read_bytes())
    fingerprint = anchor.fingerprint(SHA256()).hex()
    assert f"Det står under {anchor.subject.rfc4514_string()} (certifikatets SHA-256: {fingerprint})." in told
    assert "Oskyddade byte: 0" in told


def test_without_an_anchor_it_is_the_municipalitys_own_word(capsys: pytest.CaptureFixture[str]) -> None:
    for path in (SOUND, PAPER):
        report = json.loads(answer(capsys, path, "--json", "-"))
        assert (report["ok"], report["trusted"]) == (True, False)
    assert "self-asserted" in answer(capsys, PAPER, "--language", "en")


def test_what_does_not_hold_is_named_by_its_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt = tmp_path / "spoilt.pdf"
    spoilt.write_bytes(PAPER.read_bytes()[:-100])
    told = answer(capsys, spoilt, "--trust", ANCHOR, "--language", "en", expect=BROKEN)
    assert "Something does not hold: see 9" in told
    spoilt.write_bytes(b"startxref")
    assert "Inget" not in answer(capsys, spoilt, expect=BROKEN)
    (tmp_path / "export.json").write_text("{")
    told = answer(capsys, tmp_path, expect=BROKEN)
    assert "exporten kan inte läsas" in told
    assert "Inte prövat: här finns inget att pröva" in told


def test_a_report_and_a_page_are_written_in_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, shown = tmp_path / "report.json", tmp_path / "page.html"
    copied = tmp_path / "<b>&.pdf"
    copied.write_bytes(PAPER.read_bytes() + b"more")
    told = answer(capsys, copied, "--json", data, "--html", shown, expect=BROKEN)
    assert "STÄMMER INTE" in told
    report = json.loads(data.read_text("utf-8"))
    assert set(report) == {
        "path",
        "at",
        "ok",
        "trusted",
        "anchor",
        "clock",
        "events",
        "checks",
        "unprotected",
    }
    text = _Text()
    text.feed(shown.read_text("utf-8"))
    assert text.open == []
    assert text.tags.count("tr") == 1 + len(STEPS)
    assert not {"script", "link", "img", "b"} & set(text.tags)
    assert "Kontroll av <b>&.pdf" in text.said and report["at"] in text.said
    assert "STÄMMER INTE" in text.said
    for one in report["unprotected"]:
        assert f"från byte {one['offset']}: {one['length']} byte" in text.said
    assert "<b>" in answer(capsys, copied, "--html", "-", expect=BROKEN).replace("&lt;b&gt;", "<b>")


def test_a_name_chosen_by_somebody_else_is_shown_and_never_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = tmp_path / "out"
    shutil.copytree(LOG, copied)
    odd = "a\udcff\x1b[2J\u202e\n 9 stämmer.note"  # bytes that are no text, and what moves the cursor
    (copied / CHECKPOINTS / odd).touch()
    (copied / odd).touch()
    data, shown = tmp_path / "report.json", tmp_path / "page.html"
    told = answer(capsys, copied, "--json", data, "--html", shown, expect=BROKEN)
    for text in (told, shown.read_text("utf-8")):
        assert r"a\udcff\x1b[2J\u202e\n 9 stämmer.note" in text
        assert not {one for one in odd if not one.isprintable()} & set(text) - {"\n"}
    report = json.loads(data.read_text("utf-8"))
    assert str(copied / odd) in {one["file"] for one in report["unprotected"]}
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert alone.main([str(copied)]) == BROKEN, "also where no Swedish letter can be written"
    held = io.StringIO()
    monkeypatch.setattr(sys, "stdout", held)
    assert alone.main([str(copied)]) == BROKEN and held.getvalue() == told, "and where any can"


class _Text(html.parser.HTMLParser):
    """What a page says, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def test_every_sentence_is_there_in_both_languages_with_the_same_values() -> None:
    place = re.compile(r"\{(\w+)\}")
    page._words.cache_clear()  # read anew: another test of this process may have read it unmeasured
    words = page._words()
    for said in (*TEXTS.values(), *words["step"].values(), *(words[one] for one in words if one != "step")):
        assert set(said) == {"sv", "en"}
        assert all(said.values())
        assert set(place.findall(said["sv"])) == set(place.findall(said["en"])), said
    assert set(words["step"]) == {*STEPS, *OF_COPIES}
    for code in TEXTS:
        assert say(code, _Anything(), "sv")


class _Anything(dict[str, str | int]):
    def __missing__(self, name: str) -> str:
        return name


# --- what it refuses
def test_what_cannot_be_used_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("hello")
    assert "varken en export eller en PDF" in answer(capsys, tmp_path, expect=UNUSABLE)
    assert "neither" in answer(capsys, tmp_path / "text", "--language", "en", expect=UNUSABLE)
    assert "kan inte läsas" in answer(capsys, tmp_path / "nothing", expect=UNUSABLE)
    assert "inget certifikat" in answer(capsys, PAPER, "--trust", PAPER, expect=UNUSABLE)
    assert "kan inte läsas" in answer(capsys, PAPER, "--checkpoint", tmp_path / "no", expect=UNUSABLE)
    assert "kan inte läsas" in answer(capsys, PAPER, "--witness", PAPER, expect=UNUSABLE)
    assert answer(capsys, PAPER, "--witness", SOUND / "log.vkeys")
    assert "kan inte skrivas" in answer(capsys, PAPER, "--json", tmp_path, expect=UNUSABLE)
    with pytest.raises(SystemExit, match="2"):
        alone.main(["--zork"])


def test_the_program_ends_with_the_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["signing.verify", str(PAPER)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "signing" / "verify.py"), run_name="__main__")
    assert ended.value.code == HOLDS
    assert "Oskyddade byte: 0" in capsys.readouterr().out


HELP = """\
positional arguments:
  PATH                an export, or one sealed PDF

options:
  -h, --help          show this help message and exit
  --trust PEM         certificates that you got another way
  --checkpoint FILE   a checkpoint that you or somebody else has kept (may be repeated)
  --witness FILE      keys of witnesses that you know yourself
  --json FILE         write the report for machines there; - is stdout
  --html FILE         write the page for people there; - is stdout
  --language {sv,en}  of what is told (default: sv)
"""


def test_the_command_says_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit, match="0"):
        alone.main(["--help"])
    said = capsys.readouterr().out
    assert said.startswith("usage: python -m signing.verify [-h] [--trust PEM] [--checkpoint FILE]")
    assert str(alone.__doc__) in said and said.endswith(HELP)
    assert alone._parser().parse_args(["x"]).checkpoint == []


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"%PDF-1.7", True),
        (b" " * 1019 + b"%PDF-", True),
        (b" " * 1020 + b"%PDF-", False),
        (b"startxref" + b" " * 2039, True),
        (b"startxref" + b" " * 2040, False),
        (b"", False),
    ],
)
def test_a_pdf_may_have_a_damaged_head_or_end(data: bytes, is_one: bool) -> None:
    assert alone.is_pdf(data) is is_one


SIGNED = "Ordforande: Åsa Öberg; Justerare: Łukasz Çelik; Stampel: Exempelkommun stämpel"


def test_what_a_pdf_by_itself_has_something_for() -> None:
    ours, theirs = (x509.load_pem_x509_certificates(pem) for pem in (ANCHOR.read_bytes(), STRANGERS))
    at = datetime.now(UTC)
    for roots in (None, ours):
        report = alone.verify_file(PAPER.read_bytes(), PAPER, roots, at)
        assert {step: (code, dict(values)) for step, (code, values) in report.passed.items()} == {
            "pades": ("pdf-ok", {"signers": SIGNED}),
            "timestamps": ("pdf-stamps-ok", {}),
        }  # fmt: skip
        assert {step: said.code for step, said in report.skipped.items()} == dict.fromkeys(STEPS, "pdf-alone")
        assert (dict(report.failures), report.unprotected, report.trusted) == ({}, [], roots is not None)
    assert alone.verify_file(PAPER.read_bytes(), PAPER, theirs, at).failed("pades")
    more = alone.verify_file(PAPER.read_bytes() + b"more", PAPER, ours, at)
    assert more.unprotected == [(str(PAPER), PAPER.stat().st_size, 4)]
    for roots in (None, ours):
        broken = alone.verify_file(b"%PDF-1.7", Path("folder/name.pdf"), roots, at)
        (said,) = broken.failures["pades"]
        assert (said.code, said.values["name"]) == ("pdf-fault", "name.pdf")
        assert not broken.trusted and str(said.values["reason"]) not in {"", "None"}
        assert "timestamps" not in broken.passed


def test_what_cannot_be_read_is_named_with_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no keys").write_text("x")
    for option, name, why in (
        ("--witness", "no keys", "not one key a line"),
        ("--witness", "nothing", "No such file or directory"),
        ("--checkpoint", "nothing", "No such file or directory"),
        ("--trust", "nothing", "No such file or directory"),
    ):
        said = answer(capsys, PAPER, option, tmp_path / name, "--language", "en", expect=UNUSABLE)
        assert str(tmp_path / name) in said and why in said and "Errno" not in said
    assert str(tmp_path) in answer(capsys, tmp_path, expect=UNUSABLE)
    assert str(tmp_path / "no keys") in answer(capsys, tmp_path / "no keys", expect=UNUSABLE)
    assert str(tmp_path / "no keys") in answer(
        capsys, PAPER, "--trust", tmp_path / "no keys", expect=UNUSABLE
    )
    assert str(tmp_path) in answer(capsys, PAPER, "--html", tmp_path, expect=UNUSABLE)


def test_an_export_is_held_to_what_is_given_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max((SOUND / "checkpoints").glob("*.note"))
    spoilt = tmp_path / "spoilt.note"
    spoilt.write_bytes(b"x")
    given = ("--checkpoint", newest, "--checkpoint", spoilt, "--json", "-", "--language", "en")
    report = json.loads(answer(capsys, SOUND, *given, expect=BROKEN))
    assert [one["step"] for one in report["checks"] if one["ok"] is False] == ["outside-checkpoint"]
    assert str(spoilt) in next(one["detail"] for one in report["checks"] if one["ok"] is False)
    assert (
        report["unprotected"]
        == [
            {"file": str(path), "offset": 0, "length": path.stat().st_size}
            for path in (SOUND / "export.json", SOUND / "trust.pem")
        ][: 1 + report["trusted"]]
    )
    monkeypatch.chdir(SOUND.parent)
    assert json.loads(answer(capsys, "sound", "--json", "-"))["path"] == str(SOUND)
    told = answer(capsys, SOUND, "--html", tmp_path / "page", "--json", tmp_path / "data")
    assert "Prövat mot" not in answer(capsys, SOUND)
    assert "Prövat mot det certifikat som angavs" in answer(capsys, SOUND, "--trust", ANCHOR)
    text = (tmp_path / "data").read_text("utf-8")
    assert text == json.dumps(json.loads(text), indent=1) + "\n"
    assert told == "".join(f"{line}\n" for line in page.lines(json.loads(text), "sv"))


def test_what_an_export_has_nothing_for_and_what_nothing_protects(tmp_path: Path) -> None:
    place = tmp_path / "export"
    shutil.copytree(SOUND, place)
    (place / "tsa.pem").write_bytes(STRANGERS)
    note = place / "checkpoints" / "000000000006.note"
    foreign = TimestampAuthority(stranger().timestamp, lambda: SEALED_AT, policy="1.3.6.1.4.1.99999.1")
    token = stamp(LocalTimeStamper(foreign), sha256(Note.parse(note.read_bytes()).text.encode()).digest())
    note.with_suffix(".tst").write_bytes(token)
    ours, at = x509.load_pem_x509_certificates(ANCHOR.read_bytes()), datetime.now(UTC)
    seen: list[tuple[object, ...]] = []
    report = alone.verify_export(place, ours, [], at, lambda *said: seen.append(said))
    assert seen and not any(report.failures.values())
    assert report.unprotected == [
        (str(note.with_suffix(".tst")), 0, len(token)),
        *(
            (str(place / name), 0, (place / name).stat().st_size)
            for name in ("export.json", "trust.pem", "tsa.pem")
        ),
    ]
    skipped = {step: said.code for step, said in report.skipped.items()}
    sealed = dict.fromkeys(("statements", "rerender", "digest", "destruction"), "export-sealed")
    assert skipped == {"columns": "no-columns", "outside-checkpoint": "no-outside"} | sealed
    (place / "export.json").write_text("{")
    (said,) = alone.verify_export(place, ours, [], at).failures["envelope"]
    assert said.code == "export-unreadable" and str(said.values["reason"]).startswith(
        "export.json is not JSON"
    )


def test_documents_that_lie_under_each_other_s_names_fail_pades(tmp_path: Path) -> None:
    shutil.copytree(SOUND, tmp_path / "export")
    first, second, *_ = sorted((tmp_path / "export" / "minutes").glob("*.p7s"))
    first.rename(tmp_path / "held")
    second.rename(first)
    (tmp_path / "held").rename(second)
    ours = x509.load_pem_x509_certificates(ANCHOR.read_bytes())
    report = alone.verify_export(tmp_path / "export", ours, [], datetime.now(UTC))
    assert failed(report) == {"pades": ["misnamed"] * 2}
    assert {said.values["name"] for said in report.failures["pades"]} == {first.name, second.name}


def test_a_witness_that_the_caller_knows_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SOUND, tmp_path / "export")
    witness, at = Signer.generate("neighbour/witness", Algorithm.ED25519_COSIGNATURE), datetime.now(UTC)
    keys = tmp_path / "export" / "witnesses.vkeys"
    keys.write_bytes(write_vkeys([witness.vkey]))
    note = tmp_path / "export" / "checkpoints" / "000000000006.note"
    note.with_suffix(".cosigned").write_bytes(cosigned(note.read_bytes(), [witness], at))
    for options, given in (((), 0), (("--witness", keys), 1)):
        told = answer(capsys, tmp_path / "export", *options, "--json", "-", "--language", "en")
        detail = json.loads(told)["checks"][4]["detail"]
        values = {"count": 3, "size": 6, "witnessed": 1, "given": given}
        assert detail.startswith(say("checkpoints-witnessed", values))


def test_a_copy_brings_its_proof_the_lists_and_who_signed_it() -> None:
    ca, chair = authority().ca.certificate, people()["chair"].certificate.serial_number
    prepared, ours = seal.prepare(printed(a_proof()), FIELDS), authority().seal
    theirs, elsewhere = one_time(stranger, "p-4711", NOW, "Per Ahlström"), stranger().ca.certificate
    signed = seal.sign(prepared, "Ordforande", theirs, [elsewhere], ["x"], NOW, timestamper())
    reason = seal.on_paper("5c" * 32)
    signed = seal.sign(signed, "Justerare", ours, [ca], ["x"], NOW, timestamper(), reason)
    for since, failures in ((NOW - timedelta(days=1), {"cms": ["cms-fault"]}), (SEALED_AT, {})):
        crls = [authority().crl(SEALED_AT, {chair: since}), stranger().crl(SEALED_AT)]
        stamps = timestamper(lambda: SEALED_AT)
        pdf = seal.lock(signed, "Stampel", ours, [ca], ["x"], SEALED_AT, stamps, crls)
        report = alone.verify_file(pdf, Path("a/b.pdf"), [elsewhere, ca], SEALED_AT + timedelta(days=1))
        assert failed(report) == failures and report.anchor == ca
        assert report.passed["disclosures"].code == "copy-ok" and report.passed["cms"].code == "cms-ok"
        assert report.passed["pades"].values == {
            "signers": "Ordforande: Per Ahlström; Justerare: Exempelkommun stämpel (papper/paper); "
            "Stampel: Exempelkommun stämpel"
        }


def test_of_several_certificates_the_one_that_it_stands_under_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(STRANGERS + ANCHOR.read_bytes())
    anchor = x509.load_pem_x509_certificate(ANCHOR.read_bytes())
    wanted = {"subject": anchor.subject.rfc4514_string(), "sha256": anchor.fingerprint(SHA256()).hex()}
    for path in (SOUND, PAPER):
        report = json.loads(answer(capsys, path, "--trust", both, "--json", "-"))
        assert (report["trusted"], report["anchor"]) == (True, wanted)
        assert json.loads(answer(capsys, path, "--json", "-"))["anchor"] == wanted
    both.write_bytes(STRANGERS)
    for path in (SOUND, PAPER):
        report = json.loads(answer(capsys, path, "--trust", both, "--json", "-", expect=BROKEN))
        assert (report["ok"], report["anchor"]) == (False, None)
