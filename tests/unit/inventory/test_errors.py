"""What a refusal for want of stock says."""

from server.features.inventory.errors import OutOfStock
from server.kernel.ids import VARIANT


def test_names_every_short_variant_of_a_few() -> None:
    error = OutOfStock({VARIANT.new(): 2, VARIANT.new(): 0})

    assert sorted(error.metadata.values()) == ["0", "2"]
    for variant in error.metadata:
        assert variant in error.message


def test_names_three_in_words_and_forty_in_numbers() -> None:
    short = {VARIANT.new(): number for number in range(100)}

    error = OutOfStock(short)

    assert error.available == short
    assert sum(variant in error.message for variant in error.metadata) == 3
    assert "97 more" in error.message
    assert len(error.metadata) == 41
    assert error.metadata["more_count"] == "60"
