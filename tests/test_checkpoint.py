"""Checkpoints and their notes against published examples, openssl and two other implementations."""

import base64
import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from dilithium_py.ml_dsa import ML_DSA_44  # type: ignore[import-untyped] # it ships no types
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog_scales import signing as scales
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from signing.checkpoint import Checkpoint, Verified, cosign, open_checkpoint, sign_checkpoint
from signing.log import EMPTY_ROOT
from signing.note import Algorithm, BadKey, MalformedNote, Note, NoteError, Signature, UnverifiedNote, Vkey
from signing.signer import Signer
from tests.outside import need, run

NOW = datetime(2026, 3, 2, 9, 30, 0, 999_999, tzinfo=UTC)
SECONDS = 1_772_443_800
ORIGIN = "log.example/7"
LOG = Signer.from_seed(ORIGIN, Algorithm.ED25519, bytes(range(32)))
POST_QUANTUM = Signer.from_seed(ORIGIN, Algorithm.ML_DSA_44, bytes(range(32, 64)))
WITNESS = Signer.from_seed("witness.example/w", Algorithm.ED25519_COSIGNATURE, bytes(range(64, 96)))
CHECKPOINT = Checkpoint(ORIGIN, 1234, hashlib.sha256(b"root").digest())
SIGNED = sign_checkpoint(CHECKPOINT, [LOG, POST_QUANTUM], NOW)
SECRET = b"a secret of more than 16 bytes"

