"""Accepting that what a rule asked for was not done, or was done otherwise: a command of the stream body-<id>.

- A deviation is accepted by somebody, for a reason, for one stretch of time of one rule. The rule stays as it is, and
  what was not done stays undone: only how it is shown changes (husregel 11).
- The rule is one that has been adopted for the body; its source goes into the event.
- Accepting anew, with another reason, is another event; the latest is shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from domain.body import Body, rules_in_force
from domain.body_events import DeviationAccepted, Period
from domain.constituting import ARRANGES
from domain.lookup import day_of, existing, news
from domain.messages import Actor, Code, Command, Id, Known, Line, New, PublicName, Role, SourcePart, World


class AcceptDeviation(Command):
    """Record that a deviation from a rule was accepted, by whom and why (godta avvikelse)."""

    STREAM: ClassVar[str] = "body"
    ROLES: ClassVar[frozenset[Role]] = ARRANGES | {Role.CHAIR}

    body: Id
    rule: Annotated[Code, Field(examples=["meetings-per-year"])]
    period: Annotated[Period, Field(examples=["2027"])]
    accepted_by: Annotated[PublicName, Field(examples=["Ordföranden"])]
    reason: Line


COMMANDS = (AcceptDeviation,)


def decide(command: AcceptDeviation, world: World, actor: Actor, now: datetime) -> list[New]:
    body = existing(world, Body, command.body)
    adopted = [rule for one in body.regulations if (rule := one.rules.get(command.rule)) is not None]
    rule = adopted[-1] if adopted else rules_in_force(body, day_of(command, now)).require(command.rule)
    accepted = DeviationAccepted(
        body=command.body,
        rule=command.rule,
        period=command.period,
        accepted_by=Known(command.accepted_by),
        reason=Known(command.reason),
        source=SourcePart.of(rule.source),
    )
    return news(Body, command.body, accepted)
