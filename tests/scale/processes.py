"""Real programs on free ports of this machine, each ended with the test that started it."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATEWAY = ROOT / "dist" / "gateway.wasm"
WITHOUT_CREDENTIALS = ROOT / "dist" / "gateway-without-credentials.wasm"
HARNESS = ROOT / "target" / "debug" / "host-harness"
# What `wasmtime serve` is told, as docs/scale.md has it.
WASMTIME = ROOT / "deploy" / "wasmtime" / "serve.toml"

KEY = "pk-scale-5b1d77c0"
TOKEN = "caller-3e9a41f2"


def free_port(address="127.0.0.1"):
    with socket.socket() as listener:
        listener.bind((address, 0))
        return listener.getsockname()[1]


def program(name):
    """A program of the virtual environment that runs this, or of the system."""
    here = pathlib.Path(sys.executable).parent / name
    found = str(here) if here.exists() else shutil.which(name)
    assert found, f"{name} is missing: `make scale-tools` installs it, or says how"
    return found


class Processes:
    """Starts programs, and kills them all at the end."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.running = []

    def start(self, name, *arguments, env=None, stdin=subprocess.DEVNULL, stdout=None):
        # A backtrace for every error slows these hosts forty times.
        env = {**os.environ, "RUST_BACKTRACE": "0", **(env or {})}
        log = open(self.folder / f"{len(self.running)}-{pathlib.Path(name).name}.log", "wb")
        process = subprocess.Popen(
            [name, *map(str, arguments)], env=env, cwd=self.folder, stdin=stdin,
            stdout=stdout or log, stderr=log,
        )
        process.log = log.name
        self.running.append(process)
        return process

    def wait_for(self, process, address, port, seconds=60):
        """Waits until somebody listens there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert process.poll() is None, f"it ended with {process.returncode}: {self.log(process)}"
            try:
                socket.create_connection((address, port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"nobody listens on {address}:{port}: {self.log(process)}")

    def log(self, process):
        return pathlib.Path(process.log).read_text(errors="replace")[-2000:]

    def stop(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
        for process in self.running:
            process.wait()


class Upstream:
    """The stand-in for Portkey, which notes what reaches it."""

    def __init__(self, processes, token_delay_ms=20):
        assert HARNESS.exists(), "the harness is not built: `make build`"
        process = processes.start(
            str(HARNESS), "stub", "--port", 0, "--token-delay", token_delay_ms,
            "--require", f"x-portkey-api-key: {KEY}", stdout=subprocess.PIPE,
        )
        self.base_url = process.stdout.readline().decode().strip()
        assert self.base_url, processes.log(process)
        self.origin = self.base_url.removesuffix("/v1")
        self.authority = self.origin.removeprefix("http://")
        self.requests = []
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, lines):
        for line in lines:
            self.requests.append(json.loads(line))

    def prompts(self):
        """What was asked of it, in order."""
        time.sleep(0.3)  # It prints ten times a second.
        bodies = [request["body"] for request in list(self.requests) if request["method"] == "POST"]
        return [body["messages"][-1]["content"] for body in bodies]


class Portkey:
    """The real open-source gateway, which sends everything to one upstream."""

    def __init__(self, processes, upstream):
        folder = ROOT / "tests" / "gateway"
        server = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
        assert server.exists(), "the Portkey gateway is not installed: `make setup`"
        shim = folder / "loopback-only.mjs"
        # It ends with our end of its stdin.
        process = processes.start(
            program("node"), "--import", shim, server, "--headless", "--port=0", stdin=subprocess.PIPE
        )
        end = time.monotonic() + 60
        while not (found := re.search(r"LISTENING (\S+)", processes.log(process))):
            assert time.monotonic() < end and process.poll() is None, processes.log(process)
            time.sleep(0.1)
        self.origin = f"http://{found[1]}"
        self.base_url = f"{self.origin}/v1"
        self.headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": upstream.base_url}


def settings(upstream):
    """The gateway's, without secrets."""
    headers = getattr(upstream, "headers", {})
    return {"gateway.base-url": upstream.base_url, "gateway.headers": json.dumps(headers)}


def secrets():
    return {"credential.x-portkey-api-key": KEY, "gateway.token": TOKEN}


def serve(processes, upstream, *flags):
    """One `wasmtime serve`. Settings and secrets go by its environment: arguments can be read by everybody."""
    said = {**settings(upstream), **secrets()}
    env = {key.upper().replace(".", "_").replace("-", "_"): value for key, value in said.items()}
    inherited = [flag for name in env for flag in ("--env", name)]
    return start_wasmtime(processes, GATEWAY, *inherited, *flags, env=env)


def serve_without_credentials(processes, upstream, *flags):
    """The same without `credentials`, which read the environment: for measuring alone."""
    said = {"gateway.base-url": upstream.base_url, "gateway.token": TOKEN, "gateway.credentials": "x-portkey-api-key"}
    options = [flag for key, value in said.items() for flag in ("-S", f"config-var={key}={value}")]
    return start_wasmtime(processes, WITHOUT_CREDENTIALS, *options, *flags)


def start_wasmtime(processes, component, *flags, env=None):
    port = free_port()
    address = f"127.0.0.1:{port}"
    process = processes.start(
        program("wasmtime"), "serve", "--addr", address, "--config", WASMTIME, *flags, component, env=env
    )
    processes.wait_for(process, "127.0.0.1", port)
    return process, port


def haproxy(processes, config, **env):
    port = free_port()
    admin = processes.folder / "admin.sock"
    process = processes.start(
        program("haproxy"), "-db", "-f", ROOT / "deploy" / "haproxy" / config,
        env={"LISTEN": f"127.0.0.1:{port}", "ADMIN": str(admin), **{key: str(value) for key, value in env.items()}},
    )
    processes.wait_for(process, "127.0.0.1", port)
    base_url = f"http://127.0.0.1:{port}"
    wait_until_ready(base_url)
    return base_url, admin


def wait_until_ready(base_url, host=None, seconds=30):
    """Waits until the gateway there says that it is well."""
    end = time.monotonic() + seconds
    while True:
        said = httpx.get(f"{base_url}/healthz", headers={"host": host} if host else None, timeout=5)
        if said.status_code == 200:
            return
        assert time.monotonic() < end, f"{base_url} answers {said.status_code}: {said.text[:200]}"
        time.sleep(0.1)


def ask_haproxy(admin, command):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(admin))
        connection.sendall(command.encode() + b"\n")
        return connection.recv(65536).decode()


def sessions(admin, server):
    """Requests under way on a server, as HAProxy counts them."""
    lines = ask_haproxy(admin, "show stat").splitlines()
    names = lines[0].removeprefix("# ").split(",")
    for line in lines[1:]:
        row = dict(zip(names, line.split(","), strict=False))
        if row.get("svname") == server:
            return int(row["scur"])
    raise AssertionError(f"HAProxy knows no server {server}")


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def resident_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
