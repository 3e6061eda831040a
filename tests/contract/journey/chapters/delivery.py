"""Where it goes, how it gets there, and what that does to the taxes."""

from tests.contract.journey.buying import BERLIN, SPRINGFIELD, new_guest
from tests.contract.journey.walk import Person, Walk

NO_WAY = "ship_01h455vb4pex5vsknk084sn02q"
FAR_AWAY = {**BERLIN, "locality": "Tokyo", "region_code": "JP", "postal_code": ""}


async def delivery(walk: Walk) -> None:
    """A cart learns of mail address, places and ways."""
    await walk.look_around()
    nobody = walk.person("nobody")
    await _without_cart(walk, nobody)
    guest = await new_guest(walk, "SHIRT-M-WHITE", "MUG", "STAMP")
    await _email(walk, guest)
    await _addresses(walk, guest)
    await _ways(walk, guest)
    await _abroad(walk, guest)
    await _dollars(walk)
    await _no_parcel(walk)
    await _users(walk)


async def _without_cart(walk: Walk, nobody: Person) -> None:
    walk.scene("without a cart there is nothing to say it of")
    await nobody.tries("SetEmail", email="guest@customer.example")
    await nobody.tries("SetAddresses", shipping_address=BERLIN)
    await nobody.tries("ListShippingMethods")
    await nobody.tries("SetShippingMethod", shipping_method_id=NO_WAY)


async def _email(walk: Walk, guest: Person) -> None:
    walk.scene("where messages go")
    await guest.does("SetEmail", email="Guest@Customer.Example")
    await guest.tries("SetEmail", email="no address")
    await guest.tries("SetEmail")


async def _addresses(walk: Walk, guest: Person) -> None:
    walk.scene("before there is an address")
    await guest.tries("ListShippingMethods")
    await guest.tries("SetShippingMethod", shipping_method_id=NO_WAY)
    walk.scene("where parcel and bill go")
    await guest.tries("SetAddresses")
    await guest.tries("SetAddresses", shipping_address={"region_code": "Germany"}, billing_address=BERLIN)
    await guest.tries("SetAddresses", shipping_address=BERLIN, billing_address={**BERLIN, "address_lines": [""] * 6})
    await guest.does("SetAddresses", shipping_address=BERLIN, billing_address=SPRINGFIELD)
    await guest.does("SetAddresses", shipping_address=BERLIN)


async def _ways(walk: Walk, guest: Person) -> None:
    walk.scene("how it is sent")
    ways = await guest.does("ListShippingMethods")
    standard, express = (way.id for way in ways.shipping_methods)
    await guest.does("SetShippingMethod", shipping_method_id=express)
    await guest.does("SetShippingMethod", shipping_method_id=standard)
    await guest.tries("SetShippingMethod", shipping_method_id=NO_WAY)
    await guest.tries("SetShippingMethod", shipping_method_id="express")
    await guest.tries("SetShippingMethod")
    walk.scene("from fifty euros on it costs nothing")
    await guest.does("AddItem", variant_id=walk.variants["JUMPER"], quantity=1)
    await guest.does("ListShippingMethods")


async def _abroad(walk: Walk, guest: Person) -> None:
    walk.scene("a way that does not go there is unset")
    express = (await guest.quietly("ListShippingMethods")).shipping_methods[1].id
    await guest.quietly("SetShippingMethod", shipping_method_id=express)
    await guest.does("SetAddresses", shipping_address={**BERLIN, "locality": "Wien", "region_code": "AT"})
    await guest.does("SetAddresses", shipping_address=FAR_AWAY)
    await guest.does("ListShippingMethods")
    await guest.tries("SetShippingMethod", shipping_method_id=express)


async def _dollars(walk: Walk) -> None:
    walk.scene("taxes that come on top of the price")
    guest = await new_guest(walk, "SHIRT-M-WHITE", "MUG", name="guest with dollars", currency_code="USD")
    await guest.quietly("SetAddresses", shipping_address=SPRINGFIELD)
    ways = await guest.does("ListShippingMethods")
    await guest.does("SetShippingMethod", shipping_method_id=ways.shipping_methods[0].id)
    await guest.does("SetAddresses", shipping_address={**SPRINGFIELD, "administrative_area": "NY"})
    await guest.does("SetAddresses", shipping_address={**SPRINGFIELD, "administrative_area": "AK"})


async def _no_parcel(walk: Walk) -> None:
    walk.scene("what needs no parcel needs no address")
    guest = await new_guest(walk, "PATTERN", name="guest without a parcel")
    await guest.does("SetEmail", email="guest@customer.example")
    await guest.does("SetAddresses", shipping_address=BERLIN)
    await guest.does("ListShippingMethods")


async def _users(walk: Walk) -> None:
    walk.scene("a user's own address stands there from the start")
    ada = await walk.customer("ada")
    await ada.tries("SetEmail", email="elsewhere@customer.example")
    await ada.does("AddItem", variant_id=walk.variants["TEE"], quantity=1)
    await ada.does("SetEmail", email="elsewhere@customer.example")
    await ada.with_headers("ada with a forged cart", x_cart_token="x").tries("SetEmail", email="a@customer.example")
