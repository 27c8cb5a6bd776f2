"""Files: what was uploaded, what is stored, and the size of a picture read from its first bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sandbox.telegram.failures import bad
from sandbox.telegram.wire import JsonObject

PHOTO_BYTES = 10 * 1024 * 1024
UPLOAD_BYTES = 50 * 1024 * 1024
DOWNLOAD_BYTES = 20 * 1024 * 1024
_PHOTO_SIDES = 10_000
_PHOTO_RATIO = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a request."""

    filename: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file the server keeps; width and height are pixels, 0 for what is not a picture."""

    file_id: str
    unique_id: str
    path: str
    name: str
    mime: str
    size: int
    width: int = 0
    height: int = 0

    def wire(self) -> JsonObject:
        """Build the API's File object."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
            "file_path": self.path,
        }

    def photo_wire(self) -> JsonObject:
        """Build the API's PhotoSize object."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
            "width": self.width,
            "height": self.height,
        }

    def document_wire(self) -> JsonObject:
        """Build the API's Document object."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
            "file_name": self.name,
            "mime_type": self.mime,
        }


def photo_sides(upload: Upload) -> tuple[int, int]:
    """Read width and height of a photo in pixels; refuse what Telegram would not take as a photo."""
    if not upload.content:
        raise bad("file must be non-empty")
    if len(upload.content) > PHOTO_BYTES:
        raise bad(f"file of size {len(upload.content)} bytes is too big for a photo; the maximum size is {PHOTO_BYTES} bytes")
    sides = _sides(upload.content)
    if sides is None:
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = sides
    if not width or not height or width + height > _PHOTO_SIDES or max(sides) > _PHOTO_RATIO * min(sides):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return sides


def check_document(upload: Upload) -> None:
    """Refuse a document Telegram would not take."""
    if not upload.content:
        raise bad("file must be non-empty")
    if len(upload.content) > UPLOAD_BYTES:
        raise bad("file is too big")


def _sides(content: bytes) -> tuple[int, int] | None:
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack(">II", content[16:24])
        if content[:6] in (b"GIF87a", b"GIF89a"):
            return struct.unpack("<HH", content[6:10])
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return _webp_sides(content)
        if content.startswith(b"\xff\xd8"):
            return _jpeg_sides(content)
    except (struct.error, IndexError):
        return None
    return None


def _webp_sides(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = int.from_bytes(content[24:27], "little"), int.from_bytes(content[27:30], "little")
        return width + 1, height + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _jpeg_sides(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at < len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + int(struct.unpack(">H", content[at + 2 : at + 4])[0])
    return None
