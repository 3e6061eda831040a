"""Every language says everything that the program says, with the same placeholders, and nothing else."""

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message
from kontor.errors.v1 import reason_pb2

import server
from server.texts.catalogue import read_catalogue, texts_in
from server.texts.languages import FALLBACK, LANGUAGES
from server.texts.refusals import refusal_text
from tests.contract.descriptors import comments

SERVER = Path(server.__file__).parent
# The only module that puts keys together: it goes by reasons of the contract.
BY_REASON = SERVER / "texts" / "refusals.py"
# They have no text for shoppers.
NOT_FOR_SHOPPERS = {
    # Only a program can do it wrong.
    "IDEMPOTENCY_KEY_REUSED",
    "SIGNATURE_INVALID",
    "UNIMPLEMENTED",
    # Only people who work for the shop meet them.
    "NOTHING_TO_FULFILL",
    "STOCK_NOT_TRACKED",
    "STOCK_RESERVED",
    # Said by the edge, which knows no languages, or by nobody: the features have reasons of their own.
    "ALREADY_EXISTS",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED",
}
METADATA = {"amount_minor": "3430", "currency_code": "EUR", "missing": "email,shipping_method"}


def test_english_and_german_are_there():
    assert {FALLBACK, "de"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_lacks_a_text_or_has_one_too_many(language):
    assert messages(language).keys() == messages(FALLBACK).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_finished(language):
    assert [key for key, message in messages(language).items() if message.fuzzy] == []
    forms = read_catalogue(language).num_plurals
    for key, message in messages(language).items():
        texts = forms_of(message)
        assert all(text and text == text.strip() for text in texts), key
        assert len(texts) == (forms if message.pluralizable else 1), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_those_of_english(language):
    for key, message in messages(language).items():
        assert placeholders(message) == placeholders(messages(FALLBACK)[key]), key


def test_plural_forms_go_by_the_count():
    for key, message in messages(FALLBACK).items():
        if message.pluralizable:
            assert "count" in placeholders(message), key


def test_code_says_what_the_catalogue_has_and_all_of_it():
    by_reason = {f"refused.{reason}" for reason in for_shoppers()} | {f"missing.{what}" for what in missing_words()}

    assert set(said()) | by_reason == messages(FALLBACK).keys()


def test_code_fills_every_placeholder_and_no_other():
    wrong = {
        f"{key}: {sorted(given)}"
        for key, fillings in said().items()
        for given in fillings
        if given != placeholders(messages(FALLBACK)[key])
    }

    assert wrong == set()


def test_keys_stand_in_code_as_they_are():
    """Only so it can be seen who says what."""
    composed = {path for path, call in calls() if key_of(call) is None}

    assert composed == {BY_REASON}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_that_a_shopper_meets_can_be_said(language):
    """Nothing of it may depend on metadata that the contract does not promise."""
    texts = texts_in(language)

    for reason in for_shoppers():
        comment = comments()[f"kontor.errors.v1.Reason.{reason}"]
        promised = {key: METADATA.get(key, "2") for key in re.findall(r"`([a-z_]+)`", comment)}
        retry_after = timedelta(minutes=5) if "RetryInfo" in comment else None

        text = refusal_text(texts, reason, metadata=promised, retry_after=retry_after)

        assert text is not None, reason
        assert "{" not in text, reason


def test_others_have_no_text():
    assert set(reason_pb2.Reason.keys()) >= NOT_FOR_SHOPPERS
    for reason in NOT_FOR_SHOPPERS:
        assert refusal_text(texts_in(FALLBACK), reason, metadata={}, retry_after=None) is None


def for_shoppers() -> set[str]:
    return set(reason_pb2.Reason.keys()) - {"REASON_UNSPECIFIED"} - NOT_FOR_SHOPPERS


def missing_words() -> set[str]:
    """Return what the contract says that `missing` lists."""
    comment = comments()["kontor.errors.v1.Reason.CHECKOUT_INCOMPLETE"]
    return set(re.findall(r"`([a-z_]+)`", comment)) - {"missing"}


def messages(language: str) -> Mapping[str, Message]:
    """Return the texts of a language by their keys."""
    # The header has no key.
    return {
        message.id if isinstance(message.id, str) else message.id[0]: message
        for message in read_catalogue(language)
        if message.id
    }


def forms_of(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def placeholders(message: Message) -> set[str]:
    return {name for text in forms_of(message) for _, name, _, _ in Formatter().parse(text) if name is not None}


def said() -> Mapping[str, list[set[str]]]:
    """Return the keys that code says, each with the placeholders that it fills, in each place."""
    found: dict[str, list[set[str]]] = {}
    for _, call in calls():
        key = key_of(call)
        if key is not None:
            found.setdefault(key, []).append({keyword.arg for keyword in call.keywords if keyword.arg})
    return found


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Yield every call of `say` in modules that know the catalogues."""
    for path in sorted(SERVER.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "server.texts.catalogue" in source else ():
            if isinstance(node, ast.Call) and "say" in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
                yield path, node


def key_of(call: ast.Call) -> str | None:
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
