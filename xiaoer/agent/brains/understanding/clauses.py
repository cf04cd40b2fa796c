"""A message with several needs, cut where people cut it."""

from __future__ import annotations

import re

_CUT = re.compile(
    r"[。！？!?;；\n…~]+|(?<!\d)\.(?=\s|$)|[,，、](?=\s*\S{2})"
    r"|另外|还有就是|还有[,， ]?|顺便|顺带|对了|以及|并且|而且|然后|再就是|再问"
    r"|\b(?:and also|also|plus|by the way|btw|another thing|and then|oh and|besides|additionally|on top of that|second(?:ly)?)\b"
    r"|\b(?:además|también|aussi|außerdem|também|além disso|de plus)\b"
    r"|あと、|それと|また、|그리고|또한|а ещё|а также|также|وأيضا|وكذلك",
)
_AND = re.compile(r"\b(?:and|but|y|et|und|e|и|но|aber|mais|pero|mas)\b|但是?|不过|可是|同时")
_WORDY = re.compile(r"[^\W\d_]")
_MOST = 8


def split_clauses(normal: str) -> list[str]:
    """Clauses in order, at most eight; a text without a cut is one clause."""
    pieces = [piece.strip() for piece in _CUT.split(normal)]
    finer = [part.strip() for piece in pieces for part in _AND.split(piece)]
    return [piece for piece in finer if len(piece) > 1 and _WORDY.search(piece)][:_MOST]
