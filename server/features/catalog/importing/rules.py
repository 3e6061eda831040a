"""What an import does with what is there already: variants found again, categories found or added."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from server.features.catalog.importing.values import (
    ImportedOption,
    ImportedProduct,
    KnownCategory,
    KnownVariant,
    Match,
    MatchedVariant,
    RowError,
)
from server.features.catalog.slug_rules import slugify
from server.kernel.ids import CategoryId, VariantId

_MAX_CATEGORY_SLUG_LENGTH = 80


def match_variants(
    product: ImportedProduct,
    known: Sequence[KnownVariant],
    *,
    by_sku: Mapping[str, KnownVariant],
    make_id: Callable[[], VariantId],
) -> Match:
    """Find for each variant of the file the variant of the shop that it is.

    That is the one with its SKU, else the one with its option values. A SKU of another product, and a combination of
    options that another variant of the product has, are refused.
    """
    by_options = {variant.option_values: variant for variant in known}
    matched: dict[int, KnownVariant] = {}
    errors: list[RowError] = []
    for variant in product.variants:
        twin = by_sku.get(variant.sku) if variant.sku is not None else None
        holder = by_options.get(variant.option_values)
        if twin is not None and twin.product_slug != product.slug:
            reason = f"the SKU {variant.sku} belongs to the product {twin.product_slug}"
            errors.append(RowError(variant.line_number, product.slug, reason))
        elif twin is not None and holder is not None and holder.id != twin.id:
            reason = f"{' / '.join(variant.option_values)} is already the variant with SKU {holder.sku or '(none)'}"
            errors.append(RowError(variant.line_number, product.slug, reason))
        elif twin is not None:
            matched[variant.line_number] = twin
    refused = {error.line_number for error in errors}
    taken = {variant.id for variant in matched.values()}
    for variant in product.variants:
        holder = by_options.get(variant.option_values)
        if variant.line_number not in refused | matched.keys() and holder is not None and holder.id not in taken:
            matched[variant.line_number] = holder
    kept = [variant for variant in known if variant.id not in {twin.id for twin in matched.values()}]
    outdated = tuple(variant.id for variant in kept if len(variant.option_values) != len(product.options))
    return Match(
        variants=_pair(product, matched, refused=refused, make_id=make_id),
        errors=tuple(errors),
        outdated=outdated,
        options=_merge_options(product.options, [variant for variant in kept if variant.id not in outdated]),
    )


def _pair(
    product: ImportedProduct,
    matched: Mapping[int, KnownVariant],
    *,
    refused: set[int],
    make_id: Callable[[], VariantId],
) -> tuple[MatchedVariant, ...]:
    pairs = [
        MatchedVariant(twin.id, True, variant)
        if (twin := matched.get(variant.line_number))
        else MatchedVariant(make_id(), False, variant)
        for variant in product.variants
        if variant.line_number not in refused
    ]
    return tuple(sorted(pairs, key=lambda pair: not pair.known))


def _merge_options(options: Sequence[ImportedOption], kept: Iterable[KnownVariant]) -> tuple[ImportedOption, ...]:
    """Add the values that only variants have which are not in the file."""
    others = list(kept)
    return tuple(
        ImportedOption(
            option.name, tuple(dict.fromkeys((*option.values, *(variant.option_values[index] for variant in others))))
        )
        for index, option in enumerate(options)
    )


@dataclass(slots=True)
class CategoryTree:
    """The categories of the shop and those that a file adds to them."""

    known: Iterable[KnownCategory]
    make_id: Callable[[], CategoryId]
    added: list[KnownCategory] = field(default_factory=list)
    _children: dict[tuple[CategoryId | None, str], KnownCategory] = field(default_factory=dict)
    _slugs: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for category in self.known:
            self._remember(category)

    def find_or_add(self, names: Sequence[str]) -> CategoryId | None:
        """Return the category at the end of a path of names, adding what is missing on the way; None for no names."""
        parent: KnownCategory | None = None
        for name in names:
            child = self._children.get((parent.id if parent else None, slugify(name)))
            parent = child or self._add(parent, name)
        return parent.id if parent else None

    def _add(self, parent: KnownCategory | None, name: str) -> KnownCategory:
        slug = self._free_slug(parent, slugify(name))
        path = f"{parent.path if parent else ''}{slug}/"
        category = KnownCategory(self.make_id(), parent.id if parent else None, slug, name, path)
        self.added.append(category)
        self._remember(category)
        return category

    def _free_slug(self, parent: KnownCategory | None, own: str) -> str:
        """Return the category's own name, else with its parent's before it, else with a number behind it."""
        slug = own[:_MAX_CATEGORY_SLUG_LENGTH].strip("-")
        if slug in self._slugs and parent is not None:
            slug = f"{parent.slug}-{own}"[:_MAX_CATEGORY_SLUG_LENGTH].strip("-")
        number = 2
        free = slug
        while free in self._slugs:
            free = f"{slug}-{number}"
            number += 1
        return free

    def _remember(self, category: KnownCategory) -> None:
        self._children[category.parent_id, slugify(category.name)] = category
        self._slugs.add(category.slug)
