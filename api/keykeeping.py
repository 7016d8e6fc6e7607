"""Keeping the keys through the years: what there is and until when, what is renewed, replaced, or found out.

- `renew` does what is due and nothing else, so it can be run by a timer and again after a stop: it makes the revocation
  list anew, gives the seal and the time stamps new certificates in the last year of the old ones, and adds an archive
  time stamp to each sealed file whose last one ends within a year.
- A new key is on disk before the log tells of it and takes its place after that; a run that was stopped is finished
  with the same key by the next one.
- The log's keys are replaced at a checkpoint that the old and the new ones sign (signing/vkeys.py).
- What somebody else may have had is revoked from when they may have had it, and replaced; of the log's keys, which have
  no certificate, log.vkeys tells it. The authority's own key has
  nothing above it that could revoke it: for that there is a page in the handbook, and no command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, cast

from cryptography import x509

from api.faults import Fault
from api.signature_service import publish as publish_signers
from api.wiring import SYSTEM, Municipality
from domain.approving import RestampMinutes
from domain.messages import Actor, Mandate, Role, stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesSealed
from domain.municipality import KeyReplaced, ReplaceKey, ReportKeyCompromised
from registry.clock import local, unstamp
from registry.files import FileDestroyed
from registry.registry import StoredWorld
from signing import renewal
from signing.pki import CRL, CRL_LIFETIME, certificate_der
from signing.vkeys import Era, LogKeys

Certified = Literal["seal", "timestamp"]
Part = Certified | Literal["log"]
PARTS: tuple[Certified, ...] = ("seal", "timestamp")
MARGIN = timedelta(days=365)
CRL_MARGIN = CRL_LIFETIME / 3
Progress = Callable[[int, int], None]


class _Changed(Exception):
    """Somebody else has stamped the file again meanwhile."""


@dataclass(frozen=True)
class Stamped:
    """A sealed file and until when its last archive time stamp holds (arkivstämpel)."""

    minutes: str
    version: int
    file: str
    until: datetime


def fingerprint(certificate: x509.Certificate) -> str:
    """What a certificate is known by: the SHA-256 of its DER."""
    return sha256(certificate_der(certificate)).hexdigest()


def listed(m: Municipality) -> list[dict[str, Any]]:
    """Every key: its name, fingerprint, from and until when, and how it stands."""
    authority, now, rows = m.keys.authority, m.registry.clock.now(), []
    for name in ("ca", *PARTS):
        current = getattr(authority, name).certificate
        for certificate in [current, *(m.keys.earlier(name) if name != "ca" else [])]:
            state = "in-use" if certificate == current else "replaced"
            if (since := authority.revoked.get(certificate.serial_number)) is not None:
                state = "compromised"
            rows.append(
                {
                    "key": name,
                    "fingerprint": fingerprint(certificate),
                    "from": certificate.not_valid_before_utc.isoformat(),
                    "until": certificate.not_valid_after_utc.isoformat(),
                    "days": (certificate.not_valid_after_utc - now).days,
                    "state": state,
                    "compromised_since": since.isoformat() if since else None,
                }
            )
    ageless: dict[str, Any] = {
        "from": None,
        "until": None,
        "days": None,
        "state": "in-use",
        "compromised_since": None,
    }
    for era in reversed(m.keys.log.eras):
        row = ageless | {"key": "log", "fingerprint": era.fingerprint, "size": era.start}
        if era.compromised:
            row |= {"state": "compromised", "compromised_since": era.compromised.isoformat()}
        elif era != m.keys.log.eras[-1]:
            row["state"] = "replaced"
        rows.append(row)
    return rows


# --- the revocation list


def crl_ends(m: Municipality) -> datetime:
    """Until when the published revocation list is good."""
    ends = x509.load_der_x509_crl((m.keys.folder / CRL).read_bytes()).next_update_utc
    assert ends is not None  # we always say it (RFC 5280, 5.1.2.5)
    return ends


def remake_crl(m: Municipality, now: datetime) -> bool:
    """Make the revocation list anew before it ends; whether that was to be done."""
    if crl_ends(m) - now > CRL_MARGIN:
        return False
    with m.keys.turn():
        m.keys.keep(m.keys.authority, now)
    return True


# --- new certificates


def rotate(m: Municipality, part: Part) -> dict[str, str]:
    """Give the seal or the time stamps a new key and certificate, or the log new keys; what it was and what it is."""
    with m.keys.turn():
        return _rotate_log(m, lambda keys: keys) if part == "log" else _rotate(m, part)


def _rotate_log(m: Municipality, told: Callable[[LogKeys], LogKeys]) -> dict[str, str]:
    """told: the keys with what is to be told of the old ones beside."""
    old, made = m.keys.log.eras[-1], m.keys.awaiting_log() or m.keys.make_log()
    new = Era(tuple(one.vkey for one in made))
    command = ReplaceKey(key="log", old=old.fingerprint, new=new.fingerprint)
    m.execute_as(command, _operator(m))
    m.checkpoints.hand_over(made, m.registry.now(), lambda keys: m.keys.publish(told(keys)))
    return {"key": "log", "old": command.old, "new": command.new}


def _rotate(m: Municipality, part: Certified) -> dict[str, str]:
    now, authority = m.registry.now(), m.keys.authority
    old = getattr(authority, part).certificate
    made = m.keys.awaiting(part)
    if made is None:
        token = m.keys.token if part == "seal" else None
        fresh = authority.anew(part, now, token.make(f"{m.slug} stämpel") if token else None)
        m.keys.keep(fresh, now, part)
        made = getattr(fresh, part)
    command = ReplaceKey(key=part, old=fingerprint(old), new=fingerprint(made.certificate))
    m.execute_as(command, _operator(m))
    m.keys.switch(part)
    return {"key": part, "old": command.old, "new": command.new}


def compromised(m: Municipality, part: Part, since: datetime) -> dict[str, str]:
    """Revoke the key that was in use then, which somebody else may have had since, and replace it if it still is."""
    with m.keys.turn():
        if part == "log":
            return _log_compromised(m, since)
        current = getattr(m.keys.authority, part).certificate
        before = [one for one in (*m.keys.earlier(part), current) if one.not_valid_before_utc <= since]
        if not before:
            raise Fault("no-key-then", key=part, since=since.isoformat())
        certificate = max(before, key=lambda one: one.not_valid_before_utc)
        _report(m, part, fingerprint(certificate), since)
        m.keys.keep(m.keys.authority.revoking(certificate.serial_number, since), m.registry.now())
        done = {"key": part, "old": fingerprint(certificate), "since": since.isoformat()}
        done |= _rotate(m, part) if certificate == current else {"new": fingerprint(current)}
        with m.keys.pen():
            m.keys.publish(m.keys.log)  # signed and stamped with what nobody else has had
        publish_signers(m)
        return done


def _log_compromised(m: Municipality, since: datetime) -> dict[str, str]:
    """The same of the log's keys: those that signed at that time are told to be found out."""
    began = _began(m)
    before = [era for era in m.keys.log.eras if began[era.fingerprint] <= since]
    if not before:
        raise Fault("no-key-then", key="log", since=since.isoformat())
    era, current = before[-1], m.keys.log.eras[-1]
    _report(m, "log", era.fingerprint, since)
    done = {"key": "log", "old": era.fingerprint, "since": since.isoformat()}
    if era == current:
        return done | _rotate_log(m, lambda keys: keys.found_out(era.fingerprint, since))
    with m.keys.pen():
        m.keys.publish(m.keys.log.found_out(era.fingerprint, since))
    return done | {"new": current.fingerprint}


