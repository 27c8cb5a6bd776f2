"""JSON as it stands on the wire."""

from __future__ import annotations

import json
from typing import Any

JsonObject = dict[str, Any]


def dumps(value: Any) -> str:
    """Write a JSON value without spaces, in ASCII, so that it goes into any body as it is."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"))
