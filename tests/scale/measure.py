"""Measures what docs/scale.md says, and prints its tables: `make scale-bench`.

All of it is one run on one machine, the arms in turn, medians of the rounds: compare the columns, not the numbers with
those of another machine. Load generator, hosts and upstream share the cores.
"""

import asyncio
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import tempfile
import time

import httpx

from processes import (
    TOKEN, Portkey, Processes, Upstream, free_port, program, resident_mib, serve, serve_without_credentials, wait_until_ready,
)
from replicas import Replicas
from wasmcloud import HOST, Cluster, Operator

ROUNDS, SECONDS = 5, 3
CONNECTIONS = (1, 8)
REUSE = ("--max-instance-reuse-count", "100000")

ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-5-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "OK."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 4, "completion_tokens": 1, "total_tokens": 5},
})
QUESTION = json.dumps({"model": "@openai/gpt-5-mini", "messages": [{"role": "user", "content": "Reply with exactly OK."}]})


class Fixed:
    """An upstream that always says the same and costs nearly nothing: HAProxy itself."""

    def __init__(self, processes):
        port = free_port()
        answer = processes.folder / "answer.json"
        answer.write_text(ANSWER)
        config = processes.folder / "upstream.cfg"
        config.write_text(
            "defaults\n  mode http\n  timeout client 60s\n  timeout connect 1s\n  timeout server 60s\n"
            # It reads the question before it answers, as any model does.
            f"frontend upstream\n  bind 127.0.0.1:{port}\n  option http-buffer-request\n"
            f"  http-request return status 200 content-type application/json file {answer}\n"
        )
        process = processes.start(program("haproxy"), "-db", "-f", config)
        processes.wait_for(process, "127.0.0.1", port)
        self.origin = f"http://127.0.0.1:{port}"
        self.authority = f"127.0.0.1:{port}"
        self.base_url = f"{self.origin}/v1"


def wrk(processes, base_url, connections, headers):
    """Requests a second, and the median latency in milliseconds."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"} | headers
    script = processes.folder / "question.lua"
    script.write_text(
        'wrk.method = "POST"\n'
        f"wrk.body = {json.dumps(QUESTION)}\n"
        + "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in headers.items())
    )
    ran = subprocess.run(
        [program("wrk"), "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", script,
         f"{base_url}/v1/chat/completions"],
        check=True, capture_output=True, text=True,
    )
    if "Non-2xx" in ran.stdout or "Socket errors" in ran.stdout:
        said = httpx.post(f"{base_url}/v1/chat/completions", content=QUESTION, headers=headers)
        raise AssertionError(f"{ran.stdout}\n{said.status_code}: {said.text[:500]}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", ran.stdout)[1])
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", ran.stdout).groups()
    return rate, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def throughput(processes, arms):
    """Every arm in every round, and the medians of each. The first arm is what the others are held against."""
    results = {(name, connections): [] for name, *_ in arms for connections in CONNECTIONS}
    for _ in range(ROUNDS):
        for name, base_url, headers in arms:
            for connections in CONNECTIONS:
                results[name, connections].append(wrk(processes, base_url, connections, headers))
    middle = {key: tuple(map(statistics.median, zip(*values, strict=True))) for key, values in results.items()}
    heads = [f"requests/s, c={c}" for c in CONNECTIONS] + [f"median ms, c={c}" for c in CONNECTIONS] + ["latency, c=8"]
    print(f"| | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}")
    for name, *_ in arms:
        rates = [f"{middle[name, c][0]:,.0f}" for c in CONNECTIONS]
        times = [f"{middle[name, c][1]:.2f}" for c in CONNECTIONS]
        over = middle[name, 8][1] / middle[arms[0][0], 8][1]
        print(f"| {name} | {' | '.join(rates + times)} | {over:.1f}x |")


async def main():
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(pathlib.Path(folder))
        try:
            await measure(processes)
        finally:
            processes.stop()


async def measure(processes):
    upstream = Fixed(processes)
    began = time.monotonic()
    fresh, fresh_port = serve(processes, upstream)
    started = time.monotonic() - began
    reused, reused_port = serve(processes, upstream, *REUSE)
    _, bare_port = serve_without_credentials(processes, upstream, *REUSE)
    cluster = Cluster(processes)
    host = cluster.host("a", "127.0.0.11")
    idle = resident_mib(host)
    async with Operator(cluster, cluster.workload(upstream)) as operator:
        await operator.wait_for_hosts(1)
        (replica,) = await operator.spread()
    on_wasmcloud = f"http://127.0.0.11:{cluster.http_port}"
    wait_until_ready(on_wasmcloud, HOST)

    print(f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}\n")
    throughput(processes, [
        ("upstream, bare", upstream.origin, {}),
        ("wasmtime serve, an instance for each request", f"http://127.0.0.1:{fresh_port}", {}),
        ("wasmtime serve, instances reused", f"http://127.0.0.1:{reused_port}", {}),
        ("the same, without `credentials`", f"http://127.0.0.1:{bare_port}", {}),
        ("wasmCloud", on_wasmcloud, {"Host": HOST}),
    ])
    portkey = Portkey(processes, upstream)
    _, behind = serve(processes, portkey, *REUSE)
    print()
    throughput(processes, [
        ("the real Portkey gateway, bare", portkey.origin, portkey.headers),
        ("wasmtime serve before it, instances reused", f"http://127.0.0.1:{behind}", {}),
    ])
    print("\n| | wasmtime serve | wasmCloud host |\n|---|---:|---:|")
    print(f"| start of a replica | {started:.2f} s | {replica:.2f} s |")
    print(f"| memory under load | {resident_mib(fresh):.0f} MiB; reused {resident_mib(reused):.0f} MiB | {resident_mib(host):.0f} MiB, idle {idle:.0f} |")
    await kill_and_drain(processes)


async def kill_and_drain(processes):
    replicas = Replicas(processes, Upstream(processes))
    print("\n| 8 chats and 4 streams at once, two replicas | requests | failed | slowest afterwards |\n|---|---:|---:|---:|")
    for done, to_one in ("killed", replicas.kill_one), ("drained", replicas.drain_one):
        load, moment = await to_one()
        after = [outcome for outcome in load.outcomes if outcome.began > moment and not outcome.failure]
        slowest = max(outcome.ended - outcome.began for outcome in after)
        print(f"| one {done} | {len(load.outcomes)} | {len(load.failed())} | {slowest:.2f} s |")


if __name__ == "__main__":
    asyncio.run(main())
