"""Accounts and tokens as the contract has them."""

from kontor.users.v1 import users_pb2, users_service_pb2

from server.features.users.queries import UserRow
from server.features.users.rules import Tokens
from server.kernel.ids import Prefix, format_id


def user_message(user: UserRow) -> users_pb2.User:
    """Write an account."""
    message = users_pb2.User(
        id=format_id(Prefix.USER, user.id),
        email=user.email,
        display_name=user.display_name,
        role=users_pb2.User.Role.Value(user.role),
        email_verified=user.email_verified_time is not None,
    )
    message.create_time.FromDatetime(user.created_time)
    return message


def tokens_message(tokens: Tokens) -> users_service_pb2.Tokens:
    """Write the tokens of a session."""
    message = users_service_pb2.Tokens(access_token=tokens.access_token, refresh_token=tokens.refresh_token)
    message.expires_in.FromTimedelta(tokens.expires_in)
    return message
