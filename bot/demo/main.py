"""``sortie demo``: from the flags to the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager

from bot.demo.console import CannotStart, Console
from bot.demo.folder import DEFAULT_FOLDER, DemoFolder, Kept, settle
from bot.demo.launcher import Launcher
from bot.demo_options import DemoOptions

EXIT_FAILED = 1


def run_demo(options: DemoOptions) -> int:
    """Play until Ctrl-C, or as long as asked; return the exit code: 1 when the demo could not start or go on."""
    console = Console(headless=options.headless)
    folder = DemoFolder(options.state_dir or DEFAULT_FOLDER)
    try:
        folder.take()
        try:
            kept, said = settle(folder, options)
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
    stop = asyncio.Event()
    with _signals_to(stop, launcher):
        try:
            code = await _until(stop, launcher, options, console)
        finally:
            await launcher.close()
    console.say("Stopped. The next start goes on from here.")
    return code


async def _until(stop: asyncio.Event, launcher: Launcher, options: DemoOptions, console: Console) -> int:
    stopping = asyncio.create_task(stop.wait())
    opening = asyncio.create_task(launcher.open())
    await asyncio.wait((stopping, opening), return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        await asyncio.wait((opening,))
        return 0
    opening.result()
    console.say(f"Open {launcher.client.address} - Ann trades, Carl commands. Ctrl-C stops.")
    if options.open_browser:
        await asyncio.to_thread(_open_browser, launcher.client.address)
    broken = asyncio.create_task(launcher.sandbox_ended())
    await asyncio.wait((stopping, broken), return_when=asyncio.FIRST_COMPLETED, timeout=options.seconds)
    return EXIT_FAILED if broken.done() else 0


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
