"""The page about the exchange names everything that there is to use."""

import argparse
from dataclasses import fields
from pathlib import Path

from aiohttp import web

from sandbox.exchange.arguments import add_arguments
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.faults import Family, FaultKind
from sandbox.exchange.market import MarketInfo
from sandbox.exchange.private_api import PRIVATE_ENDPOINTS
from sandbox.exchange.public_api import ENDPOINTS
from sandbox.exchange.web import setup
from tests.sandbox_exchange.stand import HandClock, running

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox-exchange.md").read_text(encoding="utf-8")


def test_the_page_names_every_call_of_the_operator() -> None:
    app = web.Application()
    setup(app, Exchange(running(clock=HandClock())))
    calls = {
        f"`{route.method} {route.resource.canonical.replace('{name}', 'NAME')}`"
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/market") and route.method != "HEAD"
    }

    assert len(calls) > 10
    assert sorted(call for call in calls if call not in PAGE) == []


def test_the_page_names_every_flag_fault_endpoint_and_parameter() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    flags = [flag for action in parser._actions for flag in action.option_strings]
    rows = PAGE.partition("## /exchange/api/v3")[2].splitlines()

    assert [flag for flag in flags if f"`{flag} " not in PAGE] == []
    assert [kind for kind in FaultKind if f"`{kind.value}`" not in PAGE] == []
    assert [field.name for field in fields(MarketInfo) if f"`{field.name}`" not in PAGE] == []
    assert [family for family in Family if f"`{family.value}`" not in PAGE] == []
    for private in PRIVATE_ENDPOINTS:
        row = next(line for line in rows if f"`{private.method} {private.path}`" in line)
        assert [name for name in (*private.mandatory, *private.optional) if name not in row] == []
    for endpoint in ENDPOINTS:
        row = next(line for line in rows if f"`{endpoint.path}`" in line)
        assert [name for name in (*endpoint.mandatory, *endpoint.optional) if name not in row] == []
