//! What the program reads is a plain file, and what it writes goes through no link and into nothing of others.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt, symlink},
};

use host_harness::Result;
use serde_json::json;

use crate::support::{Cli, KEY, Ran, User};

/// What lies where `onboard` writes: whose it is, it is afterwards.
#[test]
fn onboard_writes_through_no_link_and_over_nothing_of_others() {
    const OLD: &str = "{ /* mine */ }";
    let user = User::new();
    let folder = user.cli.folder.path().join(".openclaw");
    let config = folder.join("openclaw.json");
    let victim = user.cli.folder.path().join("victim");
    let onboard = || user.cli.run(&["onboard", "--yes", "--model", "@openai/gpt-5-mini"]);
    let fresh = || {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::write(&config, OLD).unwrap();
        fs::write(&victim, "precious").unwrap();
    };
    let is_whole = || assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

    fresh();
    symlink(&victim, folder.join("openclaw.json.bak-1")).unwrap();
    fs::create_dir(folder.join("openclaw.json.bak-2")).unwrap();
    onboard().ok();
    is_whole();
    assert_eq!(fs::read_to_string(folder.join("openclaw.json.bak-3")).unwrap(), OLD, "beside what was there");

    fresh();
    fs::remove_file(&victim).unwrap();
    fs::hard_link(&config, &victim).unwrap();
    onboard().ok();
    assert_eq!(fs::read_to_string(&victim).unwrap(), OLD, "another name of the old file");

    let lock = folder.join(".openclaw.json.host-lock");
    fresh();
    symlink(&victim, &lock).unwrap();
    let ran = onboard();
    assert_eq!((ran.code, fs::read_to_string(&config).unwrap().as_str()), (4, OLD), "{ran:?}");
    is_whole();
    fresh();
    fs::create_dir(&lock).unwrap();
    assert_eq!((onboard().code, fs::read_to_string(&config).unwrap().as_str()), (4, OLD));
    fresh();
    assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
    let ran = onboard();
    assert!(ran.code == 4 && ran.err.contains("others can open"), "{ran:?}");

    fresh();
    fs::remove_file(&config).unwrap();
    symlink("openclaw.json", &config).unwrap();
    let ran = onboard();
    assert!(ran.code == 4 && config.is_symlink(), "a link to itself: {ran:?}");
}

/// Links that lie where images are written to.
#[test]
fn an_image_is_written_through_no_link() {
    let user = User::new();
    let out = user.cli.folder.path().join("out");
    let victim = user.cli.folder.path().join("victim");
    fs::create_dir(&out).unwrap();
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, out.join("image-1.png")).unwrap();
    symlink(out.join("nothing"), out.join("image-2.png")).unwrap();
    symlink(&victim, user.cli.folder.path().join("named.png")).unwrap();
    for arguments in [
        &["image", "a ship", "--output", "out"][..],
        &["image", "a ship", "--output", "out", "--force"],
        &["image", "a ship", "--output", "named.png", "--force"],
    ] {
        user.cli.run(arguments).ok();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{arguments:?}");
    }
    assert!(!out.join("nothing").exists());
    assert!(fs::read(out.join("image-3.png")).unwrap().starts_with(b"\x89PNG"), "beside what was there");
}

/// A session is a file of the user's own, in its own folder, that can be read.
#[test]
fn a_session_is_no_link_no_pipe_and_in_no_other_folder() {
    let user = User::new();
    let sessions = user.cli.folder.path().join(".local/state/host-harness/sessions");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&sessions).unwrap();
    let secret = user.cli.folder.path().join("secret");
    fs::write(&secret, "sk-of-another-program\n").unwrap();
    symlink(&secret, sessions.join("link.json")).unwrap();
    symlink("/dev/zero", sessions.join("zero.json")).unwrap();
    symlink(sessions.join("loop.json"), sessions.join("loop.json")).unwrap();
    fs::create_dir(sessions.join("folder.json")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(sessions.join("pipe.json")).status().unwrap().success());
    fs::write(sessions.join("deep.json"), "[".repeat(200_000)).unwrap();
    for name in
        ["link", "zero", "loop", "folder", "pipe", "deep", "../x", "a/b", ".x", "-x", "", "a\u{202e}b", &"x".repeat(65)]
    {
        let ran = user.cli.run(&["chat", "hello", &format!("--session={name}")]);
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(!format!("{ran:?}").contains("sk-of-another"), "{name}: {ran:?}");
    }
    assert!(user.stub.requests().is_empty());
    assert_eq!(fs::read_to_string(&secret).unwrap(), "sk-of-another-program\n");
    // One that is not absolute would mean the working folder.
    let before = user.files();
    let output =
        user.cli.command(&["chat", "hello", "--session", "x"]).env("XDG_STATE_HOME", "state").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(user.files(), before);
}

