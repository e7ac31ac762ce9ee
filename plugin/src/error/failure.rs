//! Finds the message of a failure, wherever a provider or a proxy puts it. [`crate::error`] interprets it.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;

use crate::json::{Json, Object, lossy};
use crate::text::is_among;
use crate::wire;

/// What an answer says of its failure. Each is empty where it says nothing.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// The type of the error, in the provider's words.
    pub(crate) kind: String,
    pub(crate) code: String,
    /// The HTTP status that it gives itself.
    pub(crate) status: Option<u16>,
    /// The open-source gateway names the provider beside what that one said.
    pub(crate) provider: String,
    /// Whether it is one, whatever the status and whatever else is there.
    pub(crate) is_marked: bool,
    /// The gateway's own forms: `"status":"failure"`, and `"success":false` with `data`.
    pub(crate) is_gateways: bool,
    /// Whether it has an `error`, or a page in `html-message`: the forms of what comes from upstream.
    pub(crate) has_error: bool,
    pub(crate) is_html: bool,
}

/// Members that hold the words, the more telling first, however they are spelled in upper and lower case. The last is
/// Imagen's.
const WORDS: [&str; 25] = [
    "message", "msg", "faultstring", "detail", "error_description", "details", "error", "error_message",
    "errorMessage", "error_msg", "err_msg", "errmsg", "errors", "issues", "description", "html-message", "status_msg",
    "base_resp", "fault", "reason", "title", "cause", "exception", "text", "raiFilteredReason",
];
const CODES: [&str; 6] = ["code", "error_code", "errorCode", "err_code", "status_code", "http_status_code"];
/// Further members that may be an HTTP status.
const STATUSES: [&str; 5] = ["statusCode", "status", "error", "raw_status_code", "httpStatus"];
const KINDS: [&str; 5] = ["type", "error_type", "errorType", "__type", "status"];

/// Most of a list that are told.
const MAX_ITEMS: usize = 3;
/// How far down the words are looked for.
const MAX_DEPTH: usize = 6;

/// Where the words are looked for: how far down, and how many bytes may still be read.
#[derive(Clone, Copy)]
struct Place<'r> {
    depth: usize,
    room: &'r Cell<usize>,
}

impl Place<'_> {
    /// Whether so many bytes may be read here. What is within a failure is looked at from several places: without a bound,
    /// failures within failures would be read thousands of times.
    fn has_room(self, bytes: usize) -> bool {
        let left = self.room.get().checked_sub(bytes);
        self.room.set(left.unwrap_or_default());
        left.is_some()
    }

    fn below(self) -> Option<Self> {
        (self.depth < MAX_DEPTH).then_some(Self { depth: self.depth + 1, ..self })
    }
}

