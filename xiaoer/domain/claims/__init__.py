"""What a text claims to have happened or promises, in ten languages: words as data, one small engine."""

from xiaoer.domain.claims.engine import (
    ANSWERED,
    ARRIVAL,
    DONE,
    MATTER,
    PLEDGE,
    PROMISE,
    Claim,
    find_claims,
    topics_of,
)

__all__ = ["ANSWERED", "ARRIVAL", "DONE", "MATTER", "PLEDGE", "PROMISE", "Claim", "find_claims", "topics_of"]
