"""`liggare doctor`: is the registry well, and what expires when?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from api.faults import told
from api.keykeeping import MARGIN, archived, crl_ends
from api.moving import ASIDE
from api.sentences import Language
from api.stamping import awaits
from api.wiring import Municipality, clock_declared, open_folder
from registry.clock import stamp, unstamp
from registry.destroyed import NAME as LIST
from registry.destroyed import DestroyedList, ListDamaged
from registry.postgres_engine import is_postgres
from registry.registry import PATIENCE
from signing.token import TokenError, TokenKey

SOON = 90
LANGUAGES: tuple[Language, ...] = ("sv", "en")
Words = Callable[[str, str], str]  # Swedish, English: the one that is asked for


def examine(folder: Path, words: Words = lambda swedish, _: swedish) -> dict[str, Any]:
    """Look at a data folder; each check with its outcome and detail."""
    municipality = open_folder(folder)
    try:
        looks = (
            _database, _clock, _views, _checkpoints, _log_keys, _stamps, _certificates, _revocation_list,
            _seal_key, _signing, _archive, _destroyed, _files, _space,
        )  # fmt: skip
        checks = [look(municipality, words) for look in looks]
    finally:
        municipality.close()
    return {
        "ok": all(check["ok"] is not False for check in checks),
        "dir": str(municipality.dir),
        "checks": checks,
    }


def _check(name: str, ok: bool | None, detail: str) -> dict[str, Any]:
    return {"check": name, "ok": ok, "detail": detail}


def _database(m: Municipality, words: Words) -> dict[str, Any]:
    """Where it lies; of a server never the address."""
    if not is_postgres(m.views):
        return _check(
            "database", True, words("loggen ligger i mappens filer", "the log lies in the folder's files")
        )
    with m.views.connect() as db:
        version = db.exec_driver_sql("SHOW server_version").scalar_one().split()[0]
        synced = db.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    said = words(
        f"schemat {m.database} i PostgreSQL {version}; synchronous_commit {synced}",
        f"the schema {m.database} of PostgreSQL {version}; synchronous_commit {synced}",
    )
    if left := ", ".join(sorted(path.name for path in m.dir.glob(f"*{ASIDE}"))):
        said += words(
            f"; {left} ligger kvar efter flytten, med nycklar som kan förstöras här men inte där: ta bort dem när "
            "flytten är prövad",
            f"; {left} are left from the move, with keys that can be destroyed here but not there: remove them when "
            "the move has been tried",
        )
    return _check("database", None if left else True, said)


def _clock(m: Municipality, words: Words) -> dict[str, Any]:
    now, head = m.registry.clock.now(), m.registry.recorder.head().recorded_at
    if head and unstamp(head) - now > PATIENCE:
        said = words(
            f"klockan är {stamp(now)}, men loggens sista händelse skrevs {head}: inget kan skrivas förrän den är rätt",
            f"the clock says {stamp(now)}, but the log's last event is of {head}: nothing is written until it is right",
        )
        return _check("clock", False, said)
    if clock_declared(m) == "simulated":
        simulated = words(
            "registret är ett exempel på simulerad klocka", "the registry is an example on a simulated clock"
        )
        return _check("clock", None, simulated)
    return _check("clock", True, words(f"klockan är {stamp(now)}", f"the clock says {stamp(now)}"))


def _views(m: Municipality, words: Words) -> dict[str, Any]:
    m.projector.catch_up()
    behind = [f"{name} ({lag})" for name, lag in m.projector.lag().items() if lag]
    if behind:
        names = ", ".join(behind)
        said = words(
            f"vyer står stilla: {names}; kör liggare rebuild",
            f"views stand still: {names}; run liggare rebuild",
        )
        return _check("views", False, said)
    return _check("views", True, words("alla vyer är i fatt", "all views are up to date"))


def _checkpoints(m: Municipality, words: Words) -> dict[str, Any]:
    stored = m.registry.recorder.checkpoints()
    head = m.registry.recorder.head().position
    if not stored:
        said = words("ingen kontrollpunkt är undertecknad", "no checkpoint has been signed")
        return _check("checkpoints", False, said)
    since = head - stored[-1][0]
    said = words(
        f"{len(stored)} kontrollpunkter; {since} händelser sedan den sista",
        f"{len(stored)} checkpoints; {since} events since the last",
    )
    return _check("checkpoints", since <= 2 * m.settings.checkpoint_every, said)


def _log_keys(m: Municipality, words: Words) -> dict[str, Any]:
    """Since when they sign, which were found out, and whether a replacement was stopped half-way."""
    eras = m.keys.log.eras
    said = words(
        f"loggens nycklar undertecknar sedan {eras[-1].start} händelser",
        f"the log's keys sign since {eras[-1].start} events",
    )
    for era in eras:
        if era.compromised:
            until, since = m.keys.log.end(era), stamp(era.compromised)[:10]
            said += words(
                f"; de som undertecknade till {until} kan ha varit röjda sedan {since}",
                f"; those that signed up to {until} may have been in other hands since {since}",
            )
    if m.keys.awaiting_log():
        said += words(
            "; ett byte blev inte klart: kör liggare keys renew",
            "; a replacement was not finished: run liggare keys renew",
        )
        return _check("log-keys", False, said)
    return _check("log-keys", True, said)


def _stamps(m: Municipality, words: Words) -> dict[str, Any]:
    url = m.settings.timestamp_url
    by = url or words(
        "kommunens egen utfärdare, alltså kommunens egen utsaga", "our own authority: self-asserted"
    )
    if (note := awaits(m)) is None:
        said = words(
            f"den nyaste kontrollpunkten är tidsstämplad ({by})", f"the newest checkpoint is stamped ({by})"
        )
        return _check("timestamps", True, said)
    said = words(
        f"kontrollpunkt {int(note.stem)} väntar på sin tidsstämpel ({by}); den begärs igen när registret är i drift",
        f"checkpoint {int(note.stem)} awaits its time stamp ({by}); it is asked for again while in service",
    )
    return _check("timestamps", False if url else None, said)


def _certificates(m: Municipality, words: Words) -> dict[str, Any]:
    authority, now = m.keys.authority, m.registry.clock.now()
    ends = {
        words("utfärdaren", "the authority"): authority.ca.certificate.not_valid_after_utc,
        words("stämpeln", "the seal"): authority.seal.certificate.not_valid_after_utc,
        words("tidsstämplingen", "the time stamps"): authority.timestamp.certificate.not_valid_after_utc,
    }
    detail = ", ".join(_until(name, end, now, words) for name, end in ends.items())
    return _check("certificates", all((end - now).days >= SOON for end in ends.values()), detail)


def _revocation_list(m: Municipality, words: Words) -> dict[str, Any]:
    """The server makes it anew by itself, so one that is about to end says that nothing has run for weeks."""
    now, end = m.registry.clock.now(), crl_ends(m)
    detail = _until(words("spärrlistan", "the revocation list"), end, now, words)
    if end <= now:
        detail += words("; kör liggare keys renew", "; run liggare keys renew")
    return _check("revocation-list", None if clock_declared(m) == "simulated" else end > now, detail)


def _seal_key(m: Municipality, words: Words) -> dict[str, Any]:
    """Where the key of the seal lies, and whether it is there."""
    key = m.keys.authority.seal.key
    if not isinstance(key, TokenKey):
        wanted = m.settings.seal_token is not None
        said = words("stämpelns nyckel ligger i pki/", "the key of the seal lies in pki/")
        if wanted:
            said += words("; kör liggare keys rotate seal", "; run liggare keys rotate seal")
        return _check("seal-key", not wanted, said)
    label = key.token.label
    try:
        there = key.present()
    except TokenError as error:
        return _check("seal-key", False, str(error))
    said = words(f"stämpelns nyckel ligger på {label}", f"the key of the seal lies on {label}")
    gone = words(f"stämpelns nyckel finns inte på {label}", f"the key of the seal is not on {label}")
    return _check("seal-key", there, said if there else gone)


def _signing(m: Municipality, words: Words) -> dict[str, Any]:
    """Where persons sign; of a signature service until when its certificates hold."""
    if (service := m.settings.signature_service) is None:
        return _check("signing", True, words("var och en skriver under här", "persons sign here"))
    from api import signature_service  # noqa: PLC0415  # XML takes its time to load, and few registries need it

    try:
        found, now = signature_service.connect(m).service, m.registry.clock.now()
    except signature_service.NotReady as error:
        said = (told("faults", error.code, language, error.values) for language in LANGUAGES)
        return _check("signing", False, words(*said))
    ends = min(each.not_valid_after_utc for each in (*found.certificates, *found.issuers))
    detail = _until(service.name, ends, now, words)
    return _check("signing", (ends - now).days >= SOON, detail)


def _archive(m: Municipality, words: Words) -> dict[str, Any]:
    now, found = m.registry.clock.now(), list(archived(m))
    if not found:
        return _check("archive", True, words("ingenting är stämplat", "nothing has been sealed"))
    first = min(one.until for one in found)
    name = words(
        f"arkivstämplarna på {len(found)} handlingar", f"the archive stamps of {len(found)} documents"
    )
    detail = _until(name, first, now, words)
    if first - now < MARGIN:
        detail += words("; kör liggare keys renew", "; run liggare keys renew")
    return _check("archive", first - now >= MARGIN, detail)


def _until(name: str, end: datetime, now: datetime, words: Words) -> str:
    days = (end - now).days
    until = words("gäller t.o.m.", "valid until")
    return f"{name} {until} {end.date().isoformat()} ({days} {words('dagar', 'days')})"


def _destroyed(m: Municipality, words: Words) -> dict[str, Any]:
    """Whether a restored backup would learn of every destroyed key."""
    gone = {one.key for one in m.vault.tombstones()}
    folders = m.settings.checkpoint_folders(m.dir)
    try:
        listed = {one.key for one in DestroyedList(folders, m.registry.clock.now).read()}
    except ListDamaged as error:
        return _check("destroyed", False, str(error))
    if short := len(gone - listed):
        said = words(
            f"{short} av {len(gone)} förstörda nycklar står inte i {LIST}: lägg tillbaka den från den senaste "
            "säkerhetskopian, annars kan en äldre kopia få tillbaka det som är förstört",
            f"{short} of {len(gone)} destroyed keys are not in {LIST}: put it back from the newest backup, or an "
            "older one may bring back what was destroyed",
        )
        return _check("destroyed", False, said)
    said = words(
        f"förstörda nycklar: {len(gone)}, alla i {LIST}",
        f"keys destroyed: {len(gone)}, all of them in {LIST}",
    )
    return _check("destroyed", True, said)


def _files(m: Municipality, words: Words) -> dict[str, Any]:
    named = {
        address
        for fact in m.registry.facts()
        for name in ("file", "cms_file")
        if isinstance(address := getattr(fact.event, name, None), str)
    }
    found = {path.name for path in m.files.folder.rglob("*") if path.is_file()}
    missing = sorted(named - found)
    if missing:
        said = words(
            f"{len(missing)} filer saknas, bland dem {missing[0]}",
            f"{len(missing)} files are missing, such as {missing[0]}",
        )
        return _check("files", False, said)
    said = words(
        f"{len(named)} filer finns; {len(found - named)} som ingen händelse nämner",
        f"{len(named)} files are there; {len(found - named)} that no event names",
    )
    return _check("files", True, said)


def _space(m: Municipality, words: Words) -> dict[str, Any]:
    free = shutil.disk_usage(m.dir).free
    gib = f"{free / (1 << 30):.0f} GiB"
    return _check("space", free > 1 << 30, words(f"{gib} fritt", f"{gib} free"))
