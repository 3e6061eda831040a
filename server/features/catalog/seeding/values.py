"""Made-up products, and what they are made of: kinds of goods, their makers, and things to say about them."""

from dataclasses import dataclass
from datetime import datetime

from server.features.catalog.importing.values import CategoryPath
from server.kernel.ids import MediaId, ProductId, VariantId

SIZES = ("XS", "S", "M", "L", "XL")
SHOE_SIZES = ("38", "39", "40", "41", "42", "43", "44", "45")
COLOURS = ("Black", "Navy", "Grey", "Olive", "Sand", "Rust", "Ecru", "Forest", "Burgundy", "Slate", "Mustard", "White")
LENGTHS = ("Short", "Regular", "Long")
CAPACITIES = ("Small", "Medium", "Large")
GRINDS = ("Whole Beans", "Filter", "Espresso")
GLAZES = ("Fog", "Iron", "Sea Green", "Bare Clay", "Cobalt")
WIDTHS = ("60 cm", "90 cm", "120 cm")

# Names of lines of goods; none is a brand that exists.
LINES = (
    *("Alder", "Anker", "Arnholt", "Aven", "Barke", "Birkholm", "Boje", "Brack", "Brenne", "Corvin", "Dalmar", "Deich"),
    *("Dorn", "Elbfeld", "Elvar", "Falken", "Fenna", "Feuerland", "Fjelde", "Gade", "Garn", "Gisle", "Grettis", "Haf"),
    *("Halden", "Harke", "Heide", "Hjelm", "Holm", "Iska", "Jade", "Jarl", "Kajen", "Kalm", "Karde", "Kiel", "Klint"),
    *("Koje", "Korn", "Krabbe", "Lahn", "Lerche", "Linde", "Loft", "Lomma", "Luv", "Marsch", "Merle", "Molen", "Nebel"),
    *("Nessa", "Norden", "Oland", "Orlog", "Ostra", "Pier", "Pilot", "Priel", "Quarz", "Rader", "Reet", "Riff", "Runa"),
    *("Sande", "Schilf", "Segel", "Siel", "Skag", "Skerry", "Sund", "Svale", "Tange", "Teer", "Tide", "Torv", "Trosse"),
    *("Ufer", "Ulme", "Vaag", "Varde", "Veen", "Viken", "Warft", "Watt", "Wende", "Wiek", "Wrack", "Ystra", "Zander"),
)
# By the first name of the category.
MAKERS = {
    "Clothing": ("Tidewerk", "Halvor & Weft", "Fjellmark", "Ostermoor", "Nordkante", "Elv & Eng"),
    "Home": ("Kesselkamp", "Moorhahn", "Lüttmann", "Ostermoor", "Kranhaus"),
    "Stationery": ("Papierhof", "Brandgasse", "Schaffer & Co"),
    "Outdoor": ("Fjellmark", "Tauwerk", "Deichgraf"),
    "Pantry": ("Speicher Nord", "Teekontor Elv", "Marschland"),
}
_DURABLE = (
    "Made in small batches by people who sign their work.",
    "It does one thing and does it for a long time.",
    "Plain to look at and a pleasure to use each day.",
    "Tried for a year before we put it into the shop.",
    "It gets better with use, as things should.",
    "Packed in paper and card, without plastic.",
    "Meant to be repaired rather than thrown away.",
    "The second edition, with what our customers asked for.",
    "Sent with a note on how to look after it.",
    "Made to order in the quiet months, kept in stock for the rest of the year.",
)
_EDIBLE = (
    "Bought directly from the people who grow it.",
    "Packed by hand in our own warehouse.",
    "Best within eight weeks of opening.",
    "A cup for the morning, strong enough for milk.",
    "Clear and light, for long afternoons.",
    "This year's harvest, in limited quantity.",
)
FEATURES = {"Clothing": _DURABLE, "Home": _DURABLE, "Stationery": _DURABLE, "Outdoor": _DURABLE, "Pantry": _EDIBLE}
TAGS = ("new", "gift", "bestseller", "plastic-free", "limited", "everyday", "small batch")


