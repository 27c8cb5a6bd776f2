"""Trading tests of every kind once more, with the desk's database on PostgreSQL."""

from tests.trading.test_day import (
    test_a_fill_that_is_the_first_of_the_day_finds_the_day_opened_before_it_is_booked,
    test_what_is_realised_before_the_days_first_reading_counts_only_as_a_loss,
)
from tests.trading.test_exits import *  # noqa: F403 - the tests of that module are the tests of this one
from tests.trading.test_late_fills import (
    test_a_fill_after_canceled_opens_the_trade_again_protects_it_and_alarms,
    test_fills_of_one_report_are_booked_in_the_venues_order,
)
from tests.trading.test_limits_in_force import test_a_close_the_week_and_the_usual_size_are_read_from_the_record
from tests.trading.test_one_trade import *  # noqa: F403
from tests.trading.test_races import *  # noqa: F403

__all__ = [
    "test_a_close_the_week_and_the_usual_size_are_read_from_the_record",
    "test_a_fill_after_canceled_opens_the_trade_again_protects_it_and_alarms",
    "test_a_fill_that_is_the_first_of_the_day_finds_the_day_opened_before_it_is_booked",
    "test_fills_of_one_report_are_booked_in_the_venues_order",
    "test_what_is_realised_before_the_days_first_reading_counts_only_as_a_loss",
]
