"""Accounts and tokens as the contract has them."""

from kontor.users.v1 import users_pb2, users_service_pb2

from server.features.users.sessions.values import Tokens
from server.features.users.values import User
from server.kernel.ids import USER
from server.rpc.messages import to_timestamp


def to_user(user: User) -> users_pb2.User:
    """Make an account."""
    return users_pb2.User(
        id=USER.write(user.id),
        email=user.email,
        display_name=user.display_name,
        role=users_pb2.User.Role.Value(user.role.value),
        email_verified=user.email_verified_time is not None,
        create_time=to_timestamp(user.created_time),
    )


def to_tokens(tokens: Tokens) -> users_service_pb2.Tokens:
    """Make the tokens of a session."""
    message = users_service_pb2.Tokens(access_token=tokens.access_token, refresh_token=tokens.refresh_token)
    message.expires_in.FromTimedelta(tokens.expires_in)
    return message