@dataclass(frozen=True, slots=True)
class MadePrice:
    """A price in minor units."""

    currency: str
    amount_minor: int
    compare_at_amount_minor: int | None


@dataclass(frozen=True, slots=True)
class MadeVariant:
    """A variant with its first stock."""

    id: VariantId
    sku: str
    option_values: list[str]
    weight_grams: int
    prices: list[MadePrice]
    on_hand: int
    backorder_limit: int


@dataclass(frozen=True, slots=True)
class MadeProduct:
    """A product of two paragraphs and one picture."""

    id: ProductId
    slug: str
    title: str
    paragraphs: tuple[str, str]
    vendor: str
    product_type: str
    category: CategoryPath
    tags: list[str]
    options: list[tuple[str, list[str]]]
    media_id: MediaId
    created_time: datetime
    variants: list[MadeVariant]

    @property
    def description_html(self) -> str:
        """Its paragraphs as HTML."""
        return "".join(f"<p>{paragraph.replace('&', '&amp;')}</p>" for paragraph in self.paragraphs)

    @property
    def description_text(self) -> str:
        """The words of its paragraphs."""
        return " ".join(self.paragraphs)

    @property
    def picture_url(self) -> str:
        """Where its picture would be."""
        return f"https://images.kontor.example/{self.slug}.jpg"


@dataclass(frozen=True, slots=True)
class Ware:
    """A kind of goods. Prices are in whole euros; `options` are names with the values to choose from."""

    category: CategoryPath
    nouns: tuple[str, ...]
    materials: tuple[str, ...]
    prices: tuple[int, int]
    grams: tuple[int, int]
    options: tuple[tuple[str, tuple[str, ...]], ...] = ()


_SIZE = ("Size", SIZES)
_COLOUR = ("Colour", COLOURS)
_WOOL = ("Merino", "Lambswool", "Alpaca", "Wool")
_COTTON = ("Cotton", "Organic Cotton", "Linen", "Jersey", "Flannel")
_SHELL = ("Waxed", "Canvas", "Quilted", "Recycled", "Loden")
_CLAY = ("Stoneware", "Porcelain", "Earthenware")
_METAL = ("Cast-Iron", "Steel", "Copper", "Enamel")
_WOOD = ("Oak", "Beech", "Walnut", "Ash")
_LEATHER = ("Leather", "Canvas", "Waxed", "Felt")

