"""Whether enough members were there for a body to decide, where its regulation asks for it.

- A nämnd deals with matters only if more than half of its members are present (kommunallagen 6:27), fullmäktige
  likewise (5:45). Councils of other kinds are not bound by that unless their own regulation says so (L9).
- A member is there if present at the item, or if somebody who stands in for that member is.
- Unknown is not absent: only if there are too few even when all are counted of whom nothing is noted, that is recorded
  as found. Where no member is entered, as with an extract of older minutes, nothing is (Al9). The decision stands in
  the record either way: what happened is never refused.
"""

from __future__ import annotations

from domain import grounds
from domain.body import Body
from domain.meeting import Meeting
from domain.meeting_parts import Attendance, Presence
from domain.messages import Finding, World
from domain.rule_kinds import QUORUM


def too_few(meeting: Meeting, item: int, world: World) -> tuple[Finding, ...]:
    """What is found if too few were there at an item."""
    rules = grounds.rules_of(meeting, world)
    quorum = rules.read(QUORUM) if rules else None
    if rules is None or quorum is None:
        return ()
    members = world.get(Body, meeting.body).counted_at(meeting.day, quorum.counted)
    if not members:
        return ()
    there = {one.substitutes_for or one.person for one in meeting.presences if _at(one, item, meeting)}
    unknown = {one for one in members if meeting.attendance(one) is Attendance.UNKNOWN}
    needed, present = quorum.needed(len(members)), len(there & set(members))
    if len((there | unknown) & set(members)) >= needed:
        return ()
    expected, observed = f"{needed} of {len(members)} present", f"{present} present"
    return (grounds.finding("too-few-present", rules, "quorum", expected, observed),)


def _at(one: Presence, item: int, meeting: Meeting) -> bool:
    here = meeting.place_of(item)
    came = one.from_item is None or meeting.place_of(one.from_item) <= here
    gone = one.left and one.after_item is not None and meeting.place_of(one.after_item) < here
    return came and not gone
