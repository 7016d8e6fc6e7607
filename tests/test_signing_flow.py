"""Signing minutes: nobody without the passphrase, nobody for another, only what stands; and both in one document."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.checking import verify
from api.passphrases import TRIES
from api.prints import SEAL_FIELD, Prints
from api.signing_flow import REMEMBERED, SigningFlow, Under
from domain.approving import RecordPaperApproval
from domain.deliberating import RecordDissent
from domain.document import RegisterDocument
from domain.drafting import CirculateMinutes, EditMinutes
from domain.errors import DomainError, Forbidden, NotFound, Refused
from domain.messages import fresh_id
from domain.minutes_events import (
    ApprovalsVoided,
    MinutesApproved,
    PaperApprovalRecorded,
    RenderPinned,
    SigningAbandoned,
    SigningBegun,
)
from projections.paper.minutes import short_code
from signing.pades_check import check_pdf
from tests.signings import OFFICES, Waiting
from tests.web import PASSPHRASE, PEOPLE, Town


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    return Waiting.make(tmp_path_factory.mktemp("signing"))


@pytest.fixture
def waiting(made: Waiting, tmp_path: Path) -> Iterator[Waiting]:
    copied = made.copied(tmp_path)
    yield copied
    copied.m.close()


def refused(code: str, act: Callable[[], object], kind: type[DomainError] = Refused) -> DomainError:
    with pytest.raises(kind) as caught:
        act()
    assert caught.value.code == code
    return caught.value


# --- the way it goes
def test_begin_shows_what_is_signed_and_the_passphrase_makes_it_an_approval(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    assert begun["status"] == "pending"
    assert begun["render"] in begun["visible_text"]
    assert not waiting.state.approvals
    done = waiting.resume("karin", begun["signing"])
    assert done["status"] == "done"
    fact = next(fact for fact in waiting.m.registry.facts() if fact.position == done["position"])
    assert isinstance(fact.event, MinutesApproved)
    assert (fact.actor, fact.mandate.role) == (waiting.ids["karin"], "chair")
    envelope = waiting.m.registry.stored(fact.position)
    assert envelope and b'"assurance":"token+passphrase"' in envelope.state


def test_both_offices_sign_one_document_and_each_signature_holds(waiting: Waiting) -> None:
    waiting.sign("karin")
    waiting.later(hours=3)
    waiting.sign("per")
    assert waiting.state.approved
    one_document(waiting)


def one_document(waiting: Waiting, scans: dict[str, str | None] | None = None) -> None:
    """The sealed document carries every signature, each whole and by our own authority, or says that it is on paper."""
    waiting.react()
    assert waiting.state.sealed
    pdf = waiting.m.files.get(waiting.state.sealed.file)
    checked = check_pdf(pdf, [waiting.m.keys.authority.ca.certificate], waiting.clock.now())
    assert [check for check in checked.checks if check.ok is not True] == []
    expected = {"Ordforande": None, "Justerare": None, SEAL_FIELD: None} | (scans or {})
    assert {one.field: one.scan for one in checked.signers} == expected
    pinned = Prints(waiting.m).pinned(waiting.minutes, waiting.state.newest.version)
    printed = waiting.m.files.get(pinned.file)
    assert sha256(printed).hexdigest() == pinned.output
    assert pdf.startswith(printed)


def test_both_at_the_same_moment_end_up_in_one_document(waiting: Waiting) -> None:
    begun = {who: waiting.begin(who)["signing"] for who in OFFICES}
    start, answers = threading.Barrier(len(begun)), dict[str, Any]()

    def finish(who: str) -> None:
        start.wait()
        answers[who] = SigningFlow(waiting.m).resume(begun[who], waiting.ids[who], PASSPHRASE)

    together(*(lambda who=who: finish(who) for who in begun))
    assert {answer["status"] for answer in answers.values()} == {"done"}
    assert {fact.event.office for fact in waiting.happened(MinutesApproved)} == {"chair", "justerare"}  # type: ignore[attr-defined]  # this kind of event has it
    one_document(waiting)


def test_two_processes_at_the_same_moment_too(waiting: Waiting) -> None:
    begun = {who: waiting.begin(who)["signing"] for who in OFFICES}
    other = waiting.beside()
    try:
        first, second = OFFICES
        together(
            lambda: waiting.resume(first, begun[first]),
            lambda: SigningFlow(other).resume(begun[second], waiting.ids[second], PASSPHRASE),
        )
    finally:
        other.close()
    assert waiting.state.approved
    one_document(waiting)


def together(*acts: Callable[[], object]) -> None:
    """At once, in threads of their own; what one of them raises is raised here."""
    failed: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # raised again in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_who_signed_first_does_not_matter_to_who_had_begun_first(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    waiting.sign("per")
    assert waiting.resume("karin", begun["signing"])["status"] == "done"
    one_document(waiting)


def test_a_signing_goes_on_after_a_restart(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    waiting.restarted()
    assert waiting.resume("karin", begun["signing"])["status"] == "done"


def test_a_second_begin_leaves_the_first_usable_until_one_of_them_is_done(waiting: Waiting) -> None:
    first, second = waiting.begin("karin"), waiting.begin("karin")
    assert waiting.resume("karin", second["signing"])["status"] == "done"
    refused("signing-not-under-way", lambda: waiting.resume("karin", first["signing"]))


# --- on paper
def on_paper(waiting: Waiting, office: str, **changes: Any) -> None:
    """The secretary registers the scan of a signed print, and enters the code that stands on it."""
    document, root = fresh_id(), Prints(waiting.m).pinned(waiting.minutes, 1).root
    file = waiting.m.files.put(f"document-{document}", "preserved", b"%PDF-1.7 a scan")
    registered = RegisterDocument(
        document=document, title="Underskriven utskrift", media_type="application/pdf", size=15, file=file,
        direction="internal",
    )  # fmt: skip
    waiting.m.execute(registered, waiting.ids["sofia"], "token")
    said: dict[str, Any] = {"version": 1, "office": office, "document": document, "code": short_code(root)}
    command = RecordPaperApproval(minutes=waiting.minutes, **said | changes)
    waiting.m.execute(command, waiting.ids["sofia"], "token")


def told(waiting: Waiting) -> dict[str, Any]:
    """Every step of verifying the folder."""
    found = verify(waiting.m.dir, trust=waiting.m.keys.trust_anchor, language="en")
    return {one["step"]: one for one in found["checks"]} | {"ok": found["ok"]}


def test_a_print_signed_by_hand_is_attested_in_the_sealed_file_and_told_as_that(waiting: Waiting) -> None:
    waiting.sign("karin")
    on_paper(waiting, "justerare")
    waiting.react()
    scan = waiting.happened(PaperApprovalRecorded)[0].event.scan  # type: ignore[attr-defined]  # this kind of event has it
    one_document(waiting, {"Justerare": scan})
    found = told(waiting)
    assert found["ok"], found
    assert "1 approvals are signed on paper" in found["cms"]["detail"]


def test_minutes_may_be_signed_by_hand_by_everybody(waiting: Waiting) -> None:
    Prints(waiting.m).pin(waiting.minutes, 1)
    refused("another-print", lambda: on_paper(waiting, "chair", code="0000-0000"))
    for office in OFFICES.values():
        on_paper(waiting, office)
    waiting.react()
    found = told(waiting)
    assert found["ok"] and found["cms"]["ok"] is None
    assert "there is no other signature" in found["cms"]["detail"]


# --- the same again
def test_the_same_resume_gives_the_same_answer(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    done = waiting.resume("karin", begun["signing"])
    assert waiting.resume("karin", begun["signing"]) == done
    assert waiting.restarted().resume("karin", begun["signing"], None) == done
    assert len(waiting.happened(MinutesApproved)) == 1


def test_the_same_resume_twice_at_once_is_one_approval(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    answers: list[dict[str, Any]] = []
    act = lambda: answers.append(waiting.resume("karin", begun["signing"]))  # noqa: E731  # used twice
    together(act, act)
    assert answers[0] == answers[1]
    assert len(waiting.happened(MinutesApproved)) == 1


def test_what_was_to_be_signed_is_not_kept_once_it_is(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    assert pending(waiting, begun).act
    waiting.resume("karin", begun["signing"])
    assert not pending(waiting, begun).act


def pending(waiting: Waiting, begun: dict[str, Any]) -> Under:
    stored = waiting.m.vault.get_pending(begun["signing"])
    assert stored
    return Under.load(stored)


# --- who does not sign
def test_a_token_alone_never_signs(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    assert waiting.resume("karin", begun["signing"], None)["status"] == "pending"
    assert not waiting.happened(MinutesApproved)


def test_a_wrong_passphrase_signs_nothing_and_five_block(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    for left in reversed(range(TRIES)):
        wrong = refused(
            "wrong-passphrase", lambda: waiting.resume("karin", begun["signing"], "x" * 20), Forbidden
        )
        assert wrong.values["left"] == left
    refused("passphrase-blocked", lambda: waiting.resume("karin", begun["signing"]), Forbidden)
    waiting.restarted()
    refused("passphrase-blocked", lambda: waiting.resume("karin", begun["signing"]), Forbidden)
    waiting.later(minutes=16)
    assert waiting.sign("karin")["status"] == "done"
    assert len(waiting.happened(MinutesApproved)) == 1


def test_without_a_passphrase_of_ones_own_nobody_signs(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    with waiting.m.vault.engine.begin() as db:
        db.exec_driver_sql("DELETE FROM passphrase")
    refused("no-passphrase", lambda: waiting.resume("karin", begun["signing"]), Forbidden)


def test_another_persons_signing_is_nobody_elses(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    refused("another-persons-signing", lambda: waiting.resume("per", begun["signing"]), Forbidden)
    waiting.resume("karin", begun["signing"])
    refused("another-persons-signing", lambda: waiting.resume("per", begun["signing"]), Forbidden)


def test_each_signs_for_their_own_office(waiting: Waiting) -> None:
    person = waiting.ids["per"]
    refused("not-your-signature", lambda: waiting.flow.begin(waiting.minutes, 1, "chair", person))
    stranger = waiting.ids["gunnar"]
    refused("role-needed", lambda: waiting.flow.begin(waiting.minutes, 1, "chair", stranger), Forbidden)
    assert not waiting.happened(RenderPinned)  # who may not sign does not make the registry print


def test_what_is_not_there_is_not_found(waiting: Waiting) -> None:
    refused("not-found", lambda: waiting.resume("karin", "0" * 16), NotFound)
    refused("not-found", lambda: waiting.begin("karin", 9), NotFound)
    refused("not-found", lambda: waiting.flow.begin("0" * 16, 1, "chair", waiting.ids["karin"]), NotFound)
    refused("no-such-office", lambda: waiting.flow.begin(waiting.minutes, 1, "nobody", waiting.ids["karin"]))


def test_there_is_no_other_way_in_over_http(tmp_path: Path) -> None:
    town = Town.settled(tmp_path)
    try:
        minutes = town.minuted(held(town))
        for who in OFFICES:
            town.passphrase(who)
        asked: dict[str, Any] = {"version": 1, "office": "chair", "signing": "a" * 16}
        for command in ("begin-signing", "approve-minutes", "pin-render", "seal-minutes"):
            assert town.ask(f"minutes/{minutes}/{command}", "karin", **asked).status_code in (404, 405), (
                command
            )
        begun = town.do(f"minutes/{minutes}/signings", "karin", version=1, office="chair")
        town.refused(422, f"signings/{begun['signing']}/resume", "karin")
        town.refused(403, f"signings/{begun['signing']}/resume", "karin", passphrase="inte den rätta frasen")
        town.refused(403, f"signings/{begun['signing']}/resume", "per", passphrase=PASSPHRASE)
        town.refused(401, f"signings/{begun['signing']}/resume", None, passphrase=PASSPHRASE)
        assert not [
            fact for fact in town.municipality.registry.facts() if isinstance(fact.event, MinutesApproved)
        ]
    finally:
        town.close()


def held(town: Town) -> str:
    meeting = town.called()
    town.held(meeting)
    return meeting


# --- what no longer stands
def test_an_offer_that_has_run_out_signs_nothing(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    waiting.later(minutes=11)
    failed = waiting.resume("karin", begun["signing"])
    assert (failed["status"], failed["reason"]) == ("failed", "expired")
    assert waiting.resume("karin", begun["signing"]) == failed
    assert len(waiting.happened(SigningAbandoned)) == 1
    assert waiting.sign("karin")["status"] == "done"


def test_another_offices_signature_does_not_lengthen_an_offer(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    waiting.later(minutes=9)
    waiting.sign("per")
    waiting.later(minutes=2)
    assert waiting.resume("karin", begun["signing"])["reason"] == "expired"


def test_a_new_version_between_begin_and_resume_refuses_and_voids(waiting: Waiting) -> None:
    waiting.sign("per")
    begun = waiting.begin("karin")
    edit = EditMinutes(minutes=waiting.minutes, base=1, texts={"1": "Punkten gicks igenom."})
    waiting.m.execute(edit, waiting.ids["sofia"], "token")
    newer = refused("newer-version", lambda: waiting.resume("karin", begun["signing"]))
    assert newer.values == {"version": 1, "newest": 2}
    assert len(waiting.happened(ApprovalsVoided)) == 1
    assert not waiting.state.approved_by
    refused("newer-version", lambda: waiting.begin("karin", 1))
    refused("not-circulated", lambda: waiting.begin("karin", 2))
    circulate = CirculateMinutes(minutes=waiting.minutes, version=2, recipients=[waiting.ids["per"]])
    waiting.m.execute(circulate, waiting.ids["sofia"], "token")
    for who in OFFICES:
        waiting.sign(who, 2)
    one_document(waiting)


def test_a_dissent_between_begin_and_resume_is_not_signed_away(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    dissent = RecordDissent(
        meeting=waiting.meeting,
        item=1,
        participant=waiting.ids["farida"],
        view="Belysningen ska lagas först.",
    )
    waiting.m.execute(dissent, waiting.ids["farida"], "token")
    refused("draft-stale", lambda: waiting.resume("karin", begun["signing"]))
    assert not waiting.happened(MinutesApproved)


def test_what_is_refused_is_refused_before_any_key_is_made(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    edit = EditMinutes(minutes=waiting.minutes, base=1, texts={"1": "Punkten gicks igenom."})
    waiting.m.execute(edit, waiting.ids["sofia"], "token")
    files = set(waiting.m.files.folder.rglob("*"))
    refused("newer-version", lambda: waiting.resume("karin", begun["signing"]))
    assert set(waiting.m.files.folder.rglob("*")) == files


# --- crashes
class Crash(BaseException):
    """The process ends here."""


def test_a_crash_before_the_event_leaves_the_signing_to_be_finished(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = waiting.begin("karin")
    with monkeypatch.context() as patch:
        patch.setattr(type(waiting.m), "execute_as", crash)  # its files are written, the event is not
        with pytest.raises(Crash):
            waiting.resume("karin", begun["signing"])
    waiting.restarted()
    assert not waiting.happened(MinutesApproved)
    assert waiting.resume("karin", begun["signing"])["status"] == "done"
    waiting.sign("per")
    one_document(waiting)


def crash(*_: object, **__: object) -> None:
    raise Crash


def test_a_crash_after_the_event_gives_the_same_answer_afterwards(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = waiting.begin("karin")
    with monkeypatch.context() as patch:
        patch.setattr(SigningFlow, "_outcome", crash_once_approved)
        with pytest.raises(Crash):
            waiting.resume("karin", begun["signing"])
    waiting.restarted()
    assert len(waiting.happened(MinutesApproved)) == 1
    assert pending(waiting, begun).act  # it had not come to putting it away
    done = waiting.resume("karin", begun["signing"])
    assert done["status"] == "done" and done["position"] == waiting.happened(MinutesApproved)[0].position
    assert not pending(waiting, begun).act


def crash_once_approved(flow: SigningFlow, _: Under) -> None:
    if any(isinstance(fact.event, MinutesApproved) for fact in flow.m.registry.facts()):
        raise Crash


def test_a_crash_in_begin_leaves_nothing_in_the_way(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(waiting.m.vault), "put_pending", crash)
        with pytest.raises(Crash):
            waiting.begin("karin")
    waiting.restarted()
    assert len(waiting.happened(SigningBegun)) == 1
    for who in OFFICES:
        waiting.sign(who)
    one_document(waiting)


# --- sweeping
def test_sweeping_gives_up_what_has_run_out_and_forgets_it_after_a_month(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    assert waiting.flow.sweep() == 0
    waiting.later(minutes=11)
    assert waiting.flow.sweep() == 1
    assert waiting.flow.sweep() == 0
    assert [fact.event.reason for fact in waiting.happened(SigningAbandoned)] == ["expired"]  # type: ignore[attr-defined]  # this kind of event has it
    assert waiting.resume("karin", begun["signing"])["reason"] == "expired"
    waiting.later(days=REMEMBERED.days + 1)
    assert waiting.flow.sweep() == 1
    refused("not-found", lambda: waiting.resume("karin", begun["signing"]), NotFound)


def test_sweeping_puts_away_what_a_new_version_had_ended(waiting: Waiting) -> None:
    begun = waiting.begin("karin")
    edit = EditMinutes(minutes=waiting.minutes, base=1, texts={"1": "Punkten gicks igenom."})
    waiting.m.execute(edit, waiting.ids["sofia"], "token")
    waiting.later(minutes=11)
    assert waiting.flow.sweep() == 1
    assert not pending(waiting, begun).act
    assert not waiting.happened(SigningAbandoned)


def test_the_people_of_the_tests_hold_the_offices_the_tests_say(waiting: Waiting) -> None:
    named = {one.office: one.person for one in waiting.state.signers}
    assert named == {office: waiting.ids[who] for who, office in OFFICES.items()}
    assert OFFICES.keys() <= PEOPLE.keys()