KINDS = (
    Ware(("Clothing", "Tops", "T-Shirts"), ("T-Shirt", "Long Sleeve"), _COTTON, (19, 65), (160, 300), (_SIZE, _COLOUR)),
    Ware(("Clothing", "Tops", "Shirts"), ("Shirt", "Overshirt"), _COTTON, (49, 139), (230, 420), (_SIZE,)),
    Ware(("Clothing", "Tops", "Knitwear"), ("Sweater", "Cardigan"), _WOOL, (79, 260), (320, 900), (_SIZE, _COLOUR)),
    Ware(("Clothing", "Outerwear", "Jackets"), ("Jacket", "Parka"), _SHELL, (129, 450), (500, 1500), (_SIZE,)),
    Ware(("Clothing", "Outerwear", "Vests"), ("Vest",), _SHELL, (79, 199), (250, 600), (_SIZE,)),
    Ware(
        ("Clothing", "Trousers", "Chinos"),
        ("Chinos",),
        ("Cotton", "Linen", "Twill"),
        (69, 149),
        (400, 600),
        (_SIZE, ("Length", LENGTHS)),
    ),
    Ware(("Clothing", "Accessories", "Hats"), ("Beanie", "Cap"), _WOOL, (24, 69), (70, 130), (_COLOUR,)),
    Ware(("Clothing", "Accessories", "Scarves"), ("Scarf", "Snood"), _WOOL, (39, 129), (120, 260), (_COLOUR,)),
    Ware(("Clothing", "Accessories", "Gloves"), ("Gloves", "Mittens"), _WOOL, (29, 89), (80, 160), (_SIZE,)),
    Ware(("Clothing", "Accessories", "Socks"), ("Socks",), _WOOL, (12, 29), (60, 120), (_COLOUR,)),
    Ware(("Clothing", "Footwear", "Boots"), ("Boots",), _LEATHER, (149, 389), (1200, 1900), (("EU Size", SHOE_SIZES),)),
    Ware(
        ("Clothing", "Footwear", "Shoes"),
        ("Deck Shoes",),
        ("Leather", "Canvas", "Suede"),
        (89, 219),
        (600, 1100),
        (("EU Size", SHOE_SIZES),),
    ),
    Ware(("Home", "Kitchen", "Cookware"), ("Pan", "Casserole", "Kettle"), _METAL, (45, 290), (900, 6500)),
    Ware(("Home", "Kitchen", "Boards"), ("Chopping Board", "Bread Board"), _WOOD, (29, 119), (700, 2600)),
    Ware(
        ("Home", "Kitchen", "Coffee Gear"),
        ("Coffee Dripper", "Carafe"),
        _CLAY,
        (24, 89),
        (300, 900),
        (("Glaze", GLAZES),),
    ),
    Ware(("Home", "Tableware", "Mugs"), ("Mug", "Beaker"), _CLAY, (14, 39), (280, 420), (("Glaze", GLAZES),)),
    Ware(("Home", "Tableware", "Plates"), ("Dinner Plate", "Bowl"), _CLAY, (18, 59), (400, 1100), (("Glaze", GLAZES),)),
    Ware(("Home", "Textiles", "Blankets"), ("Blanket", "Throw"), _WOOL, (89, 289), (900, 1900), (_COLOUR,)),
    Ware(
        ("Home", "Textiles", "Towels"),
        ("Towel", "Tea Towel"),
        ("Linen", "Cotton", "Waffle"),
        (14, 69),
        (120, 600),
        (_COLOUR,),
    ),
    Ware(("Home", "Furniture", "Shelves"), ("Wall Shelf",), _WOOD, (79, 299), (3000, 9000), (("Width", WIDTHS),)),
    Ware(("Home", "Furniture", "Stools"), ("Stool", "Bench"), _WOOD, (99, 449), (2500, 9500)),
    Ware(("Home", "Lighting", "Lamps"), ("Desk Lamp", "Wall Lamp"), _METAL, (89, 389), (1200, 4200)),
    Ware(("Stationery", "Paper", "Notebooks"), ("Notebook", "Sketchbook"), _LEATHER, (12, 49), (180, 480), (_COLOUR,)),
    Ware(
        ("Stationery", "Writing", "Pens"),
        ("Fountain Pen", "Ballpoint Pen"),
        ("Brass", "Steel", "Ebonite"),
        (29, 189),
        (60, 140),
    ),
    Ware(("Stationery", "Desk", "Organisers"), ("Pen Tray", "Letter Tray"), _WOOD, (24, 99), (300, 1500)),
    Ware(("Outdoor", "Bags", "Backpacks"), ("Day Pack", "Rucksack"), _LEATHER, (89, 269), (700, 1500), (_COLOUR,)),
    Ware(("Outdoor", "Bags", "Totes"), ("Tote", "Weekender"), _LEATHER, (35, 249), (400, 1600), (_COLOUR,)),
    Ware(
        ("Outdoor", "Camp", "Bottles"),
        ("Bottle", "Flask"),
        ("Steel", "Enamel"),
        (24, 59),
        (250, 520),
        (("Volume", CAPACITIES),),
    ),
    Ware(
        ("Pantry", "Coffee", "Filter Coffee"),
        ("Filter Coffee",),
        ("Washed", "Natural", "Honey"),
        (9, 19),
        (270, 290),
        (("Grind", GRINDS),),
    ),
    Ware(("Pantry", "Tea", "Black Tea"), ("Black Tea",), ("Smoked", "Malty", "Spiced"), (7, 24), (120, 150)),
)
