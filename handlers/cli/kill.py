"""``sortie halt --cancel`` and ``--flatten``: the halt, then entries off every venue, then positions, with whatever is down."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from config.settings import Settings
from handlers.cli.console import explain, say
from handlers.cli.halt import report_halted, shell_actor, user_name, write_file
from services.domain.errors import SortieError
from services.domain.halts import HaltScope
from services.domain.kills import Kill, LeftoverKind
from services.domain.ports import Clock, Ids
from services.execution.halting import Halted
from services.operations.direct_cancel import Canceled
from services.operations.kill_watch import WatchKill
from services.operations.places import shell_database
from services.operations.shell_halt import HaltFromShell, Holder, KillWorker

log = structlog.get_logger()
DONE, LEFT = 0, 1


class KillCommand:
    """One run of the command."""

    def __init__(self, settings: Settings, clock: Clock, ids: Ids, worker: KillWorker, reason: str, *, flatten: bool) -> None:
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._worker = worker
        self._reason = reason
        self._flatten = flatten
        self._told = ""

    async def __call__(self) -> int:
        """Halt, then cancel, then flatten if asked; print what was done and what is left, and return the exit code."""
        try:
            halted = await self._commit()
        except Exception as error:  # noqa: BLE001 - whatever keeps the halt out of the database, the entries must go
            log.error("halt.not_committed", reason=explain(error))
            say(f"the database did not take the halt: {explain(error)}", error=True)
            return await self._without_books()
        report_halted(self._settings, halted, HaltScope.DESK.value)
        if halted.kill is None:
            raise AssertionError("a halt of the desk has a kill")
        try:
            worked = await self._worker.work_off(halted.kill, self._tell)
        except SortieError as error:
            say(f"no desk runs, and its books cannot be worked on: {explain(error)}", error=True)
            return await self._directly(with_books=False)
        if isinstance(worked, Kill):
            return self._end(worked, beside=False)
        return await self._beside(worked, halted.kill)

    async def _commit(self) -> Halted:
        async with shell_database(self._settings.database_url, self._clock, self._settings.database.busy_timeout_s) as database:
            halt = HaltFromShell(database, self._clock, self._ids)
            return await halt(user_name(), HaltScope.DESK.value, self._reason, flatten=self._flatten)

    async def _beside(self, holder: Holder | None, kill: Kill) -> int:
        """Watch the desk that runs; where it shows no life, cancel past it."""
        pid = holder.pid if holder is not None else None
        say(f"a desk runs here, process {pid or 'unknown'}: it works on it")
        async with shell_database(self._settings.database_url, self._clock, self._settings.database.busy_timeout_s) as database:
            seen = await WatchKill(database, self._clock, pid)(kill, self._tell)
            if not seen.hung:
                if seen.late:
                    say("it is not done; the desk goes on with it: sortie status, /kill", error=True)
                return self._end(seen.kill, beside=True)
            say(f"the desk hangs: {', '.join(seen.hung)} show no life. Entries are cancelled past it.", error=True)
            _, canceled = await self._cancel(with_books=True)
            told = {each.account.id: {"gone": list(each.gone), "left": [name for name, _ in each.left]} for each in canceled}
            try:
                await database.write(lambda unit: unit.record(shell_actor(self._ids), "kill.direct", kill=kill.id, at=told))
            except SortieError as error:
                say(f"not journalled: {explain(error)}", error=True)
        say("what is on paper waits in that process, and nothing else fills it")
        how = f"kill -9 {pid}" if pid is not None else "stop that process"
        what, again = ("positions are not sold", "--flatten") if kill.flatten else ("the kill is not over", "--cancel")
        say(f"{what}: {how}, then sortie halt {again}", error=True)
        return LEFT

    async def _without_books(self) -> int:
        """Halt by file, and cancel at the exchanges what looks like an entry of the desk."""
        written = write_file(self._settings, self._clock, self._reason, flatten=self._flatten)
        code = await self._directly(with_books=False)
        return code if written else LEFT

    async def _directly(self, *, with_books: bool) -> int:
        code, _ = await self._cancel(with_books=with_books)
        holder = await self._worker.work_off(None, self._tell)
        if isinstance(holder, Holder):
            say(
                f"a desk runs here, process {holder.pid or 'unknown'}: it reads the file each second; look at /orders",
                error=True,
            )
            return LEFT
        if self._flatten:
            say("positions are not sold: mend the database, then sortie halt --flatten", error=True)
            return LEFT
        return code

    async def _cancel(self, *, with_books: bool) -> tuple[int, Sequence[Canceled]]:
        try:
            canceled = await self._worker.cancel_directly(with_books=with_books)
        except SortieError as error:
            if with_books:
                return await self._cancel(with_books=False)
            say(f"the exchanges could not be asked: {explain(error)}", error=True)
            return LEFT, ()
        for each in canceled:
            say(f"{each.account.name}: entries cancelled: {len(each.gone)}")
            for name, reason in each.left:
                say(f"left: {each.account.name} {name}: {reason}".replace(" :", ":"), error=True)
        return (LEFT if any(each.left for each in canceled) else DONE), canceled

    def _tell(self, kill: Kill) -> None:
        said = f"{kill.state.value}: {kill.gone} of {len(kill.entries)} entries gone"
        if said != self._told:
            say(said)
            self._told = said

    def _end(self, kill: Kill, *, beside: bool) -> int:
        for each in kill.leftovers:
            say(f"left: {each.terminal} {each.name}: {each.reason}".replace(" :", ":"), error=True)
        # What no venue takes is named, and nothing more can be done about it.
        if not kill.running and all(each.kind is LeftoverKind.DUST for each in kill.leftovers):
            say("done: no entry is left" + (", and no position" if kill.flatten else "; protection stays"))
            return DONE
        if kill.working and not beside:
            say("the next sortie run, or this command again, goes on with it", error=True)
        return LEFT
