"""``sortie doctor``: every dependency really asked, cause and fix of each failure, and an exit code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from importlib import import_module

import typer

from bot.doctor_probes import desk_probes
from bot.install_probes import install_probes
from bot.logging import configure_shell_logging
from bot.redaction import process_redactor
from bot.system import SystemClock
from config.settings import SettingsError, load_settings
from services.operations.doctor import CheckResult, run_checks


def run_doctor(*, as_json: bool, install: bool = False) -> int:
    """Check everything, print the results and return 0 when all is well, else 1; ``install`` asks about the machine too."""
    results = _results(install=install)
    typer.echo(_json(results) if as_json else _table(results))
    return 0 if all(each.ok for each in results) else 1


def _results(*, install: bool) -> list[CheckResult]:
    try:
        settings = load_settings()
    except SettingsError as error:
        # Without settings there is nothing else to ask: each mistake is a finding.
        return [
            CheckResult(
                name="config", ok=False, fact="", cause=f"{each.key} ({each.where}) {each.message}", fix=each.fix, duration_ms=0
            )
            for each in error.problems
        ]
    configure_shell_logging(settings)
    # Importing it takes a while and would hold up every check; it would count as their time.
    import_module("ccxt.async_support")
    clock = SystemClock()
    probes = desk_probes(settings, clock) + (install_probes(settings, clock) if install else [])
    return asyncio.run(run_checks(probes, clock))


def _json(results: list[CheckResult]) -> str:
    checks = [asdict(each) for each in results]
    body = process_redactor.plain({"ok": all(each.ok for each in results), "checks": checks})
    return json.dumps(body, ensure_ascii=False, indent=2)


def _table(results: list[CheckResult]) -> str:
    width = max(len(each.name) for each in results)
    lines = []
    for each in results:
        said = each.fact if each.ok else each.cause
        lines.append(
            process_redactor.clean(f"{'ok  ' if each.ok else 'FAIL'} {each.name:{width}} {each.duration_ms:>6} ms  {said}")
        )
        if not each.ok:
            lines.append(process_redactor.clean(f"     {'':{width}}            fix: {each.fix}"))
    failed = sum(not each.ok for each in results)
    lines.append(f"{failed} of {len(results)} checks failed" if failed else f"all {len(results)} checks passed")
    return "\n".join(lines)
