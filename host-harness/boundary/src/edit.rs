//! Edits a JSON5 text in place: every byte outside the change stays, with comments, order, layout and spelling.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use serde_json::{Map, Value};

use crate::json5::{Kind, Member, Node, by_name, end_of_trivia, is_space};

/// The member by which OpenClaw lays other files into an object of its configuration.
pub const INCLUDE: &str = "$include";

/// Why a text cannot take a change.
#[derive(Debug)]
pub enum Refusal {
    /// An object holds the member twice: only one of the two could be changed. Its second name begins there.
    Twice {
        /// The member.
        name: String,
        /// A place in the text.
        at: usize,
    },
    /// The value comes from files that the object at this path includes.
    Included {
        /// Names, from the root on.
        path: Vec<String>,
    },
}

/// The text that reads as `to` where `text`, whose value is `root`, reads as `from`.
pub fn edited(text: &str, root: &Node, from: &Value, to: &Value) -> Result<String, Refusal> {
    let lines = Lines { text, ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect() };
    let style = Style::of(&lines, root);
    let mut edit = Edit { text, lines, style, splices: Vec::new(), path: Vec::new() };
    edit.change(root, from, to)?;
    edit.splices.sort_by_key(|(range, _)| (range.start, range.end));
    // In one pass: there may be any number.
    let (mut written, mut at) = (String::with_capacity(text.len()), 0);
    for (range, new) in edit.splices {
        written.push_str(text.get(at..range.start).unwrap_or_default());
        written.push_str(&new);
        at = range.end;
    }
    written.push_str(text.get(at..).unwrap_or_default());
    Ok(written)
}

/// How the text is laid out.
struct Style {
    line_end: &'static str,
    indent: String,
}

impl Style {
    fn of(lines: &Lines<'_>, root: &Node) -> Self {
        let line_end = if lines.text.contains("\r\n") { "\r\n" } else { "\n" };
        let first = match &root.kind {
            Kind::Object(members) => members.first().and_then(|member| lines.indentation(member.name_range.start)),
            _ => None,
        };
        let indent = first.filter(|indent| !indent.is_empty()).unwrap_or("  ").to_owned();
        Self { line_end, indent }
    }
}

/// A text, and where its lines end: all may be one, and any number of its places are looked for.
struct Lines<'t> {
    text: &'t str,
    ends: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// What stands before `at` in its line, where that is nothing but space.
    fn indentation(&self, at: usize) -> Option<&'t str> {
        let before = self.text.get(self.start(at)..at);
        before.filter(|before| before.chars().all(|character| matches!(character, ' ' | '\t')))
    }

    /// Where the line begins that holds `at`.
    fn start(&self, at: usize) -> usize {
        let before = self.ends.partition_point(|end| *end < at);
        before.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |end| end + 1)
    }
}

struct Edit<'t> {
    text: &'t str,
    lines: Lines<'t>,
    style: Style,
    splices: Vec<(Range<usize>, String)>,
    path: Vec<String>,
}

