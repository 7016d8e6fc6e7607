"""The whole story over HTTP: a council's meeting from the late kallelse to the audit, and everything that goes wrong.

Nothing is mocked: a real data folder, real signatures, real PDFs, and only public addresses.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from registry.mapper import read_envelope
from signing.checkpoint import open_checkpoint
from signing.commitments import commit, split, version_root
from signing.log import leaf_hash, verify_inclusion
from tests.postgres import Database, known
from tests.web import PASSPHRASE, V1, Town, problem


@pytest.fixture(scope="module")
def town(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with its council; each test holds a meeting of its own."""
    with known(database.new()):
        found = Town.settled(tmp_path_factory.mktemp("town"))
    for who in ("karin", "per", "gunnar"):
        found.passphrase(who)
    yield found
    found.close()


def audited(town: Town, **asked: Any) -> list[dict[str, Any]]:
    town.municipality.projector.catch_up()
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    rows: list[dict[str, Any]] = town.seen(f"audit?{query}")["rows"]
    return rows


# --- the story
@pytest.mark.both_databases
def test_from_a_late_kallelse_to_minutes_that_an_outsider_can_check(town: Town) -> None:
    # the matter, under the number that the board's own diary gave it
    matter = town.made(
        "matters/open-matter", "sofia",
        body=town.ids["board"], title="Lägesbild för våren", diarienummer="KS24.17", given_by="Styrelsens diarium",
    )  # fmt: skip
    assert town.seen(f"matters/{matter}")["diarienummer"] == "KS24.17"

    # the meeting has the standing items of the rules, and a kallelse that went out five days before
    town.clock.move_to(town.clock.now())
    at = "meetings/" + town.made(
        "meetings/schedule-meeting",
        "sofia",
        body=town.ids["council"],
        starts="2024-03-12T13:00",
        place="Sal A",
    )
    assert len(town.seen(at)["items"]) == 4
    town.do(f"{at}/add-item", "sofia", title="Lägesbild för våren", matter=matter, presenter="Farida Noori")
    everyone = [{"person": town.ids[who]} for who in ("karin", "per", "farida", "gunnar")]
    town.clock.move_to(town.clock.now().replace(month=3, day=7))
    issued = town.do(f"{at}/issue-kallelse", "sofia", recipients=everyone)
    (finding,) = issued["findings"]
    assert (finding["finding"], finding["rule"], finding["modality"]) == (
        "notice-short",
        "notice",
        "utgangspunkt",
    )
    assert finding["expected"] == "7 days" and finding["observed"] == "5 days"
    assert finding["document"] and finding["section"] and finding["text"] != "notice-short"
    assert [each["code"] for each in issued["warnings"]] == ["reason-wanted"]
    town.do(f"{at}/give-notice-reason", "sofia", issue=1, reason="Polisens rapport kom sent.")
    kallelse = town.read(f"{at}/kallelse.pdf", "farida")
    assert kallelse.content.startswith(b"%PDF") and kallelse.headers["content-type"] == "application/pdf"

    # it is held; what a participant does not agree with is noted
    meeting = at.partition("/")[2]
    town.held(meeting)
    state = town.seen(at)
    assert [one["view"] for one in state["dissents"]] == ["Rapporten räcker inte."]

    # the minutes: a draft, a return with a comment, a second version, and what differs
    minutes = "minutes/" + town.minuted(meeting)
    town.do(f"{minutes}/return-minutes", "per", version=1, comment="Skriv vad polisen sade.")
    assert town.seen(minutes, "per")["returned"][0]["comment"] == "Skriv vad polisen sade."
    edited = town.do(
        f"{minutes}/edit-minutes", "sofia", base=1, texts={"1": "Polisen redovisade läget i centrum."}
    )
    assert edited["events"][0]["kind"] == "minutes-version-made.v1"
    (change,) = town.seen(f"{minutes}/versions/2/diff")["changes"]
    assert change == {"place": "texts/1", "words": [["+", "Polisen redovisade läget i centrum."]]}
    everyone_signing = [town.ids["karin"], town.ids["per"]]
    town.do(f"{minutes}/circulate-minutes", "sofia", version=2, recipients=everyone_signing)
    draft = town.read(f"{minutes}/pdf", "karin")
    assert draft.content.startswith(b"%PDF")

    # both sign the same version; the registry seals by itself
    id = minutes.partition("/")[2]
    begun = town.do(f"{minutes}/signings", "karin", version=2, office="chair")
    assert begun["needs"] == "passphrase" and begun["render"] in begun["visible_text"]
    assert town.do(f"signings/{begun['signing']}/resume", "karin", passphrase=PASSPHRASE)["status"] == "done"
    town.react()
    assert town.seen(minutes, "karin")["sealed"] is None  # one signature is not two
    assert town.signed(id, "per", "justerare", version=2)["status"] == "done"
    town.react()
    sealed = town.seen(minutes, "gunnar")
    assert sealed["approved"] and sealed["sealed"]["version"] == 2
    paper = town.read(f"{minutes}/pdf", "gunnar").content
    assert len(paper) == sealed["sealed"]["size"]
    assert paper == town.read(f"{minutes}/pdf", "sofia").content  # never rendered again

    # sent to the members, notified to the board, numbered and noted there
    first = town.do(f"{minutes}/send-minutes", "sofia", recipients=everyone[:1])
    assert [each["code"] for each in first["warnings"]] == ["members-remaining"]
    sent = town.do(f"{minutes}/send-minutes", "sofia", recipients=everyone[1:])
    assert [event["kind"] for event in sent["events"]] == ["minutes-sent.v1"] and sent["warnings"] == []
    town.do(f"{minutes}/record-receipt", "gunnar")
    town.do(f"{minutes}/send-notification", "sofia", to_body=town.ids["board"])
    town.do(f"{minutes}/record-notification-number", "sofia", diarienummer="KS24.31")
    town.do(f"{minutes}/record-notification-noted", "sofia", paragraph="§ 41", meeting_day="2024-04-10")
    notified = town.seen(minutes)["notifications"][0]
    assert (notified["diarienummer"], notified["paragraph"]) == ("KS24.31", "§ 41")

    # the audit tells who did what, under which rule, and what was observed
    rows = audited(town, meeting=meeting)
    kinds = [row["kind"] for row in rows]
    for kind in ("kallelse-issued.v1", "dissent-recorded.v1", "minutes-approved.v1", "minutes-sealed.v1"):
        assert kind in kinds
    (late,) = audited(town, meeting=meeting, finding="notice-short")
    assert late["actor"] == town.ids["sofia"] and late["kind"] == "kallelse-issued.v1"
    assert [
        row["actor"] for row in audited(town, meeting=meeting, kind="minutes-approved.v1")
    ] == everyone_signing


