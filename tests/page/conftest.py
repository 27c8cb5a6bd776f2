from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from .desk import Bot, Control, Sandbox, serve_control

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# No wider than the package: its event loop would stand in the way of the tests that run one of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if not found:
        pytest.skip(f"no browser on this machine; looked for {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(folder=tmp_path)
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def controlled(tmp_path: Path) -> Iterator[tuple[Sandbox, Control]]:
    control = Control()
    with serve_control(control) as address:
        sandbox = Sandbox(folder=tmp_path, control_url=address)
        sandbox.start()
        yield sandbox, control
        sandbox.stop()


@pytest.fixture
def bot(sandbox: Sandbox) -> Bot:
    return sandbox.bot()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the page in a fresh browser profile; a script error or a blocked resource fails the test."""
    contexts = []
    troubles: list[str] = []

    def opened(url: str, *, width: int = 1440, height: int = 900, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda message: troubles.append(message.text) if "Content Security Policy" in message.text else None,
        )
        page.goto(url)
        page.locator("#app:not([aria-busy])").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()

    assert troubles == []
