"""What decisions were worth: a mean in R with its interval, and the name under which results are gathered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.domain.money import ZERO

Z_975 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanR:
    """The sum and the mean of ``n`` results in R.

    ``low`` and ``high`` bound the true mean with 95 % confidence (Student's t); they and the mean are None below ``least``.
    """

    n: int
    total: Decimal
    mean: Decimal | None
    low: Decimal | None
    high: Decimal | None


def mean_r(results: Sequence[Decimal], least: int) -> MeanR:
    """Return sum, mean and interval of results in R; too few of them have a sum alone."""
    n, total = len(results), sum(results, ZERO)
    if n < max(2, least):
        return MeanR(n=n, total=total, mean=None, low=None, high=None)
    mean = total / n
    variance = sum(((each - mean) ** 2 for each in results), ZERO) / (n - 1)
    spread = Decimal(str(student_t_975(n - 1))) * (variance / n).sqrt()
    return MeanR(n=n, total=total, mean=mean, low=mean - spread, high=mean + spread)


def student_t_975(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t, by Abramowitz and Stegun 26.7.5: within 1 % from 2 degrees on."""
    z, v = Z_975, float(degrees)
    return math.fsum(
        (
            z,
            (z**3 + z) / (4 * v),
            (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2),
            (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3),
            (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4),
        )
    )