@pytest.mark.both_databases
def test_an_event_is_proved_to_be_in_the_log_that_the_checkpoint_signs(town: Town) -> None:
    position = town.do("persons/register-person", name="Någon")["position"]
    given = town.seen(f"proofs/{position}")
    municipality = town.municipality
    keys = town.client.get(f"{V1}/log/vkeys").text.split()
    assert keys == [str(each) for each in municipality.keys.vkeys]
    opened = open_checkpoint(
        given["checkpoint"].encode(), municipality.keys.vkeys, origin=municipality.settings.origin
    )
    assert opened.checkpoint.size == given["size"] >= position
    stored = municipality.registry.stored(position)
    assert stored is not None and leaf_hash(stored.state).hex() == given["leaf"]
    path = [bytes.fromhex(each) for each in given["path"]]
    assert verify_inclusion(
        leaf_hash(stored.state), position - 1, given["size"], path, opened.checkpoint.root
    )
    envelope = read_envelope(stored)
    assert envelope["assurance"] == "token" and envelope["actor"] == town.ids["operator"]


def test_the_log_is_given_as_json_as_a_spreadsheet_and_as_a_story(town: Town) -> None:
    town.municipality.projector.catch_up()
    listed = town.read("audit?limit=5", "operator", {"Accept": "text/csv"})
    assert listed.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(listed.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][0] == "position" and [row[0] for row in rows[1:]] == ["1", "2", "3", "4", "5"]
    assert 'rel="next"' in listed.headers["link"]
    told = town.read("audit?limit=3&format=text", "operator")
    assert told.headers["content-type"].startswith("text/plain") and len(told.text.splitlines()) == 3
    following = town.read("audit?limit=2&after=2", "operator").json()
    assert [row["position"] for row in following["rows"]] == [3, 4] and following["next"] == 4
    assert problem(town.read("audit", "operator", {"Accept": "image/png"}))["code"] == "format-unknown"


