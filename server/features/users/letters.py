"""The mails about accounts."""

from urllib.parse import quote

from server.features.users.values import Verification
from server.mail.letter import CodeToType, Link, Paragraph, write_mail
from server.mail.message import Mail
from server.texts.catalogue import texts_in


def verification_mail(verification: Verification, *, shop_name: str, shop_language: str, public_url: str) -> Mail:
    """Write the mail that proves who owns an address."""
    texts = texts_in(verification.language, shop_language)
    say = texts.say
    return write_mail(
        to=verification.email,
        subject=say("verification.subject", shop=shop_name),
        blocks=[
            # No name: until the address is verified, whoever registered it could write to its owner in the shop's name.
            Paragraph(say("verification.greeting")),
            Paragraph(say("verification.almost_there", shop=shop_name)),
            Link(say("verification.link"), f"{public_url}/verify-email?token={quote(verification.code)}"),
            Paragraph(say("verification.or_type")),
            CodeToType(verification.code),
            Paragraph(say("verification.code_works")),
            Paragraph(say("verification.not_you")),
        ],
        language=texts.language,
    )


def known_address_mail(
    email: str, display_name: str, *, language: str, shop_name: str, shop_language: str, public_url: str
) -> Mail:
    """Write the mail for somebody who registers an address that has an account."""
    texts = texts_in(language, shop_language)
    say = texts.say
    if display_name:
        greeting = say("known_address.greeting", name=display_name)
    else:
        greeting = say("known_address.greeting_without_name")
    return write_mail(
        to=email,
        subject=say("known_address.subject", shop=shop_name),
        blocks=[
            Paragraph(greeting),
            Paragraph(say("known_address.what_happened", shop=shop_name)),
            Link(say("known_address.link"), public_url),
            Paragraph(say("known_address.not_you")),
        ],
        language=texts.language,
    )