/// A recording is a plain file of a recording, and speech goes through no link that the user did not mean.
#[test]
fn recordings_and_speech_are_plain_files() {
    let user = User::new();
    let folder = user.cli.folder.path();
    let secret = folder.join("secret");
    fs::write(&secret, "sk-of-another-program\n").unwrap();
    for (link, to) in
        [("link.wav", &*secret), ("zero.wav", "/dev/zero".as_ref()), ("loop.wav", &folder.join("loop.wav"))]
    {
        symlink(to, folder.join(link)).unwrap();
    }
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe.wav")).status().unwrap().success());
    let large = fs::File::create(folder.join("large.wav")).unwrap();
    large.set_len(26 << 20).unwrap();
    for file in [
        "link.wav", "zero.wav", "loop.wav", "pipe.wav", "large.wav", ".", "none.wav", "/proc/self/environ",
        "/proc/self/mem", "/dev/stdin", "a\u{1b}]0;x\u{7}.wav",
    ] {
        let ran = user.cli.run(&["transcribe", file]);
        assert_eq!(ran.code, 2, "{file}: {ran:?}");
        assert!(!format!("{ran:?}").contains("sk-of-another") && !format!("{ran:?}").contains(KEY), "{file}: {ran:?}");
    }
    symlink(&secret, folder.join("there.mp3")).unwrap();
    symlink(folder.join("not-there"), folder.join("nowhere.mp3")).unwrap();
    for (output, code) in [("there.mp3", 2), (".", 2), ("none/a.mp3", 2), ("secret/a.mp3", 2), ("nowhere.mp3", 0)] {
        assert_eq!(user.cli.run(&["speak", "a", "--output", output]).code, code, "{output}");
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "sk-of-another-program\n");
    assert!(!folder.join("not-there").exists() && fs::read(folder.join("nowhere.mp3")).unwrap().starts_with(b"ID3"));
}

