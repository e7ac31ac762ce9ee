//! The real, open-source Portkey gateway from npm, on a free loopback port. It owns the process; what stands behind
//! the gateway is the test's own affair, and is named in each request's configuration ([`config_for`]).

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

/// How long node may take to listen: a second on a quiet machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running gateway. It ends when dropped, and when this process ends in any way: it watches its stdin, whose other
/// end is held here.
#[derive(Debug)]
pub struct PortkeyGateway {
    process: Child,
    address: SocketAddr,
}

impl PortkeyGateway {
    /// The gateway that all tests of this binary share: it keeps nothing between requests.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PortkeyGateway> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a gateway and waits until it listens. Panics where it is not installed or does not start.
    pub fn start() -> Self {
        const PROGRAM: &str = "node_modules/@portkey-ai/gateway/build/start-server.js";

        // The benches, which use this file too, stand elsewhere in the tree than the tests.
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let directory = above.map(|folder| folder.join("tests/gateway")).find(|folder| folder.is_dir()).unwrap();
        assert!(
            directory.join(PROGRAM).is_file(),
            "the Portkey gateway is not installed in {}: run `make setup`, which needs Node.js and npm",
            directory.display()
        );
        let mut process = Command::new("node")
            .args(["--import", "./loopback-only.mjs", PROGRAM, "--headless", "--port=0"])
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot run `node` ({error}): install Node.js 20 or later, then run `make setup`")
            });

        let stderr = BufReader::new(process.stderr.take().expect("stderr is piped"));
        let (found, address) = mpsc::channel();
        // Reads to the end: a full pipe would stop the gateway.
        std::thread::spawn(move || {
            let mut said = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                match line.strip_prefix("LISTENING ") {
                    Some(address) => drop(found.send(Ok(address.parse().expect("an address")))),
                    None if said.len() < 4096 => said = said + &line + "\n",
                    None => {}
                }
            }
            let _ = found.send(Err(said));
        });
        let address = match address.recv_timeout(START_LIMIT) {
            Ok(Ok(address)) => address,
            outcome => {
                let _ = process.kill();
                panic!("the Portkey gateway did not start: {outcome:?}");
            }
        };
        Self { process, address }
    }

    /// `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for PortkeyGateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The provider key that [`config_for`] names: what an upstream must see as `Authorization: Bearer`.
pub const UPSTREAM_KEY: &str = "sk-test";

/// A configuration that sends everything to one OpenAI-compatible upstream, such as `http://127.0.0.1:PORT/v1`.
/// With more keys (`retry`, `request_timeout`, guardrails) it is still one.
pub fn config_for(upstream: &str) -> Value {
    json!({"provider": "openai", "api_key": UPSTREAM_KEY, "custom_host": upstream})
}

/// A configuration that tries `targets` in order until one answers with success.
pub fn fallback(targets: &[Value]) -> Value {
    json!({"strategy": {"mode": "fallback"}, "targets": targets})
}
