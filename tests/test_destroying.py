"""What is destroyed is gone: its words, its salts and its keys are looked for in every file there is, and not found.

One registry is lived through once: minutes are drafted, sent back, drafted anew, signed, sealed and purged; a document
and contact data are disposed of by the plan. A backup that was taken before is restored afterwards.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from api.backup import back_up
from api.checking import verify
from api.exporting import export
from api.papers import minutes_pdf
from api.reactions import Reactions
from api.restore import restore
from api.wiring import Municipality, open_folder
from domain.disposal_events import DestructionDone
from domain.messages import Destroyed, Event, Fact
from domain.minutes import Minutes
from domain.minutes_events import MinutesVersionMade
from domain.person import Person
from projections.audit import AuditQuery, query
from projections.reading import rows
from registry.files import FileDestroyed
from registry.mapper import read_envelope
from registry.vault import keys
from signing.commitments import is_sealed, version_root
from tests.postgres import Database, known
from tests.web import V1, Town

DRAFT, COMMENT = "Preliminär formulering om torget", "Skriv om stycket om Anders"
REASON = "Sjukskriven sedan i fredags"
TITLE, PAPER = "Undran över gatlyktan vid Björkvägen", "Hej, lyktan vid mitt hus har slocknat. Nils"
EMAIL, AGAIN = "gunnar.gammal@exempel.se", "gunnar.ny@exempel.se"
FINAL = "Rådet gick igenom läget vid torget"
LINES = [
    {"kind": "Inkommen undran", "section": "3.2", "after_years": 0},
    {"kind": "Kontaktuppgift", "section": "5.1", "after_years": 0},
    {"kind": "Lägesbild", "section": "1.1"},
]


@dataclass
class Lived:
    """A registry before anything was destroyed, and after."""

    town: Town
    folder: Path
    minutes: str
    document: str
    database: Database
    env: dict[str, str]
    gone: list[bytes] = field(default_factory=list)  # words, salts, keys as they are and as they are kept

    @property
    def m(self) -> Municipality:
        return self.town.municipality

    def happened(self, kind: type[Event]) -> list[Fact]:
        return [fact for fact in self.m.registry.facts() if isinstance(fact.event, kind)]

    def doom(self, stream: str, *fields: str, versions: int = 100) -> None:
        """Note the keys and salts of a stream's sealed fields that are to go."""
        for stored in self.m.registry.recorder.select_stream(stream):
            base = f"{stream}/{stored.originator_version}"
            for path, sealed in _sealed(read_envelope(stored)["data"], base):
                if stored.originator_version <= versions and path.split("/")[2] in fields:
                    opened = self.m.registry.mapper.disclose(path, sealed)
                    assert opened is not None
                    self.gone += [opened[0].encode(), *self._keys(sealed["key"])]

    def _keys(self, id: str) -> list[bytes]:
        vault = self.m.vault
        with vault.engine.connect() as db:
            wrapped = db.execute(sa.select(keys.c.wrapped).where(keys.c.id == id)).scalar_one()
        raw = vault._wrapper.decrypt(wrapped[:12], wrapped[12:], id.encode())
        return [raw, raw.hex().encode(), wrapped]

    def files(self) -> bytes:
        """Every byte of the data folder, and of the database if it lies elsewhere."""
        return every_byte(self.folder) + stored_elsewhere(self.env)

    def found(self, held: bytes) -> list[bytes]:
        return [one for one in dict.fromkeys(self.gone) if one in held]


def _sealed(value: Any, path: str) -> Iterator[tuple[str, dict[str, str]]]:
    if is_sealed(value):
        yield path, value
    elif isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _sealed(item, f"{path}/{name}")


