"""What each command answers: its JSON, its errors with their codes, and how it ends."""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group

from api.cli import output
from api.cli.main import COMMANDS, application, run
from api.faults import Fault, told
from api.wiring import SYSTEM, Municipality, create_folder, open_folder
from domain.document import Document
from domain.messages import fresh_id
from domain.person import Person, RegisterPerson
from registry.clock import ZONE, SimulatedClock
from signing.report import TEXTS
from tests.forging import Called
from tests.house import ROOT
from tests.web import PASSPHRASE, SLUG

Ask = Callable[..., Any]
ROW = "position event_hash recorded_at happened kind actor body matter meeting rule finding proof".split()


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Called:
    return Called.make(tmp_path_factory.mktemp("called") / "town")


@pytest.fixture(scope="module")
def finished(called: Called, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with sealed minutes, only to be read."""
    return called.told(tmp_path_factory.mktemp("finished") / "town")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to do anything to."""
    shutil.copytree(finished.parent, tmp_path / "town")
    return tmp_path / "town" / SLUG


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command with --json here; its one object. It must end with the code expected."""

    def asked(*arguments: object, expect: int = 0) -> Any:
        code = run([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        assert code == expect, (arguments, code, out, err)
        assert out.count("\n") == 1
        for line in err.splitlines():
            assert isinstance(json.loads(line), dict)
        return json.loads(out)

    return asked


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command for a person to read: what it said on stdout and stderr."""

    def said(*arguments: object, expect: int = 0) -> str:
        code = run([*map(str, arguments)])
        out, err = capsys.readouterr()
        assert code == expect, (arguments, code, out, err)
        return str(out + err)

    return said


def refused(ask: Ask, *arguments: object, expect: int = 2) -> str:
    """The code of the error that a command ends with."""
    found = ask(*arguments, expect=expect)
    assert set(found) == {"error"}
    assert set(found["error"]) == {"code", "detail", "what_to_do"}
    assert all(found["error"].values())
    return str(found["error"]["code"])


# --- init
def test_init_makes_a_folder_and_a_key_outside_it(ask: Ask, say: Ask, tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = ask("init", "--dir", data, "--name", "Åmåls kommun")
    assert set(made) == {"dir", "slug", "root_key", "setup_token"}
    assert (made["dir"], made["slug"]) == (str(data), "amal")
    assert made["root_key"] == str(tmp_path / "keys" / "amal.key")
    assert refused(ask, "init", "--dir", data, "--name", "Åmåls kommun") == "not-empty"
    again = ("init", "--dir", tmp_path / "other", "--name", "Åmåls kommun")
    assert refused(ask, *again) == "key-exists"
    assert refused(ask, *again, "--root-key", tmp_path / "other" / "root.key") == "key-inside"
    assert refused(ask, "init", "--dir", tmp_path / "other", "--name", "123") == "bad-slug"
    assert refused(ask, "init", "--dir", tmp_path / "other", "--name", "") == "bad-slug"
    assert not (tmp_path / "other").exists()
    told = say("init", "--dir", tmp_path / "third", "--name", "Tredje", "--slug", "tre")
    assert str(tmp_path / "third") in told
    assert "liggare_" in told


# --- do, token, passphrase, sign
def test_the_demo_of_a_municipality_it_does_not_have_makes_nothing(ask: Ask, tmp_path: Path) -> None:
    asked = ("demo", "--dir", tmp_path / "demo", "--only", "lerum", "--only", "zork", "--no-serve")
    assert refused(ask, *asked) == "no-such-tale"
    assert not (tmp_path / "demo").exists()


def test_do_lists_describes_and_gives_commands(ask: Ask, say: Ask, folder: Path) -> None:
    commands = ask("do", "list")["commands"]
    assert "record-dissent" in commands
    assert "approve-minutes" not in commands, "approval is a signature and nothing else"
    assert "properties" in ask("do", "record-dissent", "--data", "?")
    assert refused(ask, "do", "zork") == "unknown-command"
    assert refused(ask, "do", "establish-body") == "usage"
    body = ("do", "establish-body", "--dir", folder, "--data")
    assert refused(ask, *body, '{"nam": 1}') == "invalid"
    assert refused(ask, *body, "{") == "invalid"
    saved = ask(*body, '{"name": "Rådet", "kind": "rad"}')
    assert set(saved) == {"position", "events", "findings"}
    assert say(*body, '{"name": "Rådet två", "kind": "rad"}').split()[1] == "body-established.v1"
    assert refused(
        ask, "do", "close-meeting", "--dir", folder, "--data", '{"meeting": "0000000000000000"}', expect=4
    )


def test_a_token_acts_as_its_person_and_nobody_else(
    ask: Ask, say: Ask, folder: Path, called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    farida = called.town.ids["farida"]
    issued = ask("token", "--dir", folder, farida)
    assert set(issued) == {"person", "token", "expires"}
    monkeypatch.setenv("LIGGARE_TOKEN", issued["token"])
    body = ("do", "establish-body", "--dir", folder, "--data", '{"name": "Rådet", "kind": "rad"}')
    assert refused(ask, *body, expect=4) == "role-needed"
    assert ask("token", "--dir", folder, farida, "--revoke")["revoked"] >= 1
    assert refused(ask, *body, expect=4) == "unauthenticated"
    assert refused(ask, "token", "--dir", folder, "0000000000000000", expect=4)
    assert "liggare_" in say("passphrase-link", "--dir", folder, farida)


def test_minutes_are_signed_with_token_and_passphrase(
    ask: Ask, called: Called, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, minutes = called.minuted(tmp_path / "minuted")
    sign = ("sign", minutes, "--dir", data, "--version", 1, "--office")
    for who, office in (("karin", "chair"), ("per", "justerare")):
        monkeypatch.setenv("LIGGARE_TOKEN", ask("token", "--dir", data, called.town.ids[who])["token"])
        monkeypatch.setattr("sys.stdin", io.StringIO("not the phrase\n"))
        assert refused(ask, *sign, office, expect=4) == "wrong-passphrase"
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSPHRASE}\n"))
        assert ask(*sign, office)["status"] == "done"
    monkeypatch.delenv("LIGGARE_TOKEN")
    assert rows(ask, data, "--kind", "minutes-sealed")


# --- audit
def ids(m: Municipality, kind: str) -> set[str]:
    """Every thing of a kind that the log tells of."""
    named = (fact.stream.partition("-") for fact in m.registry.facts())
    return {id for stream, _, id in named if stream == kind}


def rows(ask: Ask, folder: Path, *filters: object) -> list[dict[str, Any]]:
    result = ask("audit", "--dir", folder, *filters)
    assert set(result) == {"rows", "next"}
    assert all(set(row) == set(ROW) for row in result["rows"])
    return list(result["rows"])


def test_the_log_is_asked_by_every_filter(ask: Ask, folder: Path, called: Called) -> None:
    every = rows(ask, folder)
    assert [row["position"] for row in every] == list(range(1, len(every) + 1))
    (found,) = rows(ask, folder, "--kind", "dissent-recorded")
    filters = (
        ("--body", called.town.ids["council"]), ("--body", "Trygghetsrådet"), ("--meeting", found["meeting"]),
        ("--person", found["actor"]), ("--kind", "dissent-recorded.v1"), ("--text", "räcker"),
        ("--known-from", found["recorded_at"]), ("--known-to", found["recorded_at"]),
        ("--known-from", found["position"]), ("--true-from", found["happened"]),
    )  # fmt: skip
    for one in filters:
        listed = rows(ask, folder, *one)
        assert found in listed, one
        assert len(listed) < len(every), one
    assert found not in rows(ask, folder, "--true-to", "2024-03-11")
    assert found in rows(ask, folder, "--true-to", found["happened"])
    assert rows(ask, folder, "--true-from", "2030-01-01") == []
    assert rows(ask, folder, "--matter", "KS99.1") == []
    assert all(row["rule"] for row in rows(ask, folder, "--rule", "dissent"))


def test_the_log_is_read_a_page_at_a_time(ask: Ask, say: Ask, folder: Path) -> None:
    first = ask("audit", "--dir", folder, "--limit", 5)
    assert (len(first["rows"]), first["next"]) == (5, 5)
    assert rows(ask, folder, "--after", first["next"], "--limit", 1)[0]["position"] == 6
    assert "--after 5" in say("audit", "--dir", folder, "--limit", 5)
    assert "Inga händelser" in say("audit", "--dir", folder, "--true-from", "2030-01-01")


# --- replay, rebuild
def test_the_state_is_replayed_to_any_point(ask: Ask, folder: Path) -> None:
    now = ask("replay", "--dir", folder)
    assert set(now) == {"position", "true", "state_digest", "views"}
    (row,) = rows(ask, folder, "--known-from", 30, "--known-to", 30)
    earlier = ask("replay", "--dir", folder, "--known", 30)
    assert earlier["position"] == 30
    assert earlier["state_digest"] != now["state_digest"]
    assert ask("replay", "--dir", folder, "--known", row["recorded_at"])["position"] >= 30
    assert ask("replay", "--dir", folder, "--known", row["recorded_at"][:10])["position"] >= 30
    assert ask("replay", "--dir", folder, "--known", 0)["position"] == 0
    assert ask("replay", "--dir", folder, "--known", 10**9) == now
    then = ask("replay", "--dir", folder, "--true", "2024-03-11")
    assert (then["true"], then["state_digest"]) == ("2024-03-11", now["state_digest"])
    assert ask("replay", "--dir", folder, "--true", "2024-03-12T12:00:00Z")["views"] != then["views"]
    earlier = ask("replay", "--dir", folder, "--known", 30, "--digest")
    assert earlier["differing"] == []


@pytest.mark.parametrize(
    "when", ["2024-02-30", "yesterday", "2024-01-01 10:00", "0001-01-01T00:00+14:00", "-1", ""]
)
def test_a_time_that_is_none_is_refused(when: str, ask: Ask, finished: Path) -> None:
    assert refused(ask, "replay", "--dir", finished, f"--known={when}") == "not-a-time"
    assert refused(ask, "audit", "--dir", finished, f"--true-from={when}") == "not-a-time"


def test_a_position_is_no_time_for_what_was_true(ask: Ask, finished: Path) -> None:
    assert refused(ask, "replay", "--dir", finished, "--true", "12") == "not-a-time"


def test_a_view_changed_by_hand_is_named(ask: Ask, say: Ask, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "views.db", isolation_level=None)) as db:
        db.execute(
            "UPDATE person SET name = 'Någon annan' WHERE position = (SELECT max(position) FROM person)"
        )
    assert ask("replay", "--dir", folder, "--digest", expect=3)["differing"] == ["person"]
    assert "person är inte vad händelserna ger" in say("replay", "--dir", folder, "--digest", expect=3)
    assert ask("rebuild", "--dir", folder, "--view", "person")["views"] == ["person"]
    assert "De lagrade vyerna är vad händelserna ger" in say("replay", "--dir", folder, "--digest")
    assert refused(ask, "rebuild", "--dir", folder, "--view", "zork") == "unknown-view"
    assert "person" in ask("rebuild", "--dir", folder, "--back")["views"]
    assert ask("replay", "--dir", folder, "--digest", expect=3)["differing"] == ["person"]
    assert "togs tillbaka" in say("rebuild", "--dir", folder, "--back")
    assert "person" in ask("rebuild", "--dir", folder, "--forget")["views"]
    assert ask("rebuild", "--dir", folder, "--back")["views"] == []
    assert ask("replay", "--dir", folder, "--digest")["differing"] == []


def test_views_that_cannot_be_opened_are_put_aside_and_made_again(ask: Ask, folder: Path) -> None:
    before = ask("replay", "--dir", folder)["views"]
    for number in (1, 2):
        (folder / "views.db").write_bytes(b"no database" * 1000)
        assert refused(ask, "audit", "--dir", folder, expect=3) == "evidence-broken"
        assert set(ask("rebuild", "--dir", folder)["views"]) >= set(before)
        assert (folder / f"views.db.damaged-{number}").exists()
    assert ask("replay", "--dir", folder, "--digest")["views"] == before
    (folder / "views.db").unlink()
    assert ask("replay", "--dir", folder, "--digest")["differing"] == []


# --- export, doctor
def test_an_export_is_of_events_that_are_there(ask: Ask, folder: Path, tmp_path: Path) -> None:
    head = ask("replay", "--dir", folder)["position"]
    for first, last in ((5, 4), (1, head + 1), (head + 1, head + 2)):
        out = ("--out", tmp_path / "none", "--from", first, "--to", last)
        assert refused(ask, "export", "--dir", folder, *out) == "range-outside"
        assert not (tmp_path / "none").exists()
    made = ask("export", "--dir", folder, "--out", tmp_path / "part", "--from", head - 1)
    assert (made["path"], made["events"], made["to"]) == (str(tmp_path / "part"), 2, head)
    assert ask("verify", tmp_path / "part")["ok"]
    assert refused(ask, "export", "--dir", folder, "--out", tmp_path / "part") == "not-empty"


def test_the_doctor_looks_at_everything(ask: Ask, say: Ask, folder: Path) -> None:
    result = ask("doctor", "--dir", folder)
    assert (result["ok"], result["dir"]) == (True, str(folder))
    names = (
        "database clock views checkpoints log-keys timestamps certificates revocation-list seal-key signing archive "
        "destroyed files space"
    ).split()
    assert [check["check"] for check in result["checks"]] == names
    next(path for path in (folder / "files").rglob("*") if path.is_file()).unlink()
    result = ask("doctor", "--dir", folder, expect=3)
    assert [check["check"] for check in result["checks"] if check["ok"] is False] == ["files"]
    assert "filer saknas" in say("doctor", "--dir", folder, expect=3)


# --- bad input
def test_a_cut_log_is_never_written_on(ask: Ask, folder: Path) -> None:
    log = folder / "events.db"
    whole = log.read_bytes()
    for left in (None, b"", whole[: len(whole) // 2 // 4096 * 4096]):
        log.unlink(missing_ok=True)
        if left is not None:
            log.write_bytes(left)
        for command in ("audit", "replay", "rebuild", "doctor"):
            assert refused(ask, command, "--dir", folder, expect=3) in ("log-cut", "evidence-broken")
        assert (log.read_bytes() if log.exists() else None) == left


def test_a_clock_set_back_writes_nothing_and_says_so(ask: Ask, tmp_path: Path) -> None:
    data = tmp_path / "data"
    create_folder(data, "exempelby", "Exempelby", tmp_path / "root.key").close()
    ahead = open_folder(data, clock=SimulatedClock(datetime.now(ZONE) + timedelta(minutes=10)))
    ahead.execute_as(RegisterPerson(person=fresh_id(), name="Sofia Brandt"), SYSTEM)
    ahead.close()
    body = ("do", "establish-body", "--dir", data, "--data", '{"name": "Rådet", "kind": "rad"}')
    head = ask("replay", "--dir", data)["position"]
    assert refused(ask, *body, expect=4) == "clock-behind"
    assert ask("replay", "--dir", data)["position"] == head
    checked = ask("doctor", "--dir", data, expect=3)
    assert [check["check"] for check in checked["checks"] if check["ok"] is False] == ["clock"]


def test_a_key_that_is_missing_or_wrong_is_said(
    ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = folder.parent / "keys" / "root.key"
    right = key.read_text()
    for text, code in (("0" * 64, "wrong-root-key"), ("no key", "bad-root-key")):
        key.write_text(text)
        assert refused(ask, "audit", "--dir", folder) == code
    key.unlink()
    assert refused(ask, "audit", "--dir", folder) == "no-root-key"
    (folder.parent / "safe.key").write_text(right)
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(folder.parent / "safe.key"))
    assert ask("audit", "--dir", folder)["rows"]


def test_a_folder_that_is_none_is_refused(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "liggare.toml").write_text("slug = 1")
    for command in ("audit", "replay", "rebuild", "doctor"):
        assert refused(ask, command, "--dir", tmp_path) == "not-a-folder"
        assert refused(ask, command, "--dir", tmp_path / "odd") == "settings-unreadable"
    assert refused(ask, "serve", "--dir", tmp_path / "nothing") == "no-folders"
    assert refused(ask, "verify", tmp_path / "nothing") == "nothing-there"
    assert refused(ask, "verify", tmp_path) == "not-verifiable"


def test_verify_tells_a_person_what_holds_and_what_was_not_run(say: Ask, folder: Path) -> None:
    told = say("verify", folder)
    assert "STÄMMER INTE" not in told
    assert "Allt som prövats stämmer." in told
    assert "ange --trust" in told
    (folder.parent / "keys" / "root.key").unlink()
    (folder / "checkpoints").rename(folder / "elsewhere")
    told = say("verify", folder)
    assert "Inte prövat: det förseglade kan inte öppnas" in told
    (folder / "events.db").write_bytes(b"")
    told = say("verify", folder, expect=3)
    assert "Något stämmer inte: se punkt 1, 2, 5." in told


# --- usage
@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",), ("zork",), ("audit", "--limit", "x", "--dir", "d"), ("audit",), ("init", "--dir", "d"),
        ("verify", "a", "b"), ("do", "establish-body"), (), ("audit", "--zork"),
        ("audit", "--limit", "0", "--dir", "d"), ("audit", "--format", "x", "--dir", "d"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_as_a_command_ends_with_two(arguments: tuple[str, ...], ask: Ask) -> None:
    assert refused(ask, *arguments) == "usage"


def test_what_to_follow_up_is_listed(ask: Ask, say: Ask, folder: Path) -> None:
    body = ask("audit", "--dir", folder, "--kind", "regulation-adopted.v1")["rows"][0]["body"]
    given = {
        "body": body,
        "what": "Utred belysningen",
        "to": [{"function": "Säkerhetschefen"}],
        "stages": [{"what": "Rapport", "due": {"written": "maj 2024"}}],
    }
    ask("do", "give-assignment", "--dir", folder, "--data", json.dumps(given | {"happened": "2024-03-01"}))
    found = ask("follow-up", "--dir", folder, "--body", body, "--on", "2024-06-01")
    assert [(one["state"], one["due_last"]) for one in found["items"]] == [("overdue", "2024-05-31")]
    assert "försenat     maj 2024" in say("follow-up", "--dir", folder, "--on", "2024-06-01")
    assert "overdue;maj 2024" in say("follow-up", "--dir", folder, "--on", "2024-06-01", "--csv")
    assert "Inget att följa upp" in say("follow-up", "--dir", folder, "--on", "2020-01-01")


def test_what_the_rules_ask_is_listed(ask: Ask, say: Ask, finished: Path) -> None:
    found = ask("obligations", "--dir", finished, "--on", "2040-01-01")["items"]
    assert {one["rule"] for one in found} >= {"meetings-per-year", "send-minutes", "notify", "not-applicable"}
    assert all(one["source_document"] and one["state"] != "overdue" for one in found), (
        "no rule has a last day"
    )
    told = say("obligations", "--dir", finished, "--on", "2040-01-01")
    assert "gäller inte            –            Kommunallagens regler" in told
    listed = say(
        "obligations", "--dir", finished, "--body", found[0]["body"], "--csv", "--until", "2041-12-31"
    )
    assert ";meetings-per-year;Två till fyra sammanträden" in listed and ";KS23.276;2.3;L10;" in listed
    calendar = say("obligations", "--dir", finished, "--until", "2041-12-31", "--ics")
    assert calendar.startswith("BEGIN:VCALENDAR\r\n") and "DTSTART;VALUE=DATE:20411231" in calendar
    wheel = ask("obligations", "--dir", finished, "--wheel", "2041")
    assert [one["rule"] for one in wheel["months"][11]["items"]] == ["meetings-per-year"]
    assert "Ingen regel kräver något" in say("obligations", "--dir", finished, "--known", "1")


def test_a_body_s_year_is_reviewed(ask: Ask, say: Ask, finished: Path, tmp_path: Path) -> None:
    (meeting,) = ask("audit", "--dir", finished, "--kind", "meeting-scheduled.v1")["rows"]
    body, paper = meeting["body"], tmp_path / "granskning.pdf"
    year = str(meeting["happened"])[:4]
    found = ask("review", body, "--dir", finished, "--year", year, "--pdf", paper)
    assert {one["step"] for one in found["items"]} >= {"notice", "approval", "sending", "year"}
    assert {one["assessment"] for one in found["items"]} == {""}
    assert paper.read_bytes().startswith(b"%PDF-") and found["pdf"] == str(paper)
    assert "Godkännande av rätt personer" in say("review", body, "--dir", finished, "--year", year)
    assert "assessment" in say("review", body, "--dir", finished, "--year", year, "--csv")
    assert "Inget att granska" in say(
        "review", body, "--dir", finished, "--year", "1999", "--on", "1999-01-01"
    )
    assert refused(ask, "review", "f" * 16, "--dir", finished, "--year", year, expect=4) == "not-found"


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_is_found_in_its_own_file_without_the_others(module: str) -> None:
    for name in COMMANDS[module]:
        assert list(get_group(application([name, "--json"])).commands) == list(COMMANDS[module])


def test_without_anything_the_help_is_shown(say: Ask) -> None:
    assert "verify" in say(expect=2)
    assert "--known-from" in say("audit", "--help")


def test_an_error_that_nobody_foresaw_ends_with_one_and_one_object(
    ask: Ask, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("api.cli.reading.query", fails)
    assert refused(ask, "audit", "--dir", finished, expect=1) == "internal"


# --- sentences
def test_every_fault_and_every_finding_is_told_in_both_languages() -> None:
    faults = tomllib.loads((ROOT / "api/texts/faults.toml").read_text("utf-8"))
    for code, sentences in faults.items():
        assert {"sv", "en", "do_sv", "do_en"} == set(sentences), code
        assert all(sentences.values())
    found = tomllib.loads((ROOT / "api/texts/verify.toml").read_text("utf-8"))
    for code, sentences in found.items():
        assert set(sentences) == {"sv", "en"}, code
        assert places(sentences["sv"]) == places(sentences["en"]), code
    assert not TEXTS.keys() & found.keys()


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_fault_that_the_code_names_has_its_sentences() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "api").rglob("*.py"))
    named = re.findall(r'(?:BadRequest|NotAFolder|NoRootKey|Unreadable|LogCut)\(\s*"([a-z-]+)"', source)
    assert named
    for code in named:
        assert told("faults", code, "sv", _Anything())


class _Anything(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return name


def test_a_fault_reads_as_its_english_sentence() -> None:
    assert str(Fault("nothing-there", path="/x")) == "/x does not exist."
    assert output.in_language("sv", "en") == "sv"


# --- documents
def test_documents_go_in_get_versions_and_come_out(ask: Ask, say: Ask, folder: Path, tmp_path: Path) -> None:
    file, newer, out = tmp_path / "brev.txt", tmp_path / "brev.pdf", tmp_path / "ut"
    file.write_bytes(b"first")
    newer.write_bytes(b"second")
    asked = ("--dir", folder, "--title", "Brev", "--direction", "incoming", "--date", "2024-03-01")
    made = ask("document", "add", file, *asked, "--secrecy", "OSL 18 kap. 1 §", "--sender", "Polisen")
    assert made["size"] == 5 and made["events"][0]["kind"] == "document-registered.v1"
    second = ask("document", "version", made["id"], newer, "--dir", folder)
    assert second["events"][0]["kind"] == "document-version-added.v1"
    assert ask("document", "get", made["id"], "--dir", folder, "--out", out)["version"] == 2
    assert out.read_bytes() == b"second"
    first = tmp_path / "forsta"
    assert "forsta" in say("document", "get", made["id"], "--dir", folder, "--out", first, "--version", 1)
    assert first.read_bytes() == b"first"
    with closing(open_folder(folder)) as m:
        state = m.registry.get(Document, made["id"])
    assert [one.media_type for one in state.versions] == ["text/plain", "application/pdf"]
    assert state.missing == ("designation",)


@pytest.mark.parametrize(
    ("more", "code"),
    [(("--sha256", "0" * 64), "document-hash-differs"), (("--matter", "0" * 16), "not-found")],
)
def test_a_document_that_is_refused_leaves_no_file(
    ask: Ask, folder: Path, tmp_path: Path, more: tuple[str, ...], code: str
) -> None:
    file = tmp_path / "brev.txt"
    file.write_bytes(b"first")
    before = sorted((folder / "files").rglob("*"))
    asked = ("--dir", folder, "--title", "Brev", "--direction", "incoming", *more)
    assert ask("document", "add", file, *asked, expect=4)["error"]["code"] == code
    file.write_bytes(b"")
    empty = ask("document", "add", file, "--dir", folder, "--title", "x", "--direction", "internal", expect=4)
    assert empty["error"]["code"] == "document-empty"
    after = sorted(path for path in (folder / "files").rglob("*") if path.is_file())
    assert after == [path for path in before if path.is_file()]


def test_a_file_is_not_overwritten_and_a_secret_one_not_handed_to_others(
    ask: Ask, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "brev.txt"
    file.write_bytes(b"first")
    asked = ("--dir", folder, "--title", "Brev", "--direction", "incoming", "--secrecy", "OSL 18 kap. 1 §")
    made = ask("document", "add", file, *asked)["id"]
    again = ask("document", "get", made, "--dir", folder, "--out", file, expect=2)
    assert again["error"]["code"] == "file-exists"
    with closing(open_folder(folder)) as m:
        persons = {str(m.registry.get(Person, id).name): id for id in ids(m, "person")}
        nobody = persons["Farida Noori"]
        token = m.vault.issue_token(nobody, "access", "x", m.registry.clock.now() + timedelta(days=1))
    monkeypatch.setenv("LIGGARE_TOKEN", token)
    refused = ask("document", "get", made, "--dir", folder, "--out", tmp_path / "ut", expect=4)
    assert refused["error"]["code"] == "reading-not-permitted"
    assert not (tmp_path / "ut").exists()


def test_what_takes_more_than_data_is_not_done_with_do(ask: Ask, folder: Path) -> None:
    for command in ("register-document", "add-document-version", "begin-signing"):
        refused = ask("do", command, "--dir", folder, expect=2)
        assert refused["error"]["code"] == "command-elsewhere"


def test_a_masked_copy_is_made_written_out_and_verified(ask: Ask, folder: Path, tmp_path: Path) -> None:
    with closing(open_folder(folder)) as m:
        (minutes,) = ids(m, "minutes")
    out = tmp_path / "kopia.pdf"
    asked = ("copy", minutes, "--dir", folder, "--for", "request")
    made = ask(
        *asked, "--cover", "1/dissent/view=OSL 18 kap. 1 §", "--cover", "0/secretary=Dataskydd", "--out", out
    )
    assert [event["kind"] for event in made["events"]] == ["document-registered.v1", "copy-made.v1"]
    result = ask("verify", out)
    assert result["checks"][-1]["step"] == "disclosures" and result["checks"][-1]["ok"]
    assert ask(*asked, "--out", out, expect=2)["error"]["code"] == "file-exists"
    assert ask(*asked, "--cover", "9=OSL", expect=4)["error"]["code"] == "covers-nothing"
    assert ask(*asked, "--cover", "ett=OSL", expect=2)


def test_all_that_is_held_on_a_person_is_shown_to_those_who_may(
    ask: Ask, say: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_folder(folder)) as m:
        persons = {str(m.registry.get(Person, id).name): id for id in ids(m, "person")}
        farida, karin = persons["Farida Noori"], persons["Karin Lindqvist"]
        token = m.vault.issue_token(karin, "access", "x", m.registry.clock.now() + timedelta(days=1))
    answer = ask("held-on", farida, "--dir", folder)
    assert "dissent-recorded.v1" in {one["kind"] for one in answer["events"]}
    assert "Rapporten räcker inte." in say("held-on", farida, "--dir", folder)
    assert ask("held-on", "0" * 16, "--dir", folder, expect=4)["error"]["code"] == "not-found"
    monkeypatch.setenv("LIGGARE_TOKEN", token)
    assert ask("held-on", karin, "--dir", folder)["names"] == ["Karin Lindqvist"]
    assert ask("held-on", farida, "--dir", folder, expect=4)["error"]["code"] == "reading-not-permitted"


def test_an_extract_is_certified_and_written_out(ask: Ask, folder: Path, tmp_path: Path) -> None:
    with closing(open_folder(folder)) as m:
        (minutes,) = ids(m, "minutes")
    out = tmp_path / "utdrag.pdf"
    asked = ("extract", minutes, "--dir", folder, "--item", 1, "--item", 2, "--place", "Kommunhuset")
    made = ask(*asked, "--out", out)
    assert [event["kind"] for event in made["events"]] == ["document-registered.v1", "extract-certified.v1"]
    assert out.read_bytes().startswith(b"%PDF")
    assert ask(*asked, "--out", out, expect=2)["error"]["code"] == "file-exists"
    wrong = ask("extract", minutes, "--dir", folder, "--item", 99, "--place", "Eken", expect=4)
    assert wrong["error"]["code"] == "not-found"
    assert ask("verify", folder)["ok"]
