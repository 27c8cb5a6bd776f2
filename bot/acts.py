"""The use cases that the chat hands its taps and commands to, in the bundles that the handlers take."""

from __future__ import annotations

from bot.wiring import Trading
from config.groups import ProtectionSettings
from handlers.telegram.app import PeopleActs, TradingActs
from services.access.changes import ChangeBook
from services.access.chats import ApproveChat, BindTopic, ChatLeft, MigrateChat
from services.access.choices import ChooseTerminal, SetLoudness, SetQuietHours, SetZone
from services.access.contacts import Rename
from services.access.granting import Grant, ProposeGrant
from services.access.links import Invite
from services.access.mode_changes import ChooseMode
from services.access.roles import GrantBook, Revoke, RoleBook
from services.access.start import Start
from services.domain.ports import Ids
from services.execution.keeping import ChooseTrail
from services.missions.explain import ExplainFire
from services.storage.database import Database


def trading_acts(trading: Trading, protection: ProtectionSettings) -> TradingActs:
    """Return what can be done about missions, trades and the desk."""
    return TradingActs(
        preview=trading.preview,
        fire=trading.fire,
        skip=trading.skip,
        explain=ExplainFire(trading.database),
        ask_close=trading.ask_close,
        close=trading.close,
        move_stop=trading.move_stop,
        choose_trail=ChooseTrail(trading.database, protection),
        cancel=trading.cancel,
        amend=trading.amend,
        routes=trading.routes,
        halt=trading.halt,
        flatten=trading.flatten,
        resume=trading.resume,
        decide=trading.decide,
        resolve=trading.resolve_by_hand,
        close_breaker=trading.close_breaker,
        bench=trading.bench,
        handover=trading.handover,
    )


def people_acts(database: Database, roles: RoleBook, ids: Ids, changes: ChangeBook) -> PeopleActs:
    """Return what can be done about people, chats and their choices."""
    return PeopleActs(
        start=Start(database, roles, ids, ProposeGrant(GrantBook(roles), changes)),
        grant=Grant(database, GrantBook(roles), changes),
        revoke=Revoke(database, roles, ids, changes),
        invite=Invite(database, ids),
        approve_chat=ApproveChat(database, ids),
        chat_left=ChatLeft(database),
        migrate_chat=MigrateChat(database),
        bind=BindTopic(database),
        set_loudness=SetLoudness(database),
        set_quiet_hours=SetQuietHours(database),
        set_zone=SetZone(database),
        choose_terminal=ChooseTerminal(database),
        rename=Rename(database, roles),
        mode=ChooseMode(database, changes),
    )