def every_byte(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def stored_elsewhere(env: dict[str, str]) -> bytes:
    """Every byte of the tables and indexes that a server has; its own log of writing is the handbook's to tell of."""
    if not env:
        return b""
    with psycopg.connect(next(iter(env.values())), autocommit=True) as db:
        db.execute("CHECKPOINT")
        (data,) = db.execute("SHOW data_directory").fetchone() or ("",)
    return b"".join(path.read_bytes() for path in Path(data, "base").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[Lived]:
    folder, env = tmp_path_factory.mktemp("destroying"), dict(database.new())
    with known(env):
        town = Town.settled(folder)
    town.do(f"persons/{town.ids['gunnar']}/change-contact", email=EMAIL)
    town.do(
        "registry/adopt-retention-plan", "sofia", title="Plan KS24.7", adopted_on="2024-01-08", lines=LINES
    )
    asked = {"title": TITLE, "direction": "incoming", "date": "2024-01-30", "kind": "Inkommen undran"}
    headers = town.header("sofia", {"Content-Type": "text/plain"})
    answer = town.client.post(f"{V1}/documents", params=asked, content=PAPER.encode(), headers=headers)
    document = str(answer.json()["id"])
    meeting = town.called()
    town.do(f"meetings/{meeting}/notify-hinder", "sofia", person=town.ids["gunnar"], reason=REASON)
    town.held(meeting)
    minutes = town.made("minutes/draft-minutes", "sofia", meeting=meeting)
    both = [town.ids["karin"], town.ids["per"]]
    town.do(f"minutes/{minutes}/edit-minutes", "sofia", base=1, texts={"1": DRAFT})
    town.do(f"minutes/{minutes}/circulate-minutes", "sofia", version=2, recipients=both)
    town.react()
    town.do(f"minutes/{minutes}/return-minutes", "karin", version=2, comment=COMMENT)
    town.do(f"minutes/{minutes}/edit-minutes", "sofia", base=2, texts={"1": FINAL})
    town.do(f"minutes/{minutes}/circulate-minutes", "sofia", version=3, recipients=both)
    town.react()
    for who, office in (("karin", "chair"), ("per", "justerare")):
        town.passphrase(who)
        town.signed(minutes, who, office, 3)
    found = Lived(town, folder / "exempelby", minutes, document, database, env)
    found.gone += [one.encode() for one in (DRAFT, COMMENT, REASON, TITLE, PAPER, EMAIL)]
    versions = {fact.event.version: fact.version for fact in found.happened(MinutesVersionMade)}  # type: ignore[attr-defined]  # all are of that kind
    found.doom(f"minutes-{minutes}", "texts", "statements", "comment", versions=versions[3] - 1)
    found.doom(f"meeting-{meeting}", "reason")
    found.doom(f"document-{document}", "title", "sha256")
    found.doom(f"person-{town.ids['gunnar']}", "email")
    yield found
    town.close()


@pytest.fixture(scope="module")
def destroyed(lived: Lived) -> Lived:
    """The same when all is carried out; a backup from before lies beside."""
    before = lived.found(lived.files())
    assert {TITLE.encode(), lived.gone[-1]} <= set(before), "what is looked for could be found"
    with known(lived.env):
        back_up(lived.folder, lived.folder.parent / "backup")
    town = lived.town
    town.do(f"documents/{lived.document}/dispose-document", "sofia")
    which = {"which": "contact", "kind": "Kontaktuppgift"}
    town.do(f"persons/{town.ids['gunnar']}/dispose-person-data", "sofia", **which)
    town.do(f"persons/{town.ids['gunnar']}/change-contact", email=AGAIN)
    town.react()
    return lived


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def test_what_was_destroyed_is_in_no_file(destroyed: Lived, said: pytest.LogCaptureFixture) -> None:
    assert not destroyed.found(destroyed.files())
    out = destroyed.folder.parent / "export"
    export(destroyed.m, out)
    assert not destroyed.found(every_byte(out))
    assert not destroyed.found(said.text.encode())


def test_nothing_reads_it_and_everything_else_reads_as_before(destroyed: Lived) -> None:
    town, registry = destroyed.town, destroyed.m.registry
    minutes = registry.get(Minutes, destroyed.minutes)
    assert minutes.purged
    first, second, third = minutes.versions
    assert isinstance(second.texts["1"], Destroyed) and str(third.texts["1"]) == FINAL
    assert {type(value) for one in first.statements for value in one.fields.values()} == {Destroyed}
    assert isinstance(minutes.returned[0].comment, Destroyed)
    assert str(registry.get(Person, town.ids["gunnar"]).email) == AGAIN
    seen = town.seen(f"documents/{destroyed.document}")
    assert (seen["title"], seen["disposed"]) == ("█████", True)
    assert town.read(f"documents/{destroyed.document}/file").status_code == 410
    with pytest.raises(FileDestroyed):
        destroyed.m.files.get(minutes.pins[0].file)
    for words in (TITLE, DRAFT, COMMENT, REASON, EMAIL):
        assert not query(destroyed.m.views, AuditQuery(text=words)).rows
    assert [row["title"] for row in rows(destroyed.m.views, "document")] == ["█████"]
    early = destroyed.happened(MinutesVersionMade)[1].position
    as_it_was = registry.get(Minutes, destroyed.minutes, early)
    assert isinstance(as_it_was.newest.texts["1"], Destroyed), "a read as of an earlier day shows it neither"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_version_can_still_be_printed(destroyed: Lived, version: int) -> None:
    state = destroyed.m.registry.get(Minutes, destroyed.minutes)
    assert minutes_pdf(destroyed.m, destroyed.minutes, state, version).startswith(b"%PDF")


def test_everything_held_on_a_person_is_told_and_what_was_destroyed_is_not(destroyed: Lived) -> None:
    town = destroyed.town
    answer = town.seen(f"persons/{town.ids['gunnar']}/held")
    assert answer["names"] == ["Gunnar Öberg"] and answer["register"]["email"] == AGAIN
    kinds = {one["kind"] for one in answer["events"]}
    assert {"person-registered.v1", "contact-changed.v1", "mandate-given.v1", "kallelse-issued.v1"} <= kinds
    assert {"hinder-notified.v1", "absence-recorded.v1", "person-data-disposed.v1"} <= kinds
    told = json.dumps(answer, ensure_ascii=False)
    assert AGAIN in told and not [one for one in (EMAIL, REASON, DRAFT, COMMENT) if one in told]
    assert answer["drafts"] == 0, "they were purged"
    # By name alone: the minutes hold no id of those who were there.
    versions = [one for one in answer["events"] if one["kind"] == "minutes-version-made.v1"]
    assert len(versions) == 1 and "Gunnar Öberg" in versions[0]["fields"].values()
    dissent = [
        one
        for one in town.seen(f"persons/{town.ids['farida']}/held")["events"]
        if one["kind"] == "dissent-recorded.v1"
    ]
    assert dissent[0]["fields"]["view"] == "Rapporten räcker inte." and dissent[0]["about"] == [
        "recorded",
        "named",
    ]
    assert town.read(f"persons/{town.ids['gunnar']}/held", "gunnar").status_code == 200
    assert town.read(f"persons/{town.ids['gunnar']}/held", "farida").status_code == 403
    assert town.read(f"persons/{'0' * 16}/held").status_code == 404


def test_every_proof_still_holds(destroyed: Lived) -> None:
    with known(destroyed.env):
        result = verify(destroyed.folder)
    outcomes = {check["step"]: check["ok"] for check in result["checks"]}
    assert result["ok"] and False not in outcomes.values()
    wanted = {"tree", "inclusion", "pades", "cms", "statements", "rerender", "digest", "destruction"}
    assert {step for step in wanted if outcomes[step]} == wanted


def test_each_decision_is_said_to_be_carried_out_and_nothing_is_left_to_do(destroyed: Lived) -> None:
    done = [fact.event.keys for fact in destroyed.happened(DestructionDone)]  # type: ignore[attr-defined]  # of that kind
    assert len(done) == 3 and all(done)
    left = {row["task"] for row in rows(destroyed.m.views, "todo", where={"whose": "system"})}
    assert not left
    before = destroyed.m.registry.recorder.head().position
    Reactions(destroyed.m).run()
    assert destroyed.m.registry.recorder.head().position == before


def test_an_older_backup_does_not_bring_it_back(destroyed: Lived, tmp_path: Path) -> None:
    with known(destroyed.env):
        result = restore(
            destroyed.folder.parent / "backup", tmp_path / "anew", root_key_of(destroyed), into="sqlite"
        )
    assert result["destroyed_again"] >= 5
    with closing(open_folder(tmp_path / "anew")) as anew:
        Reactions(anew).run()
        assert not destroyed.found(every_byte(tmp_path / "anew"))


def root_key_of(lived: Lived) -> Path:
    return lived.folder.parent / "keys" / "root.key"


def test_what_was_stopped_in_between_is_done_by_the_next(destroyed: Lived) -> None:
    """The decision is in the log, and then the process ends: the words stay readable until it is carried out."""
    town, person = destroyed.town, destroyed.town.ids["gunnar"]
    which = {"which": "contact", "kind": "Kontaktuppgift"}
    town.do(f"persons/{person}/dispose-person-data", "sofia", **which)
    town.do(f"persons/{person}/change-contact", email="tredje@exempel.se")
    assert len(destroyed.happened(DestructionDone)) == 3
    email = destroyed.m.registry.stream(f"person-{person}")
    assert AGAIN in [str(getattr(fact.event, "email", "")) for fact in email]
    Reactions(destroyed.m).run()
    found = [
        str(getattr(fact.event, "email", "")) for fact in destroyed.m.registry.stream(f"person-{person}")
    ]
    assert AGAIN not in found and found[-1] == "tredje@exempel.se"


def test_when_sealed_minutes_themselves_are_destroyed_their_proofs_and_signatures_stand(
    destroyed: Lived,
) -> None:
    """No command does it, since minutes are kept; were their keys gone, this is what would be left, and it is found."""
    name, vault = f"minutes-{destroyed.minutes}", destroyed.m.vault
    pin = destroyed.m.registry.get(Minutes, destroyed.minutes).pins[-1]
    assert vault.destroy(name, "preserved", "1") and vault.destroy(f"{name}/render-3", "preserved", "1")
    made = destroyed.happened(MinutesVersionMade)[-1]
    assert vault.destroy(f"{name}/{made.version}", "preserved", "1")
    with known(destroyed.env):
        result = verify(destroyed.folder, language="en")
    outcomes = {check["step"]: check for check in result["checks"]}
    assert [step for step, check in outcomes.items() if check["ok"] is False] == ["destruction"]
    assert f"({name}) was destroyed without a decision" in outcomes["destruction"]["detail"]
    held = {"tree", "checkpoints", "inclusion", "cms"}
    assert {step for step in held if outcomes[step]["ok"]} == held
    assert "1 were destroyed by decision" in outcomes["pades"]["detail"]
    stored = destroyed.m.registry.stored(made.position)
    assert stored is not None and version_root(read_envelope(stored)) == pin.root
