"""The last line of defence before a log: whatever a caller put into an event is masked there."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from xiaoer.domain.pii.masking import Masker, mask_text


def mask_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor; stands after the one that writes exceptions out, so that their texts pass too."""
    masker = Masker()
    for key, value in event.items():
        if isinstance(value, str | dict | list | tuple):
            event[key] = masker.data({key: value})[key]
        elif isinstance(value, BaseException):
            event[key] = mask_text(repr(value))
    return event


class MaskingFormatter(logging.Formatter):
    """For records of libraries, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_text(super().format(record))
