"""Small pictures made on the spot."""

from __future__ import annotations

import struct
import zlib

from sandbox.telegram.files import Upload


def png(width: int = 4, height: int = 3) -> bytes:
    """Draw a black PNG of the given size in pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def picture(width: int = 4, height: int = 3) -> Upload:
    return Upload(filename="chart.png", mime="image/png", content=png(width, height))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
