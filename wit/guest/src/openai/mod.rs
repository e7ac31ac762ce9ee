//! OpenAI's chat completions API, which most services speak: requests written, answers read. Nothing is sent here.
//!
//! A service whose answers hold more than this reads needs its own functions instead of these.

mod answer;
mod request;

pub use answer::{Events, models, refusal, response};
pub use request::body;
