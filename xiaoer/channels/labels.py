"""Return slips as a page to print: `/labels/{id}`. Whoever knows the path may open it; it is not to be guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from xiaoer.channels.errors import Problem
from xiaoer.channels.headers import new_nonce, page_headers
from xiaoer.domain.stores import Store, pick

_KEYS = ("title", "to", "number", "order", "items", "how")
_TEXTS = {
    "en": (
        "Return slip",
        "Send to",
        "Return number",
        "Order",
        "In the parcel",
        "Print this page and put it into the parcel, or write the return number on the outside. Keep the receipt of the post office until the money is back.",
    ),
    "zh": (
        "退货单",
        "寄往",
        "退货编号",
        "订单",
        "包裹内商品",
        "请打印本页放入包裹，或把退货编号写在包裹外面。退款到账前请保留寄件凭证。",
    ),
    "zh-Hant": (
        "退貨單",
        "寄往",
        "退貨編號",
        "訂單",
        "包裹內商品",
        "請列印本頁放入包裹，或把退貨編號寫在包裹外面。退款到帳前請保留寄件收據。",
    ),
    "es": (
        "Hoja de devolución",
        "Enviar a",
        "Número de devolución",
        "Pedido",
        "Contenido del paquete",
        "Imprima esta página y póngala dentro del paquete, o escriba el número de devolución por fuera. Guarde el resguardo del envío hasta recibir el dinero.",
    ),
    "fr": (
        "Bon de retour",
        "À envoyer à",
        "Numéro de retour",
        "Commande",
        "Contenu du colis",
        "Imprimez cette page et placez-la dans le colis, ou inscrivez le numéro de retour à l'extérieur. Conservez la preuve d'envoi jusqu'au remboursement.",
    ),
    "de": (
        "Rücksendeschein",
        "Senden an",
        "Rücksendenummer",
        "Bestellung",
        "Inhalt des Pakets",
        "Drucken Sie diese Seite aus und legen Sie sie ins Paket, oder schreiben Sie die Rücksendenummer außen darauf. Bewahren Sie den Einlieferungsbeleg auf, bis das Geld zurück ist.",
    ),
    "pt": (
        "Guia de devolução",
        "Enviar para",
        "Número da devolução",
        "Pedido",
        "Conteúdo do pacote",
        "Imprima esta página e coloque-a no pacote, ou escreva o número da devolução do lado de fora. Guarde o comprovante de postagem até receber o dinheiro.",
    ),
    "ja": (
        "返品票",
        "送り先",
        "返品番号",
        "注文",
        "同梱の商品",
        "このページを印刷して荷物に入れるか、返品番号を荷物の外側に書いてください。返金が届くまで発送の控えを保管してください。",
    ),
    "ko": (
        "반품 전표",
        "보내실 곳",
        "반품 번호",
        "주문",
        "상자 속 상품",
        "이 페이지를 인쇄해 상자에 넣거나 반품 번호를 상자 겉면에 적어 주세요. 환불이 입금될 때까지 발송 영수증을 보관해 주세요.",
    ),
    "ru": (
        "Лист возврата",
        "Куда отправить",
        "Номер возврата",
        "Заказ",
        "В посылке",
        "Распечатайте эту страницу и вложите её в посылку или напишите номер возврата снаружи. Сохраните квитанцию об отправке до возврата денег.",
    ),
    "ar": (
        "قسيمة إرجاع",
        "العنوان المرسل إليه",
        "رقم الإرجاع",
        "الطلب",
        "محتويات الطرد",
        "اطبعوا هذه الصفحة وضعوها داخل الطرد، أو اكتبوا رقم الإرجاع على الطرد من الخارج. احتفظوا بإيصال الشحن إلى أن تستردّوا المبلغ.",
    ),
}
_WORDS = {lang: dict(zip(_KEYS, texts, strict=True)) for lang, texts in _TEXTS.items()}
_RIGHT_TO_LEFT = frozenset({"ar"})


class Label(Protocol):
    @property
    def store(self) -> str: ...
    @property
    def order_no(self) -> str: ...
    @property
    def return_id(self) -> str: ...
    @property
    def tracking_no(self) -> str: ...
    @property
    def created_at(self) -> datetime | None: ...
    @property
    def items(self) -> Sequence[tuple[str, int]]: ...


@cache
def _page() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


def build_label_router(stores: Mapping[str, Store], find_label: Callable[[str], Label | None]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/labels/{label_id}")
    def label(label_id: str, request: Request) -> HTMLResponse:
        found = find_label(f"/labels/{label_id}")
        store = stores.get(found.store) if found else None
        if found is None or store is None:
            raise Problem(404, "There is no return slip at this address.", "not_found")
        lang = request.query_params.get("lang") or store.languages[0]
        words = next(_WORDS[key] for key in (lang, lang.split("-")[0], "en") if key in _WORDS)
        nonce = new_nonce()
        html = (
            _page()
            .get_template("label.html")
            .render(
                label=found,
                words=words,
                lang=lang,
                direction="rtl" if lang in _RIGHT_TO_LEFT else "ltr",
                nonce=nonce,
                shop=pick(store.name, lang),
                address=store.return_address,
            )
        )
        return HTMLResponse(html, headers=page_headers(nonce))

    return router
