"""A clerk of a council, as a story of requests: meeting after meeting from kallelse to sent minutes, and reads between.

- A story only says what is asked and takes the answers; whoever plays it keeps the time and holds the connection.
- After every step of the work something is read, drawn with a fixed seed: what is open, lists, persons, the log's
  questions and proofs, files.
- A kind is what a row of the table is about. What the office waits for is asked for at the same pace as all else.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any
from urllib.parse import quote

PEOPLE = {
    "chair": ("Karin Lindqvist", "Kommunstyrelsen", "presidium"),
    "vice": ("Per Ahlström", "Kommunstyrelsen", "presidium"),
    "police": ("Farida Noori", "Polismyndigheten", "polisen"),
    "rescue": ("Gunnar Öberg", "Räddningstjänsten", "raddningstjansten"),
}
PASSPHRASE = "exempel att skriva under med"  # noqa: S105  # of people who do not exist
PART = "trygghetsradet"
PROFILE = next(
    text
    for each in sorted(files("domain.profiles").iterdir(), key=lambda each: each.name)
    if each.name.endswith(".toml")
    and f"[bodies.{PART}.rules.standing-items]" in (text := each.read_text("utf-8"))
)
REPORT = (
    "Polisen redogjorde för läget: färre inbrott i bostäder än förra våren, fler bedrägerier mot äldre. "
    "Belysningen vid två gångstråk är åtgärdad, och en trygghetsvandring planeras i april."
)
PAPER = REPORT.encode() * 200


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and the kind it is counted as."""

    kind: str
    method: str
    path: str
    who: str = "operator"
    body: bytes | None = None
    media: str = "application/json"


Story = Generator[Ask, Any, None]
Told = Generator[Ask, Any, Any]


@dataclass
class Town:
    """What all clerks know: ids by name, tokens by name, where the log stands, and what there is to read."""

    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    position: int = 1


def command(path: str, who: str = "operator", counted: str = "command", **body: Any) -> Told:
    """Give a command; its answer."""
    return (yield Ask(counted, "POST", path, who, json.dumps(body).encode()))


def settle(town: Town) -> Story:
    """A board, a council with rules, and its people with tokens and passphrases."""
    for name, kind in (("board", "kommunstyrelse"), ("council", "trygghetsrad")):
        parent = {"parent": town.ids["board"]} if name == "council" else {}
        town.ids[name] = (
            yield from command("/bodies/establish-body", name=name.title(), kind=kind, **parent)
        )["id"]
    yield from command("/registry/choose-diary", body=town.ids["board"], mode="own", pattern="KS{yy}.{n}")
    council = f"/bodies/{town.ids['council']}"
    yield from command(
        f"{council}/adopt-regulation", adopted_by=town.ids["board"], adopted_on="2023-11-10",
        profile=PROFILE, part=PART, diarienummer="KS23.276",
    )  # fmt: skip
    for who, (name, organisation, seat) in PEOPLE.items():
        made = yield from command("/persons/register-person", name=name, organisation=organisation)
        town.ids[who] = made["id"]
        person = f"/persons/{made['id']}"
        town.tokens[who] = (yield from command(f"{person}/issue-token", label="mätning", days=2))["token"]
        link = (yield from command(f"{person}/issue-passphrase-link"))["token"]
        yield from command("/passphrase", "", link=link, passphrase=PASSPHRASE)
        given = {"person": made["id"], "seat": seat, "capacity": "member", "valid_from": "2023-01-01"}
        yield from command(f"{council}/give-mandate", **given)
    chair = {
        "person": town.ids["chair"],
        "seat": "ordforande",
        "capacity": "member",
        "valid_from": "2023-01-01",
    }
    yield from command(f"/bodies/{town.ids['board']}/give-mandate", **chair)


