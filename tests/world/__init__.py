"""The world of the tests: a shop, people in it, goods in it, and what they do.

A test takes fixtures and reads like a story:

    async def test_twins_make_one_order(shop: Shop, goods: None) -> None:
        guest = shop.guest()
        request = await guest.fill("shirt")

        answers = await asyncio.gather(*[guest.place(request) for _ in range(8)])

        assert len({answer.order.id for answer in answers}) == 1
        assert await shop.count("orders") == 1

- `shop` is the running shop with nothing in it: its database, clock, mailbox, Stripe and work (`shop.py`).
- `goods` puts the usual things on its shelves: `shirt`, `mug`, `poster` and `pattern`, taxed and sent. More comes with
  `shop.shelve("Lamp", stock=5)` (`goods.py`, `pricing.py`), or from a file (`files.py`).
- `guest`, `customer` and `admin` are people; `shop.guest()` and the like bring more of them. They do what there is a
  verb for, as `guest.add("mug")`, and all else with `guest.call(GetOrderRequest(...))` (`people.py`, `rpcs.py`).
- `await shop.run("SELECT ...")` looks into the database behind the shop's back, or changes it (`looking.py`).
- `await refusal(guest.place(request))` says how a call was refused, `await race(calls)` what became of many at once
  (`refusals.py`); `await pages(guest, request)` turns the pages of a list (`paging.py`).
- `db` is the empty database, for tests that need no shop. `eventually` waits for what happens elsewhere (`waiting.py`).
  Whole processes, to be killed, are in `processes.py`.

The fixtures are in `tests/conftest.py`. The tests of an RPC are in `tests/rpc/<feature>/test_<rpc>.py`.
"""
