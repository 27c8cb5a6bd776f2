"""What somebody tries who reads along, or who owns one source and wants another; each tells whether it got through."""

from __future__ import annotations

import json
import secrets

from handlers.web.signals import NONCE, SIGNATURE, SOURCE, TEST, TIMESTAMP
from services.signals.intake_auth import Purpose
from tests.intake.rig import GOOD, IntakeRig, Sender

BODY = json.dumps(GOOD).encode()


def seen(rig: IntakeRig, sender: Sender, *, ago: float = 0) -> dict[str, str]:
    """Return the headers of a request that the attacker saw, with its body."""
    return rig.signed(sender, BODY, ago=ago)


async def replay(rig: IntakeRig, sender: Sender) -> bool:
    """Send the very request again at once."""
    headers = seen(rig, sender)
    await rig.post(BODY, headers)
    return (await rig.post(BODY, headers)).status == 202


async def hold_back(rig: IntakeRig, sender: Sender) -> bool:
    """Keep a request that never arrived, and send it when it is old."""
    headers = seen(rig, sender)
    rig.clock.advance(rig.desk.settings.intake.skew_s + 2)
    rig.desk.quote("63999.99", "64000.01")
    return (await rig.post(BODY, headers)).status == 202


async def stamp_anew(rig: IntakeRig, sender: Sender) -> bool:
    """Keep a request, and give it the time of now and a nonce of one's own."""
    headers = seen(rig, sender, ago=3600)
    headers |= {TIMESTAMP: str(int(rig.clock.now().timestamp())), NONCE: secrets.token_hex(8)}
    return (await rig.post(BODY, headers)).status == 202


async def change_a_byte(rig: IntakeRig, sender: Sender) -> bool:
    """Change the body on its way."""
    return (await rig.post(BODY.replace(b"63000", b"62000"), seen(rig, sender))).status == 202


async def make_it_real(rig: IntakeRig, sender: Sender) -> bool:
    """Send a request that was signed as a test to where it counts."""
    return (await rig.post(BODY, rig.signed(sender, BODY, purpose=Purpose.TEST))).status == 202


async def sign_for_another(rig: IntakeRig, sender: Sender) -> bool:
    """Sign with the secret of one's own source and name another."""
    own = await rig.source("mallory", plain=True)
    return (await rig.post(BODY, rig.signed(own, BODY) | {SOURCE: sender.name})).status == 202


async def ask_the_test(rig: IntakeRig, sender: Sender) -> bool:
    """Ask what would happen without being known."""
    headers = seen(rig, sender) | {SIGNATURE: "sha256=" + "0" * 64}
    return (await rig.post(BODY, headers, TEST)).status == 200


ATTACKS = (replay, hold_back, stamp_anew, change_a_byte, make_it_real, sign_for_another, ask_the_test)
