//! Shows the difference that a change makes to the configuration's text, with secrets hidden.

use std::{collections::BTreeSet, ops::Range, time::Duration};

use aho_corasick::{AhoCorasick, MatchKind};
use anstyle::{AnsiColor, Style};
use host_harness::command_line::{
    self,
    json5::{Kind, Node, parse},
    secret_json,
};
use serde_json::Value;
use similar::{Change, ChangeTag, DiffableStr, TextDiff};

use crate::terminal;

/// Lines around a change that stay the same.
const AROUND: usize = 2;

/// How long the least difference is looked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shorter texts are not looked for elsewhere: they would be found everywhere.
const SHORTEST: usize = 6;

/// What stands for a secret.
const HIDDEN: &str = "***";

/// What says of a secret what it is, as in OpenClaw's `auth.profiles` and its references, and is none: these words stand all
/// over a file.
const ABOUT: [&str; 4] = ["mode", "provider", "source", "type"];

/// The changed lines from `before` to `after`, each with its sign and in its colour. Secrets are hidden in their places,
/// and `secrets`, found by [`secrets`], wherever else they stand, such as in a comment.
pub(super) fn lines(before: &str, after: &str, secrets: &BTreeSet<String>) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(hidden) = Hidden::of(secrets) else { return lines };
    // With more changes than that is enough for, it shows more lines than it must.
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    let (before, after) = (unreadable(before), unreadable(after));
    let (old, new) = (before.tokenize_lines(), after.tokenize_lines());
    let shown = |change: &Change<&str>| {
        let (lines, at) = change.new_index().map_or((&old, change.old_index()), |at| (&new, Some(at)));
        at.and_then(|at| lines.get(at)).copied().unwrap_or_default()
    };
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            lines.push("   ...".to_owned());
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', AnsiColor::Red.on_default()),
                ChangeTag::Insert => ('+', AnsiColor::Green.on_default()),
                ChangeTag::Equal => (' ', Style::new().dimmed()),
            };
            let text = hidden.line(shown(&change).trim_end_matches(['\r', '\n']));
            lines.push(format!("{style}{sign} {text}{style:#}"));
        }
    }
    lines
}

/// Makes secrets unreadable, all in one look at a text: a file may have thousands.
struct Hidden(AhoCorasick);

impl Hidden {
    /// `None` where they are more than can be looked for.
    fn of(secrets: &BTreeSet<String>) -> Option<Self> {
        // The longest first: a secret may be part of another.
        AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(secrets).ok().map(Self)
    }

    /// The text without what steers a terminal, too.
    fn line(&self, line: &str) -> String {
        let mut shown = String::new();
        self.0.replace_all_with(&terminal::line(line), &mut shown, |_, _, shown| {
            shown.push_str(HIDDEN);
            true
        });
        shown
    }
}

/// The text with its secrets unreadable, in whatever spelling they stand there, and with the same lines.
fn unreadable(text: &str) -> String {
    let mut literals = Vec::new();
    if let Ok(Some(root)) = parse(text) {
        hide(&root, false, &mut literals);
    }
    let (mut shown, mut at) = (String::new(), 0);
    for (range, hidden) in literals {
        shown.push_str(text.get(at..range.start).unwrap_or_default());
        shown.push_str(&hidden);
        // One line end for each: two that stand together may be one.
        shown.extend(text.get(range.clone()).unwrap_or_default().tokenize_lines().iter().skip(1).map(|_| '\n'));
        at = range.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

/// The texts in `node` that are, or hold, a secret: where each stands, and what is shown in its place.
fn hide(node: &Node, is_secret: bool, literals: &mut Vec<(Range<usize>, String)>) {
    match &node.kind {
        Kind::Object(members) => {
            members.iter().for_each(|member| hide(&member.value, holds_secrets(&member.name, is_secret), literals));
        }
        Kind::Array(items) => items.iter().for_each(|item| hide(item, is_secret, literals)),
        Kind::Scalar(value) => {
            let mut shown = value.clone();
            conceal(&mut shown, is_secret, &mut BTreeSet::new());
            if shown != *value {
                literals.push((node.range.clone(), shown.to_string()));
            }
        }
    }
}

/// Every text in `config` that is, or may be, a secret: by the name of what holds it, and all of an `env` block. As it
/// stands in the file, which is with escapes.
pub(super) fn secrets(config: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    conceal(&mut config.clone(), false, &mut found);
    found
}

fn conceal(value: &mut Value, is_secret: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, value)| conceal(value, holds_secrets(name, is_secret), found));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| conceal(item, is_secret, found)),
        // `Bearer ${NAME}` is what a person wants to see, and no secret.
        Value::String(text) if secret_json::is_secret(command_line::without_scheme(text), is_secret) => {
            if text.len() >= SHORTEST {
                // As the file has it; and once more, where it stands in JSON that is a text there.
                let escaped = escaped(text);
                found.extend([text.clone(), self::escaped(&escaped), escaped]);
            }
            HIDDEN.clone_into(text);
        }
        // JSON that is a text, such as a header.
        Value::String(text) => match secret_json::parse(text) {
            Some(json) => {
                let mut shown = json.clone();
                conceal(&mut shown, false, found);
                if shown != json {
                    *text = shown.to_string();
                }
            }
            // Any of it may be one.
            None if secret_json::is_broken(text) => HIDDEN.clone_into(text),
            None => {}
        },
        _ => {}
    }
}

