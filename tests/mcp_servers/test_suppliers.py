"""Questions to suppliers: who is asked, until when, and the answer through the desk."""

from __future__ import annotations

from datetime import timedelta

from support.servers import CN, NOW, STORES, US, World, ask

from xiaoer.domain.clock import iso
from xiaoer.domain.permits import META_KEY
from xiaoer.mcp_servers.state import answer_inquiry, list_inquiries

QUESTION = "When will the lamp be sent?"


async def test_the_supplier_of_the_named_article_is_asked_with_his_own_clock(world: World) -> None:
    order = world.platform.get_order(US, None, "#1009")
    assert order is not None
    meta = world.context(world.customer("#1009"))
    for line in order.lines:
        args = {"question": f"{QUESTION} {line.line_id}", "order_no": "#1009", "sku": line.sku}
        said = (await ask(world.servers["suppliers"], "ask_supplier", args, meta)).data
        supplier = STORES[US].supplier(line.supplier or "")
        assert supplier is not None
        assert said["supplier"] == supplier.id
        assert said["answer_expected_by"] == iso(NOW + timedelta(hours=supplier.answers_within_hours))
    assert {line.supplier for line in order.lines} == {"northdock", "lanfeng"}


async def test_without_an_article_the_supplier_of_what_waits_is_asked(world: World) -> None:
    order = world.platform.get_order(US, None, "#1009")
    assert order is not None
    waiting = next(line for line in order.lines if line.shipped_quantity < line.quantity)
    meta = world.context(world.customer("#1009"))
    said = await ask(
        world.servers["suppliers"], "ask_supplier", {"question": QUESTION, "order_no": "1009"}, meta
    )
    assert said.data["supplier"] == waiting.supplier


async def test_the_same_question_of_one_turn_is_asked_once(world: World) -> None:
    meta = {**world.context(world.visitor()), META_KEY: "turn-1"}
    args = {"question": QUESTION}
    ids = [
        (await ask(world.servers["suppliers"], "ask_supplier", args, meta)).data["inquiry_id"]
        for _ in range(3)
    ]
    assert len(set(ids)) == 1
    assert len(list_inquiries(world.engine, US)) == 1
    later = {**meta, META_KEY: "turn-2"}
    await ask(world.servers["suppliers"], "ask_supplier", args, later)
    assert len(list_inquiries(world.engine, US)) == 2


async def test_the_desks_answer_reaches_the_conversation_once(world: World) -> None:
    meta = world.context(world.visitor())
    asked = await ask(world.servers["suppliers"], "ask_supplier", {"question": QUESTION}, meta)
    inquiry_id = asked.data["inquiry_id"]
    answered = answer_inquiry(world.engine, inquiry_id, "On Monday.", "maya", NOW)
    assert answered is not None
    assert (answered.status, answered.answered_by) == ("answered", "maya")
    assert answer_inquiry(world.engine, inquiry_id, "Never.", "noel", NOW) is None
    read = await ask(world.servers["suppliers"], "get_supplier_answer", {"inquiry_id": inquiry_id}, meta)
    assert (read.data["status"], read.data["answer"]) == ("answered", "On Monday.")


async def test_a_store_lists_its_own_questions_open_ones_first(world: World) -> None:
    for store, question in ((US, "first?"), (US, "second?"), (CN, "第三个？")):
        meta = world.context(world.visitor(store))
        await ask(world.servers["suppliers"], "ask_supplier", {"question": question}, meta)
        world.clock.forward(seconds=1)
    first = next(item for item in list_inquiries(world.engine, US) if item.question == "first?")
    answer_inquiry(world.engine, first.inquiry_id, "Yes.", "maya", NOW)
    assert [item.question for item in list_inquiries(world.engine, US)] == ["second?", "first?"]
    assert [item.question for item in list_inquiries(world.engine, CN)] == ["第三个？"]


async def test_a_note_is_kept_once_a_turn(world: World) -> None:
    meta = {**world.context(world.customer()), META_KEY: "turn-1"}
    args = {"order_no": "#1032", "text": "Please\u202e ring twice\x07."}
    for _ in range(2):
        assert (await ask(world.servers["orders"], "add_order_note", args, meta)).ok
    order = world.platform.get_order(US, None, "#1032")
    assert order is not None
    assert order.notes == ("Please ring twice.",)
