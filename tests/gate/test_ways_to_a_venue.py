"""Who may write to a venue, who may commit what is written, and who may say yes: short lists, read off the code itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("bot", "handlers", "services", "migrations", "config")
PLACES = ("place", "place_list", "replace_list")
# A file without any of these words does none of it.
WORDS = re.compile(
    r"\bplace|place_list|cancel|set_state|Instruction\(|purpose|instructions|verdicts|Verdict|entry_|create_|edit_|private|sapi"
)
HANDING_ON = ("partial", "create_task", "spawn", "run_in_executor", "to_thread", "wait_for", "gather", "map")
Look = Callable[[ast.AST], bool]


def named(node: ast.AST) -> str | None:
    """Return the last name of what is called, or of what is spoken of."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def called(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Call) and named(node.func) in names


def of(node: ast.AST, owner: str) -> bool:
    """Tell whether a call's method belongs to a module or class of that name."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and named(node.func.value) == owner


def puts_orders(node: ast.AST) -> bool:
    """See a venue's methods that put orders, also where they are handed on to be called, or fetched by their name."""
    if isinstance(node, ast.Call) and named(node.func) in ("getattr", "methodcaller"):
        return any(isinstance(each, ast.Constant) and each.value in (*PLACES, "cancel") for each in node.args)
    handed_on = [*node.args, *(each.value for each in node.keywords)] if called(node, *HANDING_ON) else []  # type: ignore[attr-defined]
    return called(node, *PLACES) or any(isinstance(each, ast.Attribute) and each.attr in PLACES for each in handed_on)


def takes_orders_away(node: ast.AST) -> bool:
    """See a venue's cancel, which unlike that of a task or a room is told the account, the instrument and the orders."""
    return called(node, "cancel") and isinstance(node, ast.Call) and len(node.args) + len(node.keywords) > 2


def hands_a_cancel_on(node: ast.AST) -> bool:
    return called(node, "partial") and isinstance(node, ast.Call) and any(named(each) == "cancel" for each in node.args)


def speaks_raw(node: ast.AST) -> bool:
    """See the calls of an exchange's own that write."""
    name = node.attr if isinstance(node, ast.Attribute) else ""
    generic = name.startswith(("private_post", "private_put", "private_delete", "privatePost", "privatePut", "privateDelete"))
    return generic or name.startswith(
        (
            "create_order",
            "create_market",
            "create_limit",
            "create_stop",
            "edit_order",
            "cancel_order",
            "cancel_all_orders",
            "sapiPost",
            "sapiDelete",
        )
    )


def moves_to_sent(node: ast.AST) -> bool:
    """See a move to sent, and one to a state that is only known when it runs."""
    if not called(node, "set_state") or not of(node, "instructions") or not isinstance(node, ast.Call):
        return False
    state = node.args[2] if len(node.args) > 2 else next((each.value for each in node.keywords if each.arg == "state"), None)
    return not (isinstance(state, ast.Attribute) and of_states(state)) or state.attr == "SENT"


def of_states(state: ast.Attribute) -> bool:
    return named(state.value) == "InstructionState"


def names_an_entry(node: ast.AST) -> bool:
    """See an instruction's purpose given as an entry's, or as whatever comes."""
    if not called(node, "Instruction", "replace") or not isinstance(node, ast.Call):
        return False
    purposes = [each.value for each in node.keywords if each.arg == "purpose"]
    plain = ("PROTECT", "CLOSE", "CANCEL")
    return any(not (isinstance(each, ast.Attribute) and each.attr in plain) for each in purposes)


def writes_rows(table: str) -> Look:
    """See statements that write a table, by the toolkit's functions or as text."""

    def look(node: ast.AST) -> bool:
        if called(node, "insert", "update", "delete", "insert_once") and isinstance(node, ast.Call):
            return any(named(each) == table for each in node.args)
        text = " ".join(node.value.lower().split()) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        return any(f"{verb} {table}" in text for verb in ("insert into", "update", "delete from", "replace into"))

    return look


