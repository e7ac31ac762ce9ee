//! `image` as a user has it: where files go, what is never overwritten, and how an image is shown.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use crate::{
    fault_server::FaultServer,
    raw_server::JSON,
    support::{Cli, KEY, Ran, User, install_script, start, until},
    terminal::Terminal,
};

fn image(user: &User, arguments: &[&str]) -> Ran {
    user.cli.run(&[&["image"], arguments].concat())
}

#[test]
fn a_named_file_is_replaced_on_demand_alone() {
    let user = User::new();
    let file = user.cli.folder.path().join("new/lighthouse.png");
    assert_eq!(image(&user, &["a lighthouse", "--output", "new/lighthouse.png"]).ok().out, "new/lighthouse.png\n");
    assert!(std::fs::read(&file).unwrap().starts_with(b"\x89PNG"));
    std::fs::write(&file, "precious").unwrap();
    image(&user, &["a lighthouse", "--output", "new/lighthouse.png"])
        .failed(2, "is there already: --force replaces it");
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    assert_eq!(user.stub.requests().len(), 1, "nothing was paid for");
    image(&user, &["a lighthouse", "--output", "new/lighthouse.png", "--force"]).ok();
    assert!(std::fs::read(&file).unwrap().starts_with(b"\x89PNG"));
    let several = image(&user, &["a lighthouse", "--output", "several.png", "--count", "2"]);
    assert_eq!(several.code, 2, "{several:?}");

    // In a folder: beside, or with --force in place.
    user.cli.write("image-1.png", "precious");
    assert_eq!(image(&user, &["a lighthouse"]).ok().out, "./image-2.png\n");
    assert_eq!(std::fs::read(user.cli.folder.path().join("image-1.png")).unwrap(), b"precious");
    assert_eq!(image(&user, &["a lighthouse", "--force"]).ok().out, "./image-1.png\n");
    assert_ne!(std::fs::read(user.cli.folder.path().join("image-1.png")).unwrap(), b"precious");
}

/// A PNG file, as far as its first bytes tell.
fn png(text: &str) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n", text.as_bytes()].concat()
}

fn inline(text: &str) -> Value {
    json!({"b64_json": BASE64.encode(png(text))})
}

/// Runs `image` before a gateway that answers with these images.
fn answered(cli: &Cli, images: Value, arguments: &[&str]) -> Ran {
    let server = start(FaultServer::always(JSON, json!({"created": 1, "data": images}).to_string()));
    cli.run(&[&["image", "a ship", "--base-url", &server.base_url], arguments].concat())
}

/// A person who asks for `a.jpg` and gets a PNG of that name finds out later, from another program.
#[test]
fn a_name_that_says_another_kind_of_image_is_noticed() {
    let user = User::new();
    let jpeg = image(&user, &["a lighthouse", "--output", "a.jpg"]).ok();
    assert!(jpeg.err.contains("warning: `a.jpg` holds image/png: --output-format asks for another"), "{jpeg:?}");
    let png = image(&user, &["a lighthouse", "--output", "a.PNG"]).ok();
    assert!(!png.err.contains("warning"), "{png:?}");
    user.cli.write("there", "precious");
    let paid = user.stub.requests().len();
    for name in ["a.svg", "a.TXT", "a.pdf", "there", "/dev/null"] {
        image(&user, &["a lighthouse", "--output", name]).failed(2, "is no name of an image: end it in .png, .jpg");
    }
    assert_eq!(user.stub.requests().len(), paid, "nothing was paid for");
    assert_eq!(image(&user, &["a lighthouse", "--output", "a.d/"]).ok().out, "a.d/image-1.png\n");
    assert_eq!(image(&user, &["a lighthouse", "--output", "a.d"]).ok().out, "a.d/image-2.png\n");
    assert_eq!(image(&user, &["a lighthouse", "--output", "shots.final"]).ok().out, "shots.final/image-1.png\n");
}

/// An answer may hold more images than were asked for.
#[test]
fn an_image_does_not_take_the_place_of_another_of_the_same_answer() {
    let cli = Cli::with_key();
    let at = |name: &str| cli.folder.path().join(name);
    for name in ["a.png", "a-2.png"] {
        std::fs::write(at(name), "old").unwrap();
    }
    let two = json!([inline("one"), inline("two")]);
    assert_eq!(answered(&cli, two, &["--force", "--output", "a.png"]).ok().out, "a.png\na-3.png\n");
    assert_eq!(std::fs::read(at("a.png")).unwrap(), png("one"));
    assert_eq!(std::fs::read(at("a-2.png")).unwrap(), b"old", "--force is for the file that was named");
    assert_eq!(std::fs::read(at("a-3.png")).unwrap(), png("two"));
}

