//! Reads what an instance delivers in pieces: the events of a reply, the bytes of speech. Owns the time limits, and
//! that a caller may drop a wait. `reply` and `speech` know what the pieces mean.

use std::time::Duration;

use boundary::mask::Mask;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use crate::{
    component::engine::within,
    error::{Error, Result},
    limits::{Clock, Limits},
    types::{self, ErrorKind},
};

/// The instance that pieces come from, and the handle of their resource there.
pub(crate) trait Source: Send + Sized + 'static {
    type Piece: Send + 'static;

    /// The next pieces; none at the end.
    fn next(&mut self) -> impl Future<Output = wasmtime::Result<Result<Vec<Self::Piece>, types::Error>>> + Send;

    /// How much memory or file pieces take that are kept, in bytes.
    fn size(pieces: &[Self::Piece]) -> usize;
}

/// The pieces of a source, until they are over.
pub(crate) struct Pieces<S: Source> {
    mask: Mask,
    /// The longest wait between two batches.
    idle: Clock,
    /// How long it may be open.
    whole: Clock,
    /// How much may still come, in bytes: whoever joins the pieces keeps all of them.
    left: usize,
    state: State<S>,
}

/// The next pieces, or why the plugin has none.
type Answer<P> = Result<std::result::Result<Vec<P>, types::Error>>;

/// Between two batches, or waiting for the next. The wait is kept here, so that a later call continues a dropped one:
/// an instance that is left in the middle of a call cannot be entered again.
enum State<S: Source> {
    Open(S),
    Waiting(BoxFuture<'static, (S, Answer<S::Piece>)>),
    Over,
}

impl<S: Source> Pieces<S> {
    /// Opens the pieces now; `clock` measures the call's time.
    pub(crate) fn new(source: S, mask: Mask, limits: &Limits, clock: Clock) -> Self {
        let (idle, whole) = (Clock::start(limits.stream_idle, None), clock.rest(limits.stream));
        Self { mask, idle, whole, left: limits.handed_over(), state: State::Open(source) }
    }

    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.state, State::Over)
    }

    /// Waits for at least one piece and returns all that have arrived; `None` at the end, and after an error. The
    /// returned future may be dropped midway: the next call continues the same wait.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<S::Piece>>> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Open(source) => State::Waiting(Box::pin(wait(source, self.idle, self.whole))),
            state => state,
        };
        let State::Waiting(waiting) = &mut self.state else { return Ok(None) };
        let (source, answer) = waiting.await;
        self.state = State::Over;
        let pieces = answer?.map_err(|error| Error::of_plugin(error, &self.mask))?;
        if pieces.is_empty() {
            return Ok(None);
        }
        self.left = self.left.checked_sub(S::size(&pieces)).ok_or_else(too_much)?;
        self.state = State::Open(source);
        Ok(Some(pieces))
    }
}

async fn wait<S: Source>(mut source: S, idle: Clock, whole: Clock) -> (S, Answer<S::Piece>) {
    let (limit, left) = whole.limit();
    // For `timeout`, an answer that is there at once is always in time.
    let in_time = if left.is_zero() { None } else { timeout(left, within(idle, source.next())).await.ok() };
    let answer = in_time.unwrap_or_else(|| Err(too_long(limit))).map_err(|error| error.request_sent(true));
    (source, answer)
}

fn too_much() -> Error {
    Error::host(ErrorKind::Other, "the plugin failed: it hands over more in one stream than it may")
        .hint("The host ended it. Raise the limits of memory or of an answer's body if replies are that large.")
        .request_sent(true)
}

fn too_long(limit: Duration) -> Error {
    let message = format!("the stream took longer than {} s as a whole", limit.as_secs_f32());
    Error::host(ErrorKind::Timeout, message).hint("The host ended it. Raise the limit if replies are that long.")
}
