"""What stands around every page: counts, the pause buttons, who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xiaoer.approvals.limits import OverLimit
from xiaoer.desk.roles import rights_of
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.refusals import Refusal
from xiaoer.inbox import views
from xiaoer.inbox.pause import MONEY, PAUSABLE, PauseView


@dataclass(frozen=True, slots=True)
class SwitchLine:
    store: str | None  # None: every store
    pause: PauseView | None
    covered: bool  # stopped by the button for every store


@dataclass(frozen=True, slots=True)
class Switch:
    word: str  # running | paused | partly
    lines: tuple[SwitchLine, ...]


@dataclass(frozen=True, slots=True)
class Flash:
    """A sentence about what has just been done, or why it was not."""

    kind: str  # good | bad
    text: str


def frame_of(services: DeskServices, person: SignedIn) -> dict[str, Any]:
    """The part of the view that all pages share."""
    paused = services.pauses.list()
    waiting = views.waiting_counts(services.engine)
    return {
        "counts": {
            "approvals": len(services.approvals.list_actions(ActionStatus.PENDING, limit=200).items),
            "conversations": waiting["human"],
            "suppliers": sum(item.status == "open" for item in all_inquiries(services)),
            "follow-ups": len(services.follow_ups.list()),
            "urgent": waiting["urgent"],
        },
        "paused": paused,
        "switches": {what: _switch(services, paused, what) for what in PAUSABLE},
        "may": rights_of(person.staff.roles),
    }


def all_inquiries(services: DeskServices, store: str = "") -> list[Any]:
    stores = [store] if store in services.stores else list(services.stores)
    return [item for name in stores for item in services.list_inquiries(name)]


def money_paused(paused: Sequence[PauseView], store: str) -> bool:
    return any(pause.what == MONEY and pause.store in (None, store) for pause in paused)


def flash_of(refusal: Refusal, t: Any) -> Flash:
    """Why something was not done, in the person's language where we have the words."""
    if isinstance(refusal, OverLimit):
        return Flash("bad", say_over(refusal, t))
    template = t["refusals"].get(refusal.code)
    if template is None:
        return Flash("bad", str(refusal))
    status = getattr(refusal, "status", None)
    values = {
        "winner": getattr(refusal, "winner", None) or "?",
        "status": t["states"].get(status, status) if status else "",
        "why": str(refusal),
    }
    return Flash("bad", template.format(**values))


def say_over(over: OverLimit, t: Any) -> str:
    """Which daily limit would be passed, in the person's language."""
    words = t["approvals"]["over"]
    return str(
        words["sentence"].format(
            whose=words[over.whose], limit=over.limit, spent=over.spent, amount=over.amount
        )
    )


def _switch(services: DeskServices, paused: Sequence[PauseView], what: str) -> Switch:
    pressed = {pause.store: pause for pause in paused if pause.what == what}
    lines = [SwitchLine(None, pressed.get(None), False)]
    lines += [SwitchLine(store, pressed.get(store), None in pressed) for store in services.stores]
    word = "paused" if None in pressed else "partly" if pressed else "running"
    return Switch(word, tuple(lines))
