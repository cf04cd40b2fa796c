"""What a message means: intents, slots, sentiment, risk. The ids are fixed."""

from __future__ import annotations

from dataclasses import dataclass, field

INTENTS: tuple[str, ...] = (
    "track_parcel",
    "delivery_overdue",
    "tracking_invalid",
    "not_received",
    "partial_delivery",
    "when_ship",
    "cancel_order",
    "change_address",
    "change_order",
    "return_item",
    "exchange_item",
    "refund_request",
    "refund_status",
    "damaged_or_wrong_item",
    "product_question",
    "stock_question",
    "price_promotion",
    "payment_issue",
    "invoice_request",
    "shipping_policy",
    "return_policy",
    "complaint",
    "human_agent",
    "greeting",
    "thanks_bye",
    "out_of_scope",
)
SENTIMENTS: tuple[str, ...] = ("angry", "unhappy", "neutral", "happy")
LANGUAGES: tuple[str, ...] = ("zh", "zh-Hant", "en", "es", "fr", "de", "pt", "ja", "ko", "ru", "ar")


@dataclass(frozen=True, slots=True)
class IntentScore:
    id: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Slots:
    """Every value found, in the order of the text; a message may carry several of a kind."""

    order_no: tuple[str, ...] = ()
    tracking_no: tuple[str, ...] = ()
    phone_tail: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    carrier: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    postcode: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, list[str]]:
        return {name: list(getattr(self, name)) for name in self.__slots__ if getattr(self, name)}


@dataclass(frozen=True, slots=True)
class Understanding:
    """`intents` main one first; empty when nothing was recognised with confidence."""

    lang: str
    intents: tuple[IntentScore, ...]
    sentiment: str = "neutral"
    slots: Slots = field(default_factory=Slots)
    risk_words: tuple[str, ...] = ()
    yes_no: str | None = None  # "yes" | "no" | "any" when the message is (mostly) an answer

    def has(self, intent: str) -> bool:
        return any(score.id == intent for score in self.intents)

    @property
    def main(self) -> str | None:
        return self.intents[0].id if self.intents else None