@pytest.mark.both_databases
def test_what_was_known_then_is_read_as_it_was(town: Town) -> None:
    made = town.do("persons/register-person", name="Före Namnbyte")
    at = f"persons/{made['id']}"
    renamed = town.do(f"{at}/rename-person", name="Efter Namnbyte")
    assert town.seen(f"{at}?known={made['position']}")["name"] == "Före Namnbyte"
    assert (
        town.seen(f"{at}?known={renamed['position']}&min_position={renamed['position']}")["name"]
        == "Efter Namnbyte"
    )
    assert problem(town.read(f"{at}?known=1"))["status"] == 404
    assert problem(town.read(f"{at}?known=2023-01-01"))["status"] == 404
    assert problem(town.read(f"{at}?min_position=99999999"))["errors"][0]["field"] == "min_position"


# --- bad input
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A", "nickname": "B"}, "nickname"),
        ({}, "name"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"name": ["A"]}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "A" * 301}, "name"),
        ({"name": "A\u0007B"}, "name"),
        ({"name": "A\u0000B"}, "name"),
        ({"name": "A\nB"}, "name"),
        ({"name": "A", "organisation": "x" * 121}, "organisation"),
        ({"name": "A", "person": "not-an-id"}, "person"),
        ({"name": "A", "happened": "x" * 81}, "happened"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(town: Town, body: dict[str, Any], field: str) -> None:
    head = town.municipality.registry.recorder.head()
    found = town.refused(422, "persons/register-person", **body)
    assert [each["field"] for each in found["errors"]] == [field]
    assert all(each["problem"] for each in found["errors"])
    assert town.municipality.registry.recorder.head() == head


@pytest.mark.parametrize(
    "starts", ["2024-02-30T13:00", "2024-03", "2024-03-12T25:00", "0", "2024-03-12T13:00Z", 0]
)
def test_a_time_that_does_not_exist_is_refused(town: Town, starts: object) -> None:
    found = town.refused(
        422, "meetings/schedule-meeting", "sofia", body=town.ids["council"], starts=starts, place="Sal A"
    )
    assert found["errors"][0]["field"] == "starts"


@pytest.mark.parametrize(
    "day", ["2024-02-30", "2024-3-1", 0, 1709251200, "1709251200", "2024-03-01T00:00:00", True]
)
def test_a_day_that_does_not_exist_is_refused(town: Town, day: object) -> None:
    found = town.refused(
        422, f"persons/{town.ids['sofia']}/grant-role", role="auditor", valid_from=day, ground="Beslut"
    )
    assert found["errors"][0]["field"] == "valid_from"


@pytest.mark.parametrize("happened", ["i går", "2024-02-30", "32 mars 2024", "Karin Lindqvist"])
def test_a_time_in_other_words_is_refused_under_its_rule(town: Town, happened: str) -> None:
    found = town.refused(422, "persons/register-person", name="A", happened=happened)
    assert found["code"] == "date-expression" and found["rule"]["section"] == "2"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b'{"name":"A","name":"B"}', 400, "body-duplicate-key"),
        (b'{"name":{"a":1,"a":1}}', 400, "body-duplicate-key"),
        (b"", 400, "body-not-json"),
        (b"{", 400, "body-not-json"),
        (b"\xff\xfe", 400, "body-not-json"),
        ('{"name":"A"}'.encode("utf-16"), 400, "body-not-json"),
        (b'\xef\xbb\xbf{"name":"A"}', 400, "body-not-json"),
        (b'{"name":NaN}', 400, "body-not-json"),
        (b'{"name":"\\ud800"}', 400, "body-not-json"),
        (b"[" * 200_000, 400, "body-not-json"),
        (b"[]", 422, "invalid-fields"),
        (b'"name"', 422, "invalid-fields"),
        (b'{"name":"' + b"A" * (1 << 20) + b'"}', 413, "body-too-large"),
    ],
)
def test_bytes_that_are_no_command_are_refused(town: Town, raw: bytes, status: int, code: str) -> None:
    headers = town.header("operator", {"Content-Type": "application/json"})
    answer = town.client.post(f"{V1}/persons/register-person", content=raw, headers=headers)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


