//! The system keyring when it is locked or silent: a message bus of the test's own, with a Secret Service behind it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    sync::{Arc, Mutex},
};

use crate::support::{Cli, User, component};

/// What the bus was asked for: the names of methods.
type Asked = Arc<Mutex<Vec<String>>>;

/// A message bus at `DBUS_SESSION_BUS_ADDRESS`. With `speaks` it has a Secret Service whose every entry is locked, else it
/// takes connections and says nothing.
fn bus(folder: &std::path::Path, speaks: bool) -> (String, Asked) {
    let path = folder.join("bus");
    let listener = UnixListener::bind(&path).unwrap();
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for client in listener.incoming().flatten() {
            if speaks {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(client, &seen));
            } else {
                seen.lock().unwrap().push("a connection".into());
                silent.push(client);
            }
        }
    });
    (format!("unix:path={}", path.display()), asked)
}

fn serve(client: UnixStream, asked: &Asked) -> io::Result<()> {
    let mut write = client.try_clone()?;
    let mut read = BufReader::new(client);
    let mut line = String::new();
    while !line.starts_with("BEGIN") {
        line.clear();
        read.read_line(&mut line)?;
        match line.trim_start_matches('\0').split(' ').next() {
            Some("AUTH") => write.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n")?,
            Some("BEGIN\r\n") => {}
            _ => write.write_all(b"ERROR\r\n")?,
        }
    }
    loop {
        let (serial, member) = message(&mut read)?;
        asked.lock().unwrap().push(member.clone());
        let (signature, body) = match member.as_str() {
            "Hello" => ("s", text(":1.1")),
            // A variant that holds an empty text, then the session's path.
            "OpenSession" => ("vo", [&[1, b's', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &text("/s")].concat()),
            // No unlocked items, one that is locked.
            "SearchItems" => {
                let item = text("/org/freedesktop/secrets/item");
                let length = u32::try_from(item.len()).unwrap().to_le_bytes();
                ("aoao", [&[0; 4][..], &length, &item].concat())
            }
            "ReadAlias" => ("o", text("/org/freedesktop/secrets/aliases/default")),
            _ => ("", Vec::new()),
        };
        write.write_all(&reply(serial, signature, &body))?;
    }
}

/// The serial number and the method of the next message.
fn message(read: &mut impl Read) -> io::Result<(u32, String)> {
    let mut head = [0; 16];
    read.read_exact(&mut head)?;
    let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap()) as usize;
    let fields_length = number(12);
    let mut rest = vec![0; fields_length.next_multiple_of(8) + number(4)];
    read.read_exact(&mut rest)?;
    // A field is its code, the signature of its value, and the value: here all are texts of one kind or another.
    let (mut at, mut member) = (0, String::new());
    while at < fields_length {
        at = at.next_multiple_of(8);
        let (code, kind) = (rest[at], rest[at + 2]);
        at += 4;
        let length = match kind {
            b'g' => usize::from(rest[at]) + 1,
            b'u' => 4,
            _ => u32::from_le_bytes(rest[at..at + 4].try_into().unwrap()) as usize + 4,
        };
        if code == 3 {
            member = String::from_utf8(rest[at + 4..at + length].to_vec()).unwrap();
        }
        at += length + usize::from(kind != b'u');
    }
    Ok((u32::try_from(number(8)).unwrap(), member))
}

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes(), &[0]].concat()
}

fn reply(serial: u32, signature: &str, body: &[u8]) -> Vec<u8> {
    let mut fields = [&[5, 1, b'u', 0][..], &serial.to_le_bytes()].concat();
    if !signature.is_empty() {
        fields.extend([8, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
        fields.extend(signature.bytes().chain([0]));
    }
    let length = |of: &[u8]| u32::try_from(of.len()).unwrap().to_le_bytes();
    let mut message = [&[b'l', 2, 1, 1][..], &length(body), &1u32.to_le_bytes(), &length(&fields), &fields].concat();
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    message
}

/// Each command goes on without the keyring, says so once, and never asks the user to unlock it.
#[test]
fn a_keyring_that_is_silent_or_locked_is_passed_over_with_a_word_about_it() {
    component();
    let user = User::new();
    for (speaks, why) in [(false, "it does not answer within 2 s"), (true, "it is locked")] {
        let folder = tempfile::tempdir().unwrap();
        let (address, asked) = bus(folder.path(), speaks);
        for (command, code) in [
            (&["models"][..], 3),
            (&["chat", "hello", "--json"], 3),
            (&["doctor"], 3),
            (&["onboard", "--config", "new.json"], 0),
        ] {
            let mut run = user.cli.command(command);
            let output = run.env_remove("PORTKEY_API_KEY").env("DBUS_SESSION_BUS_ADDRESS", &address).output().unwrap();
            let ran = crate::support::Ran::from(output);
            assert_eq!(ran.code, code, "{command:?}: {ran:?}");
            let told = format!("warning: the system keyring was passed over: {why}");
            assert_eq!(ran.err.matches(&told).count(), 1, "{command:?}: {ran:?}");
        }
        let asked = asked.lock().unwrap();
        assert!(asked.iter().any(|method| method == if speaks { "SearchItems" } else { "a connection" }), "{asked:?}");
        assert!(!asked.iter().any(|method| ["Unlock", "Prompt", "GetSecrets"].contains(&method.as_str())), "{asked:?}");
    }
}

/// Where the key is found before, or there is no bus, nothing is asked and nothing said.
#[test]
fn a_keyring_that_is_not_needed_is_not_asked() {
    let user = User::new();
    let folder = tempfile::tempdir().unwrap();
    let (address, asked) = bus(folder.path(), false);
    let ran = user.cli.run_with("DBUS_SESSION_BUS_ADDRESS", &address, &["models"]).ok();
    assert!(!ran.err.contains("keyring") && asked.lock().unwrap().is_empty(), "{ran:?}");
    let ran = Cli::new().run(&["models"]);
    assert!(ran.code == 3 && !ran.err.contains("keyring"), "{ran:?}");
}

/// What cannot be kept is not taken for kept.
#[test]
fn a_key_is_not_put_into_a_keyring_that_is_locked_or_silent() {
    component();
    let user = User::new();
    for (speaks, why) in [(false, "it does not answer"), (true, "refused: it is locked")] {
        let folder = tempfile::tempdir().unwrap();
        let (address, asked) = bus(folder.path(), speaks);
        let command = ["onboard", "--config", "openclaw.json", "--key", "keyring"];
        user.cli.run_with("DBUS_SESSION_BUS_ADDRESS", &address, &command).failed(4, why);
        assert!(!user.cli.folder.path().join("openclaw.json").exists());
        assert!(!asked.lock().unwrap().iter().any(|method| method == "Unlock" || method == "Prompt"));
    }
}
