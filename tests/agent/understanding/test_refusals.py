"""What is refused, in ten languages; and what a shop refuses, which is no refusal by the customer."""

from __future__ import annotations

import pytest

from xiaoer.agent.brains.understanding.features import normalise
from xiaoer.agent.brains.understanding.negation import strip_refused


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("我不想退款，只想換貨", "refund_request"),
        ("I don't want to cancel, just change the address", "cancel_order"),
        ("no quiero un reembolso, solo quiero mi paquete", "refund_request"),
        ("no cancelen mi pedido por favor", "cancel_order"),
        ("não quero cancelar, só mudar o endereço", "cancel_order"),
        ("je ne veux pas être remboursé, je veux mon colis", "refund_request"),
        ("n'annulez pas ma commande svp", "cancel_order"),
        ("Ich möchte keine Rückerstattung, nur wissen wo es ist", "refund_request"),
        ("ich will die Bestellung nicht stornieren", "cancel_order"),
        ("не хочу отменять заказ, просто когда он придёт", "cancel_order"),
        ("возврат не нужен, мне бы обмен", "return_item"),
        ("返金はいりません、交換してください", "refund_request"),
        ("キャンセルしないでください", "cancel_order"),
        ("환불 말고 교환해 주세요", "refund_request"),
        ("취소하지 마세요", "cancel_order"),
        ("لا أريد استرداد المبلغ، فقط أين الطرد", "refund_request"),
        ("مش عايز الغي الطلب عايز اعرف فين", "cancel_order"),
    ],
)
def test_a_refused_thing_is_known_by_its_intent(text: str, intent: str) -> None:
    assert intent in strip_refused(normalise(text))[1]


@pytest.mark.parametrize(
    "text",
    [
        "怎么不退款",
        "still no refund",
        "no me devuelven el dinero",
        "ainda não recebi o reembolso",
        "toujours pas de remboursement",
        "vous n'annulez pas ma commande ?",
        "noch keine Rückerstattung erhalten",
        "почему не отменили заказ",
        "返金してくれないんですか",
        "환불 안 해줘요?",
        "لماذا لا يتم استرداد المبلغ",
    ],
)
def test_what_the_shop_refuses_is_no_refusal(text: str) -> None:
    assert strip_refused(normalise(text))[1] == frozenset()