/// Whether the member `name` holds secrets, or what holds it does.
fn holds_secrets(name: &str, is_secret: bool) -> bool {
    is_secret && !ABOUT.contains(&name) || names_a_secret(name)
}

fn escaped(text: &str) -> String {
    Value::from(text).to_string().trim_matches('"').to_owned()
}

/// All of an `env` block may be one, and the URL of a proxy may hold a password.
fn names_a_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    command_line::names_a_secret(name) || lower == "env" || lower.starts_with("proxy") || lower.ends_with("proxy")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_have_signs_and_no_secrets() {
        let config = json!({
            "env": {"PORTKEY_API_KEY": "pk-12\"34"},
            "gateway": {"auth": {"token": "gate-token"}},
            "auth": {"profiles": {"portkey:default": {"provider": "portkey", "mode": "api_key"}}},
            "channels": {"telegram": {"botToken": "bot-1234"}},
            "plugins": {"entries": {"portkey": {"config": {"config": "{\"targets\":[{\"api_key\":\"sk-te\\\"xt\"}]}"}}}},
            "models": {"providers": {"portkey": {"apiKey": "${PORTKEY_API_KEY}", "baseUrl": "http://x"}}},
        });
        let after = format!("{config:#}\n");
        let shown = lines("{}\n", &after, &secrets(&config)).join("\n");
        for hidden in ["pk-12", "gate-token", "bot-1234", "sk-te"] {
            assert!(!shown.contains(hidden), "{hidden} in {shown}");
        }
        for part in [
            "- {}",
            "+     \"PORTKEY_API_KEY\": \"***\"",
            "${PORTKEY_API_KEY}",
            "http://x",
            "\"portkey\": {",
            "\"api_key\"",
        ] {
            assert!(shown.contains(part), "{part} not in {shown}");
        }
        assert!(lines(&after, &after, &BTreeSet::new()).is_empty());
    }

    /// Each writer of JSON has its own escapes.
    #[test]
    fn a_secret_is_hidden_however_the_file_writes_it() {
        for written in [
            r#"apiKey: "pk\/SECRET\/12345""#,
            r#"apiKey: "c2VjSECRET12345\u003d\u003D""#,
            r#"apiKey: "p\u00e4ssSECRET-1""#,
            r"apiKey: '\x53ECRET-\'12'",
            "apiKey: 'SECRET-abc\\\nSECRET'",
            "apiKey: 'SECRET-abc\\\r\nSECRET'",
            r#"config: "{\"api_key\": \"pk\\/SECRET\\/1\", \"note\": \"\\u0041\"}""#,
            r#"config: " [{\"api_key\":\"SECRET-12\"}, {\"api_key\":\"SECRET\\u002d12\"}]""#,
            r#"config: "{'api_key': 'pk-SECRET'""#,
        ] {
            let text = |id: u8| format!("{{\n 'p': {{{written}, // of p\n id: {id}}},\n}}\n");
            let shown = lines(&text(1), &text(2), &BTreeSet::new()).join("\n");
            assert!(!shown.contains("ECRET"), "{shown}");
            for part in ["***", "// of p", "-  id: 1}", "+  id: 2}"] {
                assert!(shown.contains(part), "{written}: {part} not in {shown}");
            }
        }
        // It takes three lines, whatever ends these.
        let text = |id: u8| format!("{{apiKey: 'a\\\rSECRET\\\nc',\nid: {id}}}\n");
        let shown = lines(&text(1), &text(2), &BTreeSet::new()).join("\n");
        assert!(shown.contains("- id: 1}") && !shown.contains("SECRET"), "{shown}");
    }

    /// A reference alone is no secret, and a text with one in it may be: as the boundary takes it.
    #[test]
    fn what_the_boundary_hides_is_hidden() {
        let shown = |written: &str| {
            let text = |id: u8| format!("{{\n{written},\nid: {id}}}\n");
            lines(&text(1), &text(2), &BTreeSet::new()).join("\n")
        };
        for written in [
            r#"apiKey: "${A}SECRET${B}""#,
            r#"apiKey: "${NAME:-SECRET}""#,
            r#"apiKey: "${sk-SECRET-1}""#,
            r#"apiKey: "$${SECRET}""#,
            r#"apiKey: "SECR""#,
            r#"authorization: "Bearer ${NAME:-SECRET}""#,
            r#"authorization: "Bearer ${A} SECRET ${B}""#,
            r#"custom_host: "https://user:SECRET@host/v1""#,
            r#"note: " socks5://:SECRET@host ""#,
            r#"note: ["https://user:SECRET@host/${PATH}"]"#,
            r#"config: "{\"custom_host\": \"https://user:SECRET@host/v1\"}""#,
            r#"config: "{\"api_key\": \"${A}SECRET${B}\"}""#,
            r#"config: "{\"api_key\": \"SECRET-1\", \"api_key\": \"\"}""#,
            r#"config: "\ufeff{\"api_key\": \"SECRET-1\"}""#,
            r#"config: "`{\"api_key\": \"SECRET-1\"}`""#,
            r#"config: "{\"a\": \"{\\\"api_key\\\": \\\"SECRET-1\\\", \\\"api_key\\\": 1}\"}""#,
            r#"config: "'{\"api_key\": \"SECRET-1\"}'""#,
            r#"config: "\"{\\\"api_key\\\": \\\"SECRET-1\\\"}\"""#,
            r#"config: " \" [{\\\"api_key\\\": \\\"SECRET-1""#,
            r#"config: "{\"inner\": \"'{'api_key': 'SECRET-1'}'\"}""#,
        ] {
            let shown = shown(written);
            assert!(!shown.contains("SECR") && shown.contains("***"), "{written}: {shown}");
        }
        for written in [
            r#"apiKey: "${PORTKEY_API_KEY}""#,
            r#"apiKey: " ${PORTKEY_API_KEY} ""#,
            r#"authorization: "Bearer ${PORTKEY_API_KEY}""#,
            r#"authorization: "token ${PORTKEY_API_KEY}""#,
            r#"config: "{\"api_key\":\"${PORTKEY_API_KEY}\"}""#,
            r#"baseUrl: "https://user@host/v1""#,
            r#"apiKey: " ""#,
            r#"note: "\"in quotes\"""#,
        ] {
            let shown = shown(written);
            assert!(shown.contains(written), "{written}: {shown}");
        }
    }

    #[test]
    fn what_is_far_from_a_change_is_not_shown() {
        let before: String = (0..20).map(|number| format!("line {number}\n")).collect();
        let after = before.replace("line 10\n", "line ten\u{1b}[2J\n");
        let shown = lines(&before, &after, &BTreeSet::new()).join("\n");
        assert!(shown.contains("line 8") && !shown.contains("line 7\u{1b}") && !shown.contains("line 19"), "{shown}");
        assert!(!shown.contains("\u{1b}[2J"), "{shown:?}");
    }
}