RULES: dict[str, tuple[Look, set[str]]] = {
    "puts orders at a venue": (
        puts_orders,
        {"services/execution/executor.py Executor._write"},
    ),
    "takes orders away at a venue": (
        lambda node: takes_orders_away(node) or hands_a_cancel_on(node),
        {"services/execution/executor.py Executor._write", "services/operations/direct_cancel.py _cancel"},
    ),
    "speaks an exchange's own calls": (speaks_raw, set()),
    "claims an instruction": (
        moves_to_sent,
        {"services/execution/executor.py Executor._claim"},
    ),
    "asks for a claim's verdict": (
        lambda node: called(node, "entry_fault"),
        {"services/execution/executor.py Executor._entry_refusal"},
    ),
    "makes an entry's instruction": (
        lambda node: called(node, "entry_instruction"),
        {"services/missions/entry_book.py EntryBook._instruction", "services/execution/routing.py WorkEntries._place"},
    ),
    "names an instruction's purpose an entry's": (
        names_an_entry,
        {
            "services/domain/entries.py entry_instruction",
            "services/execution/writes.py _add",
            "services/storage/instructions.py _instruction",
        },
    ),
    "commits an instruction": (
        lambda node: called(node, "add") and of(node, "instructions"),
        {
            "services/missions/entry_book.py EntryBook.send",
            "services/execution/routing.py WorkEntries._place",
            "services/execution/writes.py _add",
            "services/execution/deciding.py DecideProposal._close",
        },
    ),
    "writes an instruction's row": (writes_rows("instructions"), {"services/storage/instructions.py module"}),
    "writes a verdict's row": (writes_rows("verdicts"), {"services/storage/verdicts.py module"}),
    "stores a verdict": (
        lambda node: called(node, "add") and of(node, "verdicts"),
        {"services/missions/entry_book.py EntryBook.keep"},
    ),
    "makes a verdict": (
        lambda node: called(node, "Verdict"),
        {
            "services/risk/gate.py decide",
            "services/storage/verdicts.py _stored",
            "services/storage/verdicts.py shown_verdict",
            "services/reporting/preview_view.py preview_view",
        },
    ),
}
# Each would be a way past the gate.
PAST_THE_GATE = {
    "puts orders at a venue": (
        "async def quick(venue, order): await venue.place('a', order)",
        "def later(venue): return partial(venue.place_list, 'a')",
        "def named(venue, order): return getattr(venue, 'replace_list')('a', [], [order])",
    ),
    "takes orders away at a venue": (
        "async def clear(venue): await venue.cancel('a', 'BTC/USDT', ['x'])",
        "def later(venue): return partial(venue.cancel, 'a')",
    ),
    "speaks an exchange's own calls": ("async def raw(exchange): await exchange.create_order('BTC/USDT', 'market', 'buy', 1)",),
    "claims an instruction": (
        "def skip(unit, one): instructions.set_state(unit, one, InstructionState.SENT)",
        "def any_state(unit, one, state): instructions.set_state(unit, one, state)",
    ),
    "asks for a claim's verdict": ("def pretend(unit, one, trade): return entry_fault(unit, one, trade)",),
    "makes an entry's instruction": ("def again(trade, order): return entry_instruction('x', trade, order)",),
    "names an instruction's purpose an entry's": (
        "def disguise(one): return replace(one, purpose=Purpose.ENTRY)",
        "def whatever(purpose): return Instruction(id='x', purpose=purpose)",
    ),
    "commits an instruction": ("def commit(unit, one): instructions.add(unit, one)",),
    "writes an instruction's row": (
        "def row(unit): unit.run(insert(tables.instructions), {})",
        "def text(unit): unit.run(text('UPDATE instructions SET state = :s'))",
    ),
    "writes a verdict's row": ("def row(unit): unit.run(update(verdicts), {})",),
    "stores a verdict": ("def yes(unit, verdict): verdicts.add(unit, 'x', verdict)",),
    "makes a verdict": ("def yes(): return Verdict(checks=(), config_hash='', decided_at=None)",),
}


def nodes_of(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield what is called, spoken of or written, with its function and class; ``module`` for what stands outside of any."""

    def walk(node: ast.AST, inside: tuple[str, ...]) -> Iterator[tuple[str, ast.AST]]:
        if isinstance(node, (ast.Call, ast.Attribute, ast.Constant)):
            yield ".".join(inside) or "module", node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inside = (*inside, node.name)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    return walk(tree, ())


def places_of(tree: ast.AST, look: Look) -> set[str]:
    """Return where a look sees something."""
    return {place for place, node in nodes_of(tree) if look(node)}


@pytest.fixture(scope="module")
def nodes() -> dict[str, list[tuple[str, ast.AST]]]:
    """Read the files that speak of any of it, the adapters' too."""
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    texts = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}
    return {name: list(nodes_of(ast.parse(text))) for name, text in texts.items() if WORDS.search(text)}


@pytest.mark.parametrize("rule", RULES, ids=[rule.replace(" ", "-").replace("'", "") for rule in RULES])
def test_only_who_is_named_here_does_what_leads_to_a_venue(nodes: dict[str, list[tuple[str, ast.AST]]], rule: str) -> None:
    look, expected = RULES[rule]
    # Adapters are the venues; what stands before one in the process hands on what it is given.
    adapters = ("services/venues/", "migrations/versions/")
    desk = {file: found for file, found in nodes.items() if not file.startswith(adapters)}
    found = {f"{file} {place}" for file, spoken in desk.items() for place, node in spoken if look(node)}

    assert found == expected, rule


@pytest.mark.parametrize("rule", RULES, ids=[rule.replace(" ", "-").replace("'", "") for rule in RULES])
def test_a_new_way_would_be_seen(rule: str) -> None:
    for code in PAST_THE_GATE[rule]:
        assert WORDS.search(code), code
        assert places_of(ast.parse(code), RULES[rule][0]), code


def test_an_exchange_is_written_to_where_the_port_says_so(nodes: dict[str, list[tuple[str, ast.AST]]]) -> None:
    room = "services/venues/ccxt_spot/"
    adapter = {file.removeprefix(room): found for file, found in nodes.items() if file.startswith(room)}
    found = {f"{file} {place}" for file, spoken in adapter.items() for place, node in spoken if speaks_raw(node)}

    assert found == {
        "lists.py place_oco",
        "silence.py Countdown._count.send",
        "writing.py AccountWriter._cancel_one.send",
        "writing.py AccountWriter.place.send",
    }
