"""``sortie demo``: from the flags to the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bot.demo.console import CannotStart, Console
from bot.demo.folder import DEFAULT_FOLDER, DemoFolder, Kept, settle
from bot.demo.launcher import Launcher
from bot.demo.sandbox_client import Cast
from bot.demo.script import Crew, Script
from bot.demo.tally import all_hold, count, last_line
from bot.demo_options import DemoOptions

EXIT_FAILED = 1
EXIT_INCOMPLETE = 2
HEADLESS_FOLDER = Path("var") / "demo-headless"
LONGEST_SCRIPT_S = 240.0
T = TypeVar("T")


def run_demo(options: DemoOptions) -> int:
    """Play until Ctrl-C, or as long as asked; return the exit code: 1 when the demo could not start or go on."""
    console = Console(headless=options.headless)
    if options.headless:
        # A script needs the market's planned beginning; and it must not play with a person's own demo.
        options = replace(options, fresh=True, open_browser=False)
    folder = DemoFolder(options.state_dir or (HEADLESS_FOLDER if options.headless else DEFAULT_FOLDER))
    try:
        folder.take()
        try:
            kept, said = settle(folder, options)
            if options.headless:
                console.say("A headless run starts fresh.")
            if said is not None:
                console.say(said)
            return asyncio.run(_play(options, folder, kept, console))
        finally:
            folder.release()
    except CannotStart as error:
        console.fail(error)
        return EXIT_FAILED


async def _play(options: DemoOptions, folder: DemoFolder, kept: Kept, console: Console) -> int:
    launcher = Launcher(options, folder, kept, console)
    begun = time.monotonic()
    stop = asyncio.Event()
    with _signals_to(stop, launcher):
        try:
            cast = await _first(stop, launcher.open())
            if cast is None:
                code = 0
            elif options.headless:
                code = await _headless(stop, launcher, cast, options, console, begun)
            else:
                code = await _interactive(stop, launcher, options, console)
        finally:
            await launcher.close()
    if not options.headless:
        console.say("Stopped. The next start goes on from here.")
    return code


async def _interactive(stop: asyncio.Event, launcher: Launcher, options: DemoOptions, console: Console) -> int:
    console.say(f"Open {launcher.client.address} - Ann trades, Carl commands. Ctrl-C stops.")
    if options.open_browser:
        await asyncio.to_thread(_open_browser, launcher.client.address)
    try:
        async with asyncio.timeout(options.seconds):
            broken = await _first(stop, launcher.sandbox_ended())
    except TimeoutError:
        return 0
    return 0 if broken is None else EXIT_FAILED


async def _headless(
    stop: asyncio.Event, launcher: Launcher, cast: Cast, options: DemoOptions, console: Console, begun: float
) -> int:
    """Play the script, stop the desk, and say what the run came to; a signal cuts the script short."""
    planned = launcher.planned.symbol if launcher.planned is not None else None
    until = begun + options.seconds if options.seconds is not None else None
    script = Script(Crew.of(launcher.client, cast), launcher.desk, console, planned=planned, until=until)
    try:
        async with asyncio.timeout(max(options.seconds or 0, LONGEST_SCRIPT_S)):
            await _first(stop, script.play())
    except TimeoutError:
        console.say("The script took too long and was cut short.")
    await launcher.said_everything()
    await launcher.close_desk()
    report = await launcher.invariants(cast).final()
    for check in report.checks:
        console.say(f"{check.number:2}  {check.status.value:7}  {check.name}: {check.detail}")
    tally = await asyncio.to_thread(launcher.reading.read, count)
    if tally is None:
        raise CannotStart("the desk's database cannot be read", f"see {launcher.reading.state}")
    console.result(last_line(tally, report.checks))
    return 0 if tally.complete and all_hold(report.checks) else EXIT_INCOMPLETE


async def _first(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """Do the work unless the demo is stopped first; then cancel it and return None."""
    doing, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        for task in (doing, stopping):
            task.cancel()
        await asyncio.wait((doing, stopping))


@contextmanager
def _signals_to(stop: asyncio.Event, launcher: Launcher) -> Iterator[None]:
    """Let the first signal stop the demo in order, and the second at once."""
    loop = asyncio.get_running_loop()

    def on_signal(*_: object) -> None:
        if stop.is_set():
            launcher.kill()
        loop.call_soon_threadsafe(stop.set)

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), on_signal) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _open_browser(address: str) -> None:
    """Open the page where there is a screen; a browser of text would take the terminal away."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    webbrowser.open(address)
