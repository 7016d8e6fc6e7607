"""A copy of minutes that shows some of them and proves that the rest is the same: the proof inside it, and its check.

- The proof is one canonical JSON object, attached to the copy's PDF as `liggare-copy.json`:
  plain         [head, content]: the first leaf of the minutes root, each sealed field replaced by its path
  commitments   path → commitment, for every sealed field: with plain they give the minutes root
  disclosed     path → [salt, value], for the fields that the copy shows: each gives its commitment
  covered       path → provision, for fields that it covers and says why; what is in neither is not in the copy, and
                of an item that it shows something of, it is told
  events        {position, envelope, path}: the events that approve and seal this version, or that made it, with their
                inclusion proofs; cms: the approvals' detached signatures by digest
  checkpoint, vkeys, vkeys_signature, origin: what the proofs lead to, as in an export
  signers, signers_signature: the outside authorities that vouch for persons, as in an export; empty without any
- So a copy is held to the same root, the same approvals and the same log as the original, and shows nothing else of it.
  Whether the page shows what is disclosed, and no more, the municipality's seal vouches for.
- A disclosure from elsewhere, a path that is not in the version, another root, an approval of something else: each is a
  failure of its step. Hostile bytes give CopyError, never anything else.
"""

from __future__ import annotations

import base64
import io
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader

from signing import cms
from signing.canonical import decode, encode
from signing.checkpoint import Checkpoint
from signing.commitments import commit, document_root, version_root
from signing.layers import lists_in
from signing.log import leaf_hash, verify_inclusion
from signing.note import NoteError
from signing.pki import certificate_der
from signing.records import APPROVED, PAPER_APPROVED, SEALED, VERSION_MADE
from signing.report import Report
from signing.signed_data import CmsError, is_list_of
from signing.signers import accepted_signers
from signing.verify import approval_statement
from signing.vkeys import LogKeys, open_signature

FORMAT, NAME = 1, "liggare-copy.json"
_FORMS: Mapping[str, type] = {
    "format": int, "plain": list, "commitments": dict, "disclosed": dict, "covered": dict, "events": list, "cms": dict,
    "checkpoint": str, "vkeys": str, "vkeys_signature": str, "origin": str,
    "signers": str, "signers_signature": str,
}  # fmt: skip


class CopyError(ValueError):
    """The proof of a copy cannot be read as one; the message says why."""


@dataclass(frozen=True)
class Shown:
    """An event in the proof: its place, its bytes, its way to the checkpoint."""

    position: int
    envelope: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Copy:
    """A copy's proof, read and in form, and nothing of it believed (kopians bevis)."""

    plain: list[Any]
    commitments: Mapping[str, str]
    disclosed: Mapping[str, tuple[str, str]]
    covered: Mapping[str, str]
    events: Sequence[Shown]
    cms: Mapping[str, bytes]
    checkpoint: str
    vkeys: str
    vkeys_signature: bytes
    origin: str
    signers: str = ""
    signers_signature: bytes = b""

    @property
    def root(self) -> str:
        """The minutes root that plain content and commitments give."""
        return document_root(self.plain, self.commitments)

    def write(self) -> bytes:
        """The one form of the proof."""
        return encode(
            {
                "format": FORMAT,
                "plain": self.plain,
                "commitments": dict(self.commitments),
                "disclosed": {path: list(opened) for path, opened in self.disclosed.items()},
                "covered": dict(self.covered),
                "events": [
                    {
                        "position": one.position,
                        "envelope": one.envelope.decode(),
                        "path": [each.hex() for each in one.path],
                    }
                    for one in self.events
                ],
                "cms": {digest: base64.b64encode(data).decode() for digest, data in self.cms.items()},
                "checkpoint": self.checkpoint,
                "vkeys": self.vkeys,
                "vkeys_signature": base64.b64encode(self.vkeys_signature).decode(),
                "origin": self.origin,
                "signers": self.signers,
                "signers_signature": base64.b64encode(self.signers_signature).decode(),
            }
        )

    @classmethod
    def read(cls, data: bytes) -> Copy:
        """The proof in these bytes; CopyError for anything but its one form."""
        try:
            found = cls._read(decode(data))
            if found.write() == data:
                return found
        except (ValueError, TypeError, KeyError, AttributeError, NotBase64) as error:
            raise CopyError(f"the proof is not in form: {type(error).__name__}") from error
        raise CopyError("the proof is not written in its one form")

    @classmethod
    def _read(cls, found: Any) -> Copy:
        if found.keys() != _FORMS.keys() or found["format"] != FORMAT:
            raise ValueError
        if any(type(found[name]) is not kind for name, kind in _FORMS.items()):
            raise ValueError
        return cls(
            plain=found["plain"],
            commitments=_texts(found["commitments"]),
            disclosed={path: _opening(one) for path, one in found["disclosed"].items()},
            covered=_texts(found["covered"]),
            events=[_shown(one) for one in found["events"]],
            cms={digest: _bytes(one) for digest, one in found["cms"].items()},
            checkpoint=found["checkpoint"],
            vkeys=found["vkeys"],
            vkeys_signature=_bytes(found["vkeys_signature"]),
            origin=found["origin"],
            signers=found["signers"],
            signers_signature=_bytes(found["signers_signature"]),
        )


