"""A sound export and a sound paper, and every way of spoiling them that a verifier must see through: kept as assets.

- `python -m tests.golden_hostile` makes them anew, with keys that nobody keeps, into tests/golden/hostile.
- `sound` is an export of the small log of tests/evidence.py, whole; `log` one of its first events, without the paper.
- Each other folder holds what one attack changes in `log`; each .pdf is one attack on the paper. cases.json says what
  else it takes (files removed, a checkpoint kept outside) and at which steps verification must stop.
- Half of them are made by somebody who holds the log's own keys, so that only the step that is meant can tell.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from signing import cms, seal
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.commitments import version_root
from signing.export import (
    ANCHOR,
    CHECKPOINTS,
    DOCUMENTS,
    EVENTS,
    FORMAT,
    INDEX,
    STAMP_ANCHOR,
    WITNESSES,
    approval_name,
    sealed_name,
)
from signing.log import leaf_hash
from signing.note import Algorithm, Note, Signature
from signing.pki import CRL, certificate_pem
from signing.signer import Signer
from signing.tiles import new_tiles, tiles_at
from signing.verify import approval_statement
from signing.vkeys import VKEYS, VKEYS_SIGNATURE, LogKeys, write_vkeys
from signing.witness import cosigned
from tests.evidence import (
    MINUTES,
    ORIGIN,
    Story,
    approval,
    log_signers,
    minuted,
    next_signers,
    people,
    stamped,
    story,
    vkeys_signature,
)
from tests.signing_kit import (
    NOW,
    SEALED_AT,
    authority,
    context,
    lock,
    render,
    signer,
    stages,
    stranger,
    timestamper,
)

PLACE = Path(__file__).parent / "golden" / "hostile"
SOUND, LOG, CASES = PLACE / "sound", PLACE / "log", PLACE / "cases.json"
Files = dict[str, bytes]
DEEP = b"[" * 101 + b"]" * 101


@dataclass
class Raw(Story):
    """A story of which some lines are other bytes than the canonical ones."""

    spoilt: dict[int, bytes] = field(default_factory=dict)

    @property
    def lines(self) -> list[bytes]:
        return [self.spoilt.get(number, line) for number, line in enumerate(super().lines)]


def exported(told: Story, vkeys: bytes | None = None) -> Files:
    """The story as the files of an export."""
    leaves = [leaf_hash(line) for line in told.lines]
    size = len(leaves)
    index = {"format": FORMAT, "municipality": "exempelby", "name": "Exempelby", "origin": ORIGIN}
    files = {
        INDEX: json.dumps(index | {"from": 1, "to": size, "size": size}, indent=2).encode() + b"\n",
        EVENTS: b"".join(line + b"\n" for line in told.lines),
        VKEYS: vkeys or write_vkeys([one.vkey for one in log_signers()]),
        VKEYS_SIGNATURE: vkeys_signature(),
        ANCHOR: certificate_pem(authority().ca.certificate),
    }
    files |= {tile.path: data for tile, data in new_tiles(0, leaves, _Nothing())}
    for number in told.sizes:
        note = files[_note(number)] = told.note(number)
        files[_note(number).replace(".note", ".tst")] = stamped(note)
    for event in told.events:
        stream, data = event["stream"], event["data"]
        match event["topic"]:
            case "minutes-sealed.v1":
                files[f"{DOCUMENTS}/{sealed_name(stream, data['version'])}"] = told.files[data["pdf"]]
            case "minutes-approved.v1":
                name = approval_name(stream, data["version"], data["office"])
                files[f"{DOCUMENTS}/{name}"] = told.files[data["cms"]]
            case _:
                pass
    return files


class _Nothing:
    def read_tile(self, tile: Any) -> bytes:
        raise LookupError(tile.path)


def _note(size: int) -> str:
    return f"{CHECKPOINTS}/{size:012}.note"


def first_events() -> Story:
    """The story up to its approvals."""
    told = story()
    return Story(told.events[:4], told.files, (2, 4))


@dataclass
class Attack:
    """What is changed, and the steps at which it must be seen."""

    steps: tuple[str, ...]
    files: Files
    removed: tuple[str, ...] = ()
    outside: bytes | None = None


def made_again(told: Story, *steps: str, **more: Any) -> Attack:
    """By somebody who holds the log's keys: tree, checkpoints and stamps follow."""
    sound = exported(first_events())
    files = exported(told, **more)
    changed = {name: data for name, data in files.items() if sound.get(name) != data}
    return Attack(steps, changed, tuple(sorted(sound.keys() - files.keys())))


