"""The methods that get updates to the bot: polling and the webhook's settings."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sandbox.loopback import is_loopback
from sandbox.telegram.calls import Call, Handler, Raw
from sandbox.telegram.failures import bad, conflict
from sandbox.telegram.state import State, Webhook
from sandbox.telegram.updates import KINDS
from sandbox.telegram.wire import JsonObject

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LONGEST_POLL_SECONDS = 50
_PUBLIC_PORTS = frozenset({80, 88, 443, 8443})


def prepare_poll(call: Call) -> float:
    """Do what a poll does before it waits (confirm, remember the wanted kinds); return the seconds it may wait."""
    if call.world.webhook.url:
        raise conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
    _allow(call)
    call.world.updates.confirm_below(call.get("offset", 0), call.world.clock.now())
    return float(min(call.get("timeout", 0), _LONGEST_POLL_SECONDS))


def get_updates(call: Call) -> Raw:
    """Confirm and list updates at once; holding the request open is the server's part."""
    world = call.world
    prepare_poll(call)
    if world.updates.waiting:
        for kind, disturb in (
            ("duplicate_updates", world.updates.duplicate_next),
            ("reorder_updates", world.updates.reorder_next),
        ):
            if world.faults.take_for_batch(kind):
                disturb()
    batch = world.updates.take(call.get("offset", 0), call.get("limit", 100), world.clock.now())
    return Raw("[" + ",".join(update.text for update in batch) + "]")


def set_webhook(call: Call) -> bool:
    url = call.get("url").strip()
    if not url:
        return delete_webhook(call)
    _check_url(url)
    secret = call.get("secret_token", "")
    if "secret_token" in call.arguments and not _SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")
    connections = call.get("max_connections", 40)
    if not 1 <= connections <= 100:
        raise bad("max_connections must be from 1 to 100")
    _allow(call)
    _set(call, Webhook(url=url, secret=secret, max_connections=connections, ip_address=call.get("ip_address", "")))
    return True


def delete_webhook(call: Call) -> bool:
    _set(call, Webhook())
    return True


def get_webhook_info(call: Call) -> JsonObject:
    webhook, updates = call.world.webhook, call.world.updates
    info: JsonObject = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(updates),
    }
    if webhook.url:
        info["max_connections"] = webhook.max_connections
        if webhook.ip_address:
            info["ip_address"] = webhook.ip_address
        if webhook.last_error_at:
            info["last_error_date"] = webhook.last_error_at
            info["last_error_message"] = webhook.last_error
    if updates.allowed != updates.default_kinds:
        info["allowed_updates"] = [kind for kind in KINDS if kind in updates.allowed]
    return info


METHODS: dict[str, Handler] = {
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}


def touch_webhook(state: State) -> None:
    """Mark the webhook's settings and the wanted kinds of updates as changed."""
    state.touch("setting", "webhook", (state.webhook, state.updates.allowed))


def _allow(call: Call) -> None:
    updates = call.world.updates
    before = updates.allowed
    updates.allow(call.get("allowed_updates"))
    if updates.allowed != before:
        touch_webhook(call.world)


def _set(call: Call, webhook: Webhook) -> None:
    if call.get("drop_pending_updates", False):
        call.world.updates.drop_all()
    call.world.webhook = webhook
    touch_webhook(call.world)
    call.world.updates.on_added()


def _check_url(url: str) -> None:
    """Take HTTPS on Telegram's ports, as Telegram does, and plain HTTP on loopback, where a sandbox delivers."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise bad("bad webhook: invalid webhook URL specified") from None
    if is_loopback(host):
        if parts.scheme not in ("http", "https"):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        return
    if parts.scheme != "https":
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in (None, *_PUBLIC_PORTS):
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    raise bad("bad webhook: this sandbox delivers to loopback addresses only")