/// What stands where prices are kept is read if it is a plain file of the user's alone, and never written through.
#[test]
fn prices_are_kept_in_a_plain_file_of_the_users_alone() {
    let user = User::new();
    user.cli.run(&["models", "gpt-5-mini"]).ok();
    let file = user.cli.folder.path().join(".cache/host-harness/prices.json");
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let elsewhere = user.cli.folder.path().join("elsewhere.json");
    let cheap = kept.replace("0.25", "0.01");
    assert_ne!(cheap, kept);
    let deep = format!(r#"{{"prices":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    // An entry of another plugin's with all that a terminal, a path or JavaScript could take amiss.
    let odd = kept.replace(r#""prices":["#, r#""prices":[{"plugin":"\u001b]0;x\u0007","origin":"../..","id":"__proto__","at":1e30,"price":{"input":1e300}},null,7,"#);
    type Plant<'p> = &'p dyn Fn();
    let write = |text: &str| fs::write(&file, text).unwrap();
    for (name, is_read, plant) in [
        ("as it was", true, (&|| write(&kept)) as Plant),
        ("other prices in it", true, &|| write(&cheap)),
        ("a link", false, &|| {
            fs::write(&elsewhere, &cheap).unwrap();
            symlink(&elsewhere, &file).unwrap();
        }),
        ("a second name", false, &|| {
            fs::write(&elsewhere, &cheap).unwrap();
            fs::hard_link(&elsewhere, &file).unwrap();
        }),
        ("a link to nothing", false, &|| symlink("/nonexistent/x", &file).unwrap()),
        ("a link to a device", false, &|| symlink("/dev/zero", &file).unwrap()),
        ("a link to itself", false, &|| symlink(&file, &file).unwrap()),
        ("a pipe", false, &|| assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success())),
        ("a folder", false, &|| fs::create_dir(&file).unwrap()),
        ("open to others", false, &|| {
            write(&cheap);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        }),
        ("too large", false, &|| {
            write(&cheap.replace(r#"{"prices""#, &format!("{}{{\"prices\"", " ".repeat(5 << 20))))
        }),
        ("nested deep", false, &|| write(&deep)),
        ("odd entries before it", true, &|| write(&odd)),
        ("a number that is none", false, &|| write(&odd.replace("1e300", "1e999"))),
        ("no UTF-8", false, &|| fs::write(&file, b"\xff\xfe{").unwrap()),
    ] {
        let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir(&file));
        let _ = fs::remove_file(&elsewhere);
        plant();
        user.stub.take_of_prices();
        let listed = user.cli.run(&["models", "gpt-5-mini"]).ok();
        assert_eq!(user.stub.take_of_prices().is_empty(), is_read, "{name}: {listed:?}");
        let price = if name == "other prices in it" { "$0.01/" } else { "$0.25/" };
        assert!(listed.out.contains(price) && !listed.err.contains("error"), "{name}: {listed:?}");
        if elsewhere.exists() {
            assert_eq!(fs::read_to_string(&elsewhere).unwrap(), cheap, "{name}");
        }
    }
}

/// What stands where OpenClaw keeps variables, or where a file names a secret: nothing is waited for, and nothing of it is shown.
#[test]
fn variables_and_secrets_are_read_from_plain_files_alone() {
    let user = User::new();
    let home = user.cli.folder.path().join(".openclaw");
    fs::create_dir(&home).unwrap();
    let other = user.cli.folder.path().join("other");
    fs::write(&other, "sk-of-another-program\n").unwrap();
    let fifo = |path: &std::path::Path| {
        assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success())
    };
    let config = |path: &std::path::Path| {
        let secret = json!({"source": "file", "provider": "p", "id": "value"});
        let providers = json!({"p": {"source": "file", "path": path, "mode": "singleValue"}});
        json!({"models": {"providers": {"portkey": {"apiKey": secret}}}, "secrets": {"providers": providers}})
            .to_string()
    };
    for place in [home.join(".env"), home.join("secret")] {
        let is_secret = place.ends_with("secret");
        type Plant<'p> = &'p dyn Fn();
        for (name, plant) in [
            ("a pipe", (&|| fifo(&place)) as Plant),
            ("a folder", &|| fs::create_dir(&place).unwrap()),
            ("a device", &|| symlink("/dev/zero", &place).unwrap()),
            ("a terminal", &|| symlink("/dev/tty", &place).unwrap()),
            ("itself", &|| symlink(&place, &place).unwrap()),
            ("the memory of a process", &|| symlink("/proc/self/mem", &place).unwrap()),
            ("too large", &|| fs::write(&place, "A=b\n".repeat(1 << 20)).unwrap()),
            ("another program's secret", &|| symlink(&other, &place).unwrap()),
            ("a second name of it", &|| fs::hard_link(&other, &place).unwrap()),
        ] {
            plant();
            if !place.is_symlink() && place.is_file() {
                fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
            }
            fs::write(home.join("openclaw.json"), if is_secret { config(&place) } else { "{}".into() }).unwrap();
            user.stub.take();
            let mut command = user.cli.command(&["chat", "hello", "--no-stream"]);
            if is_secret {
                command.env_remove("PORTKEY_API_KEY");
            }
            let ran = Ran::from(command.output().unwrap());
            assert!(!format!("{ran:?}").contains("another-program"), "{name}: {ran:?}");
            let sent = user.stub.take();
            assert_eq!(ran.code == 0, !sent.is_empty(), "{name}: {ran:?}");
            if is_secret {
                assert!(sent.is_empty() && ran.err.contains("secret`"), "{name}: {ran:?}");
            } else {
                // One that only holds nothing that is a variable is as good as none.
                let is_plain = name.contains("secret") || name.contains("second");
                assert_eq!(ran.code, if is_plain { 0 } else { 4 }, "{name}: {ran:?}");
            }
            let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir(&place));
        }
    }
}

