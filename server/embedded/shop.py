"""The parts of the one-command run: how each is started, in which order, and when it answers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from server.edge.config import Edge
from server.edge.run import envoy_program
from server.embedded.environment import shop_environment
from server.embedded.figures import free_address, where_to_look
from server.embedded.home import Home, Running
from server.embedded.keys import Keys, ensure_keys, keep_admin_password, kept_admin_password
from server.embedded.mail_catcher import MailCatcher
from server.embedded.options import Options
from server.embedded.postgres import Postgres
from server.embedded.prepared import is_prepared, note_prepared
from server.embedded.ready import grpc_answers, http_answers
from server.embedded.screen import Screen
from server.embedded.trouble import CannotStart, explain
from server.run.serve import child_environment, server_command
from server.run.supervisor import Program, Supervisor, last_line


class Shop:
    """One shop on one machine."""

    def __init__(self, options: Options, home: Home, screen: Screen, environment: Mapping[str, str]) -> None:
        self._options = options
        self._home = home
        self._screen = screen
        self._given = environment
        self._keys: Keys = ensure_keys(home)
        self._sockets = home.sockets()
        self._postgres = Postgres.at(home)
        self._mail = MailCatcher(home.mail, screen.event)
        self._shop_environment: dict[str, str] = {}
        # Where the first process shows its figures; empty: nowhere.
        self._metrics_address = ""
        self.supervisor = Supervisor(screen.event)
        # The first start made an administrator with a password that nobody has seen.
        self.made_password = False

    @property
    def metrics(self) -> str:
        """Where its processes show their figures, in words."""
        return where_to_look(self._metrics_address, self._options.processes)

    async def start(self) -> None:
        """Start everything and wait until it answers. Raises CannotStart or ProgramFailed."""
        await self._start_database()
        await self._mail.start()
        self._shop_environment = shop_environment(
            self._options, self._home, self._keys, database_url=self._postgres.url(), smtp_url=self._mail.url
        )
        if not is_prepared(self._home, *self._choices()):
            await self.supervisor.unless_failed(self._prepare())
            note_prepared(self._home, *self._choices())
        workers = f"{self._options.workers} worker{'s' if self._options.workers > 1 else ''}"
        async with self._screen.step("Shop", f"{workers}, jobs, mail, Stripe, Envoy"):
            await self._start_shop()
            await self.supervisor.unless_failed(self._answers())
        self.supervisor.settled()
        self._home.announce(self.running())

    async def stop(self) -> None:
        """Stop everything, the last one started first."""
        await self.supervisor.stop()
        await self._mail.stop()

    def running(self) -> Running:
        """Return what other commands need to know."""
        return Running(
            pid=os.getpid(),
            http_url=self._options.http_url,
            grpc_target=self._options.grpc_target,
            stripe_url=self._options.stripe_url,
            mail_folder=str(self._home.mail),
            admin_email=self._options.admin_email,
            admin_password=kept_admin_password(self._home),
            environment=self._shop_environment,
        )

    def _choices(self) -> tuple[str, ...]:
        return (self._options.admin_email, self._options.default_currency)

    async def _start_database(self) -> None:
        async with self._screen.step("PostgreSQL", "made anew" if self._home.fresh else "") as step:
            if await self._postgres.stop_leftover():
                step.detail = "after one that was left over"
            await asyncio.to_thread(self._postgres.initialise)
            await self.supervisor.start(self._postgres.program())
            await self.supervisor.unless_failed(self._postgres.ready())
            if self._home.fresh:
                await asyncio.to_thread(self._postgres.ensure_database)

    async def _prepare(self) -> None:
        """Run the preparation and show its steps."""
        log = self._home.log / "first-start.log"
        admin = {
            "KONTOR_ADMIN_EMAIL": self._options.admin_email,
            "KONTOR_ADMIN_PASSWORD": self._options.admin_password or self._keys.admin_password,
        }
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "server.embedded.first_start"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=child_environment(self._given, self._shop_environment | admin),
                start_new_session=True,
            )
        try:
            if process.stdout:
                await self._show_steps(process.stdout)
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status:
            raise CannotStart(f"the shop could not be prepared: {last_line(log)} (log: {log})")

    async def _show_steps(self, output: asyncio.StreamReader) -> None:
        line = (await output.readline()).decode().strip()
        while line:
            name, line = line.removeprefix("step "), ""
            async with self._screen.step(name) as step:
                while text := (await output.readline()).decode().strip():
                    kind, _, value = text.partition(" ")
                    if kind == "step":
                        line = text
                        break
                    if kind == "detail":
                        step.detail = value
                    if kind == "admin" and value == "made":
                        self._note_admin()

    def _note_admin(self) -> None:
        if self._options.admin_password:
            keep_admin_password(self._home, self._options.admin_password)
        else:
            self.made_password = True

    async def _start_shop(self) -> None:
        for program in (self._stripe(), self._workers(), self._envoy()):
            try:
                await self.supervisor.start(program)
            except OSError as error:
                raise explain(error) from None

    async def _answers(self) -> None:
        options = self._options
        try:
            await asyncio.gather(
                *(grpc_answers(address) for address in self._addresses()),
                http_answers("127.0.0.1", options.stripe_port, "/", status=None),
                http_answers(options.host, options.http_port, "/healthz"),
                grpc_answers(options.grpc_target),
            )
        except TimeoutError:
            raise CannotStart(f"the shop does not answer in time; the logs are in {self._home.log}") from None

    def _addresses(self) -> list[str]:
        return [f"unix:{self._sockets}/worker-{number}.sock" for number in range(1, self._options.workers + 1)]

    def _workers(self) -> Program:
        """Return the workers and the job worker: one program that forks them."""
        chosen = self._options.metrics_address
        self._metrics_address = free_address(self._options.processes) if chosen is None else chosen
        address, workers = f"unix:{self._sockets}/worker-{{n}}.sock", str(self._options.workers)
        where = ("--address", address, "--log-folder", str(self._home.log))
        return Program(
            name="workers",
            command=server_command("serve", "--jobs", "--workers", workers, *where),
            log=self._log("workers"),
            environment=child_environment(
                self._given, self._shop_environment | {"KONTOR_METRICS_ADDRESS": self._metrics_address}
            ),
            on_line=self._screen.event,
            grace_seconds=30,
        )

    def _stripe(self) -> Program:
        options = self._options
        command = (sys.executable, "-P", "-m", "server.embedded.stripe_stand_in", "--port", str(options.stripe_port))
        memory = ("--memory", str(self._home.stripe / "memory.pickle"))
        webhook = ("--webhook", f"{options.http_url}/v1/webhooks/stripe")
        return Program(
            name="Stripe stand-in",
            command=(*command, *memory, *webhook),
            log=self._log("stripe"),
            environment=child_environment(self._given, self._shop_environment),
            grace_seconds=5,
        )

    def _envoy(self) -> Program:
        origins = [part.strip() for part in self._given.get("KONTOR_CORS_ORIGINS", "").split(",") if part.strip()]
        edge = Edge(
            workers=self._addresses(),
            http_port=self._options.http_port,
            grpc_port=self._options.grpc_port,
            listen=self._options.listen,
            admin=f"unix:{self._sockets}/envoy.sock",
            access_log=str(self._log("access")),
            public_url=self._options.http_url,
            cors_origins=origins,
        )
        cores = os.cpu_count() or 1
        # The workers need cores too: one Envoy thread carries more calls than two workers answer.
        return envoy_program(
            edge, self._home.run, concurrency=max(1, min(4, cores)), log=self._log("envoy"), linger_seconds=0
        )

    def _log(self, name: str) -> Path:
        return self._home.log / f"{name.replace(' ', '-')}.log"
