"""What a customer says he does not want must not be heard as what he wants."""

from __future__ import annotations

import re

# A refusal of the thing, not a complaint that the shop refuses it ("怎么不退款", "still no refund").
_ZH = re.compile(
    r"(?<!为什么)(?<!怎么)(?<!凭什么)(?<!为啥)(?<!你们)(?<!还)(?<!能)(?<!可以)(?<!给)(?<!商家)(?<!客服)(?<!要)(?<!好)(?<!行)"
    r"(?:我|也|又|并|先|暂时|就|才|都|真)*"
    r"(?:不是(?:来|要|想|说|为了)?|不想要?|不要|不用|不需要|无需|没想要?|没要|没说要?|没打算|先别|别给我|不打算|不准备|用不着|不必|不急着|不)"
    r"(?:申请|办理?|给我|帮我|再|去|想|要|是|跟你|找)*"
    r"(退货退款|退换货?|退货|退款|退钱|退掉|退|取消订单|取消|换货|换|转人工|人工|真人|投诉|改地址)"
    r"(?!了吗|吗|呢|不到|不了|么$|行吗|可以吗|也行|怎么)"
)
_FILLER = r"(?:\s+(?:to|a|an|any|my|the|for|it|you|this|that|me|do|get|make|or|really|need|want))*"
_EN_THING = r"(refund(?!ed|s? (?:yet|status))|return(?!ed)|money back|cancel\w*|exchange|replacement|human|agent|person)"
_EN = re.compile(
    rf"\b(?:(?:do not|don't|dont|didn't|didnt|did not|not)(?:\s+(?:even|really|actually|yet|here))*\s+"
    rf"(?:want|need|wish|like|ask|asking|intend|plan|planning|mean|looking|trying|interested in|going)"
    rf"|no need|rather than|instead of|without|(?<!why )(?<!is )(?<!am )not|don't|dont|do not|no longer want)"
    rf"{_FILLER}\s+{_EN_THING}(?:\s+(?:it|my order|the order|anything|this|that|or (?:a )?(?:refund|return|exchange|cancel\w*)))*"
)

# The word that was refused → the intents it would have been heard as.
_REFUSED: tuple[tuple[str, frozenset[str]], ...] = (
    ("退货退款", frozenset({"return_item", "refund_request"})),
    ("退货", frozenset({"return_item", "return_policy"})),
    ("退换", frozenset({"return_item", "exchange_item", "return_policy"})),
    ("退款", frozenset({"refund_request", "refund_status"})),
    ("退钱", frozenset({"refund_request", "refund_status"})),
    ("退", frozenset({"return_item", "refund_request", "return_policy"})),
    ("取消", frozenset({"cancel_order"})),
    ("换", frozenset({"exchange_item"})),
    ("人工", frozenset({"human_agent"})),
    ("真人", frozenset({"human_agent"})),
    ("投诉", frozenset({"complaint"})),
    ("改地址", frozenset({"change_address"})),
    ("refund", frozenset({"refund_request", "refund_status"})),
    ("money back", frozenset({"refund_request", "refund_status"})),
    ("return", frozenset({"return_item", "return_policy"})),
    ("cancel", frozenset({"cancel_order"})),
    ("exchange", frozenset({"exchange_item"})),
    ("replacement", frozenset({"exchange_item"})),
    ("human", frozenset({"human_agent"})),
    ("agent", frozenset({"human_agent"})),
    ("person", frozenset({"human_agent"})),
)
NEGATED = "\ue010"


def strip_refused(normal: str) -> tuple[str, frozenset[str]]:
    """The text without what is refused, and the intents that it must not be heard as."""
    refused: set[str] = set()

    def drop(found: re.Match[str]) -> str:
        refused.update(_intents_of(found[0]))
        return f" {NEGATED} "

    return _EN.sub(drop, _ZH.sub(drop, normal)), frozenset(refused)


def _intents_of(span: str) -> frozenset[str]:
    found: set[str] = set()
    for word, intents in _REFUSED:
        if word in span:
            found |= intents
            span = span.replace(word, "")
    return frozenset(found)