# The Go checksum database's key and a checkpoint it signed, as C2SP tlog-checkpoint prints it.
GO_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_NOTE = (
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGz"
    "Gku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()
# C2SP tlog-cosignature prints the same checkpoint with a cosignature of a witness nobody here knows.
GO_COSIGNED = (
    GO_NOTE
    + (
        "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl"
        "rDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    ).encode()
)


def test_a_checkpoint_signed_by_a_public_log_opens() -> None:
    vkey = Vkey.parse(GO_VKEY)
    assert str(vkey) == GO_VKEY
    opened = open_checkpoint(GO_NOTE, [vkey], origin="go.sum database tree", every=True)
    assert opened.checkpoint.size == 20_852_163
    assert opened.verified == (Verified(vkey, None),)
    assert opened.unknown == ()


def test_a_signature_of_an_unknown_witness_is_kept_and_not_trusted() -> None:
    opened = open_checkpoint(GO_COSIGNED, [Vkey.parse(GO_VKEY)])
    assert [signature.name for signature in opened.unknown] == ["witness.example.com/w1"]
    assert opened.unknown[0].key_id.hex() == "8d66cf3f"
    assert len(opened.verified) == 1
    assert Note.parse(GO_COSIGNED).encode() == GO_COSIGNED


def test_an_ml_dsa_key_has_the_id_a_public_test_log_gives_it() -> None:
    # Seed and id from the test data of a public witness implementation (torchwood, litewitness).
    seed = bytes.fromhex("2886adc2b0eabfce67c0472939127998bf886cf256bfee8ba76a253fce1146e0")
    signer = Signer.from_seed("example.com/mldsa-log", Algorithm.ML_DSA_44, seed)
    assert signer.vkey.key_id.hex() == "b5df45c5"


def test_the_text_is_three_lines_and_the_extensions() -> None:
    root = base64.b64encode(CHECKPOINT.root).decode()
    assert CHECKPOINT.text == f"{ORIGIN}\n1234\n{root}\n"
    extended = Checkpoint(ORIGIN, 1234, CHECKPOINT.root, ("one", "two"))
    assert extended.text == CHECKPOINT.text + "one\ntwo\n"
    assert Checkpoint.parse(extended.text) == extended


def test_what_was_signed_opens_with_the_time_it_was_signed() -> None:
    opened = open_checkpoint(SIGNED, [LOG.vkey, POST_QUANTUM.vkey], origin=ORIGIN, every=True)
    assert opened.checkpoint == CHECKPOINT
    assert opened.verified == (Verified(LOG.vkey, None), Verified(POST_QUANTUM.vkey, SECONDS))


def test_a_witness_adds_its_line_and_nothing_else_changes() -> None:
    cosigned = cosign(SIGNED, WITNESS, NOW)
    assert cosigned.startswith(SIGNED)
    assert open_checkpoint(cosigned, [WITNESS.vkey]).verified == (Verified(WITNESS.vkey, SECONDS),)
    assert len(open_checkpoint(cosigned, [WITNESS.vkey]).unknown) == 2
    with pytest.raises(BadKey, match="already signed"):
        cosign(cosigned, WITNESS, NOW)


def test_openssl_verifies_the_logs_signature(tmp_path: Path) -> None:
    note = Note.parse(SIGNED)
    (tmp_path / "text").write_bytes(note.text.encode())
    (tmp_path / "signature").write_bytes(note.signatures[0].value)
    public = Ed25519PublicKey.from_public_bytes(LOG.vkey.public)
    (tmp_path / "key.pem").write_bytes(
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem"]
    command += ["-in", "text", "-sigfile", "signature"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert b"Verified Successfully" in answer.stdout
    (tmp_path / "text").write_bytes(note.text.replace("1234", "1235").encode())
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_what_openssl_signs_opens(tmp_path: Path) -> None:
    openssl = need("openssl")
    text = Checkpoint(ORIGIN, 5, bytes(32)).text
    (tmp_path / "text").write_text(text, "utf-8")
    run(openssl, "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "key.pem")
    run(
        openssl,
        "pkey",
        "-in",
        tmp_path / "key.pem",
        "-pubout",
        "-outform",
        "DER",
        "-out",
        tmp_path / "public",
    )
    run(
        *(openssl, "pkeyutl", "-sign", "-rawin", "-inkey", tmp_path / "key.pem"),
        *("-in", tmp_path / "text", "-out", tmp_path / "signature"),
    )
    vkey = Vkey(ORIGIN, Algorithm.ED25519, (tmp_path / "public").read_bytes()[-32:])
    line = Signature(ORIGIN, vkey.key_id, (tmp_path / "signature").read_bytes())
    assert open_checkpoint(Note(text, (line,)).encode(), [vkey]).checkpoint.size == 5
    with pytest.raises(UnverifiedNote):
        open_checkpoint(Note(text.replace("5", "6", 1), (line,)).encode(), [vkey])


def test_another_implementation_of_such_logs_verifies_all_three_signatures() -> None:
    signed = cosign(SIGNED, WITNESS, NOW).decode()
    theirs = ScalesCheckpoint.from_text(signed)
    for signer in (LOG, POST_QUANTUM, WITNESS):
        vkey = scales.Vkey.from_string(str(signer.vkey))
        assert vkey.serialize() == str(signer.vkey)  # type: ignore[no-untyped-call] # unannotated there
        theirs.verify(vkey)
    assert theirs.serialize() == signed


def test_what_another_implementation_signs_opens() -> None:
    signers: list[scales.CheckpointSigner] = [
        scales.PlainEd25519Signer("other.example", bytes(32)),
        scales.MLDSA44CosignatureSigner("other.example", bytes(32)),
    ]
    note = ScalesCheckpoint.make_signed("other.example", 5, bytes(32), signers).serialize().encode()
    texts = [signer.vkey.serialize() for signer in signers]  # type: ignore[no-untyped-call] # unannotated there
    vkeys = [Vkey.parse(text) for text in texts]
    assert len(open_checkpoint(note, vkeys, every=True).verified) == 2


def test_a_pure_python_ml_dsa_agrees_both_ways() -> None:
    public, secret = ML_DSA_44.key_derive(bytes(range(32, 64)))
    assert public == POST_QUANTUM.vkey.public
    name, origin = ORIGIN.encode(), ORIGIN.encode()
    message = (
        b"subtree/v1\n\0"
        + bytes([len(name)])
        + name
        + SECONDS.to_bytes(8, "big")
        + bytes([len(origin)])
        + origin
        + bytes(8)
        + (1234).to_bytes(8, "big")
        + CHECKPOINT.root
    )
    value = Note.parse(SIGNED).signatures[1].value
    assert value[:8] == SECONDS.to_bytes(8, "big")
    assert ML_DSA_44.verify(public, message, value[8:])
    theirs = Signature(ORIGIN, POST_QUANTUM.vkey.key_id, value[:8] + ML_DSA_44.sign(secret, message))
    note = Note(CHECKPOINT.text, (theirs,)).encode()
    assert open_checkpoint(note, [POST_QUANTUM.vkey]).checkpoint == CHECKPOINT


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_opens_when_every_key_is_demanded(spot: int, mask: int) -> None:
    changed = bytearray(SIGNED)
    changed[spot] ^= mask
    with pytest.raises(NoteError):
        open_checkpoint(bytes(changed), [LOG.vkey, POST_QUANTUM.vkey], origin=ORIGIN, every=True)


@given(st.binary(max_size=300) | st.text(alphabet="ab\n \u2014=A+", max_size=80).map(str.encode))
def test_any_bytes_are_refused_or_written_again_as_they_were(data: bytes) -> None:
    try:
        note = Note.parse(data)
    except MalformedNote:
        return
    assert note.encode() == data


@given(
    st.text(min_size=1, max_size=60),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(max_size=30), max_size=3),
)
def test_a_checkpoint_that_can_be_made_can_be_read_again(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    try:
        checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    except MalformedNote:
        return
    assert Checkpoint.parse(checkpoint.text) == checkpoint
    opened = open_checkpoint(sign_checkpoint(checkpoint, [LOG], NOW), [LOG.vkey])
    assert opened.checkpoint == checkpoint


ROOT = base64.b64encode(CHECKPOINT.root).decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "three lines"),
        (f"{ORIGIN}\n1\n", "three lines"),
        (f"{ORIGIN}\n1\n{ROOT}", "three lines"),
        (f"\n1\n{ROOT}\n", "origin"),
        ("a" * 256 + f"\n1\n{ROOT}\n", "origin"),
        (f"a\tb\n1\n{ROOT}\n", "origin"),
        (f"{ORIGIN}\n01\n{ROOT}\n", "leading zeros"),
        (f"{ORIGIN}\n-1\n{ROOT}\n", "leading zeros"),
        (f"{ORIGIN}\n+1\n{ROOT}\n", "leading zeros"),
        (f"{ORIGIN}\n1_0\n{ROOT}\n", "leading zeros"),
        (f"{ORIGIN}\n \n{ROOT}\n", "leading zeros"),
        (f"{ORIGIN}\n\u0661\n{ROOT}\n", "leading zeros"),
        (f"{ORIGIN}\n9223372036854775808\n{ROOT}\n", "does not"),
        (f"{ORIGIN}\n0\n{ROOT}\n", "empty log"),
        (f"{ORIGIN}\n1\n{ROOT[:-1]}\n", "canonical base64"),
        (f"{ORIGIN}\n1\n{ROOT[:-2]}J=\n", "canonical base64"),
        (f"{ORIGIN}\n1\n{ROOT} \n", "canonical base64"),
        (f"{ORIGIN}\n1\nAAAA\n", "32 bytes long, not 3"),
        (f"{ORIGIN}\n1\n{ROOT}\n\n", "extension lines"),
        (f"{ORIGIN}\n1\n{ROOT}\na\r\n", "extension lines"),
    ],
)
def test_a_text_that_is_not_canonical_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedNote, match=reason):
        Checkpoint.parse(text)


@pytest.mark.parametrize("length", [1, 255])
def test_what_lies_at_a_limit_is_allowed(length: int) -> None:
    widest = Checkpoint("a" * length, 2**63 - 1, CHECKPOINT.root, ("x",))
    assert Checkpoint.parse(widest.text) == widest
    signer = Signer.from_seed("a" * length, Algorithm.ED25519_COSIGNATURE, bytes(32))
    assert Vkey.parse(str(signer.vkey)) == signer.vkey
    signed = sign_checkpoint(widest, [signer], datetime(1970, 1, 1, tzinfo=UTC))
    assert open_checkpoint(signed, [signer.vkey]).verified == (Verified(signer.vkey, 0),)


def test_a_note_has_up_to_a_hundred_signatures_and_a_million_bytes() -> None:
    assert len(Note.parse(TEXT + b"\n" + LINE * 100).signatures) == 100
    below = b"\n\n" + LINE
    assert Note.parse(b"a" * (1_000_000 - len(below)) + below).signatures == Note.parse(SIGNED).signatures[:1]


def test_values_that_cannot_be_a_checkpoint_are_refused() -> None:
    assert Checkpoint(ORIGIN, 0, EMPTY_ROOT).text.split("\n")[1] == "0"
    for origin, size, root in (
        (ORIGIN, -1, CHECKPOINT.root),
        (ORIGIN, 1, b"short"),
        ("\ud800", 1, EMPTY_ROOT),
    ):
        with pytest.raises(MalformedNote):
            Checkpoint(origin, size, root)


LINE = Note.parse(SIGNED).signatures[0].line.encode()
TEXT = CHECKPOINT.text.encode()


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (b"", "no blank line"),
        (TEXT + LINE, "no blank line"),
        (TEXT + b"\n", "no blank line"),
        (TEXT + b"\n" + LINE[:-1], "no blank line"),
        (TEXT + b"\n" + LINE + b"\n", "whole signature lines"),
        (TEXT + b"\n" + LINE + b"x\n", "em dash"),
        (TEXT + b"\n" + LINE.replace(b"\xe2\x80\x94", b"-"), "em dash"),
        (TEXT + b"\n" + LINE.replace(b" ", b"  ", 1), "cannot name a key"),
        (TEXT + b"\n" + LINE.replace(b"log", b"l+g"), "cannot name a key"),
        (TEXT + b"\n" + LINE.replace(b"log", "l\u00a0g".encode()), "cannot name a key"),
        (TEXT + b"\n" + LINE.replace(b"log", b"l" * 250), "255 bytes"),
        (TEXT + b"\n" + LINE.replace(b"=\n", b"\n"), "base64"),
        (TEXT + b"\n" + LINE[:-1] + b" \n", "base64"),
        (TEXT + b"\n\xe2\x80\x94 name AAAAAA==\n", "base64"),
        (TEXT + b"\n\xe2\x80\x94 name\n", "base64"),
        (TEXT.replace(b"1234", b"12\r4") + b"\n" + LINE, "control character"),
        (TEXT + b"\n" + LINE.replace(b"log", b"l\xffg"), "not UTF-8"),
        (TEXT + b"\n" + LINE * 101, "101 signatures"),
        (b"a" * 1_000_001, "1000001 bytes"),
    ],
)
def test_a_note_that_is_not_canonical_is_refused(note: bytes, reason: str) -> None:
    with pytest.raises(MalformedNote, match=reason):
        open_checkpoint(note, [LOG.vkey])


