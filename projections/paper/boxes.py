"""Where the signature boxes stand: one place for the paper and for the signature fields.

- The last page holds one box for each signer in order and then the box for the municipality's stamp.
- Places are whole hundredths of a millimetre from the lower left corner of an A4 page. The template draws
  from the same numbers, so a field laid over a box covers it exactly.
- Minutes get a page of their own (underskriftssida). An extract and a correction with few signers carry
  their boxes at the foot of the last page, so that a short one stays one page.
"""

from collections.abc import Sequence
from typing import TypeAlias

from projections.paper.sheets import Correction, Extract, Minutes, Sheet

Box: TypeAlias = tuple[float, float, float, float]
Cell: TypeAlias = tuple[int, int, int, int]

MOST_SIGNERS = 6
MOST_AT_FOOT = 2
_LEFT, _RIGHT, _HEIGHT = 8500, 18500, 2600
_PAGE_TOP = 25200
_FOOT_BOTTOM = 5600
_WIDE, _CLOSE = 3400, 2850


def _cells(top: int, rows: int, pitch: int) -> list[Cell]:
    return [(_LEFT, top - i * pitch - _HEIGHT, _RIGHT, top - i * pitch) for i in range(rows)]


def page_cells(n_signers: int) -> list[Cell]:
    """The cells of a whole signature page."""
    if not 0 <= n_signers <= MOST_SIGNERS:
        raise ValueError(f"a signature page holds 0 to {MOST_SIGNERS} signers, not {n_signers}")
    return _cells(_PAGE_TOP, n_signers + 1, _WIDE if n_signers <= 4 else _CLOSE)


def foot_cells(n_signers: int) -> list[Cell]:
    """The cells at the foot of the last page."""
    if not 0 <= n_signers <= MOST_AT_FOOT:
        raise ValueError(f"the foot of a page holds 0 to {MOST_AT_FOOT} signers, not {n_signers}")
    return _cells(_FOOT_BOTTOM + n_signers * _CLOSE + _HEIGHT, n_signers + 1, _CLOSE)


def cells(sheet: Sheet) -> list[Cell]:
    """The cells a sheet has; none when it is not signed on paper of its own."""
    match sheet:
        case Minutes(web=False):
            return page_cells(len(sheet.signers))
        case Extract(web=False):
            return foot_cells(1)
        case Correction():
            count = len(sheet.signers)
            return foot_cells(count) if count <= MOST_AT_FOOT else page_cells(count)
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
