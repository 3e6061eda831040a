"""What the shop says to people: one catalogue for each language.

A catalogue is a gettext file, `de.po`; its name is the language, and its header names the locale in which money and
dates are written (`Language: en_GB`). `tests/contract/test_texts.py` keeps the catalogues alike.

Texts are found by keys, and not by their English: the English is a text like any other, so that it can be changed
without touching code or other languages; and what is said about a refusal is found by its reason anyway. A key says
where its text stands and what for: `order_confirmed.subject`. Placeholders are named, as in Python's `format`, and PO's
plural forms go by the placeholder `count`.

gettext and not Fluent: every tool of translators knows it, and Babel, which writes money and dates, reads it too.

Read `languages` for who gets which language, `catalogue` for what is said in it, `refusals` for errors.
"""
