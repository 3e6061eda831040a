"""The mails about accounts."""

from urllib.parse import quote

from server.features.users.values import Verification
from server.mail.letter import Code, Link, Paragraph, write_mail
from server.mail.message import Mail


def verification_mail(verification: Verification, *, shop_name: str, public_url: str) -> Mail:
    """Write the mail that proves who owns an address."""
    return write_mail(
        to=verification.email,
        subject=f"Confirm your e-mail address for {shop_name}",
        blocks=[
            # No name: until the address is verified, whoever registered it could write to its owner in the shop's name.
            Paragraph("Hello,"),
            Paragraph(
                f"You are almost there: confirm that this is your address, and your {shop_name} account is ready."
            ),
            Link("Confirm my address", f"{public_url}/verify-email?token={quote(verification.code)}"),
            Paragraph("Or enter this code where you signed up:"),
            Code(verification.code),
            Paragraph(
                "The code works once, for 24 hours, together with the password that you chose when you signed up."
            ),
            Paragraph("You did not sign up? Then do nothing: without the code nobody can use this address."),
        ],
    )


def known_address_mail(email: str, display_name: str, *, shop_name: str, public_url: str) -> Mail:
    """Write the mail for somebody who registers an address that has an account."""
    return write_mail(
        to=email,
        subject=f"You already have an account at {shop_name}",
        blocks=[
            Paragraph(f"Hello {display_name}," if display_name else "Hello,"),
            Paragraph(
                f"Somebody, probably you, just tried to open a {shop_name} account with this address. "
                "You already have one, so nothing was changed: log in with the password you chose back then."
            ),
            Link("Go to the shop", public_url),
            Paragraph("It was not you? Then do nothing: whoever it was learned nothing about your account."),
        ],
    )
