"""The log's public keys as they are published: log.vkeys, and the municipality's signature over it.

    example.com/log+1f2e3d4c+AQ…                        the keys that signed first, one a line
    example.com/log+5a6b7c8d+Bg…
    compromised 2041-05-06T07:08:09Z                    if somebody else may have had them, from when
    from 4711 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
    — example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZni…  the new keys' and the old keys' signatures
    example.com/log+9e8f7a6b+AQ…                        the keys that sign from there on
    example.com/log+3c4d5e6f+Bg…

- log.vkeys has one spelling: each key's line is a verifier key (C2SP signed-note, "Verifier keys"). As long as no key
  was replaced there is nothing else in it; the keys in use now stand last.
- Keys are replaced together, at a checkpoint whose size and root the line `from` names. Old keys sign up to that size,
  new keys from it on, so that the checkpoint of that size is signed by both and no size by neither. A checkpoint is
  judged by the keys of its size: it needs all of theirs, and none of keys that had ended.
- The succession is signed by the new keys and by the old ones. What they sign is a checkpoint of a log of its own,
  `origin/keys`, whose leaves are the keys with their `from` line (C2SP tlog-checkpoint; RFC 9162, 2.1): so each
  succession holds to all before it, and any program that verifies checkpoints verifies it.
- `compromised` is no part of what is signed there, since it is learnt of later, and an earlier time later still.
- log.vkeys.p7s is a detached CMS over those bytes by the municipality itself, not by a person, under its own authority:
  whoever has the authority's certificate needs no other word for which keys are the log's.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise

from cryptography import x509

from signing import cms
from signing.checkpoint import MAX_SIZE, Checkpoint, OpenedCheckpoint, open_checkpoint, sign_checkpoint
from signing.log import EMPTY_ROOT, leaf_hash, root_of
from signing.note import BadKey, MalformedNote, Note, NoteError, Signature, UnverifiedNote, Vkey, parse_line
from signing.pki import auth_context, instant_text, whole_second
from signing.signed_data import CmsError
from signing.signer import Signer

VKEYS, VKEYS_SIGNATURE = "log.vkeys", "log.vkeys.p7s"
_FROM = re.compile("from ([1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=)")
_SINCE = re.compile("compromised ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})Z")


@dataclass(frozen=True, slots=True)
class Era:
    """Keys that sign together: from which size on, how they took over, whether they were found out (nyckelperiod)."""

    vkeys: tuple[Vkey, ...]
    start: int = 0
    root: bytes = EMPTY_ROOT
    succession: tuple[Signature, ...] = ()
    compromised: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """What the keys are known by: the SHA-256 of their lines."""
        return sha256(write_vkeys(self.vkeys)).hexdigest()

    @property
    def leaf(self) -> bytes:
        """What stands of them in the log of keys."""
        return leaf_hash(self._from.encode() + write_vkeys(self.vkeys))

    @property
    def text(self) -> str:
        """Their part of log.vkeys."""
        since = f"compromised {instant_text(self.compromised)}\n" if self.compromised else ""
        signed = "".join(signature.line for signature in self.succession)
        return self._from + signed + write_vkeys(self.vkeys).decode() + since

    @property
    def _from(self) -> str:
        return f"from {self.start} {base64.b64encode(self.root).decode()}\n" if self.start else ""

    @classmethod
    def parse(cls, lines: Sequence[str]) -> Era:
        """Their part of log.vkeys; whoever writes it again sees whether it was its one spelling."""
        era = cls(())
        for line in lines:
            if head := _FROM.fullmatch(line):
                era = replace(era, start=int(head[1]), root=base64.b64decode(head[2]))
            elif since := _SINCE.fullmatch(line):
                era = replace(era, compromised=datetime.fromisoformat(since[1]).replace(tzinfo=UTC))
            elif "+" in line.partition(" ")[0]:
                era = replace(era, vkeys=(*era.vkeys, Vkey.parse(line)))
            else:
                era = replace(era, succession=(*era.succession, parse_line(line)))
        return era


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of a log through the years, in the order in which they signed."""

    eras: tuple[Era, ...]

    def __post_init__(self) -> None:
        if any(not era.vkeys for era in self.eras) or len(set(self.vkeys)) != len(self.vkeys):
            raise BadKey("The log's keys are not one set after the other, each with keys of its own.")
        if any(old.start >= new.start for old, new in pairwise(self.eras)) or self.current_start > MAX_SIZE:
            raise BadKey("The sizes from which the log's keys sign do not grow.")

    @classmethod
    def of(cls, vkeys: Sequence[Vkey]) -> LogKeys:
        """Keys of which none was replaced."""
        return cls((Era(tuple(vkeys)),))

    @classmethod
    def read(cls, data: bytes) -> LogKeys:
        """The keys of such a file; BadKey for anything but their one spelling."""
        parts: list[list[str]] = [[]]
        try:
            for line in data.decode().split("\n")[:-1]:
                if line.startswith("from "):
                    parts.append([])
                parts[-1].append(line)
            keys = cls(tuple(map(Era.parse, parts)))
        except UnicodeDecodeError as error:
            raise BadKey(f"The file of keys is not UTF-8: {error.reason} at byte {error.start}.") from error
        except (MalformedNote, ValueError) as error:
            raise error if isinstance(error, BadKey) else BadKey(str(error)) from error
        if data != keys.write():
            raise BadKey("The file of keys is not written in its one form.")
        return keys

    def write(self) -> bytes:
        """The content of log.vkeys."""
        return "".join(era.text for era in self.eras).encode()

    @property
    def vkeys(self) -> list[Vkey]:
        """All of them, of whatever era."""
        return [vkey for era in self.eras for vkey in era.vkeys]

    @property
    def current_start(self) -> int:
        return self.eras[-1].start if self.eras else 0

    def end(self, era: Era) -> int | None:
        """The last size that keys sign, if others have taken over."""
        return next((later.start for later in self.eras if later.start > era.start), None)

    # --- judging checkpoints
    def signed(self, size: int) -> list[Era]:
        """The keys of a size: one set, or two where one took over from the other."""
        return [era for era in self.eras if era.start <= size <= (self.end(era) or MAX_SIZE)]

    def open(self, note: bytes, origin: str | None = None, others: Collection[Vkey] = ()) -> OpenedCheckpoint:
        """The checkpoint, if all the keys of its size and none that had ended have signed it; else a NoteError.

        `others` are keys, such as witnesses', that may have signed beside the log's.
        """
        opened = open_checkpoint(note, [*self.vkeys, *others], origin=origin)
        checkpoint, by = opened.checkpoint, {one.vkey for one in opened.verified}
        for era in self.eras:
            end = self.end(era)
            if end is not None and end < checkpoint.size and by & set(era.vkeys):
                raise UnverifiedNote(
                    f"The checkpoint of {checkpoint.size} is signed by a key that signs no more than {end}."
                )
            if era.start == checkpoint.size and era.root not in (checkpoint.root, EMPTY_ROOT):
                raise UnverifiedNote(
                    "The checkpoint has another root than the one at which the keys were replaced."
                )
        if not any(by.issuperset(era.vkeys) for era in self.signed(checkpoint.size)):
            raise UnverifiedNote("The checkpoint lacks a signature of the keys that sign at its size.")
        return opened

    # --- replacing keys
    def succeeded(
        self, size: int, root: bytes, old: Sequence[Signer], new: Sequence[Signer], now: datetime
    ) -> LogKeys:
        """The same with new keys from this checkpoint on, signed by them and by the old ones."""
        era = Era(tuple(one.vkey for one in new), size, root)
        keys = LogKeys((*self.eras, era))
        note = sign_checkpoint(keys._of_keys(len(self.eras)), [*new, *old], now)
        return LogKeys((*self.eras, replace(era, succession=Note.parse(note).signatures)))

    def found_out(self, fingerprint: str, since: datetime) -> LogKeys:
        """The same, telling that somebody else may have had a set of keys; an earlier time stands."""
        since = whole_second(since)

        def told(era: Era) -> Era:
            if era.fingerprint != fingerprint:
                return era
            return replace(era, compromised=min(since, era.compromised or since))

        return LogKeys(tuple(map(told, self.eras)))

    def successions(self) -> list[bytes]:
        """The signed notes by which each set of keys took over from the one before."""
        return [
            Note(self._of_keys(number).text, era.succession).encode()
            for number, era in enumerate(self.eras)
            if number
        ]

    def require_successions(self) -> None:
        """That each set of keys took over by its own word and that of the one before; else UnverifiedNote."""
        for (old, new), note in zip(pairwise(self.eras), self.successions(), strict=True):
            try:
                open_checkpoint(note, [*old.vkeys, *new.vkeys], every=True)
            except NoteError as error:
                raise UnverifiedNote(f"The succession of keys at {new.start}: {error}") from error

    def continues(self, earlier: LogKeys) -> bool:
        """Whether these are the same keys as `earlier`, with none or more after them."""
        return [era.leaf for era in self.eras[: len(earlier.eras)]] == [era.leaf for era in earlier.eras]

    def _of_keys(self, number: int) -> Checkpoint:
        """The checkpoint of the log of keys at which a set of them took over."""
        leaves = [era.leaf for era in self.eras[: number + 1]]
        return Checkpoint(f"{self.eras[0].vkeys[0].name}/keys", len(leaves), root_of(leaves))


