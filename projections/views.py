"""Every view there is, and with the tiles of the tree every projection, in the order they are folded."""

from __future__ import annotations

from projections import (
    afterwards,
    assignments,
    deliberations,
    instruments,
    matters,
    meetings,
    minutes,
    organisation,
    register,
    reports,
    todo,
)
from projections.belonging import LINK
from projections.evidence import Evidence
from projections.trail import VIEWS as TRAIL
from projections.view import Assert, Projection, Record, Retract, View

__all__ = ["BY_NAME", "PROJECTIONS", "VIEWS", "Assert", "Projection", "Record", "Retract", "View"]

VIEWS: tuple[View, ...] = (
    LINK,
    *register.VIEWS,
    *organisation.VIEWS,
    *matters.VIEWS,
    *meetings.VIEWS,
    *deliberations.VIEWS,
    *minutes.VIEWS,
    *afterwards.VIEWS,
    *assignments.VIEWS,
    *instruments.VIEWS,
    *reports.VIEWS,
    *todo.VIEWS,
    *TRAIL,
)
BY_NAME = {view.name: view for view in VIEWS}
PROJECTIONS: tuple[Projection, ...] = (*VIEWS, Evidence())
