"""What an import says in the end, and what a reader of a format hands on."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from xiaoer.mcp_servers.platforms.local.records import OrderRecord, ProductRecord

# More faults than these help nobody: the file is of another kind.
MAX_ERRORS = 100


@dataclass(frozen=True, slots=True)
class RowError:
    line: int  # in the file, from one; 0 where the file as a whole is meant
    field: str  # as the format names it; empty where the row as a whole is meant
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{f'{self.field}: ' if self.field else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many orders the file holds and what became of them; with errors nothing was written."""

    rows: int
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    record: OrderRecord


@dataclass(slots=True)
class Parsed:
    """What a reader found in a file."""

    rows: list[Row] = field(default_factory=list)
    products: list[ProductRecord] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    seen: int = 0  # orders in the file, sound or not


class Unreadable(Exception):
    """The file as a whole is not of this format; the message is a sentence for the seller."""


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this format",
    "timezone_aware": "needs a time zone, such as Z or +08:00",
}


def field_errors(error: ValidationError, line: int, prefix: str = "") -> list[RowError]:
    """One sentence a fault, at the path where it stands."""
    return [
        RowError(
            line,
            ".".join(str(part) for part in fault["loc"]),
            prefix + _WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, ")),
        )
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    ]