def test_what_was_sent_in_is_not_told_back(town: Town) -> None:
    answer = town.ask("persons/register-person", name="Hemliga Uppgifter\u0007", person="Hemliga Uppgifter")
    assert answer.status_code == 422 and "Hemliga" not in answer.text


def test_the_id_of_the_address_is_not_repeated_in_the_body(town: Town) -> None:
    found = town.refused(422, f"persons/{town.ids['per']}/rename-person", name="A", person=town.ids["per"])
    assert found["errors"][0]["field"] == "person"


# --- two at once, and the same twice
@pytest.mark.both_databases
def test_the_one_who_comes_second_is_told_that_somebody_was_first(town: Town) -> None:
    meeting = town.called(starts="2024-05-14T13:00", sent_on="2024-05-02")
    town.held(meeting)
    minutes = town.made("minutes/draft-minutes", "sofia", meeting=meeting)
    read = town.read(f"minutes/{minutes}", "sofia")
    version = {"If-Match": read.headers["etag"]}
    path, texts = f"minutes/{minutes}/edit-minutes", {"1": "Min text."}
    first = town.ask(path, "sofia", version, base=1, texts=texts)
    assert first.status_code == 201 and first.headers["etag"] != read.headers["etag"]
    second = town.ask(path, "karin", version, base=1, texts={"1": "En annan text."})
    assert second.status_code == 412 and problem(second)["code"] == "version-moved"
    # without If-Match the rules themselves keep the second from writing over the first
    third = town.ask(path, "karin", base=1, texts={"1": "En annan text."})
    assert third.status_code == 409 and problem(third)["rule"]["document"]
    assert town.seen(f"minutes/{minutes}/versions/2")["texts"] == texts
    for malformed in ("1", 'W/"1"', '"1", "2"', '"x"'):
        assert problem(town.ask(path, "sofia", {"If-Match": malformed}, base=2, texts=texts))["status"] == 400
    assert town.ask(path, "sofia", {"If-Match": "*"}, base=2, texts={"1": "Ny."}).status_code == 201


@pytest.mark.both_databases
def test_of_many_at_once_with_the_same_if_match_one_is_first(town: Town) -> None:
    person = town.made("persons/register-person", name="Många Vill")
    headers = {"If-Match": '"1"'}

    def rename(number: int) -> int:
        answer = town.ask(f"persons/{person}/rename-person", "operator", headers, name=f"Namn {number}")
        return int(answer.status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(rename, range(8)))
    assert statuses == [201] + [412] * 7


@pytest.mark.both_databases
def test_the_same_request_twice_happens_once(town: Town) -> None:
    key = {"Idempotency-Key": "from-a-nervous-client"}
    first = town.ask("persons/register-person", "operator", key, name="En Gång")
    again = town.ask("persons/register-person", "operator", key, name="En Gång")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() and first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" in again.headers and "idempotent-replayed" not in first.headers
    other = town.ask("persons/register-person", "operator", key, name="En Annan")
    assert other.status_code == 422 and problem(other)["code"] == "idempotency-key-reused"
    # the key is each person's own, and each address's
    assert town.ask("persons/register-person", "sofia", key, name="En Annan").status_code == 201
    assert (
        problem(town.ask("persons/register-person", "operator", {"Idempotency-Key": "a b"}, name="A"))[
            "status"
        ]
        == 400
    )
    # a refusal leaves nothing behind: the key can still be used
    refused = {"Idempotency-Key": "refused-at-first"}
    assert town.ask("persons/register-person", "operator", refused, name="").status_code == 422
    assert town.ask("persons/register-person", "operator", refused, name="Nu så").status_code == 201


def test_a_repeat_is_answered_even_if_the_version_has_moved(town: Town) -> None:
    person = town.made("persons/register-person", name="Först")
    headers = {"Idempotency-Key": "once", "If-Match": '"1"'}
    first = town.ask(f"persons/{person}/rename-person", "operator", headers, name="Sedan")
    again = town.ask(f"persons/{person}/rename-person", "operator", headers, name="Sedan")
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json()


