from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xiaoer.prompts.template import blanks, fill

VALUES = {"carrier": "USPS", "place": "", "eta": "Nov 23"}


def test_a_section_is_dropped_when_a_blank_in_it_is_empty():
    text = "{carrier}[ in {place}][, expected {eta}]."
    assert fill(text, VALUES.__getitem__) == "USPS, expected Nov 23."


def test_the_blanks_of_a_text_are_known():
    assert blanks("{carrier}[ in {place}]") == {"carrier", "place"}


@given(st.text())
def test_what_a_value_holds_is_never_read_as_a_template(value):
    assert fill("<{x}>", lambda _: value) == f"<{value}>"
