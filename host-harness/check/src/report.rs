//! The suite's results, and their two printed forms. Knows nothing about the checks.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
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
        let mut suite = TestSuite::new("host-harness check");
        suite.add_test_cases(self.cases.iter().map(|case| {
            let mut status = match case.outcome {
                Outcome::Ok => TestCaseStatus::success(),
                Outcome::Failed(_) => TestCaseStatus::non_success(NonSuccessKind::Failure),
                Outcome::NotApplicable(_) => TestCaseStatus::skipped(),
            };
            match &case.outcome {
                Outcome::Ok => {}
                // Its lines would be one in an attribute.
                Outcome::Failed(reason) => drop(status.set_description(reason.as_str())),
                Outcome::NotApplicable(reason) => drop(status.set_message(reason.as_str())),
            }
            let mut test = TestCase::new(case.title, status);
            test.set_classname(case.id);
            test
        }));
        let mut report = quick_junit::Report::new("host-harness check");
        report.add_test_suite(suite);
        // Writing to memory cannot fail.
        report.to_string().map(|xml| xml.trim_end().to_owned()).unwrap_or_default()
    }
}

/// Text of a test line: one line, and no `#` that would start a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let case = |id, title, outcome| Case { id, title, outcome };
        Report {
            cases: vec![
                case("O1", "a base URL stays", Outcome::Ok),
                case(
                    "A1",
                    "the key # arrives",
                    Outcome::Failed("expected \"a\" & <b>,\ngot \u{1b}[31mred\u{1b}[0m".into()),
                ),
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
  message: "expected \"a\" & <b>,\ngot \u001b[31mred\u001b[0m"
  ...
ok 3 - I1 images # SKIP it makes no images"##;
        assert_eq!(report().tap(), expected);
    }

    #[test]
    fn junit_escapes_text_and_counts() {
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="host-harness check" tests="3" skipped="1" failures="1" errors="0">
    <testsuite name="host-harness check" tests="3" skipped="1" errors="0" failures="1">
        <testcase name="a base URL stays" classname="O1"/>
        <testcase name="the key # arrives" classname="A1">
            <failure>expected &quot;a&quot; &amp; &lt;b&gt;,
got red</failure>
        </testcase>
        <testcase name="images" classname="I1">
            <skipped message="it makes no images"/>
        </testcase>
    </testsuite>
</testsuites>"#;
        assert_eq!(report().junit(), expected);
    }
}
