//! A terminal for the commands that behave differently in one: what a program writes is kept, and drawn on a screen as
//! a person would see it.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    libc,
    pty::openpty,
    sys::termios::{LocalFlags, tcgetattr},
    unistd::setsid,
};

/// How long anything may take to appear. Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program in a terminal, by default of 24 lines and 80 columns, its standard streams all three connected to it.
pub struct Terminal {
    child: Child,
    pty: File,
    shown: Arc<Mutex<Shown>>,
    reader: Option<JoinHandle<()>>,
}

struct Shown {
    raw: Vec<u8>,
    screen: vt100::Parser,
}

impl Terminal {
    /// Starts `command` in a terminal of its own, under the name `TERM=xterm-256color` unless it sets another.
    pub fn start(command: Command) -> Self {
        Self::sized(command, 24, 80)
    }

    /// The same in a terminal of another size.
    pub fn sized(mut command: Command, lines: u16, columns: u16) -> Self {
        if !command.get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm-256color");
        }
        let size = libc::winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let ends = openpty(&size, None).unwrap();
        let (pty, program) = (File::from(ends.master), File::from(ends.slave));
        let end = || program.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: both calls are async-signal-safe, and touch no memory of this process.
        unsafe {
            command.pre_exec(|| {
                // Ctrl-C reaches the program only where this is its controlling terminal.
                setsid()?;
                nix::errno::Errno::result(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        // Held on to, this end would keep the reader below from seeing the program's end.
        drop((command, program));
        let screen = vt100::Parser::new(lines.try_into().unwrap(), columns.try_into().unwrap(), 1000);
        let shown = Arc::new(Mutex::new(Shown { raw: Vec::new(), screen }));
        let reader = std::thread::spawn({
            let (mut pty, shown) = (pty.try_clone().unwrap(), Arc::clone(&shown));
            move || {
                let mut buffer = [0; 4096];
                // The read fails once the program has gone.
                while let Ok(length @ 1..) = pty.read(&mut buffer) {
                    let mut shown = shown.lock().unwrap();
                    shown.raw.extend_from_slice(&buffer[..length]);
                    shown.screen.process(&buffer[..length]);
                }
            }
        });
        Self { child, pty, shown, reader: Some(reader) }
    }

    /// Types `keys`: `\r` is the return key, `\x03` Ctrl-C, `\x04` Ctrl-D.
    pub fn send(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).unwrap();
    }

    /// What stands on the screen, without colours.
    pub fn screen(&self) -> String {
        self.shown.lock().unwrap().screen.screen().contents()
    }

    /// All that was written so far, escape sequences included.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap().raw).into_owned()
    }

    /// Whether what is typed is shown, and lines are edited by the terminal: what a shell expects to come back to.
    pub fn is_as_a_shell_wants_it(&self) -> bool {
        let is_hidden = self.shown.lock().unwrap().screen.screen().hide_cursor();
        self.modes().contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG) && !is_hidden
    }

    /// Whether the program reads keys one by one: what is typed before that, the terminal itself shows.
    pub fn is_read_by_key(&self) -> bool {
        !self.modes().intersects(LocalFlags::ECHO | LocalFlags::ICANON)
    }

    fn modes(&self) -> LocalFlags {
        tcgetattr(&self.pty).unwrap().local_flags
    }

    /// Waits until `text` stands on the screen.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(text, |terminal| terminal.screen().contains(text));
    }

    /// Waits until `done`; `what` names it where it never comes.
    pub fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "no {what:?} came:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the program from outside, as a system that shuts down does.
    pub fn terminate(&self) {
        let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Waits for the program's end: its exit code, with all that it wrote read.
    pub fn end(&mut self) -> i32 {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.code().unwrap_or(-1)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
