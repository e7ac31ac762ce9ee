//! Restores the terminal if the program is killed in the middle of a question: otherwise the shell would not show what
//! is typed.

/// From now on, SIGTERM and SIGHUP end the program with the terminal as it is now. A thread waits for them: the others are
/// busy with reading keys.
#[cfg(unix)]
pub(crate) fn watch() {
    use std::io::{Write, stderr, stdin};

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(before) = tcgetattr(stdin()) else { return };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    // Here, and not in the thread: one that comes before the first question must not be missed.
    let entered = runtime.enter();
    let (Ok(mut terminated), Ok(mut hung_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        return;
    };
    drop(entered);
    std::thread::spawn(move || {
        let signal = runtime.block_on(async {
            tokio::select! {
                _ = terminated.recv() => SignalKind::terminate(),
                _ = hung_up.recv() => SignalKind::hangup(),
            }
        });
        // What was typed and not read yet, half a key perhaps, is for nobody else. It may still be on its way through the
        // kernel, which would show it once the terminal is as before.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &before);
        let _ = stderr().write_all(b"\x1b[?2004l\x1b[?25h\r\n");
        // As a shell tells of it.
        std::process::exit(128 + signal.as_raw_value());
    });
}

/// There are no such signals.
#[cfg(not(unix))]
pub(crate) fn watch() {}
