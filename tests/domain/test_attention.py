"""Quiet hours: when a shop writes to nobody unasked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.turns import store

from xiaoer.domain.stores import Attention, Hours, Store
from xiaoer.stores.schema import AttentionFile

times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


DEMO = store()


def shop(begins: time, ends: time) -> Store:
    return replace(DEMO, attention=Attention(quiet=(begins, ends)))


@given(times, times, moments)
def test_after_the_quiet_hours_a_shop_is_awake_and_never_later_than_a_day(
    begins: time, ends: time, now: datetime
) -> None:
    made = shop(begins, ends)
    following = made.next_awake(now)
    assert following >= now
    assert following - now <= timedelta(hours=25)  # a night in which the clocks change is longer
    assert (following == now) == made.awake(now)
    local = following.astimezone(made.zone)
    assert made.awake(following) or local.fold or local.time() != ends  # an hour that the clocks skip


def test_the_night_is_the_one_of_the_store() -> None:
    made = shop(time(21), time(8))
    assert made.awake(datetime(2026, 11, 22, 20, 0, tzinfo=UTC))  # noon in Los Angeles
    night = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # midnight there
    assert not made.awake(night)
    assert made.next_awake(night) == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def test_without_a_setting_the_peoples_hours_are_the_day_and_without_hours_there_is_a_night() -> None:
    hours = Hours({0: (time(10), time(18)), 5: (time(9), time(14))})
    plain = replace(DEMO, attention=Attention(), hours=hours)
    assert plain.quiet == (time(18), time(9))
    assert replace(plain, hours=Hours({})).quiet == (time(21), time(8))


@pytest.mark.parametrize("quiet", ["9pm-8am", "21:00", "25:00-08:00"])
def test_quiet_hours_that_are_none_are_refused(quiet: str) -> None:
    with pytest.raises(ValidationError):
        AttentionFile.model_validate({"quiet": quiet})
    assert AttentionFile.model_validate({"quiet": "21:00-08:00"}).remind_after_minutes == 30
