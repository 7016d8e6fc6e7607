"""The canonical form of signing.canonical, read with orjson: the same values and the same refusals, faster.

- Only what is certainly canonical is accepted here. Whatever else there is goes to the strict reader in signing, which
  knows better or says which rule was broken.
"""

from __future__ import annotations

import orjson

from signing.canonical import JSON, decode_strictly, is_certain

_EXACT = orjson.OPT_SORT_KEYS


def decode(data: bytes) -> JSON:
    """The value of canonical bytes; raises NotCanonical."""
    try:
        value: JSON = orjson.loads(data)
        if orjson.dumps(value, option=_EXACT) == data and is_certain(value, data):
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return decode_strictly(data)
