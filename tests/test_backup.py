"""Backup and restore: one moment's whole registry, taken while others write, and nothing opened that is not that.

The registry has the golden store's story, a meeting with sealed minutes, told anew by the program as it is. Every test
has a copy of its own.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.backup import DATA, MANIFEST, BackupDamaged, Manifest, NewerFormat, back_up, unfinished
from api.checking import verify
from api.cli.main import run
from api.faults import Fault
from api.restore import restore
from api.settings import NoRootKey, Settings
from api.wiring import SYSTEM, Municipality, open_folder
from domain.decider import STATES
from domain.messages import Destroyed, fresh_id
from domain.municipality import GoneKey, RegistryRestored
from domain.person import ChangeContact, Person, RegisterPerson
from projections.reading import fresh_digests, stored_digests
from registry import destroyed
from registry.clock import SystemClock
from registry.digest import fold, state_digest
from registry.files import FileDamaged
from registry.mapper import EvidenceBroken
from registry.sqlite import SQLiteRecorder
from registry.vault import WrongRootKey
from signing.log import leaf_hash, root_of
from tests import busy_writer, golden_store
from tests.conftest import LONG
from tests.disposing import contact_destroyed
from tests.golden_store import Golden
from tests.house import ROOT


@dataclass
class Place:
    """A registry of one's own, with room for backups beside it."""

    folder: Path
    golden: Golden

    @property
    def dir(self) -> Path:
        return self.golden.dir

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    @property
    def new(self) -> Path:
        return self.folder / "somewhere" / "new"

    def back_up(self) -> dict[str, Any]:
        return back_up(self.dir, self.backup)

    def restore(self, lists: Sequence[Path] = ()) -> dict[str, Any]:
        return restore(self.backup, self.new, self.golden.root_key, lists)

    def keep_outside(self) -> Path:
        """Set a place outside the data folder for what lies in checkpoints/."""
        outside = shutil.copytree(self.dir / "checkpoints", self.folder / "outside")
        settings = Settings.read(self.dir).model_copy(update={"outside_checkpoints": str(outside)})
        settings.write(self.dir)
        self.checkpoint()
        return outside

    def checkpoint(self) -> None:
        with opened(self.dir) as m:
            m.checkpoints.sign(SystemClock().now())

    def lose(self) -> None:
        """The disk with the registry is gone; the key is kept elsewhere."""
        shutil.rmtree(self.dir)

    def nothing_new(self) -> None:
        """Nothing has been left behind where the restored registry was to be."""
        assert not self.new.exists()
        assert not self.new.parent.exists() or list(self.new.parent.iterdir()) == []