def test_a_note_nobody_known_signed_is_refused() -> None:
    with pytest.raises(UnverifiedNote, match="None of the known keys"):
        open_checkpoint(SIGNED, [])
    with pytest.raises(UnverifiedNote, match="None of the known keys"):
        open_checkpoint(SIGNED, [Vkey("else.example", Algorithm.ED25519, LOG.vkey.public)])


def test_a_note_of_another_log_or_without_a_demanded_key_is_refused() -> None:
    with pytest.raises(UnverifiedNote, match=r"of the log 'log\.example/7', not of 'log\.example/8'"):
        open_checkpoint(SIGNED, [LOG.vkey], origin="log.example/8")
    with pytest.raises(UnverifiedNote, match="lacks the signature of 'witness"):
        open_checkpoint(SIGNED, [LOG.vkey, WITNESS.vkey], every=True)
    assert open_checkpoint(SIGNED, [LOG.vkey, WITNESS.vkey]).verified == (Verified(LOG.vkey, None),)


def test_one_broken_signature_of_a_known_key_condemns_the_note() -> None:
    other = sign_checkpoint(Checkpoint(ORIGIN, 1235, CHECKPOINT.root), [LOG, POST_QUANTUM, WITNESS], NOW)
    good = Note.parse(cosign(SIGNED, WITNESS, NOW))
    for spot, wrong in enumerate(Note.parse(other).signatures):
        lines = [*good.signatures[:spot], wrong, *good.signatures[spot + 1 :]]
        mixed = Note(good.text, tuple(lines)).encode()
        with pytest.raises(UnverifiedNote, match="does not hold for this checkpoint"):
            open_checkpoint(mixed, [LOG.vkey, POST_QUANTUM.vkey, WITNESS.vkey])