/// A cache is where the system keeps the user's, or there is none: nothing is written into the folder that one works in.
#[test]
fn a_cache_that_is_named_oddly_is_none() {
    let user = User::new();
    let work = user.cli.folder.path().join("work");
    fs::create_dir(&work).unwrap();
    for folder in [".", "cache", "", "/dev/null", "/proc/self", "/nonexistent/\u{1b}]0;x\u{7}"] {
        let mut command = user.cli.command(&["models", "gpt-5-mini"]);
        let ran = Ran::from(command.current_dir(&work).env("XDG_CACHE_HOME", folder).output().unwrap()).ok();
        assert!(ran.said().contains("gpt-5-mini"), "{folder}: {ran:?}");
        let left: Vec<_> = fs::read_dir(&work).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
}

/// The file that is replaced may be another user's: of its mode only who may read and write counts.
#[test]
fn what_is_written_gets_no_rights_of_a_program() {
    let user = User::new();
    let file = user.cli.folder.path().join("out");
    for (before, after) in
        [(0o4755, 0o755), (0o2755, 0o755), (0o6777, 0o777), (0o1644, 0o644), (0o640, 0o640), (0o600, 0o600)]
    {
        for arguments in [&["chat", "hello", "--output", "out"][..], &["speak", "hello", "--output", "out", "--force"]]
        {
            fs::write(&file, "old").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(before)).unwrap();
            user.cli.run(arguments).ok();
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
            assert_eq!(format!("{mode:o}"), format!("{after:o}"), "{arguments:?}, where it was {before:o}");
        }
    }
}

/// The authorities that a variable names are read from a plain file, of a size that some are.
#[test]
fn authorities_are_read_from_plain_files_alone() {
    let cli = Cli::before("https://127.0.0.1:1/v1");
    let folder = cli.folder.path();
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    fs::create_dir(folder.join("folder")).unwrap();
    fs::write(folder.join("secret"), format!("-----BEGIN CERTIFICATE-----\n{KEY}\n-----END CERTIFICATE-----\n"))
        .unwrap();
    fs::File::create(folder.join("large")).unwrap().set_len(1 << 40).unwrap();
    crate::support::component();
    for name in ["pipe", "folder", "secret", "large", "/dev/zero", "/dev/tty", "/proc/self/environ"] {
        let path = folder.join(name);
        // Memory is what `/dev/zero` would take.
        let limited = ["sh", "-c", "ulimit -v 12000000; exec timeout 10 \"$@\"", "sh"];
        let mut command = cli.through(&limited, &["chat", "hello"]);
        let ran = Ran::from(command.env("SSL_CERT_FILE", &path).output().unwrap());
        assert_eq!(ran.code, 4, "{name}: {ran:?}");
        assert!(ran.err.contains("SSL_CERT_FILE") && !ran.err.contains(KEY), "{name}: {ran:?}");
    }
}

/// Sessions that several programs write at once, and names in the folder that the program would not give.
#[test]
fn a_session_is_whole_and_private_whoever_writes_it() {
    let user = User::new();
    let runs: Vec<_> =
        (0..6).map(|_| user.cli.command(&["chat", "hello", "--session", "one"]).output()).map(Result::unwrap).collect();
    assert!(runs.iter().all(|run| run.status.success()));
    let children: Vec<_> = (0..6)
        .map(|_| {
            user.cli
                .command(&["chat", "hello", "--session", "one"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let folder = user.cli.folder.path().join(".local/state/host-harness/sessions");
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["one.json"]);
    let text = fs::read_to_string(folder.join("one.json")).unwrap();
    let session: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(session["messages"].as_array().unwrap().len() >= 14, "{text}");
    assert_eq!(fs::metadata(folder.join("one.json")).unwrap().permissions().mode() & 0o777, 0o600);
    for name in ["a\u{202e}b", "x y", "\u{1b}]0;t\u{7}", "a\nerror: b", "..", "ＯＮＥ"] {
        fs::write(folder.join(format!("{name}.json")), &text).unwrap();
        let ran = user.cli.run(&["chat", "hello", "--continue"]);
        assert!(!ran.err.contains(['\u{202e}', '\u{1b}', '\u{7}']), "{name:?}: {ran:?}");
        fs::remove_file(folder.join(format!("{name}.json"))).unwrap();
    }
}
