//! The end of the program by SIGTERM and SIGHUP: the terminal is restored if it comes in the middle of a question, where
//! otherwise the shell would not show what is typed, and what was started for a model ends with it.

#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

/// From now on, SIGTERM and SIGHUP end the program with the terminal as it is now. A thread waits for them: the others are
/// busy with reading keys.
#[cfg(unix)]
pub(crate) fn watch() {
    use std::io::{Write, stderr, stdin};

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

    let Ok(before) = tcgetattr(stdin()) else { return };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    // Here, and not in the thread: one that comes before the first question must not be missed.
    let entered = runtime.enter();
    let Ok(killed) = killed() else { return };
    drop(entered);
    std::thread::spawn(move || {
        let code = runtime.block_on(killed);
        // What was typed and not read yet, half a key perhaps, is for nobody else. It may still be on its way through the
        // kernel, which would show it once the terminal is as before.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &before);
        let _ = stderr().write_all(b"\x1b[?2004l\x1b[?25h\r\n");
        std::process::exit(code.into());
    });
}

/// There are no such signals.
#[cfg(not(unix))]
pub(crate) fn watch() {}

/// Waits for SIGTERM or SIGHUP, which from this call on end the program no more by themselves, not even once this is
/// dropped: tokio keeps what handles them. Gives what the program is to exit with, as a shell tells of it.
///
/// # Errors
/// Where the system does not let signals be waited for.
#[cfg(unix)]
pub(crate) fn killed() -> std::io::Result<impl Future<Output = u8> + Send + use<>> {
    let mut terminated = signal(SignalKind::terminate())?;
    // The end of the terminal may be none of ours.
    let mut hung_up = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        let hung_up = async {
            match &mut hung_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        let signal = tokio::select! {
            _ = terminated.recv() => SignalKind::terminate(),
            _ = hung_up => SignalKind::hangup(),
        };
        u8::try_from(128 + signal.as_raw_value()).unwrap_or(u8::MAX)
    })
}

/// Whether the program was started to outlive its terminal, as by `nohup`. Only Linux tells.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is the first of them.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// There are no such signals.
#[cfg(not(unix))]
pub(crate) fn killed() -> std::io::Result<impl Future<Output = u8> + Send + use<>> {
    Ok(std::future::pending())
}
