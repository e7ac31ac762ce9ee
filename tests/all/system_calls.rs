//! Runs a program and meddles with one of its system calls that write: ends the program there, or makes the call fail
//! without having done anything, as a full or broken disk does. Linux's `ptrace` does it, so the program is the real one,
//! and needs no preparation.

#![allow(unsafe_code, reason = "tracing is system calls that no type makes safe")]

use std::{
    ffi::{OsStr, c_int, c_long},
    fs::File,
    io,
    os::unix::{ffi::OsStrExt, fs::FileExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    ptr,
};

use crate::support::Ran;

/// What happens instead of a system call.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The program is gone.
    Kill,
    /// The call does nothing and reports this number of an error, such as `ENOSPC`.
    Fail(i32),
}

/// How a program with a fault ended.
#[derive(Debug)]
pub struct Traced {
    /// The calls that would have written below the folder, up to the one with the fault.
    pub calls: Vec<&'static str>,
    /// How it ended: with code -1 where it was killed.
    pub ran: Ran,
}

/// Which file a call is about: the number of the argument that tells.
enum About {
    Descriptor(usize),
    Path(usize),
}

/// The calls that write, as far as a program can be expected to make them.
const WRITING: [(i64, &str, About); 22] = [
    (libc::SYS_openat, "openat", About::Path(1)),
    (libc::SYS_creat, "creat", About::Path(0)),
    (libc::SYS_write, "write", About::Descriptor(0)),
    (libc::SYS_writev, "writev", About::Descriptor(0)),
    (libc::SYS_pwrite64, "pwrite64", About::Descriptor(0)),
    (libc::SYS_copy_file_range, "copy_file_range", About::Descriptor(2)),
    (libc::SYS_ftruncate, "ftruncate", About::Descriptor(0)),
    (libc::SYS_fsync, "fsync", About::Descriptor(0)),
    (libc::SYS_fdatasync, "fdatasync", About::Descriptor(0)),
    (libc::SYS_fchmod, "fchmod", About::Descriptor(0)),
    (libc::SYS_fchown, "fchown", About::Descriptor(0)),
    (libc::SYS_flock, "flock", About::Descriptor(0)),
    (libc::SYS_chmod, "chmod", About::Path(0)),
    (libc::SYS_fchmodat, "fchmodat", About::Path(1)),
    (libc::SYS_rename, "rename", About::Path(0)),
    (libc::SYS_renameat, "renameat", About::Path(1)),
    (libc::SYS_renameat2, "renameat2", About::Path(1)),
    (libc::SYS_linkat, "linkat", About::Path(1)),
    (libc::SYS_unlink, "unlink", About::Path(0)),
    (libc::SYS_unlinkat, "unlinkat", About::Path(1)),
    (libc::SYS_mkdir, "mkdir", About::Path(0)),
    (libc::SYS_mkdirat, "mkdirat", About::Path(1)),
];

