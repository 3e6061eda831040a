"""Carts: filling them, what they refuse, and what becomes of them when somebody logs in."""

from tests.contract.journey.buying import new_guest
from tests.contract.journey.ground import goods
from tests.contract.journey.walk import Person, Walk

# Ids that name nothing.
NO_VARIANT = "var_01h455vb4pex5vsknk084sn02q"
NO_ITEM = "item_01h455vb4pex5vsknk084sn02q"
MOST_LINES = 100


async def carts(walk: Walk) -> None:
    """Guests and users fill carts."""
    await walk.look_around()
    nobody = walk.person("nobody")
    guest = await _first_items(walk, nobody)
    await _refused_items(walk, nobody, guest)
    await _keys(walk, nobody)
    await _change_items(walk, nobody, guest)
    await _the_shop_changes(walk, guest)
    await _currencies(walk, nobody)


async def merging(walk: Walk) -> None:
    """A guest logs in and takes the cart along."""
    await walk.look_around()
    nobody = walk.person("nobody")
    ada = await walk.customer("ada")
    await _merge(walk, nobody, ada)
    await _closed(walk, nobody, ada)
    await _refused_merges(walk, nobody, ada)
    if walk.carrier.thorough:
        await _full(walk, nobody, ada)


async def _first_items(walk: Walk, nobody: Person) -> Person:
    walk.scene("a guest puts the first things in")
    await nobody.does("GetCart")
    cart = await nobody.does("AddItem", variant_id=walk.variants["SHIRT-M-WHITE"], quantity=2)
    guest = walk.person("guest", x_cart_token=cart.token)
    await guest.does("AddItem", variant_id=walk.variants["MUG"], quantity=1)
    await guest.does("AddItem", variant_id=walk.variants["MUG"], quantity=3, currency_code="EUR")
    for sku in ("PATTERN", "STAMP", "KETTLE", "JUMPER"):
        await guest.does("AddItem", variant_id=walk.variants[sku], quantity=1)
    await guest.does("GetCart")
    await walk.person("somebody with a forged cart", x_cart_token=f"{cart.token[:-4]}AAAA").tries("GetCart")
    await walk.person("somebody with a forged token", authorization="Bearer x").tries("GetCart")
    ada = await walk.customer("ada")
    await ada.does("GetCart")
    await ada.does("AddItem", variant_id=walk.variants["TEE"], quantity=1)
    return guest


async def _refused_items(walk: Walk, nobody: Person, guest: Person) -> None:
    walk.scene("what cannot be put in")
    await guest.tries("AddItem", variant_id=walk.variants["SHIRT-M-NAVY"], quantity=1)
    await guest.tries("AddItem", variant_id=walk.variants["SHIRT-M-WHITE"], quantity=9)
    await nobody.tries("AddItem", variant_id=walk.variants["POSTER"], quantity=2)
    await guest.tries("AddItem", variant_id=NO_VARIANT, quantity=1)
    await guest.tries("AddItem", variant_id=NO_ITEM, quantity=1)
    await guest.tries("AddItem", variant_id="", quantity=0, currency_code="euro", request_id="x" * 129)
    await guest.tries("AddItem", variant_id=walk.variants["MUG"], quantity=1, currency_code="USD")
    await guest.does("AddItem", variant_id=walk.variants["PATTERN"], quantity=9998)
    await guest.tries("AddItem", variant_id=walk.variants["PATTERN"], quantity=1)
    await walk.change("secret-scarf", Status="draft")
    await guest.tries("AddItem", variant_id=walk.variants["SCARF"], quantity=1)
    await walk.change("old-hat", Status="archived")
    await guest.tries("AddItem", variant_id=walk.variants["HAT"], quantity=1)


async def _keys(walk: Walk, nobody: Person) -> None:
    walk.scene("the same key puts in once")
    mug = {"variant_id": walk.variants["MUG"], "quantity": 1}
    await nobody.tries("AddItem", **mug, request_id="short")
    await nobody.does("AddItem", **mug, request_id="a-key-that-nobody-guesses")
    again = await nobody.does("AddItem", **mug, request_id="a-key-that-nobody-guesses")
    await nobody.tries("AddItem", **{**mug, "quantity": 2}, request_id="a-key-that-nobody-guesses")
    guest = walk.person("guest with a key", x_cart_token=again.token)
    await guest.does("AddItem", **mug, request_id="short")
    await guest.does("AddItem", **mug, request_id="short")
    await guest.tries("AddItem", **{**mug, "quantity": 2}, request_id="short")


