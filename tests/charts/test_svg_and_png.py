"""The drawn pictures: sound SVG, letters that leave pixels, and a drawing process that may die, hang or be closed."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from services.charts import worker
from services.charts.chart_model import chart_model
from services.charts.equity_model import equity_model
from services.charts.layout import Box
from services.charts.png import COMMAND, ChartRenderer
from services.charts.spec import PictureSpec
from services.charts.svg import render_svg
from services.domain.errors import Unavailable
from services.domain.signals import Side
from services.domain.trades import TerminalMode

from .pictures import GROUND, attributes, candles, crop, curve, equity_labels, ink, instrument, mission, mission_labels

TINY = mission(
    side=Side.SHORT,
    entry=0.00005107,
    risk=0.000001,
    now=0.00005158,
    shown=candles(60, level=0.000051),
    grid=instrument("ADA/BTC", "0.00000001"),
    mode=TerminalMode.TESTNET,
    zone="Asia/Kolkata",
)


@pytest.mark.parametrize(
    "spec",
    [mission(), TINY, mission(shown=()), mission(risk=40.0), curve("50", "-80", "0"), curve()],
    ids=["long", "tiny short", "no candles", "far levels", "curve", "no trades"],
)
def test_every_label_leaves_pixels_in_its_area(spec: PictureSpec) -> None:
    svg = render_svg(spec)
    labels = mission_labels(chart_model(spec)) if hasattr(spec, "candles") else equity_labels(equity_model(spec))

    bare = [words for words, box in labels if ink(crop(svg, box)) < 12 * len(words)]

    assert bare == []


def test_an_area_without_a_label_is_bare() -> None:
    rows = crop(render_svg(curve()), Box(left=100, top=450, width=300, height=30))

    assert {pixel for row in rows for pixel in row} == {GROUND}


@pytest.mark.parametrize("spec", [mission(), TINY, curve("1"), curve()])
def test_the_svg_is_a_document_of_its_own(spec: PictureSpec) -> None:
    svg = render_svg(spec)

    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("900", "600", "0 0 900 600")
    assert not {"script", "style", "image", "use"} & {each.tag.rpartition("}")[2] for each in root.iter()}
    assert not [each for name in ("href", "style", "onload") for each in attributes(svg, name)]
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text


def test_names_cannot_break_out_of_their_text() -> None:
    svg = render_svg(mission(grid=instrument("<script>&\"'/X")))

    assert "<script>" not in svg
    assert ElementTree.fromstring(svg) is not None


def test_the_same_spec_gives_the_same_svg() -> None:
    assert render_svg(mission()) == render_svg(mission())


def test_fonts_come_from_the_package_and_nowhere_else() -> None:
    svg = render_svg(mission())
    area = mission_labels(chart_model(mission()))[0][1]

    assert all(Path(font).is_file() for font in worker.font_files())
    assert ink(crop(svg, area)) > 500
    # The same call without the package's files has no letters: no font of the machine is looked at.
    fontless = worker.draw(svg, [])
    assert len(fontless) < len(worker.draw(svg, worker.font_files()))


def test_the_drawing_process_imports_nothing_of_the_desk() -> None:
    tree = ast.parse(Path(worker.__file__).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported - set(sys.stdlib_module_names) == {"font_roboto", "resvg_py"}
    assert COMMAND[1:] == ("-P", worker.__file__)


@pytest.fixture
async def renderer() -> AsyncIterator[ChartRenderer]:
    made = ChartRenderer(keep=2)
    yield made
    await made.close()


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


REFUSES = """
import json, os, struct, sys
while len(head := sys.stdin.buffer.read(4)) == 4:
    sys.stdin.buffer.read(struct.unpack(">I", head)[0])
    body = json.dumps(sorted(os.environ)).encode()
    sys.stdout.buffer.write(b"\\x01" + struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()
"""


async def test_a_picture_is_a_png_of_900_by_600(renderer: ChartRenderer) -> None:
    assert renderer.pid is None

    png = await renderer.png(mission())

    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (900, 600)
    assert len(png) < 200_000
    assert png == worker.draw(render_svg(mission()), worker.font_files())


async def test_equal_specs_are_drawn_once_and_old_pictures_are_dropped(renderer: ChartRenderer) -> None:
    first, again = await asyncio.gather(renderer.png(mission()), renderer.png(mission()))
    assert first is again
    await renderer.png(curve("1"))

    assert await renderer.png(mission()) is first

    await renderer.png(curve("2"))
    await renderer.png(curve("3"))
    assert await renderer.png(mission()) is not first


async def test_a_process_that_died_is_started_again(renderer: ChartRenderer) -> None:
    await renderer.png(mission())
    lost = renderer.pid
    assert lost is not None
    os.kill(lost, signal.SIGKILL)

    png = await renderer.png(TINY)

    assert png == worker.draw(render_svg(TINY), worker.font_files())
    assert renderer.pid not in (None, lost)


@pytest.mark.parametrize(
    "command",
    [
        python("pass"),
        python("import sys; sys.stdin.buffer.read(100); sys.stdout.buffer.write(b'\\x00\\x00\\x00'); sys.stdout.flush()"),
        ("./no-such-program",),
    ],
    ids=["dies at once", "half an answer", "cannot start"],
)
async def test_a_process_that_dies_twice_is_unavailable(command: tuple[str, ...]) -> None:
    renderer = ChartRenderer(command=command)

    with pytest.raises(Unavailable) as caught:
        await renderer.png(mission())

    assert caught.value.code == "CHART_WORKER_LOST"
    assert renderer.pid is None
    await renderer.close()


async def test_a_process_that_hangs_is_ended_and_unavailable() -> None:
    renderer = ChartRenderer(command=python("import sys; sys.stdin.read()"), timeout=0.2)

    with pytest.raises(Unavailable) as caught:
        await renderer.png(mission())

    assert (caught.value.code, caught.value.values) == ("CHART_TIMEOUT", {"limit_s": 0.2})
    assert renderer.pid is None
    await renderer.close()


async def test_a_refusal_is_unavailable_with_its_reason_and_no_second_try() -> None:
    renderer = ChartRenderer(command=python(REFUSES))

    with pytest.raises(Unavailable) as caught:
        await renderer.png(mission())

    assert caught.value.code == "CHART_REFUSED"
    assert renderer.pid is not None
    await renderer.close()


async def test_the_drawing_process_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORTIE_TELEGRAM__TOKEN", "not for others")
    renderer = ChartRenderer(command=python(REFUSES))

    with pytest.raises(Unavailable) as caught:
        await renderer.png(mission())

    names = json.loads(str(caught.value.values["reason"]))
    assert "PATH" in names
    assert not [name for name in names if name.startswith("SORTIE")]
    await renderer.close()


async def test_a_cancelled_picture_does_not_mix_with_the_next(renderer: ChartRenderer) -> None:
    await renderer.png(curve("1"))
    started = asyncio.create_task(renderer.png(mission()))
    await asyncio.sleep(0)
    started.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started

    png = await renderer.png(TINY)

    assert png == worker.draw(render_svg(TINY), worker.font_files())


async def test_closing_ends_the_process_and_refuses_more(renderer: ChartRenderer) -> None:
    await renderer.png(mission())
    pid = renderer.pid
    assert pid is not None
    waiting = asyncio.create_task(renderer.png(TINY))
    await asyncio.sleep(0)

    await renderer.close()

    with pytest.raises(Unavailable, match="CHARTS_CLOSED"):
        await waiting
    with pytest.raises(Unavailable, match="CHARTS_CLOSED"):
        await renderer.png(curve("1"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_drawing_leaves_the_event_loop_free(renderer: ChartRenderer) -> None:
    await renderer.png(curve("1"))
    drawing = asyncio.create_task(renderer.png(mission()))
    turns = 0
    while not drawing.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 50


def test_the_worker_answers_until_its_input_ends(tmp_path: Path) -> None:
    requests, answers = tmp_path / "requests", tmp_path / "answers"
    texts = [render_svg(curve()).encode(), b"no svg", b"\xff\xfe"]
    requests.write_bytes(b"".join(worker.LENGTH.pack(len(text)) + text for text in texts))

    with requests.open("rb") as source, answers.open("wb") as sink:
        worker.serve(source, sink)

    left = answers.read_bytes()
    kinds = []
    while left:
        kinds.append(left[:1])
        left = left[5 + worker.LENGTH.unpack(left[1:5])[0] :]
    assert kinds == [worker.PICTURE, worker.REFUSAL, worker.REFUSAL]