def keys_of(keys: LogKeys, notes: Files, *steps: str) -> Attack:
    """Other keys of the log, which the municipality has signed, and other checkpoints."""
    written = keys.write()
    return Attack(steps, {VKEYS: written, VKEYS_SIGNATURE: vkeys_signature(written), **notes})


def revoking(certificate: x509.Certificate) -> bytes:
    """The revocation list that says somebody else had a key before it signed anything here."""
    return authority().revoking(certificate.serial_number, NOW - timedelta(hours=1)).crl(NOW)


def line_of(number: int, old: bytes, new: bytes) -> Raw:
    told = first_events()
    line = told.lines[number].replace(old, new, 1)
    assert line != told.lines[number]
    return Raw(told.events, told.files, told.sizes, {number: line})


def signed_text(text: str) -> bytes:
    """A note over any text at all, signed by the log's own keys as if it were a checkpoint."""
    lines = tuple(
        Signature(one.vkey.name, one.vkey.key_id, one.sign(text.encode())) for one in log_signers()[:1]
    )
    return Note(text, lines).encode()


def approved(view: str, root_of: str | None = None, version: int = 1, by: str | None = None) -> Story:
    """The first events, with approvals of other content, or by another person than they say."""
    told = first_events()
    output = sha256(render()).hexdigest()
    if version == 2:
        second = minuted(view)
        second["version"], second["data"]["version"] = 2, 2
        told.events.insert(2, second)
    root = root_of or version_root(told.events[version])
    for number, office in ((1, "chair"), (2, "justerare")):
        place = version + number
        event, signature = approval(root, office, number, output)
        event["version"] = place
        event["data"]["version"] = version
        if version == 2 or by:
            data = approval_statement(root, output, version)
            signature = cms.sign(
                data, people()[by or office], [authority().ca.certificate], NOW, timestamper()
            )
            event["data"]["cms"] = sha256(signature).hexdigest()
        told.events[place] = event
        told.files[sha256(signature).hexdigest()] = signature
    for minute, event in enumerate(told.events, 1):
        event["recorded_at"] = f"2024-03-01T09:{minute:02}:00.000000Z"
    return Story(told.events, told.files, (2, len(told.events)))