async def _change_items(walk: Walk, nobody: Person, guest: Person) -> None:
    walk.scene("changing and taking out")
    cart = await guest.quietly("GetCart")
    items = {item.sku: item.id for item in cart.items}
    await guest.does("UpdateItem", item_id=items["MUG"], quantity=20)
    await guest.tries("UpdateItem", item_id=items["MUG"], quantity=21)
    await guest.tries("UpdateItem", item_id=NO_ITEM, quantity=1)
    await guest.tries("UpdateItem", item_id=walk.variants["MUG"], quantity=1)
    await guest.tries("UpdateItem", item_id="", quantity=0)
    await nobody.tries("UpdateItem", item_id=items["MUG"], quantity=1)
    other = await new_guest(walk, "TEE", name="another guest")
    await other.tries("UpdateItem", item_id=items["MUG"], quantity=1)
    await other.tries("RemoveItem", item_id=items["MUG"])
    await guest.does("RemoveItem", item_id=items["JUMPER"])
    await guest.tries("RemoveItem", item_id=items["JUMPER"])
    await guest.tries("RemoveItem", item_id="item_x")
    await nobody.tries("RemoveItem", item_id=items["MUG"])


async def _the_shop_changes(walk: Walk, guest: Person) -> None:
    walk.scene("the shop changes what lies in a cart")
    await walk.change("enamel-mug", Variant_Price="9.00", Variant_Compare_At_Price="12.00")
    await guest.does("GetCart")
    await walk.change("enamel-mug", Status="archived")
    cart = await guest.does("GetCart")
    for item in cart.items[1:]:
        await guest.quietly("RemoveItem", item_id=item.id)
    await guest.does("RemoveItem", item_id=cart.items[0].id)


async def _currencies(walk: Walk, nobody: Person) -> None:
    walk.scene("carts in dollars")
    cart = await nobody.does("AddItem", variant_id=walk.variants["TEE"], quantity=1, currency_code="USD")
    guest = walk.person("guest with dollars", x_cart_token=cart.token)
    await guest.tries("AddItem", variant_id=walk.variants["STAMP"], quantity=1)
    await nobody.tries("AddItem", variant_id=walk.variants["STAMP"], quantity=1, currency_code="USD")
    walk.scene("an empty cart takes another currency")
    await guest.does("RemoveItem", item_id=cart.items[0].id)
    await guest.does("AddItem", variant_id=walk.variants["STAMP"], quantity=1, currency_code="EUR")


async def _merge(walk: Walk, nobody: Person, ada: Person) -> None:
    walk.scene("a guest's cart goes into the user's")
    guest = await new_guest(walk, "SHIRT-L-WHITE", quantity=2)
    await guest.quietly("AddItem", variant_id=walk.variants["MUG"], quantity=1)
    await guest.quietly("SetEmail", email="elsewhere@customer.example")
    await ada.quietly("AddItem", variant_id=walk.variants["SHIRT-L-WHITE"], quantity=2)
    token = guest.headers["x-cart-token"]
    await nobody.tries("MergeCart", cart_token=token)
    await guest.tries("MergeCart", cart_token=token)
    # Three are left of the shirt: not all four come together.
    await ada.does("MergeCart", cart_token=token)
    await ada.does("MergeCart", cart_token=token)
    await ada.does("GetCart")
    walk.scene("a guest's cart comes to a user without one")
    bob = await walk.customer("bob")
    other = await new_guest(walk, "PATTERN", currency_code="USD")
    await bob.does("MergeCart", cart_token=other.headers["x-cart-token"])
    walk.scene("a user who sends a guest's token is still the user")
    await ada.with_headers("ada with a cart token", x_cart_token=token).does("GetCart")


async def _closed(walk: Walk, nobody: Person, ada: Person) -> None:
    walk.scene("a cart that was merged is closed")
    guest = await new_guest(walk, "MUG")
    item = (await guest.quietly("GetCart")).items[0]
    await ada.quietly("MergeCart", cart_token=guest.headers["x-cart-token"])
    await guest.does("GetCart")
    await guest.tries("AddItem", variant_id=walk.variants["MUG"], quantity=1)
    await guest.tries("UpdateItem", item_id=item.id, quantity=1)
    await guest.tries("RemoveItem", item_id=item.id)
    await guest.tries("SetEmail", email="guest@customer.example")


async def _refused_merges(walk: Walk, nobody: Person, ada: Person) -> None:
    walk.scene("merges that are refused")
    await ada.tries("MergeCart", cart_token="x")
    await ada.tries("MergeCart")
    dollars = await new_guest(walk, "TEE", currency_code="USD")
    await ada.tries("MergeCart", cart_token=dollars.headers["x-cart-token"])


async def _full(walk: Walk, nobody: Person, ada: Person) -> None:
    walk.scene("a cart holds a hundred different things")
    row = next(row for row in goods() if row["Handle"] == "shirt-pattern")
    sizes = [
        {**row, "Handle": "buttons", "Title": "Buttons", "Variant SKU": f"BUTTON-{size}", "Option1 Value": str(size)}
        | {"Option1 Name": "Size", "Price / USD": ""}
        for size in range(MOST_LINES)
    ]
    await walk.ground.stock_up(sizes)
    buttons = await nobody.quietly("GetProduct", product_id="buttons")
    guest = await new_guest(walk, "MUG", name="guest with a full cart")
    for variant in buttons.variants[:-1]:
        await guest.quietly("AddItem", variant_id=variant.id, quantity=1)
    await guest.tries("AddItem", variant_id=buttons.variants[-1].id, quantity=1)
    await ada.tries("MergeCart", cart_token=guest.headers["x-cart-token"])
