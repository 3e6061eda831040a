"""From the rows of a Shopify product file to its products."""

import re
from urllib.parse import urlsplit

from server.features.catalog.importing.richtext_rules import plain_text, sanitize_html
from server.features.catalog.importing.shopify.cell_rules import MAX_TEXT_LENGTH, CellError, read_flag, read_text
from server.features.catalog.importing.shopify.row_rules import read_rows
from server.features.catalog.importing.shopify.values import Column, ProductRows, Row
from server.features.catalog.importing.shopify.variant_rules import VariantReader
from server.features.catalog.importing.values import ImportedImage, ImportedProduct, ParsedFile, RowError
from server.features.catalog.slug_rules import slugify
from server.features.catalog.values import ProductStatus

_MAX_BODY_LENGTH = 500_000
_MAX_LINE_LENGTH = 1_000
_MAX_URL_LENGTH = 2_048
_MAX_CATEGORY_LENGTH = 400
_MAX_CATEGORY_DEPTH = 10
# An entry of Shopify's taxonomy by its id says nothing to a reader.
_TAXONOMY_ID = re.compile(r"gid://.*|\d+|[a-z]{2}(-\d+)*")
_STATUSES = {
    "": ProductStatus.ACTIVE,
    "active": ProductStatus.ACTIVE,
    "draft": ProductStatus.DRAFT,
    "unlisted": ProductStatus.DRAFT,
    "archived": ProductStatus.ARCHIVED,
}


def parse_products(content: bytes, *, default_currency: str) -> ParsedFile:
    """Read a Shopify product file; `default_currency` is that of the price columns that name none."""
    groups, errors = _group_rows(content)
    variant_reader = VariantReader(default_currency)
    products = []
    for group in groups:
        product = _read_product(group, variant_reader)
        if product is not None:
            products.append(product)
        errors.extend(group.errors)
    return ParsedFile(tuple(products), tuple(sorted(errors, key=lambda error: error.line_number)))


def _group_rows(content: bytes) -> tuple[list[ProductRows], list[RowError]]:
    groups: dict[str, ProductRows] = {}
    errors: list[RowError] = []
    handle = ""
    for row in read_rows(content):
        if isinstance(row, RowError):
            errors.append(row)
            # The rows that continue a lost row must not end up at the product before it.
            handle = ""
            continue
        # The newer template lets a new product go without a handle.
        handle = row.text(Column.HANDLE) or row.text(Column.TITLE) or handle
        slug = slugify(handle)
        if slug:
            groups.setdefault(slug, ProductRows(slug, [], [])).rows.append(row)
        elif handle:
            errors.append(RowError(row.line_number, handle, "the handle has no letter and no digit"))
        else:
            errors.append(RowError(row.line_number, "", "the row has no handle and continues no product"))
    return list(groups.values()), errors


def _read_product(group: ProductRows, variant_reader: VariantReader) -> ImportedProduct | None:
    title = group.text(Column.TITLE, MAX_TEXT_LENGTH)
    if not title:
        group.report(group.rows[0], "the product has no title that can be used, so its rows are left out")
        return None
    options, variants = variant_reader.read(group)
    if not variants:
        group.report(group.rows[0], "none of its variants can be read, so the product is left out")
        return None
    html = sanitize_html(group.text(Column.BODY, _MAX_BODY_LENGTH))
    return ImportedProduct(
        line_number=group.rows[0].line_number,
        slug=group.slug,
        title=title,
        description_html=html,
        description_text=plain_text(html),
        vendor=group.text(Column.VENDOR, MAX_TEXT_LENGTH),
        product_type=group.text(Column.TYPE, MAX_TEXT_LENGTH),
        category=_read_category(group),
        tags=_read_tags(group),
        status=_read_status(group),
        options=options,
        images=_read_images(group),
        seo_title=group.text(Column.SEO_TITLE, MAX_TEXT_LENGTH),
        seo_description=group.text(Column.SEO_DESCRIPTION, _MAX_LINE_LENGTH),
        variants=variants,
    )


def _read_category(group: ProductRows) -> tuple[str, ...]:
    """Return the names from the root down; without a category the product type is one."""
    text = group.text(Column.CATEGORY, _MAX_CATEGORY_LENGTH)
    if not text or text.lower() == "uncategorized" or _TAXONOMY_ID.fullmatch(text):
        text = group.first(Column.TYPE).text(Column.TYPE)[:MAX_TEXT_LENGTH].replace(">", " ")
    names = tuple(name for name in (" ".join(part.split()) for part in text.split(">")) if slugify(name))
    if len(names) > _MAX_CATEGORY_DEPTH:
        group.report(group.first(Column.CATEGORY), f"the category is deeper than {_MAX_CATEGORY_DEPTH} levels")
    return names[:_MAX_CATEGORY_DEPTH]


def _read_tags(group: ProductRows) -> tuple[str, ...]:
    row = group.first(Column.TAGS)
    tags: dict[str, str] = {}
    for tag in (" ".join(part.split()) for part in row.text(Column.TAGS).split(",")):
        if len(tag) > MAX_TEXT_LENGTH:
            group.report(row, f"a tag is longer than {MAX_TEXT_LENGTH} characters")
        elif tag:
            tags.setdefault(tag.casefold(), tag)
    return tuple(tags.values())


def _read_status(group: ProductRows) -> ProductStatus:
    status_row, published_row, gift_card_row = (
        group.first(column) for column in (Column.STATUS, Column.PUBLISHED, Column.GIFT_CARD)
    )
    status = _STATUSES.get(status_row.text(Column.STATUS).lower())
    if status is None:
        group.report(status_row, f"status must be active, draft or archived, not {status_row.text(Column.STATUS)!r}")
        return ProductStatus.DRAFT
    try:
        hidden = not read_flag(published_row, Column.PUBLISHED, default=True)
        hidden |= read_flag(gift_card_row, Column.GIFT_CARD, default=False)
    except CellError as error:
        group.report(published_row, str(error))
        hidden = True
    return ProductStatus.DRAFT if hidden and status is ProductStatus.ACTIVE else status


def _read_images(group: ProductRows) -> tuple[ImportedImage, ...]:
    images: dict[str, tuple[int, ImportedImage]] = {}
    for row in group.rows:
        try:
            image = _read_image(row)
        except CellError as error:
            group.report(row, str(error))
            continue
        position = row.text(Column.IMAGE_POSITION)
        if image is not None:
            # Without a position a picture keeps its place in the file, after those that have one.
            images.setdefault(image.url, (int(position) if position.isdecimal() else 1_000_000, image))
    return tuple(image for _, image in sorted(images.values(), key=lambda placed: placed[0]))


def _read_image(row: Row) -> ImportedImage | None:
    url = read_text(row, Column.IMAGE_URL, _MAX_URL_LENGTH)
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CellError(f"{Column.IMAGE_URL} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        raise CellError(f"{Column.IMAGE_URL} must be an http or https address, not {url!r}")
    return ImportedImage(url, read_text(row, Column.IMAGE_ALT_TEXT, _MAX_LINE_LENGTH))
