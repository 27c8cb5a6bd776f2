import time, pytest
from sqlalchemy import select
from services.storage import tables
from tests.chat.rig import *
async def test_x(desk):
    rig=desk
    for k in range(3):
        card = await rig.trade(ANN)
        waiting = await rig.preview(TOM)
        await rig.ask(CARL, "/halt exchange lagging", "🛑 HALTED by Carl")
        toast = await rig.press(TOM, waiting, "Confirm")
        refused = await rig.reads(waiting, "⛔ not fired: HALT")
        t=time.time()
        await rig.press(ANN, card, "Move stop")
        await rig.press(ANN, await rig.reads(card, "Move it to"), "−0.5 R")
        t1=time.time()
        await rig.reads(card, "stop 63,500.00"); print("moved", time.time()-t1)
        if time.time()-t1>2:
            def body(unit):
                for r in unit.all(select(tables.journal).order_by(tables.journal.c.sequence.desc()).limit(14)): print(r.at, r.kind, r.actor, r.facts)
                for r in unit.all(select(tables.instructions).order_by(tables.instructions.c.created_at.desc()).limit(4)): print(r)
            await rig.read(body)
            for c in list(rig.world.calls)[-14:]: print(c.method, c.parameters[:200], c.ok, c.ms)
        await rig.close_all(ANN)
        await rig.ask(CARL,"/resume RESUME","active again")
