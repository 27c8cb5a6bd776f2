"""Every alert code has a page that can be acted on without anything beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest import CaptureFixture

from bot.reference.commands import chat_commands
from handlers.cli.runbook import show_runbook
from handlers.telegram.views.runbooks import render_codes, render_runbook
from sandbox.telegram.html import parse
from services.access.runbooks import RUNBOOKS, Runbook, find_code, severity_of
from services.domain.errors import NotFound
from services.domain.incidents import AlertCode, Severity

SENTENCE, LINES, CHARACTERS = 240, 16, 1400
WHOLE = RUNBOOKS[AlertCode.STOP_LATE]


def flaws(page: Runbook) -> list[str]:
    """Return what keeps a page from being acted on."""
    sentences = (page.happened, page.exposed, page.press, page.closes, *page.steps)
    found = [f"no sentence: {text!r}" for text in sentences if not text[:1].isalnum() or not text.endswith(".")]
    found += [f"too long: {text!r}" for text in (*sentences, page.done) if len(text) > SENTENCE]
    found += [f"markup: {text!r}" for text in (*sentences, page.done) if set("`<>") & set(text)]
    if not page.done or page.done.endswith("."):
        found.append("done is a clause: the message sets it behind a colon")
    if page.next.split()[0].lstrip("/") not in {spec.name for spec in chat_commands().all()}:
        found.append(f"{page.next} is no command")
    return found + ([] if page.steps else ["nothing to do when the one command does not help"])


def test_every_code_has_its_page_and_no_page_is_without_a_code() -> None:
    assert set(RUNBOOKS) == set(AlertCode)


@pytest.mark.parametrize("code", AlertCode, ids=lambda code: code.value)
def test_page_can_be_acted_on_and_fits_a_phone(code: AlertCode) -> None:
    rendered = render_runbook(code)

    parse(rendered.text)
    assert flaws(RUNBOOKS[code]) == []
    assert len(rendered.plain()) <= CHARACTERS and len(rendered.plain().split("\n")) <= LINES
    assert RUNBOOKS[code].next in rendered.plain()


@pytest.mark.parametrize(
    "broken",
    [
        replace(WHOLE, happened=""),
        replace(WHOLE, next="/nothing"),
        replace(WHOLE, steps=()),
        replace(WHOLE, exposed="see the code"),
        replace(WHOLE, press="x" * 300 + "."),
    ],
    ids=["empty", "no-command", "no-steps", "no-sentence", "too-long"],
)
def test_a_page_that_cannot_be_acted_on_is_found(broken: Runbook) -> None:
    assert flaws(WHOLE) == []
    assert flaws(broken) != []


@pytest.mark.parametrize("typed", ["STOP_LATE", "stop late", " Stop-Late "])
def test_a_code_is_found_however_it_is_typed(typed: str) -> None:
    assert find_code(typed) is AlertCode.STOP_LATE


def test_what_is_no_code_names_the_nearest_ones() -> None:
    with pytest.raises(NotFound) as near:
        find_code("stop")
    with pytest.raises(NotFound) as far:
        find_code("\u202e<b>" * 40)

    assert "STOP_NOT_PLACED" in str(near.value.values["alike"])
    assert len(str(far.value.values["reference"])) <= 32


def test_a_code_of_another_version_counts_as_urgent() -> None:
    assert severity_of("NEVER_HEARD_OF") is Severity.URGENT
    assert severity_of(AlertCode.BACKUP_FAILED.value) is Severity.ROUTINE


def test_the_list_names_every_code_and_offers_what_is_wrong_now() -> None:
    rendered = render_codes([AlertCode.STOP_LATE])

    assert [code for code in AlertCode if code.value not in rendered.plain()] == []
    assert [[button.text for button in row] for row in rendered.rows] == [["STOP_LATE"]]


def test_the_shell_prints_a_page_a_list_and_a_clear_answer_to_nonsense(capsys: CaptureFixture[str]) -> None:
    assert show_runbook("stop_late") == 0
    assert "send     /positions" in capsys.readouterr().out
    assert show_runbook("") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(AlertCode)
    assert show_runbook("coffee") == 2
    assert "no alert is called coffee" in capsys.readouterr().err