class opened:  # noqa: N801  # used as the word it is
    """A registry, opened for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Municipality:
        self.m = open_folder(self.folder)
        return self.m

    def __exit__(self, *_: object) -> None:
        self.m.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("made") / "store"
    golden_store.make(store)
    return store


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Place:
    return Place(tmp_path, Golden.copied(tmp_path / "golden", made))


def failed(result: dict[str, Any]) -> list[str]:
    return [f"{check['step']}: {check['detail']}" for check in result["checks"] if check["ok"] is False]


def held(result: dict[str, Any]) -> set[str]:
    return {check["step"] for check in result["checks"] if check["ok"]}


def register(m: Municipality, name: str = "Ny Person", email: str | None = None) -> tuple[str, int]:
    """A new person; id and position."""
    person = fresh_id()
    position = m.execute_as(RegisterPerson(person=person, name=name), SYSTEM).position
    if email:
        position = m.execute_as(ChangeContact(person=person, email=email), SYSTEM).position
    return person, position


def state_of(folder: Path) -> str:
    with opened(folder) as m:
        return state_digest(fold(m.registry.facts(), STATES))


# --- what a backup is


def test_a_backup_says_what_it_is_and_holds_what_it_says(place: Place) -> None:
    result = place.back_up()
    manifest = Manifest.read(place.backup)
    assert (manifest.position, manifest.root) == (
        place.golden.expected["position"],
        place.golden.expected["root"],
    )
    assert result["position"] == manifest.position
    assert manifest.checkpoint and manifest.checkpoint.splitlines()[1] == str(result["checkpoint"])
    found = {
        str(path.relative_to(place.backup / DATA)): sha256(path.read_bytes()).hexdigest()
        for path in (place.backup / DATA).rglob("*")
        if path.is_file()
    }
    assert {name: part.sha256 for name, part in manifest.files.items()} == found
    assert {
        "events.db",
        "keys.db",
        "liggare.toml",
        "pki/trust.pem",
        "checkpoints/destroyed.jsonl",
    } <= found.keys()
    assert "views.db" not in found
    assert sum(name.startswith("files/") for name in found) == place.golden.expected["files"]


def test_an_outsider_can_check_it_with_the_ordinary_tool(place: Place) -> None:
    place.back_up()
    command = ["sha256sum", "-c", f"{MANIFEST}.sha256"]
    assert b"OK" in subprocess.run(command, cwd=place.backup, check=True, capture_output=True).stdout


def test_a_backup_verifies_where_it_lies(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.back_up()
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(place.golden.root_key))
    result = verify(place.backup / DATA)
    assert failed(result) == []
    assert held(result) >= {"tree", "checkpoints", "pades", "statements"}


def test_the_root_key_is_not_needed_and_never_taken(place: Place) -> None:
    key = bytes.fromhex(place.golden.root_key.read_text())
    inside = place.dir / "pki" / "..key"
    place.golden.root_key.rename(inside)
    Settings.read(place.dir).model_copy(update={"root_key": "pki/..key"}).write(place.dir)
    place.back_up()
    for path in place.backup.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert key not in content, path
            assert key.hex().encode() not in content, path


def test_what_is_written_is_for_its_owner_only(place: Place) -> None:
    place.back_up()
    assert place.backup.stat().st_mode & 0o077 == 0


def test_files_that_no_event_names_are_left_out(place: Place) -> None:
    with opened(place.dir) as m:
        address = m.files.put("document-1", "preserved", b"nobody's")
    place.back_up()
    assert f"files/{address[:2]}/{address}" not in Manifest.read(place.backup).files


@pytest.mark.parametrize("where", ["full", "file", "inside"])
def test_a_place_that_is_taken_is_refused_and_left_alone(where: str, place: Place) -> None:
    out = {"full": place.backup, "file": place.folder / "file", "inside": place.dir / "backup"}[where]
    if where == "full":
        out.mkdir()
        (out / "mine").write_text("mine")
    elif where == "file":
        out.write_text("mine")
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    with pytest.raises(Fault) as fault:
        back_up(place.dir, out)
    assert fault.value.code == ("backup-inside" if where == "inside" else "not-empty")
    assert {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()} == before


def test_an_empty_folder_will_do(place: Place) -> None:
    place.backup.mkdir()
    result = place.back_up()
    assert Manifest.read(place.backup).position == result["position"]


def test_what_is_no_registry_is_refused(place: Place) -> None:
    with pytest.raises(Fault, match=r"liggare\.toml"):
        back_up(place.folder, place.backup)
    (place.dir / "events.db").unlink()
    with pytest.raises(Fault, match=r"events\.db"):
        place.back_up()


# --- a damaged registry is told when it is backed up


def a_file(folder: Path) -> Path:
    return max((folder / "files").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)


def test_a_missing_or_altered_file_is_named(place: Place) -> None:
    file = a_file(place.dir)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(FileDamaged, match=file.name):
        place.back_up()
    file.unlink()
    with pytest.raises(FileDamaged, match=file.name):
        place.back_up()
    assert list(place.folder.iterdir()) == [place.folder / "golden"]
    file.write_bytes(content)  # put back from an older backup, it is what it was
    place.back_up()


def alter(log: Path) -> None:
    """Change an event and, as a forger would, its leaf."""
    with closing(sqlite3.connect(log)) as db, db:
        position, envelope = db.execute("SELECT position, envelope FROM event WHERE position = 9").fetchone()
        other = envelope.replace(b'"v":1', b'"v":1', 1).replace(b'"salt":"', b'"salt":"00', 1)
        db.execute(
            "UPDATE event SET envelope = ?, leaf = ? WHERE position = ?", (other, leaf_hash(other), position)
        )


def test_a_log_that_its_checkpoints_do_not_vouch_for_is_not_backed_up(place: Place) -> None:
    alter(place.dir / "events.db")
    with pytest.raises(EvidenceBroken, match="not those that were signed for"):
        place.back_up()
    assert not place.backup.exists()


def test_a_damaged_checkpoint_is_named(place: Place) -> None:
    note = min((place.dir / "checkpoints").glob("*.note"))
    note.write_bytes(note.read_bytes().replace(b"\n", b" ", 1))
    with pytest.raises(EvidenceBroken, match=note.name):
        place.back_up()


def test_a_backup_that_is_stopped_leaves_nothing(place: Place) -> None:
    def stop(done: int, of: int) -> None:
        if done > of // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(place.dir, place.backup, stop)
    assert list(place.folder.iterdir()) == [place.folder / "golden"]


def test_what_a_killed_backup_left_is_no_backup_and_goes_with_the_next(place: Place) -> None:
    killed = (
        "import os, sys; from pathlib import Path; from api.backup import back_up;"
        "back_up(Path(sys.argv[1]), Path(sys.argv[2]), lambda done, of: done > of // 2 and os.kill(os.getpid(), 9))"
    )
    done = subprocess.run([sys.executable, "-c", killed, place.dir, place.backup], cwd=ROOT, check=False)
    assert done.returncode == -9
    [left] = [path for path in place.folder.iterdir() if path.name != "golden"]
    assert left.name.startswith(".")
    with unfinished(place.folder / "other"):
        place.back_up()
    assert {path.name for path in place.folder.iterdir()} == {"golden", "backup", "other"}


def test_two_who_work_towards_one_place_do_not_disturb_each_other(place: Place) -> None:
    first, second = unfinished(place.backup), unfinished(place.backup)
    for each in (first, second):
        (each.__enter__() / "mine").touch()
    first.__exit__(None, None, None)
    with pytest.raises(Fault) as fault:
        second.__exit__(None, None, None)
    assert fault.value.code == "not-empty"
    assert {path.name for path in place.folder.iterdir()} == {"golden", "backup"}


# --- while others write


@pytest.fixture
def writers(place: Place) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-W", "error", "-m", "tests.busy_writer", str(place.dir), "4"]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        yield running
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            with process:
                pass


def test_while_others_write_it_is_one_moment_with_everything_acknowledged(
    place: Place, writers: list[subprocess.Popen[str]]
) -> None:
    said = []
    for process in writers:
        assert process.stdout is not None
        said += [process.stdout.readline() for _ in range(5)]  # both are at work
    acknowledged = max(int(line.split()[0]) for line in said)
    backups = [place.folder / f"backup-{number}" for number in range(3)]
    at = []
    for out in backups:
        at.append(back_up(place.dir, out)["position"])
        while int(said[-1].split()[0]) <= at[-1]:  # they have not stopped
            assert writers[0].stdout is not None
            said.append(writers[0].stdout.readline())
    for process in writers:
        said += busy_writer.finish(process)
        assert process.wait() == 0
    events = {int(line.split()[0]): line.split()[1] for line in said}
    assert acknowledged <= at[0] < at[1] < at[2]
    for out, position in zip(backups, at, strict=True):
        recorder = SQLiteRecorder(out / DATA / "events.db", readonly=True)
        stored = {event.id: sha256(event.state).hexdigest() for event in recorder.scan()}
        recorder.close()
        assert max(stored) == position
        assert {at: digest for at, digest in events.items() if at <= position}.items() <= stored.items()
    result = restore(backups[1], place.new, place.golden.root_key)
    assert result["position"] == at[1]
    assert failed(verify(place.new)) == []
    with opened(place.new) as m:
        for fact in m.registry.facts():
            if isinstance(fact.event, RegisterPerson):
                assert str(fact.event.name) != "█████"


def test_a_checkpoint_signed_meanwhile_is_left_out_with_its_events(place: Place) -> None:
    position = place.golden.expected["position"]
    with opened(place.dir) as m:

        def meanwhile(*_: int) -> None:
            if m.registry.recorder.head().position == position:  # while the log is being copied
                register(m)
                m.checkpoints.sign(SystemClock().now())

        made = back_up(place.dir, place.backup, meanwhile)
        assert m.registry.recorder.head().position > made["position"] == position
    assert made["checkpoint"] == position
    newest = max(path.stem for path in (place.backup / DATA / "checkpoints").glob("*.note"))
    assert newest == f"{position:012}"
    place.lose()
    assert place.restore()["lost"] is None
    assert failed(verify(place.new)) == []


# --- restored


def test_a_restored_registry_is_the_one_that_was_and_goes_on(place: Place) -> None:
    before = state_of(place.dir)
    place.back_up()
    place.lose()
    result = place.restore()
    assert (result["position"], result["verified"], result["lost"]) == (
        place.golden.expected["position"],
        True,
        None,
    )
    checked = verify(place.new)
    assert failed(checked) == []
    assert held(checked) >= {"digest", "statements", "rerender", "pades"}
    assert state_of(place.new) == before
    with opened(place.new) as m:
        assert stored_digests(m.views) == fresh_digests(m.registry)
        _, position = register(m, email="ny@example.org")
        assert position == result["position"] + 2
        m.checkpoints.sign(SystemClock().now())
        m.projector.catch_up()
    assert failed(verify(place.new)) == []


def test_a_backup_of_a_restored_registry_is_the_same_log(place: Place) -> None:
    first = place.back_up()
    place.restore()
    second = back_up(place.new, place.folder / "again")
    assert (second["position"], second["root"]) == (first["position"], first["root"])


def test_restoring_leaves_the_backup_as_it_was(place: Place) -> None:
    place.back_up()
    before = {path: path.read_bytes() for path in place.backup.rglob("*") if path.is_file()}
    place.restore()
    assert {path: path.read_bytes() for path in place.backup.rglob("*") if path.is_file()} == before


def test_the_settings_name_the_key_that_was_given(place: Place) -> None:
    place.back_up()
    elsewhere = place.folder / "safe" / "the.key"
    elsewhere.parent.mkdir()
    place.golden.root_key.rename(elsewhere)
    with pytest.raises(NoRootKey):
        restore(place.backup, place.new)
    place.nothing_new()
    restore(place.backup, place.new, elsewhere)
    with opened(place.new) as m:
        assert m.settings.root_key == str(elsewhere)


def test_another_root_key_opens_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.back_up()
    other = place.folder / "other.key"
    other.write_text("ab" * 32)
    with pytest.raises(WrongRootKey):
        restore(place.backup, place.new, other)
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(place.golden.root_key))
    with pytest.raises(Fault) as fault:
        restore(place.backup, place.new, other)
    assert fault.value.code == "two-root-keys"
    place.nothing_new()


def test_a_signing_that_began_after_the_backup_is_forgotten(place: Place) -> None:
    with opened(place.dir) as m:
        m.vault.put_pending(fresh_id(), b"{}")
        assert m.vault.pendings()
        known = set(m.vault.pendings())
    place.back_up()
    place.restore()
    with opened(place.new) as m:
        assert set(m.vault.pendings()) < known


# --- a damaged backup is not opened


def test_every_single_file_counts(place: Place) -> None:
    place.back_up()
    rng = random.Random(20240312)
    for path in sorted(path for path in place.backup.rglob("*") if path.is_file()):
        content = path.read_bytes()
        at = rng.randrange(len(content))
        for damaged in (
            content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :],
            content[:at],
        ):
            path.write_bytes(damaged)
            with pytest.raises(BackupDamaged, match=path.name.removesuffix(".sha256").replace(".", r"\.")):
                place.restore()
        path.unlink()
        with pytest.raises((BackupDamaged, Fault), match=path.name.replace(".", r"\.")):
            place.restore()
        path.write_bytes(content)
        place.nothing_new()
    place.restore()


def forged(backup: Path, **changes: Any) -> None:
    """A manifest that agrees with what lies there now, as somebody would write it who wants to be believed."""
    said = json.loads((backup / MANIFEST).read_text())
    for name, part in said["files"].items():
        content = (backup / DATA / name).read_bytes()
        part |= {"sha256": sha256(content).hexdigest(), "size": len(content)}
    manifest = json.dumps(said | changes).encode()
    (backup / MANIFEST).write_bytes(manifest)
    (backup / f"{MANIFEST}.sha256").write_text(f"{sha256(manifest).hexdigest()}  {MANIFEST}\n")


def test_a_forged_log_with_a_forged_manifest_does_not_verify(place: Place) -> None:
    place.back_up()
    alter(place.backup / DATA / "events.db")
    forged(place.backup)
    with pytest.raises(BackupDamaged, match="its root is not what the manifest says"):
        place.restore()
    recorder = SQLiteRecorder(place.backup / DATA / "events.db", readonly=True)
    root = root_of(recorder.leaves()).hex()
    recorder.close()
    place.lose()
    forged(place.backup, root=root)
    with pytest.raises(EvidenceBroken, match="does not verify"):
        place.restore()
    place.nothing_new()


def test_a_file_left_out_of_the_manifest_is_missed(place: Place) -> None:
    place.back_up()
    address = a_file(place.backup / DATA).name
    files = json.loads((place.backup / MANIFEST).read_text())["files"]
    del files[f"files/{address[:2]}/{address}"]
    forged(place.backup, files=files)
    with pytest.raises(EvidenceBroken, match=address):
        place.restore()
    del files["keys.db"]
    forged(place.backup, files=files)
    with pytest.raises(BackupDamaged, match=r"keys\.db"):
        place.restore()
    place.nothing_new()


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "pki/../../outside"])
def test_a_manifest_reaches_nothing_outside_the_backup(name: str, place: Place) -> None:
    place.back_up()
    files = json.loads((place.backup / MANIFEST).read_text())["files"]
    forged(place.backup, files=files | {name: files["keys.db"]})
    with pytest.raises(BackupDamaged, match="outside"):
        place.restore()


def test_a_backup_by_a_newer_program_is_told_apart_from_a_damaged_one(place: Place) -> None:
    place.back_up()
    forged(place.backup, data_format=2)
    with pytest.raises(NewerFormat, match="format 2"):
        place.restore()
    shutil.rmtree(place.backup / DATA)
    (place.backup / MANIFEST).unlink()
    with pytest.raises(Fault) as fault:
        place.restore()
    assert fault.value.code == "not-a-backup"


def test_a_full_target_is_left_alone(place: Place) -> None:
    place.back_up()
    place.new.mkdir(parents=True)
    (place.new / "mine").write_text("mine")
    with pytest.raises(Fault) as fault:
        place.restore()
    assert fault.value.code == "not-empty"
    assert [path.name for path in place.new.parent.rglob("*")] == ["new", "mine"]


# --- what was destroyed stays destroyed


def contact(folder: Path, person: str) -> object:
    with opened(folder) as m:
        return m.registry.get(Person, person).email


def destroy(place: Place, person: str) -> tuple[bytes, int]:
    """Destroy a person's contact data, which is then gone; the wrapped key that a backup still holds, and where in the
    log it was decided."""
    with closing(sqlite3.connect(place.dir / "keys.db")) as db:
        row = db.execute(
            "SELECT wrapped FROM key WHERE subject = ? AND keep = 'contact'", [f"person-{person}"]
        )
        wrapped = row.fetchone()[0]
    with opened(place.dir) as m:
        decided = contact_destroyed(m, person)
    assert isinstance(contact(place.dir, person), Destroyed)
    return bytes(wrapped), decided


@pytest.mark.parametrize("known", ["beside the lost registry", "outside", "given"])
def test_what_was_destroyed_after_the_backup_does_not_come_back(known: str, place: Place) -> None:
    outside = place.keep_outside() if known == "outside" else place.dir / "checkpoints"
    with opened(place.dir) as m:
        person, _ = register(m, email="bort@example.org")
    place.back_up()
    wrapped, decided = destroy(place, person)
    assert wrapped in (place.backup / DATA / "keys.db").read_bytes()
    lists = []
    if known == "given":
        lists = [Path(shutil.copy(outside / destroyed.NAME, place.folder / "list"))]
    if known != "beside the lost registry":
        place.lose()
    result = place.restore(lists)
    assert result["destroyed_again"] == 1
    assert isinstance(contact(place.new, person), Destroyed)
    assert wrapped not in (place.new / "keys.db").read_bytes()
    assert failed(verify(place.new)) == []
    own = destroyed.read(place.new / "checkpoints" / destroyed.NAME)
    assert [one.decision for one in own][-1] == str(decided)


def test_without_the_outside_list_nothing_is_opened(place: Place) -> None:
    outside = place.keep_outside()
    place.back_up()
    outside.rename(place.folder / "unplugged")
    with pytest.raises(Fault) as fault:
        place.restore()
    assert fault.value.code == "list-wanted"
    place.nothing_new()
    place.lose()
    assert place.restore([place.backup / DATA / "checkpoints" / destroyed.NAME])["position"]


def test_a_list_that_lacks_what_the_backup_knows_is_not_the_whole_list(place: Place) -> None:
    outside = place.keep_outside()
    place.back_up()
    place.lose()
    (outside / destroyed.NAME).unlink()
    with pytest.raises(Fault) as fault:
        place.restore()
    assert fault.value.code == "list-not-whole"
    with pytest.raises(Fault) as fault:
        place.restore([Path(os.devnull)])
    assert fault.value.code == "list-not-whole"
    (outside / destroyed.NAME).write_text("{}\n")
    with pytest.raises(Fault) as fault:
        place.restore()
    assert fault.value.code == "list-damaged"
    with pytest.raises(Fault) as fault:
        place.restore([place.folder / "nowhere"])
    assert fault.value.code == "nothing-there"
    place.nothing_new()


# --- what is lost is said


def later(place: Place, number: int) -> None:
    with opened(place.dir) as m:
        for _ in range(number):
            register(m)
        m.checkpoints.sign(SystemClock().now())


@pytest.mark.parametrize("number", [1, 4] if LONG else [4])
def test_positions_that_an_outside_checkpoint_vouches_for_are_said_to_be_lost(
    number: int, place: Place
) -> None:
    outside = place.keep_outside()
    with opened(place.dir) as m:
        person, _ = register(m, email="bort@example.org")
    position = place.back_up()["position"]
    wrapped, _ = destroy(place, person)
    later(place, number)
    place.lose()
    kept = {path: path.read_bytes() for path in outside.iterdir()}
    result = place.restore()
    end = position + 1 + number  # the decision to destroy, and what came later
    newest = outside / f"{end:012}.note"
    assert result["lost"] == {"from": position + 1, "to": end, "checkpoint": str(newest)}
    assert result["destroyed_again"] == 1
    with opened(place.new) as m:
        (told,) = (one.event for one in m.registry.facts() if isinstance(one.event, RegistryRestored))
        key = destroyed.read(outside / destroyed.NAME)[-1].key
        lost = GoneKey(key=key, decided=position + 1)
        assert told == RegistryRestored(last=position, lost_to=end, gone=(lost,))
        for _ in range(number + 1):
            register(m)
        m.checkpoints.sign(SystemClock().now())
        m.projector.catch_up()
        assert m.settings.outside_checkpoints == str(outside) + f"-from-{position}"
    assert {path: path.read_bytes() for path in outside.iterdir()} == kept  # the proof stands
    assert failed(verify(place.new)) == []
    assert failed(verify(place.new, checkpoint=newest)) != []

    def said() -> str:
        return str(
            {one["step"]: one["detail"] for one in verify(place.new, language="en")["checks"]}["destruction"]
        )

    assert "of them 1 by decisions that were lost at a restore" in said()
    with closing(sqlite3.connect(place.new / "keys.db")) as db, db:
        db.execute("UPDATE key SET wrapped = ? WHERE id = ?", [wrapped, key])
    assert f"the key {key} is back" in said()
    with closing(sqlite3.connect(place.new / "keys.db")) as db, db:
        db.execute("UPDATE key SET wrapped = NULL WHERE id = ?", [key])
    # the new place has the list from the beginning: the next restore finds it whole
    back_up(place.new, place.folder / "again")
    shutil.rmtree(place.new)
    assert restore(place.folder / "again", place.new)["lost"] is None


def test_a_second_restore_of_the_same_backup_has_a_place_of_its_own_for_checkpoints(place: Place) -> None:
    place.keep_outside()
    with opened(place.dir) as m:
        m.vault.destroy("nobody", "contact", "1")
        person, _ = register(m, email="bort@example.org")
    destroy(place, person)
    place.back_up()
    later(place, 2)
    first = place.restore()
    second = restore(place.backup, place.folder / "second", place.golden.root_key)
    assert first["outside_checkpoints"] != second["outside_checkpoints"]


def test_an_outside_checkpoint_of_another_history_stops_it(place: Place) -> None:
    place.back_up()
    restore(place.backup, place.new, place.golden.root_key)
    for folder in (place.dir, place.new):  # two histories from here on
        with opened(folder) as m:
            register(m)
            m.checkpoints.sign(SystemClock().now())
    back_up(place.new, place.folder / "other")
    listed = shutil.copytree(place.dir / "checkpoints", place.folder / "kept") / destroyed.NAME
    with pytest.raises(EvidenceBroken, match="not those that were signed for"):
        restore(place.folder / "other", place.folder / "third", place.golden.root_key, [listed])
    assert not (place.folder / "third").exists()


# --- the command line


def asked(capsys: pytest.CaptureFixture[str], code: int, *words: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*map(str, words), "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_commands_answer_in_json_with_the_right_exit_code(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    made = asked(capsys, 0, "backup", "--dir", place.dir, "--out", place.backup)
    assert made["path"] == str(place.backup)
    assert (
        asked(capsys, 2, "backup", "--dir", place.dir, "--out", place.backup)["error"]["code"] == "not-empty"
    )
    key = place.golden.root_key
    done = asked(capsys, 0, "restore", "--from", place.backup, "--dir", place.new, "--root-key", key)
    assert (done["dir"], done["position"], done["lost"]) == (str(place.new), made["position"], None)
    wrong = asked(capsys, 2, "restore", "--from", place.new, "--dir", place.folder / "x")
    assert wrong["error"]["code"] == "not-a-backup"
    (place.backup / DATA / "keys.db").unlink()
    broken = asked(
        capsys, 3, "restore", "--from", place.backup, "--dir", place.folder / "x", "--root-key", key
    )
    assert "keys.db" in broken["error"]["detail"]


def test_the_commands_tell_a_person_what_happened(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    outside = place.keep_outside()
    with opened(place.dir) as m:
        person, _ = register(m, email="bort@example.org")
    assert run(["backup", "--dir", str(place.dir), "--out", str(place.backup)]) == 0
    assert "Rotnyckeln ingår inte" in capsys.readouterr().out
    destroy(place, person)
    later(place, 2)
    key = str(place.golden.root_key)
    assert run(["restore", "--from", str(place.backup), "--dir", str(place.new), "--root-key", key]) == 0
    said = capsys.readouterr().out
    position = Manifest.read(place.backup).position
    assert f"Förlorade positioner: {position + 1}–{position + 3}" in said
    assert "förstörda igen: 1" in said
    assert f"{outside}-from-{position}" in said