def write_vkeys(vkeys: Sequence[Vkey]) -> bytes:
    """Keys as lines."""
    return "".join(f"{vkey}\n" for vkey in vkeys).encode()


def read_vkeys(data: bytes) -> list[Vkey]:
    """Keys that are no more than lines, such as witnesses'; BadKey for anything but their one spelling."""
    try:
        keys = [Vkey.parse(line) for line in data.decode().split("\n")[:-1]]
    except UnicodeDecodeError as error:
        raise BadKey(f"The file of keys is not UTF-8: {error.reason} at byte {error.start}.") from error
    if not keys or data != write_vkeys(keys):
        raise BadKey("The file of keys is not one key a line, each line ended by a newline.")
    return keys


def open_signature(
    keys: LogKeys, signature: bytes, roots: Sequence[x509.Certificate], crls: Sequence[bytes] = ()
) -> None:
    """That the municipality has signed these keys, and they each other where some took over; else CmsError."""
    require_municipality(keys.write(), signature, roots, crls)
    try:
        keys.require_successions()
    except NoteError as error:
        raise CmsError(str(error)) from error


def require_municipality(
    data: bytes, signature: bytes, roots: Sequence[x509.Certificate], crls: Sequence[bytes] = ()
) -> None:
    """That the municipality itself has signed these bytes; else CmsError."""
    result = cms.verify(signature, data, roots, crls)
    if auth_context(result.certificate) is not None:
        raise CmsError("the signature is a person's, not the municipality's")
