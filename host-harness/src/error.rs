//! The one error of this library: what a provider component, the host, or the network between them refused.
//!
//! It has the shape of the WIT's `error` record, so that a caller handles a provider's refusal and the host's own in
//! one place. No variant or field ever holds a secret: text that comes from a component passes the mask first.

pub(crate) mod kind;

use std::{borrow::Cow, time::Duration};

use boundary::mask::Mask;

use kind::{ErrorKind, ErrorOrigin};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed. Boxed, since it is large and rare.
#[derive(Debug, thiserror::Error)]
#[error("{}", .record.message)]
pub struct Error {
    record: Box<kind::Error>,
    path: Option<Box<str>>,
    source: Option<Source>,
}

/// What this library's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A refusal of the host's own, before anything was sent.
    pub fn host(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::of(kind, ErrorOrigin::Host, message)
    }

    pub(crate) fn of(kind: ErrorKind, origin: ErrorOrigin, message: impl Into<String>) -> Self {
        Self {
            record: Box::new(kind::Error {
                kind,
                origin,
                message: message.into(),
                hint: None,
                status: None,
                code: None,
                retry_after_ms: None,
                trace_id: None,
                request_sent: false,
            }),
            path: None,
            source: None,
        }
    }

    /// The configuration, the component or an argument is wrong.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::host(ErrorKind::InvalidConfig, message)
    }

    /// The value at `path` of the configuration is wrong: `why` goes on where its name ends.
    pub(crate) fn at(path: impl AsRef<str>, why: impl AsRef<str>) -> Self {
        let path = shortened(path.as_ref());
        let error = Self::config(format!("`{path}` {}", why.as_ref()));
        Self { path: Some(path.into()), ..error }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.record.hint = Some(hint.into());
        self
    }

    /// The cause, where the message does not say it: whoever prints both would say it twice.
    pub(crate) fn source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Marks that request bytes may have left the host.
    pub(crate) fn request_sent(mut self, sent: bool) -> Self {
        self.record.request_sent = sent;
        self
    }

    /// What a plugin says of a failure, without secrets, should one have found a way into it.
    pub(crate) fn of_plugin(mut record: kind::Error, mask: &Mask) -> Self {
        let texts = [Some(&mut record.message), record.hint.as_mut(), record.code.as_mut(), record.trace_id.as_mut()];
        for text in texts.into_iter().flatten() {
            *text = mask.text(text).into_owned();
        }
        record.into()
    }

    /// The same error, told of this.
    pub(crate) fn told_of(mut self, what: &str) -> Self {
        self.record.message = format!("{what}: {self}");
        self
    }

    /// The same error, told of this place in the configuration.
    pub(crate) fn placed_at(self, path: &str) -> Self {
        Self { path: Some(path.into()), ..self.told_of(path) }
    }

    /// The same error, where it is about what a call brought: it is in no file, and is not to be looked for there.
    pub(crate) fn of_call(mut self, places: &[(String, String)]) -> Self {
        let is_end = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "_-".contains(next));
        for (place, name) in places {
            if let Some((before, after)) = self.record.message.split_once(place).filter(|(_, after)| is_end(after)) {
                self.record.message = format!("{before}{name}{after}");
                self.path = None;
                return self.hint("It came with the call, in its `CallOptions`: change it there.");
            }
        }
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.record.kind
    }

    /// Who refused or failed.
    pub fn origin(&self) -> ErrorOrigin {
        self.record.origin
    }

    /// The place in the configuration that is wrong, such as `models.providers.portkey.headers`, where it is one value.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.record.retry_after_ms.map(Duration::from_millis)
    }

    /// All of it: status, code, hint, when to try again, the trace id.
    pub fn record(&self) -> &kind::Error {
        &self.record
    }
}

impl From<boundary::Error> for Error {
    fn from(refused: boundary::Error) -> Self {
        let error = Self::config(refused.message);
        match refused.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<kind::Error> for Error {
    fn from(record: kind::Error) -> Self {
        Self { record: Box::new(record), path: None, source: None }
    }
}

/// A path of the configuration, without its middle where it is long: a name there may have millions of letters.
pub(crate) fn shortened(path: &str) -> Cow<'_, str> {
    const END: usize = 150;
    if path.len() <= 2 * END {
        return path.into();
    }
    let (begin, end) = (path.floor_char_boundary(END), path.ceil_char_boundary(path.len() - END));
    format!("{}…{}", &path[..begin], &path[end..]).into()
}
