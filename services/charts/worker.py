"""The drawing process: SVG in, PNG out, over its own standard streams. It imports nothing of the desk.

A request is a length (4 bytes, big-endian) and so many bytes of SVG; the answer is a byte (0 picture, 1 refusal), a
length and so many bytes of PNG or of the reason. The end of the input ends the process, so it never outlives the desk.
"""

from __future__ import annotations

import signal
import struct
import sys
from pathlib import Path
from typing import BinaryIO

LENGTH = struct.Struct(">I")
PICTURE, REFUSAL = b"\x00", b"\x01"


def font_files() -> list[str]:
    """Return the two faces that the pictures use, from the font package."""
    import font_roboto

    folder = Path(font_roboto.__file__).parent / "files"
    return [str(folder / name) for name in ("Roboto-Regular.ttf", "Roboto-Bold.ttf")]


def draw(svg: str, fonts: list[str]) -> bytes:
    """Return the PNG of an SVG document; raise ValueError when it is none."""
    import resvg_py

    picture: bytes = resvg_py.svg_to_bytes(
        svg_string=svg, skip_system_fonts=True, font_files=fonts, font_family="Roboto", sans_serif_family="Roboto"
    )
    return picture


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests one after the other until their stream ends."""
    fonts = font_files()
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        svg = requests.read(LENGTH.unpack(head)[0])
        try:
            kind, body = PICTURE, draw(svg.decode(), fonts)
        except ValueError as error:
            kind, body = REFUSAL, str(error).encode()
        answers.write(kind + LENGTH.pack(len(body)) + body)
        answers.flush()


if __name__ == "__main__":
    # Ctrl-C reaches the whole terminal group; the desk stops this process by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
