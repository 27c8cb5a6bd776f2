"""What scores were worth, asked in the chat: bands with their samples, and nothing said of too few."""

from __future__ import annotations

from sqlalchemy import update

from services.storage.database import Unit
from services.storage.tables import signals
from tests.chat.rig import ANN, OLGA, ChatRig, text_of


async def test_a_score_is_told_by_band_and_not_before_there_are_enough(desk: ChatRig) -> None:
    rig = desk
    assert "no mission was fired and closed yet" in text_of(await rig.ask(ANN, "/edge score", "Score · all sources"))
    await rig.trade(ANN)
    await rig.close_all(ANN)

    def rescored(unit: Unit) -> None:
        unit.run(update(signals).values(score=84))

    await rig.write(rescored)
    told = text_of(await rig.ask(ANN, "/edge score trend", "Score · trend"))

    assert "1 mission " in told
    assert "too few to tell whether a higher score is better" in told
    assert "80–89" in told and "too few (1)" in told
    assert "no mission was fired" in text_of(await rig.ask(ANN, "/edge score nothing", "Score · nothing"))
    assert "ROLE" in text_of(await rig.ask(OLGA, "/edge score", "ROLE"))
