"""How well entries go on an instrument of a venue, judged from what was measured; and which offset that speaks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.domain.money import ZERO, canonical

HALF = Decimal("0.5")


class Quality(StrEnum):
    """How well entries go; NO_DATA under the least sample, whatever the few say."""

    GOOD = "good"
    OK = "ok"
    DEGRADED = "degraded"
    BROKEN = "broken"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySample:
    """One trade's entry as it went.

    ``slippage_bps`` is against the middle at the decision, positive when worse; ``maker`` the share that rested; ``ack_s`` and
    ``fill_s`` seconds from the tap. Each is None where it was not measured. ``fell_back`` is None unless it was maker first.
    """

    slippage_bps: Decimal | None
    maker: Decimal | None
    ack_s: Decimal | None
    fill_s: Decimal | None
    refused: bool
    fell_back: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFacts:
    """What a set of entries came to; medians, or None where nothing was measured.

    ``fills`` counts entries that traded, ``attempts`` all, ``maker_first`` those that rested first.
    """

    attempts: int
    fills: int
    refused: int
    maker_first: int
    fell_back: int
    slippage_bps: Decimal | None
    worst_bps: Decimal | None
    maker: Decimal | None
    ack_s: Decimal | None
    fill_s: Decimal | None

    @property
    def refused_share(self) -> Decimal:
        """Return the share of entries that the venue refused."""
        return Decimal(self.refused) / self.attempts if self.attempts else ZERO

    @property
    def fell_back_share(self) -> Decimal | None:
        """Return the share of maker-first entries that took in the end, or None without any."""
        return Decimal(self.fell_back) / self.maker_first if self.maker_first else None

    def dump(self) -> dict[str, str | int | None]:
        """Write the facts as plain values, without the sample, which has a column of its own."""
        amounts = {"slippage_bps": self.slippage_bps, "worst_bps": self.worst_bps, "maker": self.maker}
        amounts |= {"ack_s": self.ack_s, "fill_s": self.fill_s}
        counts = {"attempts": self.attempts, "refused": self.refused}
        counts |= {"maker_first": self.maker_first, "fell_back": self.fell_back}
        return {**counts, **{name: None if each is None else canonical(each) for name, each in amounts.items()}}

    @classmethod
    def load(cls, sample: int, values: Mapping[str, str | int | None]) -> RouteFacts:
        """Read facts back."""
        return cls(
            attempts=int(values["attempts"] or 0),
            fills=sample,
            refused=int(values["refused"] or 0),
            maker_first=int(values["maker_first"] or 0),
            fell_back=int(values["fell_back"] or 0),
            slippage_bps=_decimal(values["slippage_bps"]),
            worst_bps=_decimal(values["worst_bps"]),
            maker=_decimal(values["maker"]),
            ack_s=_decimal(values["ack_s"]),
            fill_s=_decimal(values["fill_s"]),
        )


def _decimal(value: str | int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def median(values: Sequence[Decimal]) -> Decimal | None:
    """Return the middle value, the mean of the two middle ones of an even count, or None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def facts_of(samples: Sequence[EntrySample]) -> RouteFacts:
    """Count and take the medians of entries, in any order."""
    slips = [each.slippage_bps for each in samples if each.slippage_bps is not None]
    return RouteFacts(
        attempts=len(samples),
        fills=sum(each.fill_s is not None for each in samples),
        refused=sum(each.refused for each in samples),
        maker_first=sum(each.fell_back is not None for each in samples),
        fell_back=sum(each.fell_back is True for each in samples),
        slippage_bps=_rounded(median(slips)),
        worst_bps=_rounded(max(slips, default=None)),
        maker=_rounded(_mean([each.maker for each in samples if each.maker is not None])),
        ack_s=_rounded(median([each.ack_s for each in samples if each.ack_s is not None])),
        fill_s=_rounded(median([each.fill_s for each in samples if each.fill_s is not None])),
    )


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return sum(values, ZERO) / len(values) if values else None


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityBounds:
    """Where the grades lie: slippage in bps, shares of one; ``least`` is the smallest sample that says anything."""

    least: int
    good_bps: Decimal
    degraded_bps: Decimal
    broken_bps: Decimal
    degraded_refused: Decimal
    broken_refused: Decimal
    degraded_fallback: Decimal


def grade(facts: RouteFacts, bounds: QualityBounds) -> Quality:
    """Return the grade; the worst of slippage, refusals and fallbacks decides."""
    slip, refused, fallback = facts.slippage_bps, facts.refused_share, facts.fell_back_share
    enough = facts.attempts >= bounds.least
    if enough and refused >= bounds.broken_refused:
        return Quality.BROKEN
    if facts.fills < bounds.least or slip is None:
        return Quality.NO_DATA
    if slip >= bounds.broken_bps:
        return Quality.BROKEN
    if slip >= bounds.degraded_bps or refused >= bounds.degraded_refused:
        return Quality.DEGRADED
    falls = facts.maker_first >= bounds.least and fallback is not None and fallback >= bounds.degraded_fallback
    if falls:
        return Quality.DEGRADED
    return Quality.GOOD if slip <= bounds.good_bps else Quality.OK


def suggest_offset(
    facts: RouteFacts, offset_bps: Decimal, *, least: int, step_bps: Decimal, low: Decimal, high: Decimal
) -> Decimal | None:
    """Return another offset that the measurements speak for, one step away and within bounds; None when this one may stay.

    Nearer when most maker-first entries had to take in the end, further when hardly any had to.
    """
    fallback = facts.fell_back_share
    if facts.maker_first < least or fallback is None:
        return None
    wanted = offset_bps
    if fallback > HALF:
        wanted = offset_bps - step_bps
    elif fallback <= Decimal("0.2"):
        wanted = offset_bps + step_bps
    wanted = min(max(wanted, low), high)
    return wanted if wanted != offset_bps else None
