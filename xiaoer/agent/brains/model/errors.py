"""What can go wrong with a model, in one table: exception or stop reason → a fixed word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A wait longer than this is not worth a customer's time: the embedded brain answers instead.
LONGEST_WAIT = 5.0
SHORTEST_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request. `wait` is in seconds, None when asking again is of no use."""

    word: str
    detail: str = ""  # "529", "ReadError": never a text from outside
    outage: bool = True  # the provider's fault; False when it lies in this one conversation
    wait: float | None = None

    def __str__(self) -> str:
        return f"{self.word} ({self.detail})" if self.detail else self.word


class BadAnswer(Exception):
    """The model answered, and the answer must not be used."""

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(word)
        self.failure = Failure(word, detail, outage=word in _PROVIDERS_FAULT)


# Answers that are unusable because of the connection, not because of what was asked.
_PROVIDERS_FAULT = frozenset({"stream_cut", "empty"})

# By class name over the exception's ancestors, so that no provider is imported to read it; the names
# agree between anthropic, openai and httpx2. A break within a stream raises a raw httpx2 error, not
# APIConnectionError (seen with anthropic 2.12), so the transport's own names are here too.
_BY_CLASS: dict[str, str] = {
    "OverloadedError": "overloaded",
    "RateLimitError": "limited",
    "APITimeoutError": "slow",
    "APIConnectionError": "unreachable",
    "AuthenticationError": "unauthorised",
    "PermissionDeniedError": "unauthorised",
    "NotFoundError": "no_such_model",
    "BadRequestError": "bad_request",
    "UnprocessableEntityError": "bad_request",
    "RequestTooLargeError": "bad_request",
    "InternalServerError": "server_error",
    "APIResponseValidationError": "garbage",
    "TimeoutException": "slow",
    "ConnectError": "unreachable",
    "TransportError": "stream_broken",
    "StreamError": "stream_broken",
    "DecodingError": "garbage",
    "ImportError": "not_installed",
    "JSONDecodeError": "garbage",
    "UnicodeDecodeError": "garbage",
    # langchain-anthropic merges a stream's pieces at its end: malformed or too deep arguments raise there.
    "ValueError": "bad_arguments",
    "RecursionError": "bad_arguments",
    "TimeoutError": "slow",
    "OSError": "unreachable",
}

# An error event after HTTP 200 is raised as APIStatusError with status 200: only its body tells the kind.
_BY_TYPE: dict[str, str] = {
    "overloaded_error": "overloaded",
    "rate_limit_error": "limited",
    "api_error": "server_error",
    "timeout_error": "slow",
    "authentication_error": "unauthorised",
    "permission_error": "unauthorised",
    "billing_error": "spend_limit",
    "not_found_error": "no_such_model",
    "invalid_request_error": "bad_request",
    "request_too_large": "bad_request",
}

# A spend limit comes as 429 without retry-after; asking again fails until the month is over.
# https://platform.claude.com/docs/en/api/rate-limits
_SPENT_CODES = frozenset({"enforced_spend_limit_reached", "insufficient_quota", "credit_balance_exhausted"})

# What lies in this one conversation, and must not close the door for all others.
_NOT_OUTAGE = frozenset({"bad_arguments", "bad_request"})
_RETRIED = frozenset({"overloaded", "limited"})

# Stop reasons under which an answer is whole, and the words for those under which it is not.
WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use", "stop", "tool_calls", "function_call"})
CUT: dict[str, str] = {
    "": "stream_cut",
    "max_tokens": "too_long",
    "length": "too_long",
    "model_context_window_exceeded": "too_long",
    "refusal": "refused",
    "content_filter": "refused",
    "safety": "refused",
    "pause_turn": "unfinished",
}


def name_failure(error: BaseException) -> Failure:
    """The word for what a request raised."""
    if isinstance(error, BadAnswer):
        return error.failure
    body = _error_body(error)
    word = _by_class(error) or _BY_TYPE.get(str(body.get("type")), "")
    if not word and _status(error):
        word = "server_error"
    if word == "limited" and _spent(body):
        word = "spend_limit"
    if not word:
        return Failure("failed", type(error).__name__)
    status = _status(error)
    detail = "in the stream" if status == 200 else str(status or type(error).__name__)
    return Failure(word, detail, word not in _NOT_OUTAGE, _wait(word, error))


def _by_class(error: BaseException) -> str:
    return next((_BY_CLASS[c.__name__] for c in type(error).__mro__ if c.__name__ in _BY_CLASS), "")


def _error_body(error: BaseException) -> Mapping[str, Any]:
    """`{"type", "message", "details"}`, wherever the provider's client has put it."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def _spent(body: Mapping[str, Any]) -> bool:
    details = body.get("details")
    code = details.get("error_code") if isinstance(details, dict) else body.get("code")
    return code in _SPENT_CODES


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _wait(word: str, error: BaseException) -> float | None:
    """Overloaded: shortly; limited: as long as the provider says, and never without its word."""
    if word not in _RETRIED:
        return None
    named = _retry_after(error)
    if named is None:
        return SHORTEST_WAIT if word == "overloaded" else None
    return max(named, 0.0) if named <= LONGEST_WAIT else None


def _retry_after(error: BaseException) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:  # absent, or an HTTP date, which Anthropic does not send
        return None