# --- approving
def test_only_the_newest_version_can_be_approved_and_only_by_those_who_are_to(town: Town) -> None:
    meeting = town.called(starts="2024-06-11T13:00", sent_on="2024-06-03")
    town.held(meeting)
    minutes = town.minuted(meeting)
    town.do(f"minutes/{minutes}/edit-minutes", "sofia", base=1, texts={"1": "Ny lydelse."})
    old = town.refused(409, f"minutes/{minutes}/signings", "karin", version=1, office="chair")
    assert old["rule"]["document"] and old["what_to_do"]
    town.do(f"minutes/{minutes}/circulate-minutes", "sofia", version=2, recipients=[town.ids["karin"]])
    for who, office in (("farida", "chair"), ("sofia", "chair"), ("per", "chair")):
        status = town.ask(f"minutes/{minutes}/signings", who, version=2, office=office).status_code
        assert status in (403, 409), who
    assert not town.seen(f"minutes/{minutes}")["approved"]
    # a signature and then a new version: the signature no longer counts
    assert town.signed(minutes, "karin", "chair", version=2)["status"] == "done"
    voided = town.do(f"minutes/{minutes}/edit-minutes", "sofia", base=2, texts={"1": "Än nyare."})
    assert "approvals-voided.v1" in [event["kind"] for event in voided["events"]]
    town.react()
    found = town.seen(f"minutes/{minutes}")
    assert found["approvals"] == [] and found["sealed"] is None


@pytest.mark.both_databases
def test_a_wrong_passphrase_signs_nothing_and_five_block(town: Town) -> None:
    meeting = town.called(starts="2024-09-10T13:00", sent_on="2024-09-02")
    town.held(meeting)
    minutes = town.minuted(meeting)
    signing = town.do(f"minutes/{minutes}/signings", "per", version=1, office="justerare")["signing"]
    at = f"signings/{signing}/resume"
    assert town.refused(403, at, "karin", passphrase=PASSPHRASE)["code"] == "another-persons-signing"
    for _ in range(5):
        assert (
            town.refused(403, at, "per", passphrase="fel fras helt och hållet")["code"] == "wrong-passphrase"
        )
    blocked = town.ask(at, "per", passphrase=PASSPHRASE)
    assert blocked.status_code == 429 and blocked.headers["retry-after"]
    assert problem(blocked)["code"] == "passphrase-blocked"
    assert not town.seen(f"minutes/{minutes}")["approvals"]
    # the block passes, and so does the time in which the signing could be finished: he begins again
    town.clock.move_to(town.clock.now().replace(hour=20))
    assert town.do(at, "per", passphrase=PASSPHRASE)["status"] == "failed"
    assert town.signed(minutes, "per", "justerare")["status"] == "done"


def test_a_passphrase_link_works_once(town: Town) -> None:
    link = town.do(f"persons/{town.ids['farida']}/issue-passphrase-link")["token"]
    short = town.client.post(f"{V1}/passphrase", json={"link": link, "passphrase": "kort"})
    assert problem(short)["code"] == "passphrase-length"
    assert (
        town.client.post(f"{V1}/passphrase", json={"link": link, "passphrase": PASSPHRASE}).status_code == 204
    )
    again = town.client.post(f"{V1}/passphrase", json={"link": link, "passphrase": PASSPHRASE})
    assert again.status_code == 403 and problem(again)["code"] == "link-used-or-expired"
    assert town.client.get(f"{V1}/me", headers={"Authorization": f"Bearer {link}"}).status_code == 401