@pytest.mark.parametrize("value", [b"\x00", b"\x00" * 8, b"\x00" * 64, b"\xff" * 2428])
@pytest.mark.parametrize("signer", [LOG, POST_QUANTUM, WITNESS])
def test_a_signature_of_any_length_is_refused_in_words(signer: Signer, value: bytes) -> None:
    note = Note(CHECKPOINT.text, (Signature(signer.vkey.name, signer.vkey.key_id, value),)).encode()
    with pytest.raises(UnverifiedNote, match="does not hold"):
        open_checkpoint(note, [signer.vkey])


def test_a_time_beyond_what_the_format_allows_is_refused() -> None:
    for seconds, held in ((2**63 - 1, True), (2**63, False)):
        message = f"cosignature/v1\ntime {seconds}\n{CHECKPOINT.text}".encode()
        value = seconds.to_bytes(8, "big") + WITNESS.sign(message)
        note = Note(CHECKPOINT.text, (Signature(WITNESS.vkey.name, WITNESS.vkey.key_id, value),)).encode()
        if held:
            assert open_checkpoint(note, [WITNESS.vkey]).verified == (Verified(WITNESS.vkey, seconds),)
        else:
            with pytest.raises(UnverifiedNote, match="does not hold"):
                open_checkpoint(note, [WITNESS.vkey])


def test_a_key_signs_once() -> None:
    with pytest.raises(UnverifiedNote, match="signed the checkpoint twice"):
        open_checkpoint(SIGNED + LINE, [LOG.vkey])
    with pytest.raises(BadKey, match="already signed"):
        sign_checkpoint(CHECKPOINT, [LOG, LOG], NOW)


