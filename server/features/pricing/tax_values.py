"""Tax rates, and taxes on one amount."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

# A rate is a whole number of parts per million: 190000 is 19 %, 1000000 is all of it.
WHOLE_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax on one class of goods at the destination, contained in the prices or added to them."""

    name: str
    rate_ppm: int
    tax_class: str = "standard"
    included: bool = False
    applies_to_shipping: bool = True

    def __post_init__(self) -> None:
        if self.rate_ppm < 0:
            raise ValueError("a tax rate must not be negative")


class TaxAmount(NamedTuple):
    """The tax of one rate; `taxable_minor` is what it is reckoned from, without any tax."""

    name: str
    rate_ppm: int
    included: bool
    taxable_minor: int
    tax_minor: int


class TaxLike(Protocol):
    """What a TaxAmount tells, wherever it is kept."""

    @property
    def name(self) -> str:
        """Of the rate."""
        ...

    @property
    def rate_ppm(self) -> int:
        """The rate."""
        ...

    @property
    def included(self) -> bool:
        """Whether prices contain it."""
        ...

    @property
    def taxable_minor(self) -> int:
        """What it is reckoned from."""
        ...

    @property
    def tax_minor(self) -> int:
        """How much it is."""
        ...


class TaxPlan(NamedTuple):
    """The rates that apply to one class of goods, or to shipping."""

    included: tuple[TaxRate, ...]
    added: tuple[TaxRate, ...]
    included_ppm: int


class Levy(NamedTuple):
    """All taxes on one amount; `included_minor` is the part of their sum that the amount contains."""

    taxes: tuple[TaxAmount, ...]
    tax_minor: int
    included_minor: int
