"""The canonical form of signing.canonical, read and written with orjson: the same bytes, values and refusals, faster.

- Only what is certainly canonical is accepted here. Whatever else there is goes to the strict reader in signing, which
  knows better or says which rule was broken.
"""

from __future__ import annotations

import orjson

from signing.canonical import JSON, MAX_DEPTH, decode_strictly, is_certain
from signing.canonical import encode as encode_strictly

_EXACT = orjson.OPT_SORT_KEYS
_STRICT = (
    _EXACT | orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
)


def encode(value: JSON) -> bytes:
    """The canonical bytes of a value; raises NotCanonical.

    Bytes all in ASCII are NFC and hold no lone surrogate, and what has few brackets is not deep. orjson would also take
    a float, which is not JSON here; the types keep it out.
    """
    try:
        data = orjson.dumps(value, option=_STRICT)
    except orjson.JSONEncodeError:
        return encode_strictly(value)
    certain = data.isascii() and data.count(b"[") + data.count(b"{") <= MAX_DEPTH
    return data if certain else encode_strictly(value)


def decode(data: bytes) -> JSON:
    """The value of canonical bytes; raises NotCanonical."""
    try:
        value: JSON = orjson.loads(data)
        if orjson.dumps(value, option=_EXACT) == data and is_certain(value, data):
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return decode_strictly(data)
