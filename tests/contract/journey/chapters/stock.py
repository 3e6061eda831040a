"""Stock: looking at counters and putting them right."""

from typing import Any

from tests.contract.journey.buying import new_guest, order, paid_order
from tests.contract.journey.walk import Person, Walk

NO_VARIANT = "var_01h455vb4pex5vsknk084sn02q"


async def stock(walk: Walk) -> None:
    """The shop's staff counts."""
    await walk.look_around()
    admin = await walk.admin()
    await _who_counts(walk)
    await _counters(walk, admin)
    await _refused(walk, admin)
    if walk.carrier.thorough:
        await _course(walk, admin)


async def _who_counts(walk: Walk) -> None:
    walk.scene("who may count")
    mug = walk.variants["MUG"]
    for person in (walk.person("nobody"), await new_guest(walk, "MUG"), await walk.customer("ada")):
        await person.tries("GetStock", variant_id=mug)
        await person.tries("AdjustStock", variant_id=mug, delta_count=1, reason="found")


async def _counters(walk: Walk, admin: Person) -> None:
    walk.scene("counters, and their changes")
    mug: dict[str, Any] = {"variant_id": walk.variants["MUG"]}
    await admin.does("GetStock", **mug)
    await admin.does("GetStock", variant_id=walk.variants["KETTLE"])
    await order(await new_guest(walk, "MUG", "KETTLE", quantity=4), "stock-1")
    await admin.does("GetStock", **mug)
    await admin.does("GetStock", variant_id=walk.variants["KETTLE"])
    await walk.pass_time(seconds=10)
    await admin.does("AdjustStock", **mug, delta_count=5, reason="found behind the shelf", request_id="found-1")
    await admin.does("AdjustStock", **mug, delta_count=5, reason="found behind the shelf", request_id="found-1")
    await admin.tries("AdjustStock", **mug, delta_count=6, reason="found behind the shelf", request_id="found-1")
    await admin.does("AdjustStock", **mug, delta_count=-3, reason="broken")
    await admin.does("AdjustStock", **mug, on_hand_count=4, reason="stocktaking")
    await walk.work()
    await walk.person("anybody").does("GetProduct", product_id="enamel-mug")
    walk.scene("some are kept back from sale")
    await walk.shop.run(
        "UPDATE stock_items SET safety = 2 FROM variants WHERE variants.id = variant_id AND sku = 'SHIRT-L-WHITE'"
    )
    await admin.does("GetStock", variant_id=walk.variants["SHIRT-L-WHITE"])
    guest = await new_guest(walk, "SHIRT-L-WHITE")
    await guest.tries("AddItem", variant_id=walk.variants["SHIRT-L-WHITE"], quantity=1)


async def _refused(walk: Walk, admin: Person) -> None:
    walk.scene("counts that are refused")
    mug: dict[str, Any] = {"variant_id": walk.variants["MUG"]}
    await admin.tries("AdjustStock", **mug, on_hand_count=3, reason="orders hold four")
    await admin.tries("AdjustStock", **mug, delta_count=-1, reason="orders hold four")
    await admin.tries("AdjustStock", **mug, delta_count=0, reason="")
    await admin.tries("AdjustStock", **mug, reason="neither")
    await admin.tries("AdjustStock")
    await admin.tries("AdjustStock", **mug, on_hand_count=-1, reason="x" * 501, request_id="x" * 129)
    for name in (walk.variants["PATTERN"], NO_VARIANT, "stock_01h455vb4pex5vsknk084sn02q"):
        await admin.tries("GetStock", variant_id=name)
        await admin.tries("AdjustStock", variant_id=name, delta_count=1, reason="found")
    await admin.tries("GetStock")


async def _course(walk: Walk, admin: Person) -> None:
    walk.scene("what needs no parcel is handed over when it comes in")
    guest = await new_guest(walk, "COURSE", name="guest who waits")
    bought = await paid_order(walk, guest, "course-1")
    await guest.does("GetOrder", order_id=bought.id)
    await admin.does("AdjustStock", variant_id=walk.variants["COURSE"], delta_count=2, reason="it opens")
    await walk.work()
    await guest.does("GetOrder", order_id=bought.id)
    await guest.does("ListTimeline", order_id=bought.id)
    await admin.does("GetStock", variant_id=walk.variants["COURSE"])