impl Edit<'_> {
    fn put(&mut self, range: Range<usize>, new: impl Into<String>) {
        self.splices.push((range, new.into()));
    }

    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// Makes `node`, which reads as `from`, read as `to`, touching only what differs.
    fn change(&mut self, node: &Node, from: &Value, to: &Value) -> Result<(), Refusal> {
        if from == to {
            return Ok(());
        }
        if node.get(INCLUDE).is_some() {
            return Err(Refusal::Included { path: self.path.clone() });
        }
        match (&node.kind, from, to) {
            (Kind::Object(members), Value::Object(from), Value::Object(to)) => self.object(node, members, from, to),
            (Kind::Array(items), Value::Array(from), Value::Array(to)) => self.array(node, items, from, to),
            _ => self.replace(node, to),
        }
    }

    /// Writes `to` in place of all that `node` is, which must not come from other files.
    fn replace(&mut self, node: &Node, to: &Value) -> Result<(), Refusal> {
        if includes(node) {
            return Err(Refusal::Included { path: self.path.clone() });
        }
        let base = self.base_indent(node.range.start);
        let written = self.render(to, Some(&base));
        self.put(node.range.clone(), written);
        Ok(())
    }

    fn object(
        &mut self,
        node: &Node,
        members: &[Member],
        from: &Map<String, Value>,
        to: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let named = by_name(members);
        // Refuses to change a member that stands there twice.
        let unique = |name: &str| match named.get(name).and_then(|all| all.get(1)) {
            None => Ok(()),
            Some(second) => Err(Refusal::Twice { name: name.to_owned(), at: second.name_range.start }),
        };
        // What comes back in another case is the same, renamed: the comments within it stay.
        let spelled = |name: &str| name.trim().to_ascii_lowercase();
        let mut fresh: HashMap<_, Vec<&str>> = HashMap::new();
        for new in to.keys().filter(|new| !from.contains_key(*new)).rev() {
            fresh.entry(spelled(new)).or_default().push(new);
        }
        // By the new name, the old one.
        let mut renamed: HashMap<&str, &str> = HashMap::new();
        let mut old_names = HashSet::new();
        let mut removed = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let name = &*member.name;
            if to.contains_key(name) || old_names.contains(name) {
                continue;
            }
            match fresh.get_mut(&spelled(name)).and_then(Vec::pop) {
                Some(new) => {
                    unique(name)?;
                    self.put(member.name_range.clone(), Value::from(new).to_string());
                    renamed.insert(new, name);
                    old_names.insert(name);
                }
                None => removed.push(at),
            }
        }
        let ranges: Vec<_> = members.iter().map(Member::range).collect();
        let mut added = Vec::new();
        for (name, value) in to {
            let old_name = renamed.get(&**name).copied().unwrap_or(name);
            let old = from.get(old_name);
            match (old, named.get(old_name).and_then(|all| all.last())) {
                (Some(old), Some(_)) if old == value => {}
                (old, Some(member)) => {
                    unique(old_name)?;
                    self.path.push(old_name.to_owned());
                    self.change(&member.value, old.unwrap_or(&Value::Null), value)?;
                    self.path.pop();
                }
                (_, None) => added.push((name, value)),
            }
        }
        self.items(node, &ranges, &removed, &added, |edit, (name, value), indent| {
            format!("{}: {}", Value::from(name.as_str()), edit.render(value, indent))
        });
        Ok(())
    }

    fn array(&mut self, node: &Node, items: &[Node], from: &[Value], to: &[Value]) -> Result<(), Refusal> {
        if items.len() != from.len() {
            // Included lists are joined: not all of `from` stands here.
            return self.replace(node, &Value::Array(to.to_vec()));
        }
        // Item by item: what is kept, in order; what is changed in its place; what is gone.
        let (mut next, mut removed) = (0, Vec::new());
        let last: HashMap<_, _> = to.iter().zip(0_usize..).collect();
        for (at, (old, item)) in from.iter().zip(items).enumerate() {
            match to.get(next) {
                Some(new) if new == old => next += 1,
                Some(new) if is_same_item(old, new) => {
                    self.path.push(at.to_string());
                    self.change(item, old, new)?;
                    self.path.pop();
                    next += 1;
                }
                // It comes later.
                _ if last.get(old).is_some_and(|last| *last > next) => {
                    return self.replace(node, &Value::Array(to.to_vec()));
                }
                _ => removed.push(at),
            }
        }
        let ranges: Vec<_> = items.iter().map(|item| item.range.clone()).collect();
        let added: Vec<_> = to.get(next..).unwrap_or_default().iter().collect();
        self.items(node, &ranges, &removed, &added, |edit, value, indent| edit.render(value, indent));
        Ok(())
    }

    /// Takes out the items at `removed`, which rise, and puts `added` behind what is left.
    fn items<T>(
        &mut self,
        node: &Node,
        items: &[Range<usize>],
        removed: &[usize],
        added: &[T],
        render: impl Fn(&Self, &T, Option<&str>) -> String,
    ) {
        let all: Vec<_> = items.iter().map(|item| (item.clone(), self.comma_behind(node, item.end))).collect();
        let mut from = node.range.start;
        for (item, comma) in removed.iter().filter_map(|&at| all.get(at)) {
            from = self.remove(node, item, *comma, from);
        }
        let left = all.iter().enumerate().rfind(|(at, _)| removed.binary_search(at).is_err());
        let has_last_comma = all.last().is_some_and(|(_, comma)| comma.is_some());
        let last = left.map(|(_, (item, comma))| (item.end, *comma));
        if added.is_empty() {
            // Where the last is gone that had no comma, the one before it keeps none either.
            if let (Some((_, Some(comma))), false) = (last, has_last_comma) {
                self.put(comma..comma + 1, "");
            }
            return;
        }
        let (behind, is_tail) = match last {
            Some((end, None)) => {
                self.put(end..end, ",");
                (end, true)
            }
            Some((_, Some(comma))) => (comma + 1, left.is_some_and(|(at, _)| at + 1 == items.len())),
            None => (node.range.start + 1, items.is_empty()),
        };
        let close = node.range.end - 1;
        // Behind the comments that follow the last item, before the space in front of the bracket.
        let comments = self.slice(behind..close).trim_end_matches(is_space).len();
        let place = if is_tail { behind + comments } else { behind };
        let is_broken = |text: &str| text.contains('\n');
        let on_lines = items.first().is_none_or(|first| {
            is_broken(self.slice(node.range.start..first.start)) || is_broken(self.slice(behind..close))
        });
        let base = self.base_indent(node.range.start);
        let written: Vec<_> = if on_lines {
            let beside = items.iter().rev().find_map(|item| self.lines.indentation(item.start));
            let indent = beside.map_or_else(|| format!("{base}{}", self.style.indent), str::to_owned);
            let line = |item| format!("{}{indent}{}", self.style.line_end, render(self, item, Some(&indent)));
            added.iter().map(line).collect()
        } else {
            added.iter().map(|item| format!(" {}", render(self, item, None))).collect()
        };
        let mut written = written.join(",");
        if has_last_comma {
            written.push(',');
        }
        if items.is_empty() && !is_broken(self.slice(place..close)) {
            self.put(place..close, format!("{written}{}{base}", self.style.line_end));
        } else {
            self.put(place..place, written);
        }
    }

    /// Where the comma behind an item stands that ends at `end`.
    fn comma_behind(&self, node: &Node, end: usize) -> Option<usize> {
        let comma = end_of_trivia(self.text, end);
        self.slice(comma..node.range.end).starts_with(',').then_some(comma)
    }

    /// Takes out an item with its comma and, where it has lines to itself, those. A comment between the two stays.
    /// What is before `from` is gone already; gives where this ends.
    fn remove(&mut self, node: &Node, item: &Range<usize>, comma: Option<usize>, from: usize) -> usize {
        let mut end = item.end;
        if let Some(comma) = comma {
            if self.slice(item.end..comma).trim().is_empty() {
                end = comma + 1;
            } else {
                self.put(comma..comma + 1, "");
            }
        }
        let rest = self.slice(end..node.range.end);
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let behind = rest.get(blank..).unwrap_or_default();
        let line_end = ["\r\n", "\n"].into_iter().find(|line_end| behind.starts_with(line_end));
        let line = self.lines.start(item.start);
        let range = match (self.lines.indentation(item.start), line_end) {
            (Some(_), Some(line_end)) if line > node.range.start => line..end + blank + line_end.len(),
            _ if comma.is_some() => item.start..end + blank,
            _ => line + self.slice(line..item.start).trim_end_matches([' ', '\t']).len()..end,
        };
        let end = range.end;
        self.put(range.start.max(from)..end, "");
        end
    }

    /// The indentation of the line that holds `at`.
    fn base_indent(&self, at: usize) -> String {
        let line = self.slice(self.lines.start(at)..at);
        line.chars().take_while(|character| matches!(character, ' ' | '\t')).collect()
    }

    /// The value as text: over several lines below `indent`, else in one.
    fn render(&self, value: &Value, indent: Option<&str>) -> String {
        let (open, close, items): (_, _, Vec<String>) = match value {
            Value::Array(items) if items.iter().any(|item| item.is_array() || item.is_object()) => {
                let deeper = indent.map(|indent| format!("{indent}{}", self.style.indent));
                ('[', ']', items.iter().map(|item| self.render(item, deeper.as_deref())).collect())
            }
            Value::Object(members) if !members.is_empty() => {
                let deeper = indent.map(|indent| format!("{indent}{}", self.style.indent));
                let member = |(name, value): (&String, &Value)| {
                    format!("{}: {}", Value::from(&**name), self.render(value, deeper.as_deref()))
                };
                ('{', '}', members.iter().map(member).collect())
            }
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(Value::to_string).collect();
                return format!("[{}]", items.join(", "));
            }
            other => return other.to_string(),
        };
        match indent {
            None if open == '{' => format!("{{ {} }}", items.join(", ")),
            None => format!("[{}]", items.join(", ")),
            Some(indent) => {
                let line = format!("{}{indent}{}", self.style.line_end, self.style.indent);
                format!("{open}{line}{}{}{indent}{close}", items.join(&format!(",{line}")), self.style.line_end)
            }
        }
    }
}