impl Failure {
    /// `None` where it is no JSON that says something.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        Self::within(body, Place { depth: 0, room: &Cell::new(8 * body.len() + (1 << 18)) })
    }

    fn within(body: &[u8], place: Place<'_>) -> Option<Self> {
        let text = lossy(body);
        let root = match Json::parse(wire::last_event(&text)).ok()? {
            // Google's errors are a list, of which the gateway makes an object with numbers for names.
            list if !list.is_object() => match list.list() {
                Some(items) => items.into_iter().next()?,
                None => list,
            },
            object => object,
        };
        let Some(mut root) = root.object() else {
            return Some(Self { message: words(&root, place)?, ..Self::default() });
        };
        if let Some(first) = root.get("0").and_then(Json::object) {
            root = first;
        }
        let mut read = Self::of(&root, place);
        if read.message.is_empty()
            && let Some((before, inner)) = root.iter().find_map(|member| in_member(member, place))
        {
            read.fill(&before, inner);
        }
        Some(read)
    }

    fn of(root: &Object<'_>, place: Place<'_>) -> Self {
        let mut read = Self {
            provider: root.text("provider").into_owned(),
            is_marked: wire::is_failed(root),
            is_html: root.text("html-message").trim_start().starts_with('<'),
            ..Self::default()
        };
        let error = root.like("error").filter(|error| !error.is_blank());
        let data = root.get("data").filter(|data| data.is_object());
        read.has_error = error.is_some() || root.get("html-message").is_some();
        let is_unsuccessful = root.get("success").and_then(Json::bool) == Some(false);
        read.is_gateways = root.text("status") == "failure" || is_unsuccessful && data.is_some();
        let details =
            [error, data, root.like("detail"), root.like("message"), root.like("base_resp"), root.like("fault")];
        let mut details: Vec<Object<'_>> = details.into_iter().flatten().filter_map(Json::object).collect();
        let first = root.list("errors").into_iter().next();
        details.extend(first.and_then(Json::into_object));
        let named = |names: &[&str]| {
            let of = |object: &Object<'_>| {
                let found = names.iter().filter_map(|name| object.like(name)).filter(|value| !value.is_nested());
                let mut said = found.map(|value| value.text().trim().to_owned());
                said.find(|text| {
                    !text.is_empty() && text != "error" && text != "failure" && text != "0" && text != "None"
                })
            };
            details.iter().chain([root]).find_map(of).unwrap_or_default()
        };
        let named_so = |object| CODES.iter().chain(&STATUSES).filter_map(move |name| Object::like(object, name));
        let statuses = details.iter().chain([root]).flat_map(named_so);
        let mut statuses = statuses.filter_map(|value| u16::try_from(value.count()?).ok());
        read.status = statuses.find(|status| (400..600).contains(status));
        read.code = named(&CODES);
        read.kind = named(&KINDS);
        // Of a problem in the terms of RFC 9457 the type is a URL.
        if read.kind.contains("://") || read.kind.contains("about:") || read.kind.parse::<u64>().is_ok() {
            read.kind.clear();
        }
        let top = Place { depth: 0, ..place };
        let inner = error.and_then(|error| words(error, top));
        let outer = of_object(root, top);
        let message = match (inner, outer, error.is_some_and(|error| error.string().is_some())) {
            (Some(inner), _, false) => Some(inner),
            // `"error":"Bad Request"` says less than the message beside it.
            (Some(inner), Some(outer), true) if outer != inner => Some(format!("{inner}: {outer}")),
            (inner, outer, _) => inner.or(outer),
        };
        read.message = message.unwrap_or_default();
        if let Some(more) = root.get("errors").filter(|_| error.is_none()).and_then(|errors| words(errors, top))
            && !read.message.is_empty()
            && !read.message.contains(&more)
        {
            read.message = format!("{} ({more})", read.message);
        }
        // "Invalid response received from X: {json}" holds the provider's own error (gateway 1.15.2, 2.2.3), and so does a text
        // that is JSON once more, and what LiteLLM says: it tells behind it how it went, and writes some as Python does
        // (BerriAI/litellm#11197, #20575).
        let said = named(&["message", "error", "detail"]);
        if let Some(below) = place.below()
            && let Some((before, json)) = said.find('{').and_then(|at| said.split_at_checked(at))
            && place.has_room(json.len())
        {
            let (before, json) = match before.strip_suffix("b'") {
                Some(before) => (before, json.replace(r"\'", "'").replace(r"\\", r"\")),
                None if json.starts_with("{'") => (before, wire::from_python(json).unwrap_or_default()),
                None => (before, json.to_owned()),
            };
            let (json, _) = wire::first(&json);
            let inner = Self::within(json.as_bytes(), below).filter(|inner| !inner.message.is_empty());
            let name = before.strip_prefix("Invalid response received from ");
            if let Some(inner) = inner.filter(|inner| inner.has_error || name.is_some() || before.is_empty()) {
                read.fill(name.unwrap_or(before), inner);
            }
        }
        read
    }

    /// Takes the words of a failure within this one, and what this one lacks. A number may be its status once more.
    fn fill(&mut self, before: &str, inner: Self) {
        for (own, inner) in [(&mut self.code, inner.code), (&mut self.kind, inner.kind)] {
            if own.is_empty() || !inner.is_empty() && own.parse::<u16>().is_ok() {
                *own = inner;
            }
        }
        self.has_error |= inner.has_error;
        self.message = format!("{before}{}", inner.message);
    }
}

/// The words in a value, or none.
fn words(value: &Json<'_>, place: Place<'_>) -> Option<String> {
    let place = place.below().filter(|place| place.has_room(value.raw().map_or(0, str::len)))?;
    if let Some(text) = value.string() {
        return of_text(&text, place);
    }
    if let Some(object) = value.object() {
        return of_object(&object, place);
    }
    let items = value.list()?;
    let mut said: Vec<String> = items.iter().take(MAX_ITEMS).filter_map(|item| words(item, place)).collect();
    said.dedup();
    Some(said.join("; ")).filter(|said| !said.is_empty())
}

