"""Taps on the card of trades that somebody left behind."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import HandoverButton, HandoverVerb
from handlers.telegram.request import Request
from handlers.telegram.views.questions import close_question


class HandoverHandlers:
    """Keep, tighten or close, one trade or all."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def tap(self, request: Request, button: HandoverButton) -> None:
        """Carry out the keeper's word; a close asks once more, in a message of its own."""
        acts, number = self._app.trading.handover, button.trade or None
        match button.verb:
            case HandoverVerb.KEEP:
                done = await acts.keep(request.actor, button.person, number)
                await request.toast(f"Kept as it stands: {_numbers(done.trades)}.")
            case HandoverVerb.TIGHTEN:
                done = await acts.tighten(request.actor, button.person, number)
                left = f" Not closer now: {_numbers(done.left)}." if done.left else ""
                await request.toast(f"Tightened: {_numbers(done.trades)}.{left}")
            case HandoverVerb.CLOSE:
                await request.reply(close_question(await acts.ask_close(request.actor, button.person, number)))


def _numbers(found: tuple[int, ...]) -> str:
    return ", ".join(f"#{number}" for number in found) or "none"
