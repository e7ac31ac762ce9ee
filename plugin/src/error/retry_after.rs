//! How long a failed answer asks to wait, in milliseconds, wherever it says so.

use crate::json::lossy;
use crate::report::Head;

/// The wait by the headers, else by the words, else by the details.
pub(super) fn read(head: &Head, message: &str, body: &[u8]) -> Option<u64> {
    in_headers(head).or_else(|| in_words(message)).or_else(|| in_details(body))
}

/// `retry-after-ms`, or `retry-after` in seconds or as a date. The component has no clock: the answer's own `date` is now.
fn in_headers(head: &Head) -> Option<u64> {
    if let Some(wait) = head.get("retry-after-ms").and_then(|value| scaled(value, 1)) {
        return Some(wait);
    }
    let after = head.get("retry-after")?;
    scaled(after.trim_end_matches('s'), 1000)
        .or_else(|| Some(seconds(after)?.saturating_sub(seconds(head.get("date")?)?).saturating_mul(1000)))
}

/// The seconds of an HTTP date, from some day on: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn seconds(date: &str) -> Option<u64> {
    let mut parts = date.split_once(", ")?.1.split([' ', ':']);
    let mut next = || parts.next();
    let day = next()?.parse::<u64>().ok().filter(|day| (1..32).contains(day))?;
    let month = next().filter(|name| name.len() == 3)?;
    let month = Some("JanFebMarAprMayJunJulAugSepOctNovDec".find(month)?).filter(|at| at % 3 == 0)? as u64 / 3;
    let year = next()?.parse::<u64>().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut time = 0;
    for _ in 0..3 {
        time = time * 60 + next()?.parse::<u64>().ok().filter(|part| *part < 61)?;
    }
    // A year that begins in March ends with its leap day.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    Some(days * 86_400 + time)
}

/// "Try again in 2.5s", "1m30s", "20ms", "retry after 6 seconds".
fn in_words(message: &str) -> Option<u64> {
    let message = message.to_ascii_lowercase();
    let waits =
        ["again in ", "retry in ", "retry after ", "again after ", "wait ", "wait for ", "resets in ", "reset after "];
    let behind =
        |words| Some(message.split_once(words)?.1).filter(|rest| rest.starts_with(|next: char| next.is_ascii_digit()));
    let mut rest = waits.into_iter().find_map(behind)?;
    let mut wait = None;
    while let Some(end) = rest.find(|next: char| !next.is_ascii_digit() && next != '.').filter(|&end| end > 0) {
        let (number, unit) = rest.split_at_checked(end)?;
        let unit = unit.trim_start();
        let (scale, length) = match unit.as_bytes() {
            [b'm', b's', ..] => (1, 2),
            [b'm', ..] => (60_000, 1),
            [b's', ..] => (1000, 1),
            [b'h', ..] => (3_600_000, 1),
            _ => break,
        };
        wait = Some(wait.unwrap_or(0_u64).saturating_add(scaled(number, scale)?));
        rest = unit.get(length..)?;
    }
    wait
}

/// Google's way to say it, among the details: `"retryDelay": "34.5s"`; and others': `"retry_after": 30`, `"retryAfterMs"`.
fn in_details(body: &[u8]) -> Option<u64> {
    let text = lossy(body);
    let behind = |name| text.split_once(name)?.1.split_once('"');
    let (unit, rest) = ["\"retryDelay", "\"retry_after", "\"retryAfter", "\"Retry-After", "\"resets_in_seconds"]
        .into_iter()
        .find_map(behind)?;
    let scale = if ["Ms", "_ms"].contains(&unit) { 1 } else { 1000 };
    let rest = rest.trim_start_matches([':', ' ', '"']);
    scaled(rest.split(|next: char| !next.is_ascii_digit() && next != '.').next()?, scale)
}

/// A decimal number, to a tenth.
fn scaled(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let tenths = fraction.bytes().next().filter(u8::is_ascii_digit).map_or(0, |digit| u64::from(digit - b'0'));
    Some(whole.saturating_add(tenths * scale / 10))
}