# --- documents
@pytest.mark.both_databases
def test_a_document_goes_in_and_comes_out_byte_for_byte(town: Town) -> None:
    content = bytes(range(256)) * 20_000  # more than one chunk
    headers = town.header("sofia", {"Content-Type": "application/pdf", "Idempotency-Key": "the-file"})
    asked = {"title": "Lägesbild", "direction": "incoming", "sender": "Polisområdet", "date": "2024-02-29"}
    answer = town.client.post(f"{V1}/documents", params=asked, content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    at = f"documents/{answer.json()['id']}"
    seen = town.seen(at, "farida")
    assert (seen["title"], seen["size"], seen["sender"]) == ("Lägesbild", len(content), "Polisområdet")
    got = town.read(f"{at}/file", "farida")
    assert got.content == content and got.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in got.headers["content-security-policy"]
    again = town.client.post(f"{V1}/documents", params=asked, content=content, headers=headers)
    assert again.json() == answer.json()
    stored = [path.read_bytes() for path in town.municipality.files.folder.rglob("*") if path.is_file()]
    assert not any(content[:4096] in each for each in stored)


def test_a_document_is_refused_before_its_file_is_taken(town: Town) -> None:
    folder = town.municipality.files.folder
    before = sorted(folder.rglob("*"))
    asked = {"title": "Lägesbild", "direction": "incoming"}
    pdf = {"Content-Type": "application/pdf"}

    def post(who: str, headers: dict[str, str], content: bytes = b"%PDF", **more: str) -> Any:
        return town.client.post(
            f"{V1}/documents", params=asked | more, content=content, headers=town.header(who, headers)
        )

    assert post("farida", pdf).status_code == 403
    assert post("sofia", {}).status_code == 415
    assert post("sofia", pdf, direction="sideways").status_code == 422
    assert post("sofia", pdf, date="2024-02-30").status_code == 422
    assert post("sofia", pdf | {"Content-Length": str(200 << 20)}).status_code == 413
    assert sorted(folder.rglob("*")) == before
    assert problem(post("sofia", pdf, content=b""))["code"] == "document-empty"


def test_a_document_with_a_secrecy_mark_is_for_those_who_keep_the_register(town: Town) -> None:
    headers = town.header("sofia", {"Content-Type": "text/plain"})
    asked = {"title": "Känsligt", "direction": "incoming", "secrecy": "OSL 35:1"}
    made = town.client.post(f"{V1}/documents", params=asked, content=b"x", headers=headers).json()["id"]
    assert town.read(f"documents/{made}", "sofia").status_code == 200
    assert town.read(f"documents/{made}", "farida").status_code == 403
    assert town.read(f"documents/{made}/file", "farida").status_code == 403
    assert made not in [each["id"] for each in town.seen("documents?limit=200", "farida")["items"]]


def test_versions_of_a_document_stay_and_each_can_be_fetched(town: Town) -> None:
    before = len(list(town.municipality.files.addresses()))
    headers = town.header("sofia", {"Content-Type": "text/plain"})
    asked = {"title": "Förslag", "direction": "internal", "sha256": hashlib.sha256(b"first").hexdigest()}
    made = town.client.post(f"{V1}/documents", params=asked, content=b"first", headers=headers).json()["id"]
    at = f"documents/{made}"
    newer = {"base": "1", "note": "Rättad", "size": "6"}
    answer = town.client.post(f"{V1}/{at}/versions", params=newer, content=b"second", headers=headers)
    assert answer.status_code == 201, answer.text
    again = town.client.post(f"{V1}/{at}/versions", params=newer, content=b"second", headers=headers)
    assert problem(again)["code"] == "document-newer-version"
    seen = town.seen(at, "farida")
    assert (seen["version"], seen["size"], [one["version"] for one in seen["versions"]]) == (2, 6, [1, 2])
    assert town.read(f"{at}/file", "farida").content == b"second"
    first = town.read(f"{at}/file?version=1", "farida")
    assert first.content == b"first"
    digest = base64.b64encode(hashlib.sha256(b"first").digest()).decode()
    assert first.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert town.read(f"{at}/file?version=3", "farida").status_code == 404
    assert len(list(town.municipality.files.addresses())) == before + 2, "the refused one is gone"


def test_what_registration_lacks_is_shown_and_filled_in(town: Town) -> None:
    headers = town.header("sofia", {"Content-Type": "text/plain"})
    asked = {"title": "Brev", "direction": "outgoing"}
    made = town.client.post(f"{V1}/documents", params=asked, content=b"x", headers=headers).json()["id"]
    assert town.seen(f"documents/{made}")["missing"] == ["date", "designation", "recipient"]
    assert made in [each["id"] for each in town.seen("documents?incomplete=true&limit=200")["items"]]
    matter = town.made(
        "matters/open-matter", "sofia", body=town.ids["council"], title="Läget", diarienummer="KS23.276"
    )
    town.do(
        f"documents/{made}/complete-registration",
        "sofia",
        matter=matter,
        recipient="Polisen",
        date="2024-01-31",
    )
    assert town.seen(f"documents/{made}")["missing"] == []
    assert made not in [each["id"] for each in town.seen("documents?incomplete=true&limit=200")["items"]]
    assert [each["id"] for each in town.seen(f"documents?matter={matter}")["items"]] == [made]


@pytest.mark.fact("X2")
def test_a_matter_is_found_by_its_number_however_it_is_written(town: Town) -> None:
    matter = town.made(
        "matters/open-matter", "sofia", body=town.ids["council"], title="Läget", diarienummer="KS23.770",
        given_by="kommunens registrator",
    )  # fmt: skip
    town.do(f"matters/{matter}/add-alias", "sofia", diarienummer="2023KS770 040")
    town.municipality.projector.catch_up()
    for number in ("KS23.770", "ks 23.770", "2023ks770 040"):
        found = town.client.get(
            f"{V1}/matters", params={"diarienummer": number}, headers=town.header("farida")
        ).json()
        assert [each["id"] for each in found["items"]] == [matter]
    assert town.seen("matters?diarienummer=KS23.277")["items"] == []


@pytest.mark.fact("Al9")
def test_an_extract_is_proven_to_belong_to_the_minutes_it_was_taken_from(town: Town) -> None:
    meeting = town.called()
    town.held(meeting)
    town.do(f"meetings/{meeting}/elect-justerare", "sofia", person=town.ids["per"])
    town.do(f"meetings/{meeting}/record-decision", "sofia", item=4, points=["Rådet noterar läget."])
    town.do(f"meetings/{meeting}/record-decision", "sofia", item=3, points=["Inget av detta lämnas ut."])
    minutes = town.minuted(meeting)
    town.react()
    asked = {"items": [4], "place": "Kommunhuset"}
    early = town.refused(409, f"minutes/{minutes}/extracts", "sofia", **asked)
    assert early["code"] == "extract-of-finished"
    for who, office in (("karin", "chair"), ("per", "justerare")):
        assert town.signed(minutes, who, office)["status"] == "done"
    town.react()
    made = town.made(f"minutes/{minutes}/extracts", "sofia", **asked)
    seen = town.seen(f"documents/{made}")
    assert (seen["kind"], seen["extract_of"], seen["extracted"]) == ("protokollsutdrag", minutes, [4])
    paper = town.read(f"documents/{made}/file", "sofia").content
    assert paper.startswith(b"%PDF") and hashlib.sha256(paper).hexdigest() == seen["sha256"]
    found = town.seen(f"documents/{made}/extract-proof")
    # Anyone can follow it: the envelope is a leaf of the log that the checkpoint signs ...
    proof, envelope = found["proof"], json.loads(found["envelope"])
    leaf = leaf_hash(found["envelope"].encode())
    assert proof["leaf"] == leaf.hex()
    root = base64.b64decode(proof["checkpoint"].splitlines()[2])
    path = [bytes.fromhex(each) for each in proof["path"]]
    assert verify_inclusion(leaf, proof["position"] - 1, proof["size"], path, root)
    # ... it has the root that the extract names, and what is opened gives the commitments in it.
    assert version_root(envelope) == found["root"]
    commitments = split(envelope["data"], f"{envelope['stream']}/{envelope['version']}")[1]
    for place, opened in found["openings"].items():
        assert commit(place, opened["salt"], opened["value"]) == commitments[place]
    words = {opened["value"] for opened in found["openings"].values()}
    assert "Rådet noterar läget." in words and "Inget av detta lämnas ut." not in words
    other = town.client.post(
        f"{V1}/documents", params={"title": "Brev", "direction": "incoming"}, content=b"x",
        headers=town.header("sofia", {"Content-Type": "text/plain"}),
    ).json()["id"]  # fmt: skip
    assert problem(town.read(f"documents/{other}/extract-proof", "sofia"))["status"] == 404
