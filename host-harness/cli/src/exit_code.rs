//! The exit codes, as docs/commands.md lists them.

use std::process::ExitCode;

use host_harness::types::ErrorKind;

/// The model would not answer.
pub(crate) const REFUSED: u8 = 7;

/// Interrupted, as a shell counts SIGINT.
pub(crate) const STOPPED: u8 = 130;

/// `lint` found something wrong in the configuration, as a command that reads it would.
pub(crate) const WRONG_CONFIG: u8 = 4;

/// Wrong usage that clap cannot see: a file, a combination. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The user gave up at a question. It ends as [`STOPPED`].
#[derive(Debug, thiserror::Error)]
#[error("given up: nothing was written")]
pub(crate) struct GivenUp;

/// The documented exit code for `error`.
pub(crate) fn of(error: &anyhow::Error) -> ExitCode {
    use ErrorKind as Kind;
    let Some(error) = error.downcast_ref::<host_harness::Error>() else {
        return ExitCode::from(match error {
            _ if error.is::<Usage>() => 2,
            _ if error.is::<GivenUp>() => STOPPED,
            _ => 1,
        });
    };
    ExitCode::from(match error.kind() {
        Kind::InvalidRequest if !error.record().request_sent => 2,
        Kind::MissingCredential | Kind::Unauthorized | Kind::Forbidden => 3,
        Kind::InvalidConfig | Kind::DeniedByHost => WRONG_CONFIG,
        Kind::QuotaExceeded | Kind::RateLimited | Kind::Overloaded => 5,
        Kind::Timeout | Kind::Transport | Kind::Protocol | Kind::Truncated => 6,
        Kind::ContentBlocked => REFUSED,
        // Not found, invalid, unsupported, other; and what there may be one day.
        _ => 1,
    })
}

#[cfg(test)]
mod tests {
    use host_harness::types;

    use super::*;

    /// The table in docs/commands.md says of each kind which exit code it has.
    #[test]
    fn the_documented_exit_codes_are_the_ones_that_are_used() {
        use ErrorKind as Kind;
        const KINDS: [Kind; 17] = [
            Kind::MissingCredential,
            Kind::Unauthorized,
            Kind::Forbidden,
            Kind::QuotaExceeded,
            Kind::RateLimited,
            Kind::ContentBlocked,
            Kind::NotFound,
            Kind::InvalidRequest,
            Kind::InvalidConfig,
            Kind::Unsupported,
            Kind::Overloaded,
            Kind::Timeout,
            Kind::DeniedByHost,
            Kind::Transport,
            Kind::Protocol,
            Kind::Truncated,
            Kind::Other,
        ];
        let page = include_str!("../../../docs/commands.md");
        let (_, table) = page.split_once("| exit code | meaning | `kind` of the error |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        for kind in KINDS {
            for request_sent in [false, true] {
                let error = host_harness::Error::host(kind, "x");
                let record = types::Error { request_sent, ..error.record().clone() };
                let code = of(&anyhow::Error::new(host_harness::Error::from(record)));
                let row = (0..=7)
                    .find(|number| ExitCode::from(*number) == code)
                    .and_then(|number| table.lines().find(|row| row.starts_with(&format!("| {number} |"))))
                    .unwrap();
                assert!(row.contains(&format!("`{}`", kind.name())), "{kind:?}: {row}");
            }
        }
    }
}
