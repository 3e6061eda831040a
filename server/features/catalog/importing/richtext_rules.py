"""Descriptions: HTML that is safe to show, and the words in it."""

from html.parser import HTMLParser

import nh3

_TAGS = {
    *("p", "br", "hr", "div", "span", "blockquote", "pre", "code", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("strong", "b", "em", "i", "u", "s", "small", "sub", "sup", "ul", "ol", "li", "dl", "dt", "dd", "a", "img"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_INLINE_TAGS = {"span", "code", "strong", "b", "em", "i", "u", "s", "small", "sub", "sup", "a"}


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src" and not value.startswith(("https://", "http://")):
        return None
    return value


# Relative addresses go too: the shop's front end is elsewhere, so they would lead nowhere.
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title"},
    attributes=_ATTRIBUTES,
    attribute_filter=_keep_attribute,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


def sanitize_html(html: str) -> str:
    """Keep the allowed tags and attributes and the text of the others; nothing that runs, loads a frame or styles."""
    return _CLEANER.clean(html).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # The end of one paragraph and the start of the next are two words.
        if tag not in _INLINE_TAGS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE_TAGS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain_text(html: str) -> str:
    """Return the words of sanitized HTML on one line."""
    words = _Words()
    words.feed(html)
    words.close()
    return " ".join("".join(words.parts).split())
