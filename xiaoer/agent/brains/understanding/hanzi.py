"""Traditional and simplified characters, as the classifier reads them; the table is the domain's."""

from xiaoer.domain.hanzi import SIMPLIFIED, TO_SIMPLIFIED, TRADITIONAL

__all__ = ["SIMPLIFIED", "TO_SIMPLIFIED", "TRADITIONAL"]
