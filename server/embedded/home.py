"""KONTOR_HOME: where everything of the one-command run lives, who may use it, and what it tells other commands."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from server.embedded.trouble import CannotStart, explain

# A unix socket's path has at most 107 bytes; the longest name below a folder of sockets is `.s.PGSQL.5432.lock`.
_SOCKET_FOLDER_BYTES: Final = 85
_MEBIBYTE: Final = 1024 * 1024
_FIRST_START_MEBIBYTES: Final = 400
_LATER_START_MEBIBYTES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a running shop tells the commands beside it; kept in a file that only its user can read."""

    pid: int
    http_url: str
    grpc_target: str
    stripe_url: str
    mail_folder: str
    admin_email: str
    admin_password: str
    environment: Mapping[str, str]


class Home:
    """The folder of one shop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = folder / "postgres"
        self.secrets = folder / "secrets"
        self.mail = folder / "mail"
        self.log = folder / "log"
        self.run = folder / "run"
        self.stripe = folder / "stripe"
        self.state = self.run / "running.json"
        self.prepared = folder / "prepared"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Home:
        """Return KONTOR_HOME, or the default place for the data of this user."""
        chosen = environment.get("KONTOR_HOME")
        return cls(Path(chosen).expanduser().absolute() if chosen else default_folder())

    @property
    def fresh(self) -> bool:
        """Nothing was ever prepared here."""
        return not self.prepared.exists()

    def make(self) -> None:
        """Make the folders. Raises CannotStart when that is not possible or there is too little space."""
        try:
            if not self.folder.exists():
                self.folder.mkdir(parents=True)
                # PostgreSQL's own user has to pass through, but sees nothing. A folder that was there keeps its mode.
                self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for folder in (self.secrets, self.mail, self.log, self.run, self.stripe):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._check_space()
        except OSError as error:
            raise explain(error) from None

    def sockets(self) -> Path:
        """Return the folder for the workers' sockets: in the home, unless its path is too long for a socket."""
        return socket_folder(self.run)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for this process. Raises CannotStart when another one has it."""
        try:
            file = (self.run / "lock").open("a+")
        except OSError as error:
            raise explain(error) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise CannotStart(self._already_running(file.read().strip())) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            try:
                yield
            finally:
                self.state.unlink(missing_ok=True)
                file.truncate(0)

    def announce(self, running: Running) -> None:
        """Tell other commands about the running shop."""
        write_private(self.state, json.dumps(asdict(running), indent=2))

    def running(self) -> Running | None:
        """Return what the shop that runs on this home told; None when there is none."""
        try:
            with (self.run / "lock").open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Running(**json.loads(self.state.read_text())) if self.state.exists() else None
        except OSError:
            return None
        # Nobody holds the lock: whatever the file says is left over from a run that was killed.
        return None

    def _already_running(self, pid: str) -> str:
        running = self.running()
        where = f" on {running.http_url}" if running else ""
        return (
            f"Kontor runs already{where} with this home ({self.folder}), process {pid or 'unknown'}. "
            "Stop that one, or set KONTOR_HOME and the ports for a second shop"
        )

    def _check_space(self) -> None:
        needed = _FIRST_START_MEBIBYTES if self.fresh else _LATER_START_MEBIBYTES
        free = shutil.disk_usage(self.folder).free // _MEBIBYTE
        if free < needed:
            raise CannotStart(
                f"only {free} MiB are free on the disk of {self.folder}, {needed} are needed: "
                "free some space, or set KONTOR_HOME to a folder on another disk"
            )


def default_folder() -> Path:
    """Return where the data goes when KONTOR_HOME is not set."""
    # PostgreSQL refuses to run as root and then gets a user of its own, who cannot enter root's home.
    if os.geteuid() == 0:
        return Path("/var/lib/kontor")
    import platformdirs

    return Path(platformdirs.user_data_dir("kontor", appauthor=False))


def socket_folder(wanted: Path) -> Path:
    """Return a folder for unix sockets: the wanted one, or one with a shorter path when it is too long."""
    if len(os.fsencode(wanted)) <= _SOCKET_FOLDER_BYTES:
        return wanted
    name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"kontor-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise CannotStart(f"{folder} belongs to somebody else: set KONTOR_HOME to a folder with a shorter path")
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, all of it or nothing."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