def _texts(found: dict[str, Any]) -> dict[str, str]:
    if any(type(value) is not str for value in found.values()):
        raise ValueError
    return found


def _opening(found: Any) -> tuple[str, str]:
    salt, value = found
    if type(salt) is not str or type(value) is not str:
        raise ValueError
    return salt, value


def _shown(found: Any) -> Shown:
    if type(found["position"]) is not int:
        raise ValueError
    return Shown(
        found["position"], found["envelope"].encode(), tuple(bytes.fromhex(one) for one in found["path"])
    )


def _bytes(found: str) -> bytes:
    return base64.b64decode(found, validate=True)


def attached(pdf: bytes) -> bytes | None:
    """The proof attached to a PDF, None if there is none; CopyError if what stands there cannot be read."""
    try:
        root = PdfFileReader(io.BytesIO(pdf)).root
        names = root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names", [])
        for at in range(0, len(names), 2):
            if str(names[at]) == NAME:
                data: bytes = names[at + 1].get_object()["/EF"]["/F"].data
                return data
    except Exception as error:  # hostile bytes may raise anything inside the parser
        raise CopyError(f"the attachment cannot be read: {type(error).__name__}") from error
    return None


def lists(pdf: bytes, roots: Sequence[x509.Certificate]) -> list[bytes]:
    """The roots' revocation lists that a sealed copy carries; CopyError if what it carries cannot be read."""
    try:
        return [der for der in lists_in(PdfFileReader(io.BytesIO(pdf))) if is_list_of(der, roots)]
    except Exception as error:  # hostile bytes may raise anything inside the parser
        raise CopyError(f"the revocation lists cannot be read: {type(error).__name__}") from error


# --- the check


def verify_copy(
    copy: Copy, roots: Sequence[x509.Certificate], report: Report, crls: Sequence[bytes] = ()
) -> None:
    """Disclosures against commitments, the root against the approvals, those against the signed log; nobody who signed
    it was revoked by then, as the lists that come with the copy say."""
    _disclosures(copy, report)
    note = _checkpoint(copy, roots, report, crls)
    if note is not None:
        _events(copy, note, report)
    _signatures(copy, roots, report, crls)


def _disclosures(copy: Copy, report: Report) -> None:
    for path, (salt, value) in copy.disclosed.items():
        if copy.commitments.get(path) != commit(path, salt, value):
            report.fail("disclosures", "copy-foreign", path=path)
    for path in copy.covered:
        if path not in copy.commitments or path in copy.disclosed:
            report.fail("disclosures", "copy-covered", path=path)
    hidden = len(copy.commitments) - len(copy.disclosed)
    report.ok("disclosures", "copy-ok", shown=len(copy.disclosed), hidden=hidden, root=copy.root)
    if left := _left_out(copy):
        report.add("disclosures", "copy-left-out", count=len(left), kinds=", ".join(sorted(set(left))))


def _left_out(copy: Copy) -> list[str]:
    """What the copy neither shows nor covers of the items that it shows something of, by the kind of statement."""
    try:
        content = copy.plain[1]
        of = {
            path: (one["item"], one["kind"])
            for one in content["statements"]
            for path in one["fields"].values()
            if path in copy.commitments
        }
        of |= {path: (int(number) or None, "text") for number, path in content["texts"].items()}
        shown = {of[path][0] for path in copy.disclosed if path in of} - {None}
        silent = of.keys() - copy.disclosed.keys() - copy.covered.keys()
        return [str(of[path][1]) for path in silent if of[path][0] in shown]
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return []  # no version of ours has such a content, and so no root of a log is of it


