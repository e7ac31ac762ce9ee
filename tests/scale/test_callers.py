"""Callers without a token, who send half a request, nothing, or without end: none makes the gateway wait, and the callers
beside them notice nothing.
"""

import asyncio
import collections
import itertools

import httpx

from load import Load
from processes import TOKEN, haproxy, serve, wait_until_ready

# More than a host has room for, were each to hold an instance.
CALLERS = 1000


def head(method, path, *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: localhost", *headers, "", ""]).encode()


CHAT = "/v1/chat/completions"
JSON = "content-type: application/json"
# What is sent of a request, and the status that it is answered with while the rest is still to come.
UNFINISHED = {
    "no token": (head("POST", CHAT, JSON, "content-length: 100"), 401),
    "a wrong one": (head("POST", CHAT, JSON, "content-length: 100", "authorization: Bearer x") + b"{", 401),
    "without end": (head("POST", CHAT, JSON, "transfer-encoding: chunked") + b"1\r\n{\r\n", 401),
    "huge": (head("POST", CHAT, JSON, "content-length: 99999999999") + b"x" * 65536, 401),
    "a form": (head("POST", "/v1/images/edits", "content-type: multipart/form-data; boundary=b", "content-length: 9"), 401),
    "a list": (head("GET", "/v1/models", "content-length: 100"), 401),
    "nowhere": (head("POST", "/v1/nothing", "content-length: 100"), 404),
    "a wrong method": (head("PUT", CHAT, "content-length: 100"), 405),
    "of itself": (head("GET", "/healthz", "content-length: 100"), 200),
}
# What is sent of a head. Nobody can answer it yet.
HALF_HEADS = [b"", b"POST", head("POST", CHAT, JSON)[:-2], head("GET", "/healthz", "x-a: " + "a" * 9000)[:-4]]


class Caller:
    """A connection on which a part of a request was sent, and nothing follows."""

    def __init__(self, sent):
        self.sent = sent

    async def call(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(self.sent)

    async def status(self, seconds=20):
        """The status of its answer; none where the connection was closed without one."""
        line = await asyncio.wait_for(self.reader.readline(), seconds)
        return int(line.split()[1]) if line else None


async def call_all(port, requests):
    callers = [Caller(sent) for sent in itertools.islice(itertools.cycle(requests), CALLERS)]
    # Some at a time: one that finds no room in the listener's queue would wait for a second.
    for at in range(0, CALLERS, 50):
        await asyncio.gather(*(caller.call(port) for caller in callers[at:at + 50]))
    return callers


async def honest_load(base_url, requests, port):
    """The statuses of all callers, each of which sent a part of a request, and the load beside them."""
    async with Load(base_url) as load:
        await asyncio.sleep(1)
        callers = await call_all(port, requests)
        statuses = await asyncio.gather(*(caller.status() for caller in callers))
        await asyncio.sleep(1)
    for caller in callers:
        caller.writer.close()
    return statuses, load


def assert_unharmed(load):
    assert not load.failed(), load.failed()[:3]
    assert len(load.outcomes) > 20 and any(outcome.streamed for outcome in load.outcomes)


def test_a_request_is_refused_before_its_body_comes(processes, upstream):
    async def run():
        _, port = serve(processes, upstream)
        for name, (sent, expected) in UNFINISHED.items():
            caller = Caller(sent)
            await caller.call(port)
            assert await caller.status() == expected, name

    asyncio.run(run())


def test_a_caller_with_a_token_is_limited_too(processes, upstream):
    bearer = f"authorization: Bearer {TOKEN}"
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    requests = {
        "too large": (head("POST", CHAT, JSON, bearer, f"content-length: {(32 << 20) + 1}"), 413),
        "too large in chunks": (head("POST", CHAT, JSON, bearer, "transfer-encoding: chunked") + chunk * 1025, 413),
        "no JSON": (head("POST", CHAT, bearer, "content-length: 9"), 415),
        "silent": (head("POST", CHAT, JSON, bearer, "content-length: 9") + b"{", 408),
    }

    async def run():
        _, port = serve(processes, upstream)
        for name, (sent, expected) in requests.items():
            caller = Caller(sent)
            await caller.call(port)
            assert await caller.status(60) == expected, name

    asyncio.run(run())


def test_an_instance_takes_what_the_limits_count_with(processes, upstream):
    takes = {"core-instances": 12, "memories": 3, "tables": 6}

    def status(room):
        flags = [flag for name, count in room.items() for flag in ("-O", f"pooling-total-{name}={count}")]
        _, port = serve(processes, upstream, *flags)
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=10).status_code

    assert status(takes) == 200
    for name in takes:
        assert status({**takes, name: takes[name] - 1}) == 500, name


def test_the_host_has_room_for_what_it_is_told_to(processes, upstream):
    """More streams at once than wasmtime's own pool has room for, and a request of nearly the largest size."""
    async def run():
        _, port = serve(processes, upstream)
        base_url = f"http://127.0.0.1:{port}"
        async with Load(base_url, chats=0, streams=200) as load:
            await asyncio.sleep(3)
        assert len(load.outcomes) >= 200 and not load.failed(), load.failed()[:3]

        messages = [{"role": "system", "content": "x" * (31 << 20)}, {"role": "user", "content": "hello"}]
        async with httpx.AsyncClient(timeout=60) as client:
            body = {"model": "@openai/gpt-5-mini", "messages": messages}
            headers = {"authorization": f"Bearer {TOKEN}"}
            response = await client.post(f"{base_url}{CHAT}", json=body, headers=headers)
        assert response.status_code == 200, response.text[:200]

    asyncio.run(run())


def test_a_thousand_half_open_requests_before_wasmtime_serve(processes, upstream):
    async def run():
        _, port = serve(processes, upstream)
        base_url = f"http://127.0.0.1:{port}"
        wait_until_ready(base_url)
        sent = [sent for sent, _ in UNFINISHED.values()]
        statuses, load = await honest_load(base_url, sent, port)
        expected = [status for _, status in UNFINISHED.values()]
        assert statuses == list(itertools.islice(itertools.cycle(expected), CALLERS))
        assert_unharmed(load)

    asyncio.run(run())


def test_a_thousand_half_open_requests_before_haproxy(processes, upstream):
    """A head that does not end, and a body, even one with a token before it, are the balancer's to wait for."""
    bearer = head("POST", CHAT, JSON, f"authorization: Bearer {TOKEN}", "content-length: 100")
    requests = [*HALF_HEADS, bearer, UNFINISHED["no token"][0], UNFINISHED["without end"][0]]

    async def run():
        _, one = serve(processes, upstream)
        _, two = serve(processes, upstream)
        base_url, _ = haproxy(processes, "wasmtime.cfg", SERVER_A=f"127.0.0.1:{one}", SERVER_B=f"127.0.0.1:{two}")
        port = int(base_url.rpartition(":")[2])
        statuses, load = await honest_load(base_url, requests, port)
        # Of a connection on which nothing came it needs say nothing.
        assert set(statuses) <= {408, None}, collections.Counter(statuses)
        assert statuses.count(None) <= CALLERS / len(requests) + 1
        assert_unharmed(load)

    asyncio.run(run())
