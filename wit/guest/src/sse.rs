//! Server-sent events, as streamed answers come: lines of `data: ...`, split anywhere, inside a character too.

use alloc::vec::Vec;
use core::mem;

/// Finds the data in the bytes of a stream. Each line of data counts as an event of its own, as nearly every model service
/// sends them; comments and other fields are left out.
///
/// ```
/// let mut lines = openclaw_provider_guest::sse::Lines::default();
/// let mut found = Vec::new();
/// for piece in [&b"data: a\n\nda"[..], b"ta:b\r\n: comment\n"] {
///     lines.push(piece, |data| -> Result<(), ()> { Ok(found.push(data.to_vec())) })?;
/// }
/// assert_eq!(found, [b"a", b"b"]);
/// # Ok::<(), ()>(())
/// ```
#[derive(Debug, Default)]
pub struct Lines {
    /// A line whose end has not come.
    line: Vec<u8>,
}

impl Lines {
    /// Hands `each` the data of every line that `bytes` complete, without white space around it. Stops at its first error.
    pub fn push<E>(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = mem::take(&mut self.line);
                if let Some(data) = line.trim_ascii().strip_prefix(b"data:") {
                    each(data.trim_ascii())?;
                }
            }
        }
        Ok(())
    }
}
