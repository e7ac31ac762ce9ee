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
    let waits = [
        "again in ", "retry in ", "retry after ", "again after ", "wait ", "wait for ", "resets in ", "reset in ",
        "reset after ",
    ];
    waits.into_iter().flat_map(|words| message.split(words).skip(1)).find_map(duration)
}

/// "1m30s", "10 hours 27 minutes", and maybe more behind it.
fn duration(mut rest: &str) -> Option<u64> {
    let mut wait = None;
    while let Some(end) = rest.find(|next: char| !next.is_ascii_digit() && next != '.').filter(|&end| end > 0) {
        let (number, unit) = rest.split_at_checked(end)?;
        let unit = unit.trim_start();
        let Some(more) = scale(unit).and_then(|scale| scaled(number, scale)) else { break };
        wait = Some(wait.unwrap_or(0_u64).saturating_add(more));
        rest = unit.trim_start_matches(|next: char| next.is_ascii_alphabetic());
        rest = rest.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    wait
}

/// How many milliseconds a unit has: `ms`, `millis`, `m`, `minutes`, `s`, `hours`.
fn scale(unit: &str) -> Option<u64> {
    match unit.as_bytes() {
        [b'm', b's', ..] | [b'm', b'i', b'l', ..] => Some(1),
        [b'm', ..] => Some(60_000),
        [b's', ..] => Some(1000),
        [b'h', ..] => Some(3_600_000),
        _ => None,
    }
}

/// Google's way to say it, among the details: `"retryDelay": "34.5s"`; and others': `"retry_after": 30`, `"retryAfterMs"`.
fn in_details(body: &[u8]) -> Option<u64> {
    let text = lossy(body);
    let names = ["\"retryDelay", "\"retry_after", "\"retryAfter", "\"Retry-After", "\"resets_in_seconds"];
    names.into_iter().flat_map(|name| text.split(name).skip(1)).find_map(|behind| {
        let (unit, rest) = behind.split_once('"')?;
        let unit = unit.trim_start_matches(['_', '-']).to_ascii_lowercase();
        let rest = rest.trim_start_matches([':', ' ', '"']);
        let number = rest.split(|next: char| !next.is_ascii_digit() && next != '.').next()?;
        // A date is none.
        let is_date = rest.get(number.len()..)?.starts_with('-');
        let is_unit = ["ms", "mil", "min", "sec"].iter().any(|start| unit.starts_with(start)) || unit.is_empty();
        scaled(number, scale(&unit).unwrap_or(1000)).filter(|_| is_unit && !is_date)
    })
}

/// A decimal number, to a tenth.
fn scaled(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let tenths = fraction.bytes().next().filter(u8::is_ascii_digit).map_or(0, |digit| u64::from(digit - b'0'));
    Some(whole.saturating_add(tenths * scale / 10))
}