def on_the_log() -> dict[str, Attack]:
    """Attacks on an export."""
    sound = exported(first_events())
    lines = sound[EVENTS].splitlines(keepends=True)
    newest, kept = _note(4), sound[_note(4)]
    other = sign_checkpoint(Checkpoint(ORIGIN, 4, b"\1" * 32), log_signers(), NOW)
    longer = sign_checkpoint(Checkpoint(ORIGIN, 99, b"\1" * 32), log_signers(), NOW)
    thief = (Signer.generate(ORIGIN, Algorithm.ED25519), Signer.generate(ORIGIN, Algorithm.ML_DSA_44))
    theirs = write_vkeys([one.vkey for one in thief])
    root = base64.b64decode(kept.splitlines()[2])
    by_thief = sign_checkpoint(Checkpoint(ORIGIN, 4, root), thief, NOW)
    ca = [authority().ca.certificate]
    outsider = stranger().issue_signer(
        common_name="Åsa Öberg", organisation="Exempelkommun", office="Ordförande", person_ref="p-4711",
        auth=context(NOW), now=NOW,
    )  # fmt: skip
    chair = next(name for name in sound if name.endswith("chair.p7s"))
    told = first_events()
    data = told.events[2]["data"]
    foreign = cms.sign(
        approval_statement(data["root"], data["render_output"], 1),
        outsider,
        [stranger().ca.certificate],
        NOW,
        timestamper(by=stranger),
    )
    data["cms"], told.files[sha256(foreign).hexdigest()] = sha256(foreign).hexdigest(), foreign
    text = kept.partition(b"\n\n")[0].decode()
    tile = next(iter(tiles_at(4))).path
    known = Signer.generate("neighbour/witness", Algorithm.ED25519_COSIGNATURE)
    strangers = [known, Signer.generate("stranger/witness", Algorithm.ED25519_COSIGNATURE)]
    first, both = first_events(), (*next_signers(), *log_signers())
    first_keys, replaced = LogKeys.of([one.vkey for one in log_signers()]), first.replaced(2)
    stolen = first_keys.succeeded(2, first.root(2), [log_signers()[0]], thief, NOW)
    witnesses, cosigned_note = write_vkeys([known.vkey]), newest.replace(".note", ".cosigned")
    return {
        "truncated": Attack(("tree",), {EVENTS: b"".join(lines[:-1])}),
        "cut-within-a-line": Attack(("envelope", "tree", "checkpoints"), {EVENTS: sound[EVENTS][:-200]}),
        "re-ordered": Attack(
            ("envelope", "tree", "checkpoints"), {EVENTS: b"".join([*lines[:2], lines[3], lines[2]])}
        ),
        "moved-to-another-stream": Attack(
            ("envelope", "tree", "checkpoints", "cms"),
            {EVENTS: sound[EVENTS].replace(MINUTES.encode(), b"minutes-00000000000000ab", 1)},
        ),
        "tile-of-other-events": Attack(("tree",), {tile: sound[tile][32:] + sound[tile][:32]}),
        "tile-missing": Attack(("tree",), {}, (tile,)),
        "duplicate-keys": made_again(line_of(3, b'{"actor":', b'{"actor":"x","actor":'), "envelope"),
        "number-with-a-point": made_again(line_of(3, b'"v":1,', b'"v":1.0,'), "envelope"),
        "lone-surrogate": made_again(line_of(3, b'"text":"2024', b'"text":"\\ud800'), "envelope"),
        "not-in-normal-form": made_again(line_of(3, b'"text":"2024', '"text":"A\u030a'.encode()), "envelope"),
        "nested-too-deep": made_again(line_of(0, b'"data":{', b'"data":{"a":' + DEEP + b","), "envelope"),
        "swapped-signer": made_again(approved("x", by="justerare"), "cms"),
        "signer-of-another-authority": made_again(told, "cms"),
        "old-version-approved": made_again(
            approved("En annan uppfattning.", root_of=version_root(first_events().events[1]), version=2),
            "cms",
        ),
        "approval-of-nothing": made_again(approved("x", root_of="0" * 64), "cms"),
        "signature-missing": Attack(("cms",), {}, (chair,)),
        "wrong-tree-size": Attack(("checkpoints", "timestamps"), {newest: longer}),
        "checkpoints-missing": Attack(
            ("checkpoints",), {}, tuple(sorted(name for name in sound if name.startswith(CHECKPOINTS)))
        ),
        "positions-that-no-log-has": Attack(
            ("envelope",),
            {INDEX: re.sub(rb'"(from|to|size)": \d+', rb'"\1": 9223372036854775808', sound[INDEX])},
        ),
        "tree-size-of-the-index": Attack(
            ("tree", "checkpoints"), {INDEX: sound[INDEX].replace(b'"size": 4', b'"size": 5')}
        ),
        "forked-log": Attack(("outside-checkpoint",), {}, outside=other),
        "shortened-log": Attack(("outside-checkpoint",), {}, outside=longer),
        "stale-checkpoint": Attack(("checkpoints",), {}, (newest, newest.replace(".note", ".tst"))),
        "checkpoint-of-another-tree": Attack(("checkpoints", "timestamps"), {newest: other}),
        "note-with-carriage-returns": Attack(
            ("checkpoints", "timestamps"), {newest: kept.replace(b"\n", b"\r\n", 1)}
        ),
        "note-with-a-leading-zero": Attack(
            ("checkpoints", "timestamps"), {newest: signed_text(text.replace("\n4\n", "\n04\n") + "\n")}
        ),
        "note-with-stray-bits": Attack(
            ("checkpoints", "timestamps"), {newest: kept.replace(b"=\n\n", b"=\n\n\n", 1)}
        ),
        "note-without-the-second-key": Attack(
            ("checkpoints",), {newest: b"".join(kept.splitlines(keepends=True)[:-1])}
        ),
        "keys-of-a-stranger": Attack(
            ("checkpoints",),
            {
                VKEYS: theirs,
                newest: by_thief,
                _note(2): sign_checkpoint(
                    Checkpoint.parse(sound[_note(2)].partition(b"\n\n")[0].decode() + "\n"), thief, NOW
                ),
            },
        ),
        "keys-signed-by-a-person": Attack(
            ("checkpoints",), {VKEYS_SIGNATURE: cms.sign(sound[VKEYS], signer(), ca, NOW, timestamper())}
        ),
        "signed-by-keys-that-had-ended": keys_of(
            replaced, {_note(2): first.note(2, both), newest: first.note(4, log_signers())}, "checkpoints"
        ),
        "succession-by-the-new-keys-alone": keys_of(
            LogKeys(
                (replaced.eras[0], replace(replaced.eras[1], succession=replaced.eras[1].succession[:2]))
            ),
            {_note(2): first.note(2, both), newest: first.note(4, next_signers())},
            "checkpoints",
        ),
        "succession-by-a-thief-of-one-key": keys_of(
            stolen, {_note(2): first.note(2), newest: first.note(4, thief)}, "checkpoints"
        ),
        "keys-that-leave-a-gap": keys_of(
            LogKeys((replaced.eras[0], replace(replaced.eras[1], start=3, root=first.root(3)))),
            {newest: first.note(4, next_signers())},
            "checkpoints",
        ),
        "keys-replaced-in-another-log": keys_of(
            first_keys.succeeded(2, b"\1" * 32, log_signers(), next_signers(), NOW),
            {_note(2): first.note(2), newest: first.note(4, next_signers())},
            "checkpoints",
        ),
        "found-out-and-not-replaced": keys_of(
            first_keys.found_out(first_keys.eras[0].fingerprint, NOW), {}, "checkpoints"
        ),
        "signer-that-was-found-out": Attack(("cms",), {CRL: revoking(people()["chair"].certificate)}),
        "stamps-by-a-key-that-was-found-out": Attack(
            ("checkpoints", "cms"), {CRL: revoking(authority().timestamp.certificate)}
        ),
        "witnessed-by-a-stranger": Attack(
            ("checkpoints",), {cosigned_note: cosigned(kept, strangers, NOW), WITNESSES: witnesses}
        ),
        "witnessed-by-nobody": Attack(("checkpoints",), {cosigned_note: kept, WITNESSES: witnesses}),
        "witnessed-fork": Attack(
            ("checkpoints",), {cosigned_note: cosigned(other, [known], NOW), WITNESSES: witnesses}
        ),
        "witnesses-that-are-no-keys": Attack(("envelope",), {WITNESSES: b"a+b+c\n"}),
        "keys-that-are-no-text": Attack(("envelope",), {VKEYS: b"\xff\n"}),
        "forged-time-stamp": Attack(
            ("timestamps",), {newest.replace(".note", ".tst"): stamped(kept, stranger)}
        ),
        "time-stamp-of-another-checkpoint": Attack(
            ("timestamps",), {newest.replace(".note", ".tst"): stamped(sound[_note(2)])}
        ),
        "time-stamp-of-nothing": Attack(("timestamps",), {f"{CHECKPOINTS}/{3:012}.tst": stamped(kept)}),
        "anchor-that-is-none": Attack(("envelope",), {STAMP_ANCHOR: b"-----BEGIN CERTIFICATE-----\n"}),
        "expired-authority": Attack(
            ("checkpoints", "timestamps", "cms"), {ANCHOR: certificate_pem(expired())}
        ),
    }


