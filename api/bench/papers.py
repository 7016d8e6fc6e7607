"""Papers: print, make a one-time key, sign, stamp the time; each apart, beside the bare work inside it.

- Printing makes the bytes of minutes out of a sheet; beside it Typst alone, given the same source and data.
- A one-time key comes with its certificate; beside it the bare key. How long an RSA key takes is chance, so a turn
  makes several.
- Three signatures: chair and justerare sign the prepared print, then the municipality seals and locks it (B-LTA): each
  with a time stamp, and one over the whole. Beside it the RSA signatures that this takes.
- A time stamp is beside one bare RSA signature.
- A masked copy is printed, proven and sealed; registering it is another append.
- Verifying a sealed paper checks every signature, time stamp and appended change in it, as verify does.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from statistics import median

import typst
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from api import copies
from api.bench.figures import Figure, Tell, durations, seconds, within
from api.bench.scales import Scale
from api.bench.synthetic import Log
from api.prints import SEAL_FIELD, Prints
from api.wiring import Municipality, open_folder
from domain.messages import fresh_id
from domain.minutes import Minutes
from domain.minutes_events import MinutesSealed, MinutesVersionMade
from projections.paper.render import canonical, render
from projections.paper.sheets import Sheet
from registry.mapper import read_envelope
from signing import seal
from signing.commitments import version_root
from signing.pades_check import check_pdf
from signing.pki import KEY_BITS, AuthContext, Credential
from signing.timestamp import stamp

KEYS, NOW = 4, datetime(2030, 1, 1, tzinfo=UTC)
# Three signatures, a time stamp each, the revocation list, and the closing time stamp.
RSA_IN_THREE = 8


def measure(log: Log, scale: Scale, tell: Tell) -> Iterator[Figure]:
    """On the minutes of the played year."""
    tell("papers")
    municipality = open_folder(log.dir)
    try:
        sheet, prepared = _newest(municipality)
        signer = _signer(municipality)
        timestamper = municipality.keys.timestamper
        digest = hashlib.sha256(prepared).digest()
        yield _beside(scale, "render of minutes", lambda: render(sheet), "Typst alone", _bare_render(sheet))
        yield _beside(
            scale, f"{KEYS} one-time keys with certificates", lambda: [_signer(municipality) for _ in range(KEYS)],
            "bare RSA keys", lambda: [rsa.generate_private_key(65537, KEY_BITS) for _ in range(KEYS)],
        )  # fmt: skip
        yield _beside(
            scale, "signing with three signatures", lambda: _three(municipality, prepared, signer),
            f"{RSA_IN_THREE} bare RSA signatures", lambda: [_bare_signature(signer) for _ in range(RSA_IN_THREE)],
        )  # fmt: skip
        sealed, anchor = _sealed(municipality), [municipality.keys.authority.ca.certificate]
        yield _within(scale, "verification of one sealed PDF", lambda: check_pdf(sealed, anchor, NOW), 500.0)
        copied = partial(
            copies.printed, municipality, fresh_id(), _first(municipality).minutes, "request", [], []
        )
        yield _within(scale, "masked copy", copied, 100.0)
        yield _beside(
            scale, "time stamp", lambda: stamp(timestamper, digest),
            "one bare RSA signature", lambda: _bare_signature(signer),
        )  # fmt: skip
    finally:
        municipality.close()


def _beside(
    scale: Scale, name: str, work: Callable[[], object], peer: str, bare: Callable[[], object]
) -> Figure:
    work()
    bare()
    turns = [(seconds(work), seconds(bare)) for _ in range(scale.papers)]
    return durations(
        name, "ms", [1000 * mine for mine, _ in turns], peer, [1000 * other for _, other in turns]
    )


def _within(scale: Scale, name: str, work: Callable[[], object], limit: float) -> Figure:
    work()
    turns = [1000 * seconds(work) for _ in range(scale.papers)]
    return within(name, median(turns), "ms", "limit", limit)


def _first(municipality: Municipality) -> MinutesSealed:
    facts = municipality.registry.facts()
    return next(fact.event for fact in facts if isinstance(fact.event, MinutesSealed))


def _sealed(municipality: Municipality) -> bytes:
    return municipality.files.get(_first(municipality).file)


def _newest(municipality: Municipality) -> tuple[Sheet, bytes]:
    """The sheet of the first sealed minutes, and their print with its empty fields."""
    registry, prints = municipality.registry, Prints(municipality)
    sealed = next(fact for fact in registry.facts() if isinstance(fact.event, MinutesSealed))
    assert isinstance(sealed.event, MinutesSealed)
    wanted = sealed.event.version
    for stored in registry.recorder.select_stream(sealed.stream):
        fact = registry.fact(stored)
        if isinstance(fact.event, MinutesVersionMade) and fact.event.version == wanted:
            sheet = prints.sheet(fact, version_root(read_envelope(stored)))
            return sheet, prints.prepared(sealed.event.minutes, wanted)
    raise LookupError(f"{sealed.stream} has no version {wanted}")


def _bare_render(sheet: Sheet) -> Callable[[], object]:
    folder = files("projections.paper") / "templates"
    source = b"\n".join((folder / name).read_bytes() for name in sheet.TEMPLATES)
    data, fonts = canonical(sheet), typst.Fonts(include_system_fonts=False)
    compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True)
    return lambda: compiler.compile(
        source, sys_inputs={"data": data, "proxy": "0"}, pdf_standards=["a-3a", "ua-1"], format="pdf",
        timestamp=sheet.head.recorded_at.astimezone(UTC).replace(microsecond=0),
    )  # fmt: skip


def _signer(municipality: Municipality) -> Credential:
    now = datetime.now(UTC)
    return municipality.keys.authority.issue_signer(
        common_name="Kim Exempel",
        organisation=municipality.name,
        office="Ordförande",
        person_ref=secrets.token_hex(8),
        auth=AuthContext(
            municipality.settings.origin, "passphrase", "one-time-key", now, secrets.token_hex(8)
        ),
        now=now,
    )


def _bare_signature(signer: Credential) -> bytes:
    return signer.key.sign(b"bare", padding.PKCS1v15(), hashes.SHA256())


def _three(municipality: Municipality, prepared: bytes, signer: Credential) -> bytes:
    authority, timestamper, now = (
        municipality.keys.authority,
        municipality.keys.timestamper,
        datetime.now(UTC),
    )
    chain, pdf = [authority.ca.certificate], prepared
    for field in _fields(municipality):
        pdf = seal.sign(pdf, field, signer, chain, ["Kim Exempel"], now, timestamper)
    return seal.lock(
        pdf, SEAL_FIELD, authority.seal, chain, [municipality.name], now, timestamper, [authority.crl(now)],
        [authority.timestamp.certificate],
    )  # fmt: skip


def _fields(municipality: Municipality) -> list[str]:
    registry = municipality.registry
    sealed = next(fact for fact in registry.facts() if isinstance(fact.event, MinutesSealed))
    assert isinstance(sealed.event, MinutesSealed)
    return [field.field for field in registry.get(Minutes, sealed.event.minutes).signers][:2]
