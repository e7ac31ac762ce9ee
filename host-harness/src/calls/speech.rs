//! Streamed speech: the bytes of the audio as they arrive.

use std::fmt;

use wasmtime::component::ResourceAny;

use super::pieces::{Pieces, Source};
use crate::{
    component::engine::Live,
    error::Result,
    types::{self, GatewayReport},
    wit::audio,
};

/// Speech, as it is made. Dropping it ends its request.
///
/// ```no_run
/// # async fn run(provider: host_harness::Provider) -> Result<(), Box<dyn std::error::Error>> {
/// use std::io::Write;
/// use host_harness::wit::audio::SpeechRequest;
///
/// let mut speech = provider.speak(&SpeechRequest::new("Ships sail.")).await?;
/// let mut file = std::fs::File::create("ships.mp3")?;
/// while let Some(bytes) = speech.next().await? {
///     file.write_all(&bytes)?;
/// }
/// # Ok(()) }
/// ```
pub struct Speech {
    media_type: String,
    report: GatewayReport,
    pieces: Pieces<OpenSpeech>,
}

/// The instance that speech comes from, and its handle there.
pub(crate) struct OpenSpeech {
    pub(crate) live: Live,
    pub(crate) audio: audio::Guest,
    pub(crate) speech: ResourceAny,
}

impl Source for OpenSpeech {
    type Piece = u8;

    async fn next(&mut self) -> wasmtime::Result<std::result::Result<Vec<u8>, types::Error>> {
        self.audio.speech().call_next(&mut self.live.store, self.speech).await
    }

    fn size(pieces: &[u8]) -> usize {
        pieces.len()
    }
}

impl fmt::Debug for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speech")
            .field("media_type", &self.media_type)
            .field("report", &self.report)
            .field("open", &self.pieces.is_open())
            .finish()
    }
}

impl Speech {
    pub(crate) fn new(pieces: Pieces<OpenSpeech>, media_type: String, report: GatewayReport) -> Self {
        Self { media_type, report, pieces }
    }

    /// The media type of the bytes, such as `audio/mpeg`.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// What the gateway reported in the head of its answer.
    pub fn report(&self) -> &GatewayReport {
        &self.report
    }

    /// Waits for the next bytes; `None` at the end, and after an error.
    ///
    /// The returned future may be dropped midway, as in `tokio::select!`: the next call goes on with the same wait.
    ///
    /// # Errors
    /// What broke the stream. Audio that stops early is an error.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        self.pieces.next().await
    }
}
