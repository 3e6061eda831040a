from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from server.rpc.messages import to_time, to_timestamp

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8))])


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=ZONES))  # noqa: DTZ001  # The zone is drawn beside it.
def test_times_are_what_protobuf_makes_of_them(time: datetime):
    expected = Timestamp()
    expected.FromDatetime(time)

    assert to_timestamp(time) == expected
    assert Timestamp(**(to_time(time) or {})) == expected


def test_no_time_leaves_the_field_unset():
    assert to_time(None) is None
    assert to_timestamp(None) is None


def test_refuses_a_time_without_a_zone():
    with pytest.raises(TypeError, match="offset-naive"):
        to_time(datetime(2026, 6, 15))  # noqa: DTZ001  # It is what the test is about.