def _began(m: Municipality) -> dict[str, datetime]:
    """When each of the log's sets of keys was made to sign, by its fingerprint."""
    first = m.keys.authority.ca.certificate.not_valid_before_utc
    began = {m.keys.log.eras[0].fingerprint: first}
    for stored in m.registry.recorder.select_notifications(1, 2**53, topics=[KeyReplaced.TOPIC]):
        fact = m.registry.fact(stored)
        began[cast("KeyReplaced", fact.event).new] = unstamp(fact.recorded_at)
    return began


def _report(m: Municipality, part: Part, old: str, since: datetime) -> None:
    said = local(since).strftime("%Y-%m-%dT%H:%M")
    m.execute_as(ReportKeyCompromised(key=part, old=old, since=said), _operator(m))


def _operator(m: Municipality) -> Actor:
    return Actor(m.settings.operator, Mandate(Role.ADMINISTRATOR), "operator")


# --- archive time stamps


def archived(m: Municipality) -> Iterator[Stamped]:
    """Every sealed file that has not been destroyed."""
    for stored in m.registry.recorder.select_notifications(1, 2**53, topics=[MinutesSealed.TOPIC]):
        event = cast("MinutesSealed", m.registry.fact(stored).event)
        sealed = m.registry.get(Minutes, event.minutes).sealed
        assert sealed is not None
        try:
            until = renewal.last_stamp(m.files.get(sealed.file)).until
        except FileDestroyed:
            continue
        yield Stamped(event.minutes, sealed.version, sealed.file, until)


def renew_all(m: Municipality, every: bool = False, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Whatever is due: the revocation list, certificates in their last year, time stamps in their last year."""
    now = m.registry.now()
    crl = remake_crl(m, now)
    with m.keys.turn():
        ending = [
            part
            for part in PARTS
            if getattr(m.keys.authority, part).certificate.not_valid_after_utc - now < MARGIN
            or m.keys.awaiting(part)
        ]
        replaced = [_rotate(m, part) for part in ending]
        if m.keys.awaiting_log():
            replaced.append(_rotate_log(m, lambda keys: keys))
    found = list(archived(m))
    due = [one for one in found if every or one.until - now < MARGIN]
    done = []
    for number, one in enumerate(due):
        progress(number, len(due))
        if again := _restamp(m, one):
            done.append(again)
    progress(len(due), len(due))
    return {"crl": crl, "replaced": replaced, "sealed": len(found), "restamped": done}


def _restamp(m: Municipality, one: Stamped) -> dict[str, Any] | None:
    authority, name = m.keys.authority, stream(Minutes, one.minutes)
    chain = [authority.timestamp.certificate, authority.ca.certificate]
    old = m.files.get(one.file)
    pdf = renewal.renew(old, m.keys.timestamper, chain, [authority.crl(m.registry.now())])
    until = renewal.last_stamp(pdf).until
    assert pdf.startswith(old)
    command = RestampMinutes(
        minutes=one.minutes,
        version=one.version,
        file=m.files.put(name, "preserved", pdf),
        pdf=sha256(pdf).hexdigest(),
        size=len(pdf),
        until=until.date(),
    )

    def still(world: StoredWorld) -> None:
        sealed = world.get(Minutes, one.minutes).sealed
        if sealed is None or sealed.file != one.file:
            raise _Changed

    try:
        m.execute_as(command, SYSTEM, check=still)
    except _Changed:
        m.files.path(command.file).unlink(missing_ok=True)  # no event names it
        return None
    return {"minutes": one.minutes, "version": one.version, "until": until.isoformat()}
