"""The RPCs of the accounts."""

from google.protobuf.empty_pb2 import Empty
from kontor.users.v1 import users_pb2
from kontor.users.v1 import users_service_pb2 as api

from server.db.session import Database
from server.features.users import mapping, queries
from server.features.users.errors import NotSignedIn
from server.features.users.service import AccountService
from server.features.users.sessions.service import SessionService
from server.features.users.sessions.values import Device
from server.rpc.call import Call


class UserServicer:
    """Implements kontor.users.v1.UserService."""

    def __init__(self, *, db: Database, accounts: AccountService, sessions: SessionService) -> None:
        self._db = db
        self._accounts = accounts
        self._sessions = sessions

    async def Register(self, request: api.RegisterRequest, call: Call) -> api.RegisterResponse:
        email = await self._accounts.register(
            email=request.email,
            password=request.password,
            display_name=request.display_name,
            language=call.language,
            remote_address=call.remote_address,
        )
        return api.RegisterResponse(email=email)

    async def VerifyEmail(self, request: api.VerifyEmailRequest, call: Call) -> api.VerifyEmailResponse:
        user = await self._accounts.verify_email(request.token, request.password)
        return api.VerifyEmailResponse(user=mapping.to_user(user))

    async def ResendVerification(self, request: api.ResendVerificationRequest, call: Call) -> Empty:
        await self._accounts.resend_verification(request.email, remote_address=call.remote_address)
        return Empty()

    async def Login(self, request: api.LoginRequest, call: Call) -> api.LoginResponse:
        device = Device(call.remote_address, call.user_agent)
        tokens, user = await self._sessions.login(email=request.email, password=request.password, device=device)
        return api.LoginResponse(tokens=mapping.to_tokens(tokens), user=mapping.to_user(user))

    async def RefreshToken(self, request: api.RefreshTokenRequest, call: Call) -> api.RefreshTokenResponse:
        tokens = await self._sessions.refresh(request.refresh_token)
        return api.RefreshTokenResponse(tokens=mapping.to_tokens(tokens))

    async def Logout(self, request: api.LogoutRequest, call: Call) -> Empty:
        actor = call.actor
        if actor.user_id is None or actor.session_id is None:
            raise NotSignedIn
        await self._sessions.logout(actor.user_id, actor.session_id, all_sessions=request.all_sessions)
        return Empty()

    async def GetMe(self, request: api.GetMeRequest, call: Call) -> users_pb2.User:
        async with self._db.read() as tx:
            user = await queries.get_user(tx, call.actor.require_user())
        return mapping.to_user(user)