def expired() -> x509.Certificate:
    """Our authority's certificate, ended the day before anything was signed under it."""
    ours = authority().ca
    builder = (
        x509.CertificateBuilder()
        .subject_name(ours.certificate.subject)
        .issuer_name(ours.certificate.issuer)
        .public_key(ours.key.public_key())
        .serial_number(ours.certificate.serial_number)
        .not_valid_before(NOW - timedelta(days=800))
        .not_valid_after(NOW - timedelta(days=1))
    )
    for extension in ours.certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(ours.key, hashes.SHA256())


# --- papers
def archived(writer: IncrementalPdfFileWriter, at: datetime = SEALED_AT + timedelta(days=1)) -> bytes:
    """What was changed, under a new archive time stamp of our own authority."""
    ours, out = authority(), io.BytesIO()
    writer.write(out)
    chain = [ours.timestamp.certificate, ours.ca.certificate]
    return seal.archive(out.getvalue(), timestamper(lambda: at), chain, [ours.crl(at)], "Ny")


def opened() -> IncrementalPdfFileWriter:
    return IncrementalPdfFileWriter(io.BytesIO(stages().sealed))


def shown_instead() -> bytes:
    """A shadow: the page shows a stream that lay unseen in the file when it was signed."""
    writer = opened()
    page = writer.find_page_for_modification(0)[0].get_object()
    page["/Contents"] = writer.find_page_for_modification(1)[0].get_object().raw_get("/Contents")
    writer.update_container(page)
    return archived(writer)


