"""Alerts from outside on PostgreSQL: let in once, turned away, judged, followed and forgotten as on SQLite."""

from __future__ import annotations

from tests.intake.conftest import rig
from tests.intake.test_let_in import (
    test_crash_between_receipt_and_mission_loses_nothing_and_doubles_nothing,
    test_same_alert_again_is_answered_alike_and_counts_once,
    test_secret_in_the_body_is_enough_for_a_source_that_may_show_it,
    test_signed_alert_becomes_a_mission_of_its_source,
)
from tests.intake.test_record import (
    test_call_that_was_not_offered_is_followed_too_and_one_that_was_none_is_not,
    test_old_alerts_and_numbers_are_forgotten_and_what_waits_is_not,
)
from tests.intake.test_turned_away import (
    test_nonces_are_forgotten_when_their_time_could_not_pass_any_more,
    test_what_was_turned_away_is_a_number_and_no_row,
)

__all__ = [
    "rig",
    "test_call_that_was_not_offered_is_followed_too_and_one_that_was_none_is_not",
    "test_crash_between_receipt_and_mission_loses_nothing_and_doubles_nothing",
    "test_nonces_are_forgotten_when_their_time_could_not_pass_any_more",
    "test_old_alerts_and_numbers_are_forgotten_and_what_waits_is_not",
    "test_same_alert_again_is_answered_alike_and_counts_once",
    "test_secret_in_the_body_is_enough_for_a_source_that_may_show_it",
    "test_signed_alert_becomes_a_mission_of_its_source",
    "test_what_was_turned_away_is_a_number_and_no_row",
]
