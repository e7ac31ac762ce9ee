//! `stub`: the stand-in gateway, until it is stopped.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use host_harness_stub::{Credential, Options, Role, Stub};

use super::{exit_code::Usage, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port on 127.0.0.1; 0 chooses a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Refuse requests without this header, as the hosted gateway refuses a wrong key
    #[arg(long, value_name = "NAME: VALUE")]
    require: Option<String>,
    /// Time between two words of a streamed reply, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30)]
    token_delay: u64,
    /// Play a model provider behind a gateway, not a gateway
    #[arg(long)]
    upstream: bool,
    /// Print the faults that you can ask for, and exit
    #[arg(long)]
    faults: bool,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.faults {
        for fault in host_harness_stub::faults() {
            output::print_line(&format!("fault/{:<28} {}", fault.name, fault.about));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let require = args.require.as_deref().map(credential).transpose()?;
    let options = Options {
        port: args.port,
        role: if args.upstream { Role::Upstream } else { Role::Hosted },
        require,
        token_delay: Duration::from_millis(args.token_delay),
        ..Options::default()
    };
    let stub = Stub::start(options).await.with_context(|| format!("cannot listen on 127.0.0.1:{}", args.port))?;
    output::print_line(&stub.base_url());
    eprintln!("A stand-in gateway serves this base URL, and prints what reaches it. Ctrl-C stops it.");
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped.context("cannot wait for Ctrl-C")?,
        () = print_requests(&stub) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// A line of JSON a request, for ever.
async fn print_requests(stub: &Stub) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for request in stub.take() {
            output::print_json_line(&request.shown().to_string());
        }
    }
}

fn credential(text: &str) -> Result<Credential, Usage> {
    let (header, value) = text.split_once(':').ok_or_else(|| Usage("write --require as 'Name: value'".into()))?;
    Ok(Credential { header: header.trim().to_owned(), value: value.trim().to_owned() })
}