def covered() -> bytes:
    """A shadow: a white note laid over the page after the seal."""
    writer = opened()
    page = writer.find_page_for_modification(0)[0].get_object()
    look = generic.StreamObject(
        generic.DictionaryObject({
            generic.NameObject("/Type"): generic.NameObject("/XObject"),
            generic.NameObject("/Subtype"): generic.NameObject("/Form"),
            generic.NameObject("/BBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 800))),
        }),
        stream_data=b"1 g 0 0 600 800 re f",
    )  # fmt: skip
    note = generic.DictionaryObject({
        generic.NameObject("/Type"): generic.NameObject("/Annot"),
        generic.NameObject("/Subtype"): generic.NameObject("/FreeText"),
        generic.NameObject("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 800))),
        generic.NameObject("/AP"): generic.DictionaryObject({generic.NameObject("/N"): writer.add_object(look)}),
    })  # fmt: skip
    page.setdefault(generic.NameObject("/Annots"), generic.ArrayObject()).append(writer.add_object(note))
    writer.update_container(page)
    return archived(writer)


def another_look() -> bytes:
    """The chair's signature shown as the justerare's."""
    writer = opened()
    fields = {str(one.get_object()["/T"]): one.get_object() for one in writer.root["/AcroForm"]["/Fields"]}
    chair, second = fields["Ordforande"], fields["Justerare"]
    chair["/AP"] = second.raw_get("/AP")
    writer.update_container(chair)
    return archived(writer)


def signed_after() -> bytes:
    """One more signature after the seal."""
    writer, out = opened(), io.BytesIO()
    append_signature_field(writer, SigFieldSpec("Extra", box=(10, 10, 90, 40)))
    writer.write(out)
    ca = [authority().ca.certificate]
    return seal.sign(out.getvalue(), "Extra", signer(), ca, ["x"], SEALED_AT, timestamper())


def on_paper() -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """Attacks on a sealed PDF, with the steps that must see them."""
    sealed, ca = stages().sealed, [authority().ca.certificate]
    second = signer("Bo", "Justerare")
    bent = bytearray(sealed)
    bent[bent.index(b"stream\n") + 40] ^= 1
    forged = seal.sign(stages().chair, "Justerare", second, ca, ["x"], NOW, timestamper(by=stranger))
    return {
        "paper-truncated": (sealed[:-2000], ("pades",)),
        "paper-with-a-changed-byte": (bytes(bent), ("pades",)),
        "paper-signed-after-the-seal": (signed_after(), ("pades",)),
        "paper-with-another-look": (another_look(), ("pades",)),
        "paper-shadow-replaced": (shown_instead(), ("pades",)),
        "paper-shadow-covered": (covered(), ("pades",)),
        "paper-sealed-by-another": (lock(stages().both, stranger), ("pades",)),
        "paper-with-a-forged-time-stamp": (lock(forged), ("timestamps",)),
        "paper-without-an-approval": (lock(stages().chair), ("pades",)),
    }


def write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def main() -> None:
    """Make them all."""
    shutil.rmtree(PLACE, ignore_errors=True)
    write(SOUND, exported(story()))
    write(LOG, exported(first_events()))
    cases: dict[str, dict[str, Any]] = {}
    for name, attack in on_the_log().items():
        write(PLACE / name, attack.files)
        cases[name] = {"steps": attack.steps}
        if attack.removed:
            cases[name]["removed"] = attack.removed
        if attack.outside:
            cases[name]["outside"] = "outside.note"
            write(PLACE / name, {"outside.note": attack.outside})
    for name, (pdf, steps) in on_paper().items():
        write(PLACE, {f"{name}.pdf": pdf})
        cases[name] = {"steps": steps}
    CASES.write_text(json.dumps(cases, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