def _checkpoint(
    copy: Copy, roots: Sequence[x509.Certificate], report: Report, crls: Sequence[bytes]
) -> Checkpoint | None:
    try:
        keys = LogKeys.read(copy.vkeys.encode())
        open_signature(keys, copy.vkeys_signature, roots, crls)
        note = keys.open(copy.checkpoint.encode(), copy.origin).checkpoint
    except CmsError as error:
        report.fail("checkpoints", "vkeys-fault", reason=str(error))
        return None
    except NoteError as error:
        report.fail("checkpoints", "note-fault", name=NAME, reason=str(error))
        return None
    report.ok("checkpoints", "checkpoints-ok", count=1, size=note.size)
    return note


def _events(copy: Copy, note: Checkpoint, report: Report) -> None:
    bound = 0
    for one in copy.events:
        inside = 0 < one.position <= note.size and verify_inclusion(
            leaf_hash(one.envelope), one.position - 1, note.size, list(one.path), note.root
        )
        if not inside:
            report.fail("inclusion", "not-included", position=one.position)
            continue
        names = _root_named(copy, one)
        if names not in (None, copy.root):
            report.fail("inclusion", "copy-other-root", position=one.position)
        bound += names == copy.root
    if not bound:
        report.fail("inclusion", "copy-unbound")
    report.ok("inclusion", "inclusion-ok", count=len(copy.events), size=note.size)


def _root_named(copy: Copy, one: Shown) -> str | None:
    """The minutes root that an event of this version names; None for its seal, "" for what is about anything else."""
    try:
        envelope: Any = decode(one.envelope)
        head, content = copy.plain
        same = all(envelope[name] == head[name] for name in ("municipality", "stream"))
        if not same or envelope["data"]["version"] != content["version"]:
            return ""
        match envelope["topic"]:
            case topic if topic == VERSION_MADE:
                return version_root(envelope)
            case topic if topic in (APPROVED, PAPER_APPROVED):
                return str(envelope["data"]["root"])
            case topic if topic == SEALED:
                return None
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    return ""


def _signatures(copy: Copy, roots: Sequence[x509.Certificate], report: Report, crls: Sequence[bytes]) -> None:
    """The approvals' detached signatures, those that the copy brings; it brings none that no approval names."""
    held, unnamed = 0, set(copy.cms)
    try:
        signers = accepted_signers(copy.signers.encode(), copy.signers_signature, roots, crls)
    except CmsError as error:
        report.fail("cms", "signers-fault", reason=str(error))
        return
    for one in copy.events:
        approval = _approval(one)
        signature = copy.cms.get(approval["cms"]) if approval else None
        if signature is None:
            continue
        unnamed.discard(approval["cms"])
        at: dict[str, str | int] = {"name": f"{approval['office']} (position {one.position})"}
        try:
            signed = approval_statement(copy.root, approval["render_output"], approval["version"])
            result = cms.verify(signature, signed, roots, crls, signers)
        except CmsError as error:
            report.fail("cms", "cms-fault", **at, reason=str(error))
            continue
        if sha256(signature).hexdigest() != approval["cms"]:
            report.fail("cms", "artefact-other", **at)
        elif sha256(certificate_der(result.certificate)).hexdigest() != approval["certificate"]:
            report.fail("cms", "certificate-differs", **at)
        held += 1
    for digest in sorted(unnamed):
        report.fail("cms", "artefact-other", name=digest)
    if held:
        report.ok("cms", "cms-ok", count=held)
    else:
        report.skip("cms", "copy-without-signatures")


def _approval(one: Shown) -> dict[str, Any]:
    """What an approval says; nothing for any other event, or one that is not in form."""
    try:
        envelope: Any = decode(one.envelope)
        data = envelope["data"] if envelope["topic"] == APPROVED else {}
        in_form = all(type(data[name]) is str for name in ("cms", "certificate", "render_output", "office"))
        return data if in_form and type(data["version"]) is int else {}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
