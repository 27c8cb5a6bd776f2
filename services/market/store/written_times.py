"""Times as files write them: ISO 8601 with or without a zone, the dotted dates of trading terminals, epochs in four units."""

from __future__ import annotations

from services.market.store.frames import pl

_ZONE = r"(Z|UTC|GMT|[+-]\d{2}:?\d{2})$"
_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d",
    "%Y.%m.%d %H:%M:%S%.f",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
    "%d.%m.%Y %H:%M:%S%.f",
)
# Up to which size a number is seconds, milliseconds, microseconds; a larger one is nanoseconds.
_SECONDS, _MILLISECONDS, _MICROSECONDS = 10**11, 10**14, 10**17


def parse_times(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return milliseconds UTC, null where a text is no time, and whether each says itself how far it is from UTC."""
    time = from_epoch(_whole(text))
    numeric = time.is_not_null()
    if time.null_count() == 0:
        return time, numeric
    zone = text.str.extract(_ZONE)
    body = text.str.replace(_ZONE, "").str.strip_chars().str.replace("T", " ", literal=True)
    for form in _FORMATS:
        if time.null_count() == 0:
            break
        time = _filled(time, body.str.to_datetime(form, strict=False).dt.epoch("ms"))
    return time - _ahead(zone) * ~numeric, numeric | zone.is_not_null()


def from_epoch(number: pl.Series) -> pl.Series:
    """Return milliseconds for epochs in seconds, milliseconds, microseconds or nanoseconds; the size tells which."""
    frame = pl.DataFrame({"n": number.cast(pl.Int64)})
    n, size = pl.col("n"), pl.col("n").abs()
    return frame.select(
        pl.when(size < _SECONDS)
        .then(n * 1000)
        .when(size < _MILLISECONDS)
        .then(n)
        .when(size < _MICROSECONDS)
        .then(n // 1000)
        .otherwise(n // 1_000_000)
    ).to_series()


def _whole(text: pl.Series) -> pl.Series:
    """Read whole numbers, and those with a fraction as what they are in milliseconds where they are seconds."""
    number = text.cast(pl.Int64, strict=False)
    if number.null_count() == 0:
        return number
    broken = text.cast(pl.Float64, strict=False)
    frame = pl.DataFrame({"b": broken}).select(
        pl.when(pl.col("b").is_between(0, _SECONDS)).then(pl.col("b") * 1000).otherwise(pl.col("b")).alias("b")
    )
    return _filled(number, frame.to_series().round().cast(pl.Int64, strict=False))


def _ahead(zone: pl.Series) -> pl.Series:
    """Return how many milliseconds a zone such as +05:30 is ahead of UTC, 0 for UTC's own names and for none."""
    frame = pl.DataFrame({"z": zone})
    hours = pl.col("z").str.extract(r"[+-](\d{2})").cast(pl.Int64, strict=False)
    minutes = pl.col("z").str.extract(r"(\d{2})$").cast(pl.Int64, strict=False)
    sign = pl.when(pl.col("z").str.starts_with("-")).then(-60_000).otherwise(60_000)
    return frame.select((sign * (hours * 60 + minutes)).fill_null(0)).to_series()


def _filled(values: pl.Series, others: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(values, others)).to_series()
