"""Where the signature boxes stand: one place for the paper and for the signature fields.

- The last page holds one box for each signer in order and then the box for the municipality's stamp.
- Places are whole hundredths of a millimetre from the lower left corner of an A4 page. The template draws
  from the same numbers, so a field laid over a box covers it exactly.
- Minutes get a page of their own (underskriftssida). An extract and a correction with few signers carry
  their boxes at the foot of the last page, so that a short one stays one page.
"""

from collections.abc import Sequence
from typing import TypeAlias

from projections.paper.sheets import Copy, Correction, Extract, Minutes, Sheet

Box: TypeAlias = tuple[float, float, float, float]
Cell: TypeAlias = tuple[int, int, int, int]

MOST_SIGNERS = 6
MOST_AT_FOOT = 2
_HEIGHT = 2600
# The signature page: captions to the left, boxes to the right, one below the other.
_LEFT, _RIGHT, _TOP = 8500, 18500, 25200
_WIDE, _CLOSE = 3400, 2850
# The foot: two columns with captions above; for two signers the stamp stands below the first.
_COLUMNS = ((2500, 10100), (10900, 18500))
_LOW, _SECOND, _HIGH = 3000, 5500, 7200


def page_cells(n_signers: int) -> list[Cell]:
    """The cells of a whole signature page."""
    if not 0 <= n_signers <= MOST_SIGNERS:
        raise ValueError(f"a signature page holds 0 to {MOST_SIGNERS} signers, not {n_signers}")
    pitch = _WIDE if n_signers <= 4 else _CLOSE
    tops = [_TOP - i * pitch for i in range(n_signers + 1)]
    return [(_LEFT, top - _HEIGHT, _RIGHT, top) for top in tops]


def foot_cells(n_signers: int) -> list[Cell]:
    """The cells at the foot of the last page."""
    if not 0 <= n_signers <= MOST_AT_FOOT:
        raise ValueError(f"the foot of a page holds 0 to {MOST_AT_FOOT} signers, not {n_signers}")
    places = {0: [(0, _LOW)], 1: [(0, _SECOND), (1, _SECOND)], 2: [(0, _HIGH), (1, _HIGH), (0, _LOW)]}
    return [(_COLUMNS[c][0], low, _COLUMNS[c][1], low + _HEIGHT) for c, low in places[n_signers]]


def at_foot(sheet: Sheet) -> bool:
    """Whether the boxes stand at the foot of the last page, not on a page of their own."""
    match sheet:
        case Extract() | Copy():
            return True
        case Correction():
            return len(sheet.signers) <= MOST_AT_FOOT
        case _:
            return False


def cells(sheet: Sheet) -> list[Cell]:
    """The cells a sheet has; none when it is not signed on paper of its own."""
    match sheet:
        case Minutes(web=False):
            return page_cells(len(sheet.signers))
        case Extract(web=False):
            return foot_cells(1)
        case Copy():
            return foot_cells(0)
        case Correction():
            count = len(sheet.signers)
            return foot_cells(count) if at_foot(sheet) else page_cells(count)
        case _:
            return []


def _points(found: Sequence[Cell]) -> list[Box]:
    def point(hundredths: int) -> float:
        return hundredths * 72 / 2540

    return [(point(a), point(b), point(c), point(d)) for a, b, c, d in found]


def signature_boxes(n_signers: int) -> list[Box]:
    """Boxes on the last page of minutes in PDF points: the signers in order, then the stamp."""
    return _points(page_cells(n_signers))


def sheet_boxes(sheet: Sheet) -> list[Box]:
    """Boxes on the last page of any sheet in PDF points; empty when the sheet has none."""
    return _points(cells(sheet))
