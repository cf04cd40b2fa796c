"""The demo orders that dialogues are tried on, one for each state, with their customers' proofs."""

from __future__ import annotations

from support.drive import stores
from support.fake_shop import Box, FakeOrder, FakeShop, Item

JANE = {"email": "jane@example.com", "phone_tail": "0142", "name": "Jane Demo", "postcode": "94110"}
OMAR = {"email": "omar@example.com", "phone_tail": "0177", "name": "Omar Sample", "postcode": "60614"}
PRIYA = {"email": "priya@example.com", "phone_tail": "0163", "name": "Priya Example", "postcode": "10027"}
LENA = {"email": "lena@example.com", "phone_tail": "0199", "name": "Lena Test", "postcode": "98101"}
MARCO = {"email": "marco@example.com", "phone_tail": "0108", "name": "Marco Specimen", "postcode": "33130"}
YUSUF = {"name": "Yusuf Rossi", "postcode": "19122"}
ZHANG = {"email": "zhang@example.com", "phone_tail": "7752", "name": "张测试", "postcode": "200001"}

LAMP = Item("L1", "Desk lamp", 3999, {"color": "white"})
THROW = Item("L2", "Wool throw", 5900)
TEA = Item("L3", "Tea set", 2500)
RUG = Item("L4", "Rug", 9900, final_sale=True)


def us_orders() -> list[FakeOrder]:
    return [
        FakeOrder("#1001", "jane", "unshipped", (LAMP, THROW), proof=JANE, placed=1, ship_by=-2),
        FakeOrder("#1002", "jane", "shipped", (LAMP,), (Box("9400100000000000001002", "on_its_way", eta=-3),), proof=JANE),
        FakeOrder("#1003", "omar", "shipped", (TEA,), (Box("9400100000000000001003", "out_for_delivery", since=0),), proof=OMAR),
        FakeOrder("#1004", "omar", "delivered", (LAMP, THROW, RUG), (Box("9400100000000000001004", "delivered", since=3),), proof=OMAR, delivered=3),
        FakeOrder("#1005", "priya", "delivered", (TEA,), (Box("1Z999AA10123451005", "delivered", carrier="UPS", since=2, place="front porch"),), proof=PRIYA, delivered=2),
        FakeOrder("#1006", "priya", "shipped", (TEA,), (Box("1Z999AA10123451006", "stuck", carrier="UPS", since=6, quiet=6, place="Louisville, KY"),), proof=PRIYA),
        FakeOrder("#1007", "lena", "shipped", (TEA,), (Box("YT1000000000001007", "customs_held", carrier="YunExpress", since=2, place="Los Angeles"),), proof=LENA),
        FakeOrder("#1008", "lena", "shipped", (TEA,), (Box("YT1000000000001008", "number_unknown", carrier="YunExpress", since=None),), proof=LENA),
        FakeOrder(
            "#1009",
            "jane",
            "partly_shipped",
            (LAMP, THROW, TEA, RUG),
            (
                Box("9400100000000000100901", "delivered", ("L1",), since=2),
                Box("YT1000000000100902", "on_its_way", ("L2",), "YunExpress", place="Shenzhen"),
                Box("YT1000000000100903", "label_only", ("L3",), "YunExpress", since=5, place=""),
            ),
            unshipped=("L4",),
            proof=JANE,
            ship_by=-2,
        ),
        FakeOrder("#1010", "marco", "going_back", (TEA,), (Box("9400100000000000001010", "going_back", since=2),), proof=MARCO),
        FakeOrder("#1011", "marco", "cancelled", (TEA,), proof=MARCO, cancelled=4, refunds=((2500, "succeeded"),)),
        FakeOrder("#1013", "priya", "delivered", (LAMP,), (Box("1Z999AA10123451013", "delivered", carrier="UPS", since=45),), proof=PRIYA, placed=55, delivered=45),
        FakeOrder("#1032", "jane", "delivered", (LAMP, Item("L2", "Wool throw", 5900, quantity=2)), (Box("9400100000000000001032", "delivered", since=5, place="Front porch"),), proof=JANE, delivered=5),
        FakeOrder(
            "#W2378156",
            "yusuf",
            "delivered",
            (
                Item("W1", "Headphones", 34281, {"type": "over-ear", "color": "blue"}),
                Item("W2", "Vacuum Cleaner", 56105, {"type": "robotic"}),
                Item("W3", "Mechanical Keyboard", 27233, {"switch type": "linear", "size": "full size"}),
                Item("W4", "Smart Thermostat", 26247, {"color": "black"}),
                Item("W5", "Smart Watch", 38126, {"color": "gold"}),
            ),
            (Box("843053632392", "delivered", since=None),),
            proof=YUSUF,
            payment="Mastercard ···· 2478",
        ),
    ]  # fmt: skip


def cn_orders() -> list[FakeOrder]:
    lamp = Item("L1", "护眼台灯", 19900, {"颜色": "白色"})
    cup = Item("L2", "保温杯", 8900)
    yuan = {"proof": ZHANG, "currency": "CNY", "payment": "支付宝"}
    return [
        FakeOrder("20261101001001", "zhang", "unshipped", (lamp,), placed=1, ship_by=-1, **yuan),
        FakeOrder("20261101001002", "zhang", "shipped", (lamp,), (Box("SF1000000001002", "on_its_way", carrier="顺丰速运", place="杭州", eta=-1),), **yuan),
        FakeOrder("20261101001032", "zhang", "delivered", (lamp, cup), (Box("SF1000000001032", "delivered", carrier="顺丰速运", since=5, place="丰巢柜"),), delivered=5, **yuan),
    ]  # fmt: skip


def us_shop() -> FakeShop:
    lamp = {
        "product_id": "P1",
        "title": "Desk lamp",
        "description": "A small lamp for reading.",
        "variants": [
            {
                "sku": "X",
                "options": {"color": "white"},
                "price": {"amount_minor": 3999, "currency": "USD"},
                "available": True,
            }
        ],
    }
    dimming = ("lamp.light", "dimmable lamp brightness", "The lamp dims steplessly.")
    return FakeShop(*us_orders(), store=stores()["demo-us"], knowledge=[dimming], products=[lamp])


def cn_shop() -> FakeShop:
    return FakeShop(*cn_orders(), store=stores()["demo-cn"])