/// Runs `command`, with `fault` in the place of the call number `at`, from 0, of those that write below `folder`.
#[allow(clippy::zombie_processes, reason = "it is waited for with all its threads")]
pub fn run(mut command: Command, folder: &Path, at: usize, fault: Fault) -> Traced {
    let output = tempfile::tempdir().unwrap();
    let [out, err] = ["out", "err"].map(|name| output.path().join(name));
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    // A group of its own, so that all its threads can be waited for, and no child of another test.
    command.process_group(0);
    // SAFETY: between fork and exec it makes one system call, and allocates nothing.
    unsafe {
        command.pre_exec(|| ptrace(libc::PTRACE_TRACEME, 0, ptr::null_mut()));
    }
    let mut child = command.spawn().unwrap();
    let program = c_int::try_from(child.id()).unwrap();
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
    wait(program);
    ptrace(libc::PTRACE_SETOPTIONS, program, number(options.into())).unwrap();
    ptrace(libc::PTRACE_SYSCALL, program, number(0)).unwrap();

    let mut calls = Vec::new();
    // The thread whose call was suppressed, until it is told so.
    let mut suppressed = None;
    let code = loop {
        let (thread, status) = wait(-program);
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            if thread == program {
                break if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 };
            }
            continue;
        }
        let mut signal = libc::WSTOPSIG(status);
        if signal == libc::SIGTRAP | 0x80 {
            if suppressed.take_if(|it| *it == thread).is_some() {
                let Fault::Fail(errno) = fault else { unreachable!("only a failing call is suppressed") };
                change_registers(thread, |registers| registers.rax = (-i64::from(errno)).cast_unsigned());
            } else if let Some(name) = writing(thread, folder) {
                if calls.len() == at {
                    match fault {
                        Fault::Kill => child.kill().unwrap(),
                        Fault::Fail(_) => {
                            change_registers(thread, |registers| registers.orig_rax = u64::MAX);
                            suppressed = Some(thread);
                        }
                    }
                }
                calls.push(name);
            }
        }
        // A stop for a call, of a new thread, or for its making is the tracer's; any other signal is the program's own.
        if signal == libc::SIGTRAP | 0x80 || signal == libc::SIGSTOP || status >> 16 != 0 {
            signal = 0;
        }
        match ptrace(libc::PTRACE_SYSCALL, thread, number(signal.into())) {
            // It may have been killed meanwhile.
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => panic!("{error}"),
            _ => {}
        }
    };
    let read = |path| String::from_utf8(std::fs::read(path).unwrap()).unwrap();
    Traced { calls, ran: Ran { code, out: read(out), err: read(err) } }
}

/// A number in the place of a pointer, as `ptrace` takes them.
fn number(number: c_long) -> *mut libc::c_void {
    ptr::without_provenance_mut(usize::try_from(number).unwrap())
}

fn ptrace(request: libc::c_uint, thread: c_int, data: *mut libc::c_void) -> io::Result<()> {
    // SAFETY: each caller gives as `data` a number, or a place of the size that the request fills and the address says.
    let done = unsafe { libc::ptrace(request, thread, size_of::<libc::ptrace_syscall_info>(), data) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The next thread of `who` that stops or ends, and its status.
fn wait(who: c_int) -> (c_int, c_int) {
    let mut status = 0;
    // SAFETY: it fills the one number.
    let thread = unsafe { libc::waitpid(who, &raw mut status, libc::__WALL) };
    assert!(thread > 0, "{}", io::Error::last_os_error());
    (thread, status)
}

fn change_registers(thread: c_int, change: impl FnOnce(&mut libc::user_regs_struct)) {
    // SAFETY: numbers, of which zero is one.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    ptrace(libc::PTRACE_GETREGS, thread, (&raw mut registers).cast()).unwrap();
    change(&mut registers);
    ptrace(libc::PTRACE_SETREGS, thread, (&raw mut registers).cast()).unwrap();
}

/// The name of the call that `thread` is about to make, where it writes below `folder`.
fn writing(thread: c_int, folder: &Path) -> Option<&'static str> {
    // SAFETY: numbers, of which zero is one.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    ptrace(libc::PTRACE_GET_SYSCALL_INFO, thread, (&raw mut info).cast()).ok()?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: at the entry of a call, that is the member that the kernel fills.
    let entry = unsafe { info.u.entry };
    let (_, name, about) = WRITING.iter().find(|(number, ..)| u64::try_from(*number) == Ok(entry.nr))?;
    let flags = i32::try_from(entry.args[2] & 0xffff_ffff).unwrap_or(0);
    if *name == "openat" && flags & (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT) == 0 {
        return None;
    }
    let path = match about {
        About::Descriptor(at) => std::fs::read_link(format!("/proc/{thread}/fd/{}", entry.args[*at])).ok()?,
        About::Path(at) => text_at(thread, entry.args[*at])?,
    };
    path.starts_with(folder).then_some(name)
}

/// The path that stands at `address` in the thread's memory.
fn text_at(thread: c_int, address: u64) -> Option<PathBuf> {
    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    let mut bytes = vec![0; 4096];
    // What follows may not be mapped: then less is read.
    let read = memory.read_at(&mut bytes, address).ok()?;
    let end = bytes[..read].iter().position(|&byte| byte == 0)?;
    Some(Path::new(OsStr::from_bytes(&bytes[..end])).to_owned())
}
