"""An alert as people see it: money in private, shares in the group, one tap to have it, one message to its end."""

from __future__ import annotations

import pytest

from services.access.alerts import AlertCode, alert
from services.execution.settling import facts_for, subject_of
from services.storage import incidents
from tests.chat.rig import ANN, CARL, CORA, GROUP, MONEY, OLGA, TOM, ChatRig, data_of, labels_of, shown_id, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_alert_lives_as_one_message_from_its_call_to_its_end(shared_desk: ChatRig) -> None:
    rig = shared_desk
    await rig.trade(ANN)
    (trade,) = await rig.trades_of(ANN)
    facts = facts_for(trade, "the market is beyond the stop")
    code, subject = AlertCode.STOP_LATE, subject_of(trade)

    def raised() -> object:
        return rig.write(lambda unit: alert(unit, rig.graph.ids, code, subject, facts, ANN))

    await raised()
    hers, his = await rig.message(ANN, "STOP_LATE"), await rig.message(CARL, "STOP_LATE")
    shared = await rig.message(OLGA, "STOP_LATE", GROUP)
    assert "exposed: " in text_of(hers) and MONEY.search(text_of(hers)) and "of equity" in text_of(hers)
    assert "PAPER" in text_of(his) and labels_of(his)[:3] == ["Positions", "I have it", "Runbook"]
    assert not MONEY.search(text_of(shared)) and " R, " in text_of(shared)
    assert labels_of(shared) == ["I have it", "Runbook"]
    assert (hers.silent, his.silent) == (False, False)
    assert (await rig.message(CORA, "STOP_LATE")).silent

    assert "NOT_YOURS" in await rig.press(TOM, shared, "I have it")
    assert "ROLE" in await rig.press(OLGA, shared, "I have it")
    assert "You have it" in await rig.press(CARL, his, "I have it")
    late = data_of(hers, "I have it")
    assert "has it since" in await rig.forge(ANN, ANN, late, shown_id(hers))
    for message in (hers, his, shared):
        await rig.reads(message, "has it since")
    assert len(await rig.journal("incident.taken")) == 1
    await rig.press(CARL, his, "Runbook")
    await rig.message(CARL, "📖 STOP_LATE · urgent")

    count = len([each for each in rig.seen(CARL) if "STOP_LATE · trade" in text_of(each)])
    await raised()
    await rig.write(lambda unit: incidents.close_incident(unit, code.value, subject))
    for message in (hers, his, shared):
        await rig.reads(message, "over after")
    assert len([each for each in rig.seen(CARL) if "STOP_LATE · trade" in text_of(each)]) == count == 1
    assert "STOP_LATE" in text_of(await rig.ask(OLGA, "/incidents", "Incidents"))
