"""wasmCloud v2 without Kubernetes: two hosts, NATS, a registry, and a stand-in for the operator.

The runtime operator turns a WorkloadDeployment into requests over NATS (`runtime.host.<id>.workload.start`), and hosts
tell of themselves on `runtime.operator.heartbeat.<id>`. `Operator` speaks the same, with the workload of the Kubernetes
manifest as it stands in deploy/.
"""

import asyncio
import json
import subprocess
import time

import nats
import yaml

from processes import GATEWAY, ROOT, Processes, free_port, haproxy, program, secrets, settings

HOST = "gateway.example"
MANIFEST = ROOT / "deploy" / "kubernetes" / "gateway.yaml"


class Cluster:
    """NATS, a registry that holds the gateway, and hosts."""

    def __init__(self, processes: Processes):
        self.processes = processes
        port = free_port()
        self.nats_url = f"nats://127.0.0.1:{port}"
        server = processes.start(program("nats-server"), "-a", "127.0.0.1", "-p", port)
        processes.wait_for(server, "127.0.0.1", port)
        self.registry = f"127.0.0.1:{self._registry()}"
        self.image = f"{self.registry}/portkey/gateway:test"
        push = [program("wash"), "oci", "push", "--insecure", self.image, str(GATEWAY)]
        subprocess.run(push, check=True, capture_output=True, cwd=processes.folder)
        self.http_port, self.probe_port = free_port("127.0.0.11"), free_port("127.0.0.11")

    def _registry(self):
        port = free_port()
        config = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(self.processes.folder / "registry")}},
            "http": {"addr": f"127.0.0.1:{port}"},
        }
        path = self.processes.folder / "registry.yaml"
        path.write_text(yaml.safe_dump(config))
        registry = self.processes.start(program("docker-registry"), "serve", path)
        self.processes.wait_for(registry, "127.0.0.1", port)
        return port

    def host(self, name, address):
        """Both hosts have the same ports, on addresses of their own, as two machines would."""
        folder = self.processes.folder / name
        folder.mkdir(exist_ok=True)
        process = self.processes.start(
            program("wash"), "host", "--host-name", name, "--host-group", "default",
            "--scheduler-nats-url", self.nats_url, "--data-nats-url", self.nats_url, "--nats-connect-timeout", "10s",
            "--http-addr", f"{address}:{self.http_port}", "--probe-addr", f"{address}:{self.probe_port}",
            "--allow-insecure-registries", "--oci-cache-dir", folder / "oci", "--drain-delay", "2s",
            # What docs/scale.md says of room and memory.
            "--core-instances", 12000, "--default-heap-memory", "256MiB", "--guest-memory-mode", "enforce",
            env={"HOME": str(folder)},
        )
        self.processes.wait_for(process, address, self.http_port)
        return process

    def balancer(self):
        return haproxy(
            self.processes, "wasmcloud.cfg", HOST=HOST, SERVER_A="127.0.0.11", SERVER_B="127.0.0.12",
            HTTP_PORT=self.http_port, PROBE_PORT=self.probe_port,
        )

    def workload(self, upstream):
        """The manifest's, with this test's image, upstream and secrets in the place of its examples."""
        documents = {document["kind"]: document for document in yaml.safe_load_all(MANIFEST.read_text())}
        deployment = documents["WorkloadDeployment"]
        spec = deployment["spec"]["template"]["spec"]
        (component,) = spec["components"]
        component = {**component, "image": self.image, "localResources": {"allowedHosts": [upstream.authority]}}
        interfaces = []
        for interface in spec["hostInterfaces"]:
            interface = dict(interface)
            for secret in interface.pop("secretFrom", []):
                assert secret["name"] == documents["Secret"]["metadata"]["name"]
                assert documents["Secret"]["stringData"].keys() == secrets().keys()
                interface["config"] = {**interface["config"], **settings(upstream), **secrets()}
            interfaces.append(interface)
        metadata = deployment["metadata"]
        return {
            "namespace": metadata["namespace"], "name": metadata["name"],
            "witWorld": {"components": [component], "hostInterfaces": interfaces},
        }


class Operator:
    """What the operator does for one deployment: replicas on hosts that live."""

    def __init__(self, cluster, workload):
        self.cluster, self.workload = cluster, workload
        self.started = []

    async def __aenter__(self):
        self.nats = await nats.connect(self.cluster.nats_url)
        self.hosts = {}
        await self.nats.subscribe("runtime.operator.heartbeat.*", cb=self._heartbeat)
        return self

    async def __aexit__(self, *_):
        await self.nats.close()

    async def _heartbeat(self, message):
        host = json.loads(message.data)
        self.hosts[host["id"]] = host

    async def wait_for_hosts(self, count, seconds=40):
        """They tell of themselves every fifteen seconds."""
        end = time.monotonic() + seconds
        while len(self.hosts) < count:
            assert time.monotonic() < end, f"only {len(self.hosts)} of {count} hosts are known: {self.hosts}"
            await asyncio.sleep(0.1)

    async def start(self, host):
        """Starts one replica, and gives the seconds that it took."""
        began = time.monotonic()
        name = f"{self.workload['name']}-{len(self.started)}"
        body = json.dumps({"workload": self.workload, "workloadId": name}).encode()
        answer = await self.nats.request(f"runtime.host.{host}.workload.start", body, timeout=60)
        status = json.loads(answer.data).get("workloadStatus", {})
        self.started.append(name)
        assert "RUNNING" in str(status), f"the replica did not start: {answer.data.decode()}"
        return time.monotonic() - began

    async def spread(self):
        """One replica on each host."""
        return [await self.start(host) for host in sorted(self.hosts)]