def test_extension_lines_and_ml_dsa_do_not_go_together() -> None:
    extended = Checkpoint(ORIGIN, 1234, CHECKPOINT.root, ("note",))
    with pytest.raises(BadKey, match="extension lines"):
        sign_checkpoint(extended, [LOG, POST_QUANTUM], NOW)
    # The line is made for the bare checkpoint; nothing in it speaks of the extension put in afterwards.
    slipped = Note(extended.text, Note.parse(SIGNED).signatures[1:]).encode()
    with pytest.raises(UnverifiedNote, match="does not hold"):
        open_checkpoint(slipped, [POST_QUANTUM.vkey])
    signed = sign_checkpoint(extended, [LOG, WITNESS], NOW)
    assert open_checkpoint(signed, [LOG.vkey, WITNESS.vkey], every=True).checkpoint == extended


def test_signing_needs_a_key_and_a_time_with_a_zone() -> None:
    with pytest.raises(BadKey, match="at least one key"):
        sign_checkpoint(CHECKPOINT, [], NOW)
    for time in (NOW.replace(tzinfo=None), datetime(1970, 1, 1, tzinfo=UTC) - timedelta(seconds=1)):
        with pytest.raises(ValueError, match="time zone"):
            sign_checkpoint(CHECKPOINT, [LOG], time)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sum.golang.org", "two plus signs"),
        (GO_VKEY.replace("033de0ae", "033de0af"), "has the id 033de0ae"),
        (GO_VKEY.replace("033de0ae", "033DE0AE"), "has the id 033de0ae"),
        (GO_VKEY.replace("sum.golang.org", "sum.golang.com"), "has the id"),
        (GO_VKEY + "=", "canonical base64"),
        (GO_VKEY.replace("Ac4z", "BM4z"), "has the id"),
        (GO_VKEY.replace("Ac4z", "As4z"), "kind not known here, 0x02"),
        (GO_VKEY[:-4], "32 bytes long, not 29"),
        ("a b+00000000+" + GO_VKEY.split("+", 2)[2], "cannot name a key"),
        ("a\ud800+00000000+" + GO_VKEY.split("+", 2)[2], "at most 255 bytes"),
        ("a+00000000+", "canonical base64"),
    ],
)
def test_a_verification_key_that_is_not_canonical_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadKey, match=reason):
        Vkey.parse(text)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_kept_key_is_the_same_key_under_its_secret_only(algorithm: Algorithm) -> None:
    signer = Signer.generate(ORIGIN, algorithm)
    kept = signer.dump(SECRET)
    assert kept.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    again = Signer.load(ORIGIN, kept, SECRET, cosigns=algorithm is Algorithm.ED25519_COSIGNATURE)
    assert again.vkey == signer.vkey
    signed = sign_checkpoint(CHECKPOINT, [again], NOW)
    assert open_checkpoint(signed, [signer.vkey]).checkpoint == CHECKPOINT
    assert signer.vkey.algorithm is algorithm
    if algorithm is not Algorithm.ED25519_COSIGNATURE:  # which is what has to be said
        assert Signer.load(ORIGIN, kept, SECRET).vkey == signer.vkey
    with pytest.raises(BadKey, match="wrong secret or broken file"):
        Signer.load(ORIGIN, kept, SECRET + b"!")


@pytest.mark.parametrize("known", [LOG, POST_QUANTUM, WITNESS])
def test_from_a_seed_grows_one_key(known: Signer) -> None:
    made = {LOG: range(32), POST_QUANTUM: range(32, 64), WITNESS: range(64, 96)}
    seed = bytes(made[known])
    grown = Signer.from_seed(known.vkey.name, known.vkey.algorithm, seed)
    assert grown.vkey == known.vkey
    if known is LOG:
        assert Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(seed)).vkey == known.vkey


def test_keys_that_cannot_be_kept_or_used_are_refused_in_words() -> None:
    with pytest.raises(BadKey, match="at least 16 random bytes"):
        LOG.dump(b"15 random bytes")
    assert LOG.dump(b"16 random bytes.")
    with pytest.raises(BadKey, match="at least 16 random bytes"):
        Signer.load(ORIGIN, LOG.dump(SECRET), b"")
    with pytest.raises(BadKey, match="broken file"):
        Signer.load(ORIGIN, b"not a key", SECRET)
    with pytest.raises(BadKey, match="32 bytes long, not 3"):
        Signer.from_seed(ORIGIN, Algorithm.ED25519, b"abc")
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(SECRET),
    )
    with pytest.raises(BadKey, match="neither an Ed25519 nor an ML-DSA-44 key"):
        Signer.load(ORIGIN, other, SECRET)
