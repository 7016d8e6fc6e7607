"""A registry over HTTP for tests: its people with tokens of their own, and one call for each thing they do.

Everything goes in through the public addresses, as any client would send it; only the first token, which the command
line hands to the operator, is issued beside them. The clock is simulated, so that days pass when a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.reactions import Reactions
from api.wiring import Municipality, create_folder
from registry.clock import SimulatedClock

HERE = ZoneInfo("Europe/Stockholm")
START = datetime(2024, 2, 1, 9, 0, tzinfo=HERE)
PROFILE = files("domain") / "profiles" / "lerum.toml"
PEOPLE = {
    "sofia": ("Sofia Brandt", None),
    "karin": ("Karin Lindqvist", "Kommunstyrelsen"),
    "per": ("Per Ahlström", "Kommunstyrelsen"),
    "farida": ("Farida Noori", "Polismyndigheten"),
    "gunnar": ("Gunnar Öberg", "Räddningstjänsten"),
}
PASSPHRASE = "häst batteri klammer korrekt"
SLUG = "exempelby"
V1 = f"/v1/{SLUG}"


@dataclass
class Town:
    """A municipality with a board, a council and their people."""

    municipality: Municipality
    clock: SimulatedClock
    app: FastAPI
    client: TestClient
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def found(cls, folder: Path) -> Town:
        """An empty registry and its operator's token."""
        clock = SimulatedClock(START)
        municipality = create_folder(
            folder / SLUG, SLUG, "Exempelby kommun", folder / "keys" / "root.key", clock=clock, simulated=True
        )
        app = create_app({SLUG: municipality})
        town = cls(municipality, clock, app, TestClient(app, raise_server_exceptions=True))
        operator = municipality.settings.operator
        town.ids["operator"] = operator
        town.tokens["operator"] = municipality.vault.issue_token(
            operator, "access", "test", clock.now() + timedelta(days=4000)
        )
        return town

    @classmethod
    def settled(cls, folder: Path) -> Town:
        """A registry with board, council, rules and people, all of whom have tokens."""
        town = cls.found(folder)
        for who, (name, organisation) in PEOPLE.items():
            town.register(who, name, organisation)
        town.ids["board"] = town.made("bodies/establish-body", name="Kommunstyrelsen", kind="kommunstyrelse")
        town.ids["council"] = town.made(
            "bodies/establish-body", name="Trygghetsrådet", kind="trygghetsrad", parent=town.ids["board"]
        )
        town.do(
            f"bodies/{town.ids['council']}/adopt-regulation",
            adopted_by=town.ids["board"],
            adopted_on="2023-11-10",
            profile=PROFILE.read_text("utf-8"),
            part="trygghetsradet",
            diarienummer="KS23.276",
        )
        town.sit("board", "karin", "ordforande")
        town.sit("council", "karin", "presidium")
        town.sit("council", "per", "presidium")
        town.sit("council", "farida", "polisen")
        town.sit("council", "gunnar", "raddningstjansten")
        town.grant("sofia", "secretary", body="council")
        town.grant("sofia", "registrar")
        return town

    def close(self) -> None:
        self.client.close()
        self.municipality.close()

    # --- asking
    def header(self, who: str | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return token | dict(more or {})

    def ask(
        self, path: str, who: str | None = "operator", headers: Mapping[str, str] | None = None, **body: Any
    ) -> Any:
        """Post a command, and the whole answer."""
        return self.client.post(f"{V1}/{path}", json=body, headers=self.header(who, headers))

    def do(self, path: str, who: str = "operator", **body: Any) -> dict[str, Any]:
        """Post a command that must succeed."""
        answer = self.ask(path, who, **body)
        assert answer.status_code in (200, 201, 204), answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def made(self, path: str, who: str = "operator", **body: Any) -> str:
        """Post a command that makes something; its id."""
        return str(self.do(path, who, **body)["id"])

    def refused(self, status: int, path: str, who: str | None = "operator", **body: Any) -> dict[str, Any]:
        """Post a command that must be refused with this status."""
        answer = self.ask(path, who, **body)
        assert answer.status_code == status, answer.text
        return problem(answer)

    def read(self, path: str, who: str | None = "sofia", headers: Mapping[str, str] | None = None) -> Any:
        """Get something, and the whole answer."""
        return self.client.get(f"{V1}/{path}", headers=self.header(who, headers))

    def seen(self, path: str, who: str = "sofia") -> Any:
        """Get something that must be there, as JSON."""
        answer = self.read(path, who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # --- people
    def register(self, who: str, name: str, organisation: str | None = None) -> None:
        more = {"organisation": organisation} if organisation else {}
        self.ids[who] = self.made("persons/register-person", name=name, **more)
        self.tokens[who] = self.do(f"persons/{self.ids[who]}/issue-token", label="test", days=400)["token"]

    def sit(self, body: str, who: str, seat: str, capacity: str = "member") -> None:
        self.do(
            f"bodies/{self.ids[body]}/give-mandate",
            person=self.ids[who], seat=seat, capacity=capacity, valid_from="2023-01-01",
        )  # fmt: skip

    def grant(self, who: str, role: str, body: str | None = None) -> None:
        self.do(
            f"persons/{self.ids[who]}/grant-role",
            role=role, body=self.ids[body] if body else None, valid_from="2023-01-01", ground="Delegationsbeslut",
        )  # fmt: skip

    def passphrase(self, who: str) -> None:
        """Let a person choose a passphrase through a link."""
        link = self.do(f"persons/{self.ids[who]}/issue-passphrase-link")["token"]
        answer = self.client.post(f"{V1}/passphrase", json={"link": link, "passphrase": PASSPHRASE})
        assert answer.status_code == 204, answer.text

    # --- a meeting
    def called(self, starts: str = "2024-03-12T13:00", sent_on: str = "2024-03-01") -> str:
        """A meeting that all members were called to."""
        self.clock.move_to(datetime.fromisoformat(f"{sent_on}T09:00").replace(tzinfo=HERE))
        meeting = self.made(
            "meetings/schedule-meeting", "sofia", body=self.ids["council"], starts=starts, place="Sal A"
        )
        everyone = [{"person": self.ids[who]} for who in ("karin", "per", "farida", "gunnar")]
        self.do(f"meetings/{meeting}/issue-kallelse", "sofia", recipients=everyone)
        return meeting

    def held(self, meeting: str) -> None:
        """The meeting is held, with a decision and a dissent, and Per is to approve with the chair."""
        starts = str(self.seen(f"meetings/{meeting}")["starts"])
        self.clock.move_to(datetime.fromisoformat(starts).replace(tzinfo=HERE))
        at = f"meetings/{meeting}"
        self.do(f"{at}/open-meeting", "sofia", chair=self.ids["karin"])
        self.do(f"{at}/record-secretary", "sofia", person=self.ids["sofia"])
        for who in ("karin", "per", "farida"):
            self.do(f"{at}/record-presence", "sofia", person=self.ids[who], capacity="member")
        self.do(f"{at}/record-absence", "sofia", person=self.ids["gunnar"], status="absent")
        self.do(f"{at}/elect-justerare", "sofia", person=self.ids["per"], item=1)
        self.do(
            f"{at}/record-report", "sofia", item=1, by=self.ids["farida"], text="Läget är lugnt i centrum."
        )
        self.do(
            f"{at}/record-decision", "sofia", item=1, points=["Rådet lägger rapporten till handlingarna."]
        )
        self.do(
            f"{at}/record-dissent",
            "farida",
            item=1,
            participant=self.ids["farida"],
            view="Rapporten räcker inte.",
        )
        self.do(f"{at}/close-meeting", "sofia")

    def minuted(self, meeting: str) -> str:
        """Minutes are drafted and circulated to both who are to approve them."""
        minutes = self.made("minutes/draft-minutes", "sofia", meeting=meeting)
        everyone = [self.ids["karin"], self.ids["per"]]
        self.do(f"minutes/{minutes}/circulate-minutes", "sofia", version=1, recipients=everyone)
        return minutes

    def signed(self, minutes: str, who: str, office: str, version: int = 1) -> dict[str, Any]:
        """A person signs for an office; the answer to the second request."""
        begun = self.do(f"minutes/{minutes}/signings", who, version=version, office=office)
        return self.do(f"signings/{begun['signing']}/resume", who, passphrase=PASSPHRASE)

    def react(self) -> None:
        """Let the registry do what it does by itself."""
        Reactions(self.municipality).run()


def problem(answer: Any) -> dict[str, Any]:
    """The problem of an answer, with everything that every problem has."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["type"] == f"urn:liggare:refusal:{found['code']}"
    for name in ("title", "detail", "instance", "what_to_do"):
        assert found[name].strip(), name
    assert found["detail"] != found["code"], "the code has no sentence"
    return found
