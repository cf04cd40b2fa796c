"""Refusals with names: each carries a fixed word and the sentence that is to be said."""

from __future__ import annotations


class Refusal(Exception):
    """Something that will not be done, in words that the asker can act on. Never a crash."""

    code = "refused"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or type(self).code


class NotFound(Refusal):
    """Missing or not the asker's: the two are told alike."""

    code = "not_found"


class OrderChanged(Refusal):
    """The record moved on since the action was proposed."""

    code = "order_changed"


class OverLimit(Refusal):
    """More than the record allows: quantities, captured money, length."""

    code = "over_limit"


class BadInput(Refusal):
    code = "invalid"
