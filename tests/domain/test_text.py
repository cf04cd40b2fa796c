"""Text from outside: readable afterwards, whatever it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoer.domain.text import MAX_CHARS, clean_text, excerpt


@pytest.mark.parametrize(
    ("dirty", "clean", "marks"),
    [
        ("hello\x00 there", "hello there", ("control",)),
        ("a\u202eb\u200bc", "abc", ("invisible",)),
        ("hi\U000e0068\U000e0069", "hi", ("invisible",)),
        ("👩\u200d👧 ok", "👩\u200d👧 ok", ()),
        ("a" + "\n" * 50 + "b", "a\n\nb", ("flooded",)),
        ("x" * 100_000, "x" * MAX_CHARS, ("truncated",)),
        ("مرحبا أين طلبي", "مرحبا أين طلبي", ()),
        ("   \r\n ", "", ()),
    ],
)
def test_what_is_invisible_goes_and_what_people_wrote_stays(
    dirty: str, clean: str, marks: tuple[str, ...]
) -> None:
    made = clean_text(dirty)
    assert (made.text, made.marks) == (clean, marks)


@given(st.text(max_size=2000))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_text(text).text
    assert clean_text(once).text == once


@given(st.text(max_size=2000), st.integers(10, 100))
def test_an_excerpt_is_one_short_line(text: str, limit: int) -> None:
    line = excerpt(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
