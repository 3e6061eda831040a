"""Logging in: the work is argon2id, all else should be lost beside it."""

import os
import subprocess
import sys

from kontor.users.v1.users_service_pb2 import LoginRequest

from server.run.serve import child_environment
from tests.bench.arithmetic import Outcome, Round
from tests.bench.checks import IsLogin
from tests.bench.data import PASSWORD
from tests.bench.job import CallJob
from tests.bench.machine import CannotMeasure
from tests.bench.session import COLD, Session
from tests.bench.shop import Shop
from tests.bench.workloads import requests
from tests.bench.workloads.calling import calls

_USERS = 500
_STORM_SECONDS = 60.0
# Checks one hash over and over on every core, and prints how often and how long. argon2 needs no interpreter lock.
_ALONE = """
import os, sys, threading, time
import argon2
password, hashed, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
counts, hasher = [], argon2.PasswordHasher()
started = time.perf_counter()
def check():
    count = 0
    while time.perf_counter() - started < seconds:
        hasher.verify(hashed, password)
        count += 1
    counts.append(count)
threads = [threading.Thread(target=check) for _ in range(len(os.sched_getaffinity(0)))]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(counts), time.perf_counter() - started)
"""


def login(session: Session) -> Outcome:
    """Login, each time by another account."""
    shop = session.shop(COLD)
    batch = session.data.make_users(_USERS)
    job = login_job(session, shop, batch, _USERS)
    hashed = session.data.password_hash(batch)
    return session.turns(
        "Login",
        lambda: session.load(job),
        lambda: _argon2_alone(hashed, session.options.seconds),
        limit="argon2id alone on the same cores",
        goal_ratio=0.85,
    )


def login_job(session: Session, shop: Shop, batch: int, count: int, *, at_once: bool = False) -> CallJob:
    """Make the job that logs users of a batch in: over and over, or each once and all at the same time."""
    messages = [
        LoginRequest(email=session.data.email(batch, number), password=PASSWORD).SerializeToString()
        for number in range(1, count + 1)
    ]
    path, check = requests.LOGIN, IsLogin()
    if at_once:
        return calls(session, shop.workers, path, messages, check, once=True, seconds=_STORM_SECONDS, clients=count)
    return calls(session, shop.workers, path, messages, check)


def _argon2_alone(hashed: str, seconds: float) -> Round:
    command = [sys.executable, "-c", _ALONE, PASSWORD, hashed, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=child_environment(os.environ, {}))
    if done.returncode:
        raise CannotMeasure(f"argon2 failed: {done.stderr}")
    count, took = done.stdout.split()
    return Round(requests=int(count), seconds=float(took))
