"""Two replicas behind a load balancer, under a load of chats and streams: one is killed, one is drained.

Only what was in flight on the killed replica fails; a drain fails nothing; and no question is asked twice, since what
was sent may have been billed.
"""

import asyncio
import collections
import signal
import time

from load import Load
from processes import KEY, wait_until_ready
from replicas import Replicas, kill_under_load
from wasmcloud import HOST, Cluster, Operator


def assert_only_in_flight_failed(load, moment):
    """What fails was under way when the replica was killed."""
    failed = load.failed()
    strangers = [outcome for outcome in failed if outcome not in load.in_flight_at(moment)]
    assert not strangers, strangers
    # With least connections half of the twelve workers are on either replica.
    assert 1 <= len(failed) <= 8, [outcome.failure for outcome in failed]
    after = [outcome for outcome in load.outcomes if outcome.began > moment]
    assert len(after) > 20 and any(outcome.streamed for outcome in after), "the load did not go on"


def assert_asked_once(upstream, load):
    asked = collections.Counter(upstream.prompts())
    twice = [prompt for prompt, times in asked.items() if times > 1]
    assert not twice, twice
    assert {outcome.prompt for outcome in load.outcomes if not outcome.failure} <= asked.keys()
    assert KEY not in str([outcome.failure for outcome in load.outcomes])


def test_wasmtime_serve_behind_haproxy(processes, upstream):
    async def run():
        replicas = Replicas(processes, upstream)
        load, moment = await replicas.kill_one()
        assert_only_in_flight_failed(load, moment)
        assert_asked_once(upstream, load)

        upstream.requests.clear()
        load, moment = await replicas.drain_one()
        assert not load.failed(), load.failed()
        assert_asked_once(upstream, load)
        assert any(outcome.began > moment for outcome in load.outcomes)
        assert replicas.first.poll() is None

    asyncio.run(run())


def test_wasmcloud_on_two_hosts(processes, upstream):
    async def run():
        cluster = Cluster(processes)
        first, second = cluster.host("a", "127.0.0.11"), cluster.host("b", "127.0.0.12")
        async with Operator(cluster, cluster.workload(upstream)) as operator:
            await operator.wait_for_hosts(2)
            await operator.spread()
            base_url, admin = cluster.balancer()
            await both_serve(cluster)

            load, moment = await kill_under_load(base_url, admin, second)
            assert_only_in_flight_failed(load, moment)
            assert_asked_once(upstream, load)

            operator.hosts.clear()
            third = cluster.host("b", "127.0.0.12")
            # Both tell of themselves; the one that was killed does not.
            await operator.wait_for_hosts(2)
            (fresh,) = [host for host in operator.hosts.values() if host["hostname"] == "b"]
            await operator.start(fresh["id"])
            await both_serve(cluster)

            upstream.requests.clear()
            async with Load(base_url) as load:
                await asyncio.sleep(2)
                moment = time.monotonic()
                first.send_signal(signal.SIGTERM)
                await asyncio.to_thread(first.wait)
                await asyncio.sleep(2)
            assert not load.failed(), load.failed()
            assert_asked_once(upstream, load)
            assert any(outcome.began > moment for outcome in load.outcomes)
            assert third.poll() is None

    asyncio.run(run())


async def both_serve(cluster):
    for address in ("127.0.0.11", "127.0.0.12"):
        await asyncio.to_thread(wait_until_ready, f"http://{address}:{cluster.http_port}", HOST)
