//! The suite's results, and their two printed forms. Knows nothing about the checks.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use serde_json::Value;

/// The outcome of every case, in the order in which they ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A case each.
    pub cases: Vec<Case>,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// As in the checklist: `O1`. Several cases may belong to one point of it.
    pub id: &'static str,
    /// What holds where the case passes, in a sentence.
    pub title: &'static str,
    /// Whether it holds.
    pub outcome: Outcome,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Ok,
    /// Not as expected: what was expected, and what came instead.
    Failed(String),
    /// The component says of itself that it has no such thing, such as images.
    NotApplicable(String),
}

impl Case {
    /// The line of its own in the Test Anything Protocol, and why it failed; without a last line end.
    pub fn tap(&self, number: usize) -> String {
        let name = escaped(&format!("{} {}", self.id, self.title));
        match &self.outcome {
            Outcome::Ok => format!("ok {number} - {name}"),
            Outcome::NotApplicable(reason) => format!("ok {number} - {name} # SKIP {}", escaped(reason)),
            // A JSON text is one of YAML's, on a single line.
            Outcome::Failed(reason) => {
                format!("not ok {number} - {name}\n  ---\n  message: {}\n  ...", Value::from(reason.as_str()))
            }
        }
    }
}

impl Report {
    /// Whether no case failed.
    pub fn passed(&self) -> bool {
        !self.cases.iter().any(|case| matches!(case.outcome, Outcome::Failed(_)))
    }

    /// Test Anything Protocol, version 14, without a last line end.
    ///
    /// ```
    /// use host_harness_check::{Case, Outcome, Report};
    ///
    /// let case = Case { id: "O2", title: "the api is the provider's own", outcome: Outcome::Ok };
    /// let report = Report { cases: vec![case] };
    /// assert_eq!(report.tap(), "TAP version 14\n1..1\nok 1 - O2 the api is the provider's own");
    /// ```
    pub fn tap(&self) -> String {
        let cases = (1..).zip(&self.cases).map(|(number, case)| format!("\n{}", case.tap(number)));
        Self::tap_head(self.cases.len()).trim_end().to_owned() + &cases.collect::<String>()
    }

    /// What stands before the lines of so many cases.
    pub fn tap_head(count: usize) -> String {
        format!("TAP version 14\n1..{count}\n")
    }

    /// JUnit XML, without a last line end: one suite, whose class names are the checklist's ids.
    pub fn junit(&self) -> String {
        // Writing to memory cannot fail.
        self.write_junit().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn write_junit(&self) -> std::io::Result<Vec<u8>> {
        let count = |is: fn(&Outcome) -> bool| self.cases.iter().filter(|case| is(&case.outcome)).count().to_string();
        let tests = self.cases.len().to_string();
        let failures = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = count(|outcome| matches!(outcome, Outcome::NotApplicable(_)));
        let totals = [("tests", &*tests), ("failures", &*failures), ("errors", "0"), ("skipped", &*skipped)];

        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let suite = writer.create_element("testsuite").with_attribute(("name", "host-harness check"));
        suite.with_attributes(totals).write_inner_content(|writer| {
            self.cases.iter().try_for_each(|case| {
                let element = writer.create_element("testcase");
                let element = element.with_attributes([("classname", case.id), ("name", case.title)]);
                match &case.outcome {
                    Outcome::Ok => element.write_empty().map(drop),
                    Outcome::NotApplicable(reason) => element
                        .write_inner_content(|writer| {
                            let skipped = writer.create_element("skipped");
                            skipped.with_attribute(("message", &*printable(reason))).write_empty().map(drop)
                        })
                        .map(drop),
                    Outcome::Failed(reason) => element
                        .write_inner_content(|writer| {
                            let reason = BytesText::new(&printable(reason)).into_owned();
                            writer.create_element("failure").write_text_content(reason).map(drop)
                        })
                        .map(drop),
                }
            })
        })?;
        Ok(writer.into_inner())
    }
}

/// Text of a test line: one line, and no `#` that would start a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace(['\n', '\r'], " ")
}

/// The text without what XML 1.0 has no way to write.
fn printable(text: &str) -> String {
    let allowed = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    text.chars()
        .map(|character| match character {
            '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
            character if allowed(character) => character,
            _ => char::REPLACEMENT_CHARACTER,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let case = |id, title, outcome| Case { id, title, outcome };
        Report {
            cases: vec![
                case("O1", "a base URL stays", Outcome::Ok),
                case("A1", "the key # arrives", Outcome::Failed("expected \"a\" & <b>,\ngot \u{1b}c".into())),
                case("I1", "images", Outcome::NotApplicable("it makes no images".into())),
            ],
        }
    }

    #[test]
    fn one_failure_fails_the_report_and_a_skip_does_not() {
        let mut report = report();
        assert!(!report.passed());
        report.cases.retain(|case| case.id != "A1");
        assert!(report.passed());
    }

    #[test]
    fn tap_escapes_names_and_gives_the_reason() {
        let expected = r##"TAP version 14
1..3
ok 1 - O1 a base URL stays
not ok 2 - A1 the key \# arrives
  ---
  message: "expected \"a\" & <b>,\ngot \u001bc"
  ...
ok 3 - I1 images # SKIP it makes no images"##;
        assert_eq!(report().tap(), expected);
    }

    #[test]
    fn junit_escapes_text_and_counts() {
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="host-harness check" tests="3" failures="1" errors="0" skipped="1">
  <testcase classname="O1" name="a base URL stays"/>
  <testcase classname="A1" name="the key # arrives">
    <failure>expected &quot;a&quot; &amp; &lt;b&gt;,
got �c</failure>
  </testcase>
  <testcase classname="I1" name="images">
    <skipped message="it makes no images"/>
  </testcase>
</testsuite>"#;
        assert_eq!(report().junit(), expected);
    }
}