@dataclass
class Clerk:
    """One of those who work: a meeting after the other, without end."""

    town: Town
    pick: random.Random
    now: Callable[[], datetime]
    known: dict[str, str] = field(default_factory=dict)  # what this clerk can read: path by kind

    def work(self) -> Story:
        """Meetings without end, with something read after each step."""
        while True:
            story, answer = self._meeting(), None
            while True:
                try:
                    asked = story.send(answer)
                except StopIteration:
                    break
                answer = yield asked
                for _ in range(self.pick.choice((0, 1, 1, 2))):
                    yield self._read()

    def _meeting(self) -> Story:
        ids, pick = self.town.ids, self.pick
        matter = yield from command("/matters/open-matter", body=ids["board"], title="Belysning i centrum")
        self.known["matter"] = f"/matters/{matter['id']}"
        query = f"title={quote('Lägesbild')}&direction=incoming&matter={matter['id']}&sender=Polisen"
        brought = yield Ask("document in", "POST", f"/documents?{query}", "operator", PAPER, "text/plain")
        self.known["document"] = f"/documents/{brought['id']}/file"
        starts = self.now().strftime("%Y-%m-%dT%H:%M")
        scheduled = yield from command(
            "/meetings/schedule-meeting", body=ids["council"], starts=starts, place="Sal A"
        )
        at = self.known["meeting"] = f"/meetings/{scheduled['id']}"
        added = {"title": "Belysning", "matter": matter["id"], "presenter": "Säkerhetschefen"}
        yield from command(f"{at}/add-item", **added)
        called = [{"person": ids[who]} for who in PEOPLE]
        yield from command(f"{at}/issue-kallelse", recipients=called)
        self.known["kallelse"] = f"{at}/kallelse.pdf"
        yield from command(f"{at}/open-meeting", chair=ids["chair"])
        yield from command(f"{at}/record-secretary", person=self.town.ids["operator"])
        for who in ("chair", "vice", "police"):
            yield from command(f"{at}/record-presence", person=ids[who], capacity="member")
        yield from command(f"{at}/record-absence", person=ids["rescue"], status="absent")
        yield from command(f"{at}/elect-justerare", person=ids["vice"], item=1)
        for item in range(1, 4):
            yield from command(f"{at}/take-up-item", item=item)
            yield from command(f"{at}/record-report", item=item, by=ids["police"], text=REPORT)
            points = [
                "Rapporten läggs till handlingarna.",
                f"Frågan följs upp om {pick.randint(2, 9)} veckor.",
            ]
            yield from command(f"{at}/record-decision", item=item, points=points)
        yield from command(
            f"{at}/record-dissent", "police", item=1, participant=ids["police"], view="Det räcker inte."
        )
        yield from command(f"{at}/close-meeting")
        drafted = yield from command("/minutes/draft-minutes", meeting=scheduled["id"])
        yield from self._approved(f"/minutes/{drafted['id']}")

    def _approved(self, minutes: str) -> Story:
        ids = self.town.ids
        self.known["minutes"] = minutes
        recipients = [ids["chair"], ids["vice"]]
        yield from command(f"{minutes}/circulate-minutes", version=1, recipients=recipients)
        for who, office in (("chair", "chair"), ("vice", "justerare")):
            begun = yield from command(f"{minutes}/signings", who, "begin signing", version=1, office=office)
            yield from command(f"/signings/{begun['signing']}/resume", who, "sign", passphrase=PASSPHRASE)
        while not (yield Ask("state of minutes", "GET", minutes))["sealed"]:
            pass
        self.known["pdf"] = f"{minutes}/pdf"
        sent = [{"person": ids[who], "channel": "e-mail"} for who in PEOPLE]
        yield from command(f"{minutes}/send-minutes", recipients=sent)
        yield from command(f"{minutes}/record-receipt", "police")

    def _read(self) -> Ask:
        """Something that somebody looks at."""
        pick, ids, position = self.pick, self.town.ids, self.town.position
        known = pick.randint(max(1, position // 2), position)
        states = [path for name, path in self.known.items() if name in ("matter", "meeting", "minutes")]
        papers = [path for name, path in self.known.items() if name in ("document", "kallelse", "pdf")]
        choices: list[tuple[str, list[str]]] = [
            ("state of a thing", [*states, f"/bodies/{ids['council']}", f"/persons/{ids['police']}", "/me"]),
            ("list", ["/meetings?limit=20", "/persons", "/documents?limit=20", f"/follow-up?body={ids['council']}"]),
            ("view as of", [f"/views/{view}?known={known}&limit=50" for view in ("meeting", "mandate", "todo")]),
            ("audit query", [f"/audit?body={ids['council']}&limit=50", "/audit?finding=notice-short&limit=50",
                             f"/audit?person={ids['police']}&known_from={known}", "/audit?text=bedrägerier&limit=20"]),
            ("proof", [f"/proofs/{pick.randint(1, position)}"]),
            ("checkpoint", ["/log/checkpoint"]),
            ("download", papers or ["/log/trust-anchor.pem"]),
        ]  # fmt: skip
        kind, paths = pick.choices(choices, (8, 4, 3, 4, 2, 1, 3))[0]
        return Ask(kind, "GET", quote(pick.choice(paths), safe="/?&=%"))
