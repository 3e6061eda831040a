"""Who may see a row: a viewer as a condition of a statement, and the values that go with it."""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Uuid, and_, bindparam, or_

from server.kernel.actor import Viewer


def owned(*, user_id: Any, cart_id: Any) -> ColumnElement[bool]:
    """Whether a row belongs to the viewer, by the columns that name its user and its cart.

    A cart's token opens what a guest owns; what belongs to an account asks for signing in.
    """
    return or_(
        user_id == bindparam("viewer_user_id", type_=Uuid()),
        and_(cart_id == bindparam("viewer_cart_id", type_=Uuid()), user_id.is_(None)),
    )


def visible(*, user_id: Any, cart_id: Any) -> ColumnElement[bool]:
    """Whether the viewer may see a row: its owner, and who sees what belongs to others."""
    return or_(bindparam("viewer_sees_all", type_=Boolean()), owned(user_id=user_id, cart_id=cart_id))


def as_viewer(viewer: Viewer) -> dict[str, Any]:
    """Return the values of a statement in which `visible` stands."""
    return {
        "viewer_user_id": viewer.user_id,
        "viewer_cart_id": viewer.cart_id,
        "viewer_sees_all": viewer.sees_all,
    }
