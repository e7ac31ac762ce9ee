//! The attacks by way of the interfaces that a component may leave out. The request's model names the attack here too, and the
//! text, the language or the first of the texts holds its parameter.

use alloc::{borrow::ToOwned, format, string::String, vec, vec::Vec};
use core::cell::Cell;

use openclaw_provider_guest::{
    bindings::{
        openclaw::provider::types::{Connection, Error, ErrorKind, GatewayReport},
        optional::{audio, embeddings, prices},
    },
    export_audio, export_embeddings, export_prices,
    http::{Method, Request},
};

use super::{Hostile, failure, spin, trap};

export_embeddings!(Hostile);
export_audio!(Hostile);
export_prices!(Hostile);

/// `count` vectors of `length` numbers each, all of them the same memory. They must not be dropped.
fn aliased_vectors(count: usize, length: usize) -> Vec<Vec<f32>> {
    let mut numbers = vec![0.5_f32; length];
    let start = numbers.as_mut_ptr();
    core::mem::forget(numbers);
    // SAFETY: it is not; the host is to find out.
    (0..count).map(|_| unsafe { Vec::from_raw_parts(start, length, length) }).collect()
}

impl embeddings::Guest for Hostile {
    fn default_model() -> String {
        "vectors".to_owned()
    }

    fn embed(_: Connection, request: embeddings::Request) -> Result<embeddings::Response, Error> {
        let vectors = match request.model.as_deref().unwrap_or_default() {
            "spin" => spin(),
            "trap" => trap(),
            "error" => return Err(failure(ErrorKind::Other, request.texts.concat())),
            "aliased" => aliased_vectors(4096, 1 << 18),
            "empty" => vec![Vec::new(); 1 << 16],
            other => return Err(failure(ErrorKind::NotFound, format!("no such attack: {other}"))),
        };
        Ok(embeddings::Response { model: String::new(), vectors, usage: None, report: GatewayReport::default() })
    }
}

/// Speech that starts well.
pub(crate) struct Speech {
    attack: String,
    pieces: Cell<u32>,
}

impl audio::Guest for Hostile {
    type Speech = Speech;

    fn describe() -> audio::Defaults {
        let text = || "x".to_owned();
        audio::Defaults { speech_model: text(), voice: text(), format: text(), transcription_model: text() }
    }

    fn speak(_: Connection, request: audio::SpeechRequest) -> Result<audio::Speech, Error> {
        let attack = request.model.unwrap_or_default();
        match &*attack {
            "trap at once" => trap(),
            "error" => return Err(failure(ErrorKind::Other, request.text)),
            _ => {}
        }
        Ok(audio::Speech::new(Speech { attack, pieces: Cell::new(0) }))
    }

    fn transcribe(_: Connection, request: audio::TranscriptionRequest) -> Result<audio::Transcript, Error> {
        let text = match request.model.as_deref().unwrap_or_default() {
            "spin" => spin(),
            "trap" => trap(),
            "error" => return Err(failure(ErrorKind::Other, request.language.unwrap_or_default())),
            "large" => "x".repeat(64 << 20),
            other => return Err(failure(ErrorKind::NotFound, format!("no such attack: {other}"))),
        };
        Ok(audio::Transcript { text, usage: None, report: GatewayReport::default() })
    }
}

impl audio::GuestSpeech for Speech {
    fn media_type(&self) -> String {
        match &*self.attack {
            "kind large" => "x".repeat(64 << 20),
            _ => "audio/mpeg".to_owned(),
        }
    }

    fn report(&self) -> GatewayReport {
        GatewayReport::default()
    }

    fn next(&self) -> Result<Vec<u8>, Error> {
        self.pieces.set(self.pieces.get() + 1);
        match &*self.attack {
            "trap midway" if self.pieces.get() > 1 => trap(),
            "spin midway" if self.pieces.get() > 1 => spin(),
            "error midway" if self.pieces.get() > 1 => Err(failure(ErrorKind::Other, "it broke".to_owned())),
            // As much at once as it may, for ever.
            "flood" => Ok(vec![0; 4 << 20]),
            "drip" => Ok(vec![0]),
            _ => Ok(vec![0; 16]),
        }
    }
}

impl Drop for Speech {
    /// A host that waits for this waits forever.
    fn drop(&mut self) {
        spin();
    }
}

impl prices::Guest for Hostile {
    /// The id names the attack, and the provider its parameter.
    fn price_of(connection: Connection, id: String, provider: Option<String>) -> Result<Option<prices::Price>, Error> {
        let price = |input| Ok(Some(prices::Price { input, output: 1.0, cache_read: None, cache_write: None }));
        match &*id {
            "spin" => spin(),
            "trap" => trap(),
            "fine" => price(1.0),
            "NaN" => price(f64::NAN),
            "negative" => price(-1.0),
            "infinite" => price(f64::INFINITY),
            "largest" => price(f64::MAX),
            // All that it knows of the connection goes along, and a header of its own choice.
            "ask" => {
                let asked = Request::new(Method::Get, &connection, "/models")?;
                let header = provider.unwrap_or_default();
                let asked = if header.is_empty() { asked } else { asked.header(&header, "guessed") };
                let held = f64::from(u32::try_from(connection.credentials.len()).unwrap_or(u32::MAX));
                match asked.send(b"") {
                    Ok(response) => price(f64::from(response.status) + held),
                    Err(_) => price(0.0),
                }
            }
            other => Err(failure(ErrorKind::NotFound, format!("no such attack: {other}"))),
        }
    }
}
