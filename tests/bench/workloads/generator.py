"""Whether our own load generator for gRPC is worth anything: h2load, which many know, against the same server."""

import re
import subprocess
import tempfile

from tests.bench.arithmetic import Outcome, Round
from tests.bench.bare_run import bare_servers
from tests.bench.checks import SameBytes
from tests.bench.generators import load
from tests.bench.machine import CannotMeasure
from tests.bench.session import COLD, Session
from tests.bench.workloads import requests
from tests.bench.workloads.calling import CLIENTS, ask, calls

TOOL = "h2load"
_CONNECTIONS = 2


def against_h2load(session: Session) -> Outcome:
    """One bare handler under our generator, which checks each answer, and under h2load, which does not."""
    shop = session.shop(COLD)
    request = requests.get_product(session.data.product_ids(1)[0])
    answer = ask(shop, requests.GET_PRODUCT, request)
    message = request.SerializeToString()
    with bare_servers(shop, answer) as bare:
        worker = bare.workers[0]
        job = calls(session, [worker], requests.GET_PRODUCT, [message], SameBytes(answer))
        return session.turns(
            "generator, one bare handler",
            lambda: load(job),
            lambda: _h2load(worker, message, session.options.seconds),
            limit="h2load on the same handler",
            goal_ratio=0.8,
        )


def _h2load(worker: str, message: bytes, seconds: float) -> Round:
    with tempfile.NamedTemporaryFile(prefix="kontor-message-") as file:
        file.write(b"\x00" + len(message).to_bytes(4, "big") + message)
        file.flush()
        command = [
            TOOL,
            "--threads=1",
            f"--clients={_CONNECTIONS}",
            f"--max-concurrent-streams={CLIENTS // _CONNECTIONS}",
        ]
        command += [f"--duration={max(1, round(seconds))}", f"--base-uri={worker}", f"--data={file.name}"]
        command += ["--header=content-type: application/grpc", "--header=te: trailers"]
        done = subprocess.run(
            [*command, f"http://localhost{requests.GET_PRODUCT}"], capture_output=True, text=True, check=False
        )
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", done.stdout)
    counts = re.search(r"(\d+) total, .* (\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    if not rate or not counts:
        raise CannotMeasure(f"h2load failed: {done.stderr.strip() or done.stdout.strip()}")
    succeeded = int(counts[2])
    return Round(requests=succeeded, seconds=succeeded / float(rate[1]), errors=int(counts[3]))