/// They are paid for, whatever becomes of another.
#[test]
fn images_that_can_be_saved_are_saved_and_the_others_are_named() {
    let cli = Cli::with_key();
    // Nobody listens at these ports.
    let lost = |port: u16| json!({"url": format!("http://127.0.0.1:{port}/lost.png")});
    let images = || json!([inline("one"), lost(1), inline("three"), lost(2)]);
    let ran = answered(&cli, images(), &[]);
    assert_eq!((ran.code, &*ran.out), (6, "./image-1.png\n./image-3.png\n"), "{ran:?}");
    for port in [1, 2] {
        let named = format!("the image http://127.0.0.1:{port}/lost.png is not saved: ");
        assert!(ran.err.contains(&named), "{ran:?}");
    }
    assert_eq!(std::fs::read(cli.folder.path().join("image-3.png")).unwrap(), png("three"));

    let ran = answered(&cli, images(), &["--json", "--output", "json"]);
    let result = ran.json();
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!(result["images"][1]["path"], "json/image-3.png");
    assert_eq!(result["error"]["kind"], "transport");
    let message = result["error"]["message"].as_str().unwrap();
    assert!(message.contains("http://127.0.0.1:1/lost.png") && message.contains("http://127.0.0.1:2/"), "{result}");
}

/// As `touch` would make it.
#[test]
fn an_image_may_be_read_by_whom_the_umask_lets() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    image(&user, &["a lighthouse", "--output", "a.png"]).ok();
    let touched = user.cli.folder.path().join("touched");
    std::fs::write(&touched, "").unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(user.cli.folder.path().join("a.png")), mode(touched));
}

#[test]
fn images_are_typed_by_their_bytes() {
    let user = User::new();
    image(&user, &["a lighthouse", "--output", "a.png"]).ok();
    std::fs::rename(user.cli.folder.path().join("a.png"), user.cli.folder.path().join("photo.jpg")).unwrap();
    image(&user, &["at night", "--input", "photo.jpg", "--output", "b.png"]).ok();
    let body = user.stub.requests()[1].body.clone();
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("Content-Type: image/png") || body.contains("content-type: image/png"), "{body:.500}");
    assert!(!body.contains("image/jpeg"), "the name does not count");
}

#[test]
fn terminals_that_can_show_images_get_them() {
    let user = User::new();
    crate::support::component();
    for (name, value, sequence) in [
        ("TERM", "xterm-kitty", "\x1b_Gf=100,a=T,q=2,"),
        ("TERM_PROGRAM", "WezTerm", "\x1b]1337;File=inline=1;size="),
        ("TERM", "foot", "\x1bP"),
        ("TERM", "xterm-256color", ""),
    ] {
        let mut command = user.cli.command(&["image", "a lighthouse", "--force"]);
        command.env(name, value);
        let mut terminal = Terminal::start(command);
        assert_eq!(terminal.end(), 0, "{}", terminal.screen());
        let raw = terminal.raw();
        let graphics = ["\x1b_G", "\x1b]1337", "\x1bP"];
        match sequence {
            "" => assert!(!graphics.iter().any(|start| raw.contains(start)), "{name}={value}: {raw:?}"),
            sequence => assert!(raw.contains(sequence), "{name}={value}: {raw:?}"),
        }
    }
    let piped = user.cli.run_with("TERM", "xterm-kitty", &["image", "a lighthouse", "--force"]).ok();
    assert_eq!(piped.out, "./image-1.png\n");
    let forced = image(&user, &["a lighthouse", "--force", "--inline", "sixel"]).ok();
    assert!(forced.out.starts_with("./image-1.png\n\x1bP") && forced.out.ends_with("\x1b\\\n"), "{forced:?}");
}

#[test]
fn open_hands_the_file_to_the_desktop() {
    let user = User::new();
    let bin = user.cli.folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    install_script("printf %s \"$1\" > \"$HOME/new\" && mv \"$HOME/new\" \"$HOME/opened\"", &bin.join("xdg-open"));
    let path = format!("{}:/usr/bin:/bin", bin.display());
    user.cli.run_with("PATH", path, &["image", "a lighthouse", "--open", "--output", "a.png"]).ok();
    let opened = user.cli.folder.path().join("opened");
    until(|| opened.exists());
    assert_eq!(std::fs::read_to_string(opened).unwrap(), "a.png");

    // Where there is no desktop, the result still is one JSON object.
    let arguments = ["image", "a lighthouse", "--open", "--json", "--output", "b.png"];
    let none = user.cli.run_with("PATH", user.cli.folder.path(), &arguments);
    let result = none.json();
    assert_eq!((none.code, &result["images"][0]["path"]), (1, &json!("b.png")), "{none:?}");
    assert!(result["error"]["message"].as_str().unwrap().contains("`b.png` is written, but"), "{result}");
}

/// Another program than one for images would open it.
#[test]
fn what_is_no_image_is_not_opened() {
    let cli = Cli::new();
    let bin = cli.folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    install_script("touch \"$HOME/opened\"", &bin.join("xdg-open"));
    let cli = cli.env("PORTKEY_API_KEY", KEY).env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    for (start, name) in [(&b"PK\x03\x04"[..], "image-1.bin"), (b"\xca\xfe\xba\xbe", "a.png")] {
        let pack = BASE64.encode([start, b"\0\xff\xfe\x80"].concat());
        let output = if name == "a.png" { name } else { "." };
        let ran = answered(&cli, json!([{"b64_json": pack}]), &["--open", "--output", output]);
        assert!(ran.code == 1 && ran.err.contains(&format!("{name}` is written, but cannot be opened")), "{ran:?}");
        assert!(cli.folder.path().join(name).exists() && !cli.folder.path().join("opened").exists(), "{ran:?}");
    }
}