/// A failure that stands in a member of another name, behind that name, which says of what kind it is:
/// `throttlingException`, `Response`.
fn in_member((name, value): &(Cow<'_, str>, Json<'_>), place: Place<'_>) -> Option<(String, Failure)> {
    // What an answer in the form of another API says, calls, or was asked.
    let is_answer = is_among(name, "content|content_block|candidates|tool_calls|chat_history|input|arguments");
    if is_answer || !place.has_room(value.raw().map_or(0, str::len)) {
        return None;
    }
    let mut inner = match value.object() {
        Some(object) => nameless(&object, place),
        None => value.list()?.iter().find_map(|item| nameless(&item.object()?, place)),
    }?;
    if name == "data" {
        return Some((String::new(), inner));
    }
    inner.has_error = true;
    if inner.kind.is_empty() {
        inner.kind = name.to_string();
    }
    Some((format!("{name}: "), inner))
}

/// A failure that is all of an object, or stands in a member of it.
fn nameless(object: &Object<'_>, place: Place<'_>) -> Option<Failure> {
    let is_said = |word: &&str| object.like(word).is_some_and(|said| !said.is_nested() || *word == "error");
    let failure = if ["message", "msg", "error", "raiFilteredReason"].iter().any(is_said) {
        Failure::of(object, place)
    } else {
        let below = place.below()?;
        let (before, inner) = object.iter().find_map(|member| in_member(member, below))?;
        Failure { message: before + &inner.message, ..inner }
    };
    Some(failure).filter(|failure| !failure.message.is_empty())
}

/// A text may be JSON once more.
fn of_text(text: &str, place: Place<'_>) -> Option<String> {
    let text = text.trim();
    if matches!(text.as_bytes().first(), Some(b'{' | b'['))
        && place.has_room(text.len())
        && let Some(inner) = Json::parse(text).ok().and_then(|json| words(&json, place))
    {
        return Some(inner);
    }
    let is_said =
        !text.is_empty() && !["ok", "success", "succeeded"].iter().any(|word| text.eq_ignore_ascii_case(word));
    is_said.then(|| text.to_owned())
}

fn of_object(object: &Object<'_>, place: Place<'_>) -> Option<String> {
    if let Some(feedback) = object.get("promptFeedback").and_then(Json::object) {
        let why = ["blockReasonMessage", "blockReason"].into_iter().find_map(|name| words(feedback.get(name)?, place));
        return Some(format!("The prompt was blocked: {}", why.unwrap_or_else(|| "no reason given".to_owned())));
    }
    // At the top, a text may be an answer in another API's form.
    let is_theirs = |name: &&&str| **name != "text" || place.depth > 0 || wire::is_failed(object);
    let mut found = WORDS.iter().filter(is_theirs).filter_map(|name| Some((*name, words(object.like(name)?, place)?)));
    let Some((name, mut said)) = found.next() else {
        // An answer, and no failure.
        if object.has("choices")
            || ["content", "role"].iter().any(|name| object.get(name).is_some_and(|said| said.string().is_some()))
        {
            return None;
        }
        // Fields, each with what is wrong with it. At the top these are no words but an answer.
        let of_field = |(name, value): &(Cow<'_, str>, Json<'_>)| Some(format!("{name}: {}", words(value, place)?));
        let fields: Vec<String> =
            object.iter().filter(|_| place.depth > 0).filter_map(of_field).take(MAX_ITEMS).collect();
        return Some(fields.join("; ")).filter(|said| !said.is_empty());
    };
    // Where in a request (pydantic, zod): `["body", "tools", 7]`.
    if let Some(place) = ["loc", "path"].into_iter().find_map(|name| object.get(name)?.list()) {
        let place: Vec<String> = place.iter().map(|step| step.text().to_string()).collect();
        said = format!("{}: {said}", place.join("."));
    }
    // RFC 9457.
    if name == "detail"
        && let Some(title) = object.get("title").map(Json::text)
        && !said.contains(&*title)
    {
        said = format!("{title}: {said}");
    }
    // What the provider said, of OpenRouter's, and what is wrong with which field, of Google's.
    let raw = object.get("metadata").and_then(|metadata| words(metadata.object()?.get("raw")?, place));
    let field = |detail: &Json<'_>| words(detail.object()?.get("fieldViolations")?, place);
    let raw = raw.or_else(|| object.get("details")?.list()?.iter().find_map(field));
    if let Some(raw) = raw.filter(|raw| !said.contains(raw.as_str())) {
        said = format!("{said} ({raw})");
    }
    Some(said)
}
