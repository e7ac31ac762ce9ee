"""Two replicas on `wasmtime serve` behind HAProxy: what is done to them under a load, for the tests and for the measure."""

import asyncio
import time

from load import Load
from processes import ask_haproxy, haproxy, kill, serve, wait_until_busy


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
        async with Load(self.base_url) as load:
            await asyncio.sleep(2)
            await wait_until_busy(self.admin, "b")
            moment = time.monotonic()
            kill(self.second)
            await asyncio.sleep(3)
        return load, moment

    async def drain_one(self):
        """A new replica in the place of the killed one is drained, then killed: the load, and the moment of the kill."""
        self.second, port = serve(self.processes, self.upstream)
        ask_haproxy(self.admin, f"set server gateway/b addr 127.0.0.1 port {port}")
        await asyncio.sleep(1)
        async with Load(self.base_url) as load:
            await asyncio.sleep(1)
            ask_haproxy(self.admin, "set server gateway/b state drain")
            while self.sessions("b"):
                await asyncio.sleep(0.1)
            moment = time.monotonic()
            kill(self.second)
            await asyncio.sleep(2)
        return load, moment

    def sessions(self, server):
        """Requests under way on a server, as HAProxy counts them."""
        lines = ask_haproxy(self.admin, "show stat").splitlines()
        names = lines[0].removeprefix("# ").split(",")
        for line in lines[1:]:
            row = dict(zip(names, line.split(","), strict=False))
            if (row.get("pxname"), row.get("svname")) == ("gateway", server):
                return int(row["scur"])
        raise AssertionError(f"HAProxy knows no server {server}")
