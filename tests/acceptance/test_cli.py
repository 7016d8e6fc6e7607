"""The command line as a program: what it prints, how it ends, and what others rely on.

What each command answers in every case is in tests/test_cli.py; here it runs as it is run in life.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from projections.view import metadata as views
from tests.acceptance.conftest import LIGGARE, Played, environment, liggare
from tests.postgres import Database

STEPS = (
    "envelope columns leaves tree checkpoints outside-checkpoint inclusion consistency pades timestamps cms "
    "statements rerender digest destruction"
).split()
ROW = "position event_hash recorded_at happened kind actor body matter meeting rule finding proof".split()
ENGLISH = {"LIGGARE_LANGUAGE": "en"}


def checks(result: dict[str, Any]) -> dict[str, Any]:
    """The outcome of each step of a result that is as others rely on it."""
    assert set(result) == {"ok", "trusted", "anchor", "clock", "events", "checks", "unprotected"}
    assert [check["step"] for check in result["checks"]] == STEPS
    for check in result["checks"]:
        assert set(check) == {"step", "ok", "detail"}
        assert check["detail"]
    for one in result["unprotected"]:
        assert set(one) == {"file", "offset", "length"}
        assert Path(one["file"]).is_absolute() or one["file"].startswith("liggare_")
    return {check["step"]: check["ok"] for check in result["checks"]}


def failing(result: dict[str, Any]) -> list[str]:
    return [step for step, ok in checks(result).items() if ok is False]


# --- demo
def test_the_demo_says_what_it_made(played: Played) -> None:
    assert set(played.said) == {"municipalities"}
    for one in played.said["municipalities"]:
        assert set(one) == {"name", "slug", "dir", "bodies", "meetings", "trust_anchor", "database", "tokens"}
        assert all(set(body) == {"id", "name"} for body in one["bodies"])
        assert all(set(meeting) == {"id", "body", "date", "minutes_pdf"} for meeting in one["meetings"])
        papers = [meeting["minutes_pdf"] for meeting in one["meetings"]]
        assert len(papers) == 4
        assert played.env or Path(one["database"]).is_file()
        for path in (one["dir"], one["trust_anchor"], *papers):
            assert Path(path).is_absolute()
            assert Path(path).exists()
        assert Path(one["dir"]) == played.folder / one["slug"]
        assert {"secretary", "chair", "justerare", "member", "auditor", "administrator"} <= one[
            "tokens"
        ].keys()
    assert (played.folder / "keys").is_dir()
    assert played.progress, "long work says how it goes"


def test_the_demo_takes_an_empty_folder_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = liggare("demo", "--dir", tmp_path, "--no-serve", "--json", expect=2)
    assert answer.json["error"]["code"] == "not-empty"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


# --- from nothing
@pytest.mark.both_databases
def test_a_registry_is_set_up_used_and_verified(tmp_path: Path, database: Database) -> None:
    env = database.new()
    made = liggare(
        "init", "--dir", "data", "--name", "Exempelby kommun", "--json", cwd=tmp_path, env=env
    ).json
    assert (made["dir"], made["slug"]) == (str(tmp_path / "data"), "exempelby")
    assert made["root_key"] == str(tmp_path / "keys" / "exempelby.key")
    assert Path(made["root_key"]).stat().st_mode & 0o077 == 0
    asked = '{"name": "Trygghetsrådet", "kind": "trygghetsrad"}'
    saved = liggare(
        "do", "establish-body", "--dir", "data", "--data", "-", "--json", cwd=tmp_path, stdin=asked, env=env
    ).json
    assert saved["events"][0]["kind"] == "body-established.v1"
    checked = liggare("verify", "data", "--json", cwd=tmp_path, env=env).json
    assert (checked["ok"], checked["clock"], checked["trusted"]) == (True, "real", False)


# --- verify
def test_a_played_year_is_verified_step_by_step(played: Played) -> None:
    answer = played.run("verify", played.data, "--trust", played.trust, "--json")
    result = answer.json
    assert set(checks(result).values()) == {True}
    assert (result["ok"], result["trusted"], result["clock"]) == (True, True, "simulated")
    assert result["events"] > 200
    assert answer.progress
    assert all({"progress", "done", "total"} <= line.keys() for line in answer.progress)


def test_a_paper_is_verified_by_itself(played: Played, tmp_path: Path) -> None:
    alone = tmp_path / "paper.pdf"
    shutil.copy(played.paper, alone)
    result = played.run("verify", alone, "--trust", played.trust, "--json").json
    assert (result["ok"], result["trusted"], result["events"], result["clock"]) == (True, True, None, None)
    assert {step for step, ok in checks(result).items() if ok} == {"pades", "timestamps"}
    told = played.run("verify", alone, env=ENGLISH).out
    assert "signatures and seal in PDFs hold" in told
    assert "Unprotected bytes: 0" in told
    alone.write_bytes(alone.read_bytes().replace(b"/Type", b"/Typf", 1))
    assert not played.run("verify", alone, "--json", expect=3).json["ok"]


def test_a_checkpoint_kept_elsewhere_shows_that_events_are_gone(demo: Played, tmp_path: Path) -> None:
    kept = tmp_path / "kept.note"
    shutil.copy(max((demo.data / "checkpoints").glob("*.note")), kept)
    left = min(int(note.stem) for note in (demo.data / "checkpoints").glob("*.note"))
    demo.sql(
        "events.db",
        f"DELETE FROM event WHERE position > {left}",
        f"DELETE FROM checkpoint WHERE size > {left}",
    )
    if demo.env:
        demo.sql("", *(f'DROP TABLE IF EXISTS "{name}"' for name in views.tables))
    else:
        demo.sql("events.db", "VACUUM")
        (demo.data / "views.db").unlink()
    for file in (demo.data / "checkpoints").glob("[0-9]*"):  # the notes and their time stamps
        if int(file.stem) > left:
            file.unlink()
    gone = demo.run("verify", demo.data, "--json", expect=3).json
    assert failing(gone) == ["destruction"], "keys are gone by decisions that the log does not have"
    demo.sql("keys.db", "DELETE FROM key WHERE wrapped IS NULL")
    (demo.data / "checkpoints" / "destroyed.jsonl").unlink()
    assert demo.run("verify", demo.data, "--json").json["ok"], "a log cut at a checkpoint is a log"
    result = demo.run("verify", demo.data, "--checkpoint", kept, "--json", expect=3).json
    assert failing(result) == ["outside-checkpoint"]


# --- audit
def test_the_log_is_asked_and_answers_in_three_forms(demo: Played) -> None:
    result = demo.run("audit", "--dir", demo.data, "--finding", "notice-short", "--json").json
    assert set(result) == {"rows", "next"}
    (row,) = result["rows"]
    assert set(row) == set(ROW)
    told = demo.run("audit", "--dir", demo.data, "--finding", "notice-short").out
    assert "iakttagelse: notice-short" in told
    command = [*LIGGARE, "audit", "--dir", str(demo.data), "--format", "csv"]
    done = subprocess.run(command, env=environment(demo.env), capture_output=True, check=True, timeout=120)
    assert done.stdout.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(io.StringIO(done.stdout.decode("utf-8-sig")), delimiter=";"))
    assert table[0] == ROW
    assert len(table) > 200


def test_a_reader_that_goes_away_is_no_error(demo: Played) -> None:
    command = f'set -o pipefail; "$0" -m api.cli.main audit --dir "{demo.data}" --json | head -c 1 >/dev/null'
    done = subprocess.run(
        ["bash", "-c", command, LIGGARE[0]],
        env=environment(demo.env),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- replay, rebuild
def test_a_view_changed_by_hand_is_named_and_made_again(demo: Played) -> None:
    whole = demo.run("replay", "--dir", demo.data, "--digest", "--json").json
    assert set(whole) == {"position", "true", "state_digest", "views", "differing"}
    assert whole["differing"] == []
    demo.sql(
        "views.db",
        "UPDATE person SET name = 'Någon annan' WHERE position = (SELECT max(position) FROM person)",
    )
    assert demo.run("replay", "--dir", demo.data, "--digest", "--json", expect=3).json["differing"] == [
        "person"
    ]
    assert demo.run("rebuild", "--dir", demo.data, "--json").json["position"] == whole["position"]
    assert demo.run("replay", "--dir", demo.data, "--digest", "--json").json == whole


# --- export
def test_an_export_verifies_by_itself(demo: Played, tmp_path: Path) -> None:
    made = demo.run("export", "--dir", demo.data, "--out", "whole", "--json", cwd=tmp_path).json
    assert made["path"] == str(tmp_path / "whole")
    for name in ("events.jsonl", "tile", "checkpoints", "minutes", "trust.pem"):
        assert (tmp_path / "whole" / name).exists()
    lines = (tmp_path / "whole" / "events.jsonl").read_bytes().splitlines()
    assert all(json.loads(line)["municipality"] == demo.municipality["slug"] for line in lines)
    result = demo.run("verify", tmp_path / "whole", "--trust", demo.trust, "--json").json
    assert (result["ok"], result["trusted"], result["events"]) == (True, True, len(lines))
    assert {step for step, ok in checks(result).items() if ok is None} == {
        "columns", "outside-checkpoint", "statements", "rerender", "digest", "destruction",
    }  # fmt: skip


# --- serve
def test_it_serves_until_told_to_stop(demo: Played) -> None:
    command = [*LIGGARE, "serve", "--dir", str(demo.folder), "--port", "0", "--json"]
    server = subprocess.Popen(
        command, env=environment(demo.env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    said = json.loads(server.stdout.readline())
    assert [one["dir"] for one in said["municipalities"]] == [str(demo.data)]
    assert answers(f"{said['address']}/healthz")
    port = said["address"].rpartition(":")[2]
    taken = demo.run("serve", "--dir", demo.folder, "--port", port, "--json", expect=2)
    assert taken.json["error"]["code"] == "port-taken"
    server.send_signal(signal.SIGTERM)
    out, err = server.communicate(timeout=60)
    assert (server.returncode, out, err) == (0, "", "")
    assert not (demo.data / "events.db-wal").exists(), "the log was closed"


def answers(address: str) -> bool:
    """Whether an address answers within half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.1)
    return False


# --- usage
@pytest.mark.parametrize("arguments", [("verify",), ("zork",), ()])
def test_what_cannot_be_read_as_a_command_ends_with_two(arguments: tuple[str, ...], tmp_path: Path) -> None:
    found = liggare(*arguments, "--json", expect=2, cwd=tmp_path)
    assert set(found.json["error"]) == {"code", "detail", "what_to_do"}
    assert list(tmp_path.iterdir()) == []


def test_errors_are_told_in_the_language_asked_for(tmp_path: Path) -> None:
    told = liggare("audit", "--dir", tmp_path, expect=2)
    assert told.out == ""
    assert told.err.startswith("Det gick inte.")
    assert "är ingen datamapp" in told.err
    english = liggare("audit", "--dir", tmp_path, "--json", expect=2, env=ENGLISH).json["error"]
    assert "is not a data folder" in english["detail"]