/// Whether anything in it comes from other files.
fn includes(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(_) => false,
        Kind::Array(items) => items.iter().any(includes),
        Kind::Object(members) => members.iter().any(|member| member.name == INCLUDE || includes(&member.value)),
    }
}

/// Whether the one became the other: both are objects with the same id, where they have one.
fn is_same_item(old: &Value, new: &Value) -> bool {
    old.is_object() && new.is_object() && old.get("id") == new.get("id")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json5::parse;

    fn write(text: &str, change: impl Fn(&mut Value)) -> Result<String, Refusal> {
        let root = parse(text).unwrap().unwrap();
        let from = root.value();
        let mut to = from.clone();
        change(&mut to);
        let written = edited(text, &root, &from, &to)?;
        let reread = parse(&written).map_err(|error| error.in_text(&written)).unwrap().unwrap();
        assert_eq!(reread.value(), to, "{written}");
        Ok(written)
    }

    /// Where each change copies the text, or looks for its line or its like among all others, this takes minutes.
    #[test]
    fn any_number_of_changes_is_written_in_one_pass() {
        const MANY: usize = 10_000;
        let models = |name: &str| (0..MANY).map(|at| json!({"id": format!("m{at}"), "name": name})).collect::<Value>();
        let members =
            |name: &str| Value::Object((0..MANY).map(|at| (format!("{name}{at}"), json!({"a": at}))).collect());
        let list = |first: usize| (first..MANY).map(|at| json!(format!("text {at}"))).collect::<Value>();
        for (from, to) in [
            (models("a"), models("other")),
            (members("a"), members("A")),
            (members("a"), members("b")),
            (list(0), list(MANY / 2)),
            (list(0), json!(["other"])),
        ] {
            let from = json!({"in": from});
            for text in [from.to_string(), format!("{from:#}")] {
                write(&text, |value| value["in"] = to.clone()).unwrap();
            }
        }
    }

    /// What is written where, beside all that stays.
    #[test]
    fn only_what_changes_is_touched() {
        let add: fn(&mut Value) = |value| value["b"] = json!(2);
        let push: fn(&mut Value) = |value| value["l"].as_array_mut().unwrap().push(json!({"id": "x"}));
        let pop: fn(&mut Value) = |value| drop(value["l"].as_array_mut().unwrap().pop());
        let empty: fn(&mut Value) = |value| value["l"] = json!([]);
        let gone: fn(&mut Value) = |value| drop(value.as_object_mut().unwrap().shift_remove("a"));
        let swap: fn(&mut Value) = |value| *value["l"].as_array_mut().unwrap().last_mut().unwrap() = json!({"id": "x"});
        for (text, change, written) in [
            ("{}", add, "{\n  \"b\": 2\n}"),
            ("{ /* c */ }", add, "{ /* c */\n  \"b\": 2\n}"),
            ("{\n}", add, "{\n  \"b\": 2\n}"),
            ("{a: 1}", add, "{a: 1, \"b\": 2}"),
            ("{ a: 1, }", add, "{ a: 1, \"b\": 2, }"),
            ("{\n\ta: 1 // one\n}", add, "{\n\ta: 1, // one\n\t\"b\": 2\n}"),
            ("{\r\n  a: 1,\r\n}", add, "{\r\n  a: 1,\r\n  \"b\": 2,\r\n}"),
            ("{a: 1, // one\n  /* two */\n}", add, "{a: 1, // one\n  /* two */\n  \"b\": 2,\n}"),
            ("{b: /* x */ 1 /* y */}", add, "{b: /* x */ 2 /* y */}"),
            ("{b: .5, c: Infinity, $d: '\\x41\\\n'}", add, "{b: 2, c: Infinity, $d: '\\x41\\\n'}"),
            ("{l: []}", push, "{l: [\n  {\n    \"id\": \"x\"\n  }\n]}"),
            ("{l: [1]}", push, "{l: [1, { \"id\": \"x\" }]}"),
            (
                "{\n  l: [ // models\n    // first\n    { id: 'a' }, // a\n    // last\n  ],\n}",
                push,
                "{\n  l: [ // models\n    // first\n    { id: 'a' }, // a\n    // last\n    {\n      \"id\": \"x\"\n    },\n  ],\n}",
            ),
            (
                "{\n  l: [\n    1 /* one */\n  ]\n}",
                push,
                "{\n  l: [\n    1, /* one */\n    {\n      \"id\": \"x\"\n    }\n  ]\n}",
            ),
            ("{l: [1, 2]}", pop, "{l: [1]}"),
            ("{l: [1,  2 /* x */ ]}", empty, "{l: [ /* x */ ]}"),
            ("{l: [1, 2,]}", pop, "{l: [1, ]}"),
            ("{\n  l: [\n    1, // one\n    2\n  ]\n}", pop, "{\n  l: [\n    1 // one\n  ]\n}"),
            ("{\n  l: [\n    1,\n    2\n  ]\n}", swap, "{\n  l: [\n    1,\n    {\n      \"id\": \"x\"\n    }\n  ]\n}"),
            ("{\n  // one\n  a: 1, // of a\n  c: 2\n}", gone, "{\n  // one\n  // of a\n  c: 2\n}"),
            ("{\n  a: 1,\n  c: 2\n}", gone, "{\n  c: 2\n}"),
            ("{ c: 2, a: 1 }", gone, "{ c: 2 }"),
            ("{ a: 1 }", gone, "{ }"),
        ] {
            assert_eq!(write(text, change).unwrap(), written, "{text:?}");
        }
    }

    #[test]
    fn an_item_of_a_list_is_changed_in_its_place() {
        let text = "{ l: [ { id: 'a', /* x */ n: 1 }, /* y */ { id: 'b' } ] }";
        let written = write(text, |value| value["l"][0]["n"] = json!(2)).unwrap();
        assert_eq!(written, text.replace("n: 1", "n: 2"));
        let turned = write("{ l: [1, 2, 3] }", |value| value["l"] = json!([3, 1])).unwrap();
        assert_eq!(turned, "{ l: [3, 1] }");
    }

    #[test]
    fn what_stands_twice_or_elsewhere_is_not_changed() {
        let change = |value: &mut Value| value["m"]["p"] = json!(1);
        assert!(matches!(write("{m: {p: 2}, 'm': {p: 3}}", change), Err(Refusal::Twice { at: 12, .. })));
        let refused = write("{m: {$include: './m.json5'}}", change);
        assert!(matches!(refused, Err(Refusal::Included { path }) if path == ["m"]));
        let turned = write("{l: [{$include: 'a.json'}, 1, 2]}", |value| value["l"] = json!([2, 1]));
        assert!(matches!(turned, Err(Refusal::Included { .. })));
    }
}
