"""Two replicas on `wasmtime serve` behind HAProxy: what is done to them under a load, for the tests and for the measure."""

import asyncio
import signal
import time

from load import Load
from processes import ask_haproxy, haproxy, kill, serve, sessions


async def kill_under_load(base_url, admin, second):
    """Kills the replica that HAProxy calls `b` while it has requests under way: the load, and the moment of the kill."""
    async with Load(base_url) as load:
        await asyncio.sleep(2)
        await halt(admin, second)
        moment = time.monotonic()
        kill(second)
        await asyncio.sleep(3)
    return load, moment


async def halt(admin, second):
    """Stops the replica that HAProxy calls `b` in the middle of requests.

    A running one can answer all it has between the count and the kill. What is under way after a stop stays so.
    """
    end = time.monotonic() + 30
    while time.monotonic() < end:
        # Under load a health check can come late, and take a replica out for a moment.
        if sessions(admin, "b") >= 2:
            second.send_signal(signal.SIGSTOP)
            # What it had answered arrives.
            await asyncio.sleep(0.1)
            if sessions(admin, "b"):
                return
            second.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.01)
    raise AssertionError("the replica has nothing to do")


class Replicas:
    def __init__(self, processes, upstream):
        self.processes, self.upstream = processes, upstream
        self.first, one = serve(processes, upstream)
        self.second, two = serve(processes, upstream)
        self.base_url, self.admin = haproxy(
            processes, "wasmtime.cfg", SERVER_A=f"127.0.0.1:{one}", SERVER_B=f"127.0.0.1:{two}"
        )

    async def kill_one(self):
        """The load, and the moment of the kill."""
        return await kill_under_load(self.base_url, self.admin, self.second)

    async def drain_one(self):
        """A new replica in the place of the killed one is drained, then killed: the load, and the moment of the kill."""
        self.second, port = serve(self.processes, self.upstream)
        ask_haproxy(self.admin, f"set server gateway/b addr 127.0.0.1 port {port}")
        await asyncio.sleep(1)
        async with Load(self.base_url) as load:
            await asyncio.sleep(1)
            ask_haproxy(self.admin, "set server gateway/b state drain")
            while sessions(self.admin, "b"):
                await asyncio.sleep(0.1)
            moment = time.monotonic()
            kill(self.second)
            await asyncio.sleep(2)
        return load, moment
