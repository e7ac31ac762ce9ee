//! A budget of time for each input, in proportion to its length: a property that holds after an hour is an attack.
//!
//! libFuzzer's own `-timeout` is the same for each input, and its inputs are short, where the square of a length is still
//! little. So now and then a part of an input is repeated, thousands of times, each time under another name, as whoever
//! wishes ill to a parser would. Time is that of this thread on the processor, so a busy machine costs nothing.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// For any input.
const BASE: Duration = Duration::from_millis(100);
/// For each byte of it: some three times what the slowest property takes, with counters for libFuzzer.
const PER_BYTE: Duration = Duration::from_micros(40);
/// The length of an input in which a part is repeated.
const GROWN: usize = 1 << 17;
/// One of so many inputs is grown.
const RARITY: usize = 1024;

/// Puts `input`, and of some inputs a grown one, through a property, and panics where it takes too long.
pub fn bounded(property: fn(&[u8]), input: &[u8]) {
    timed(property, input);
    let sum = input.iter().fold(input.len(), |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    if sum.is_multiple_of(RARITY)
        && let Some(grown) = grown(input, sum / RARITY)
    {
        timed(property, &grown);
    }
}

fn timed(property: fn(&[u8]), input: &[u8]) {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("time since the thread began");
    let start = now();
    property(input);
    let (took, budget) = (now() - start, BASE + PER_BYTE * u32::try_from(input.len()).unwrap_or(u32::MAX));
    assert!(took <= budget, "{} bytes took {took:?}, and may take {budget:?}", input.len());
}

/// `input` with one of its items, members or lines many times. `which` chooses it.
pub fn grown(input: &[u8], which: usize) -> Option<Vec<u8>> {
    let starts: Vec<usize> = (0..input.len()).filter(|&at| b",[{\n".contains(&input[at])).map(|at| at + 1).collect();
    let start = *starts.get(which.checked_rem(starts.len())?)?;
    let is_line = input[start - 1] == b'\n';
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    let ends = |&byte: &u8| {
        if is_line {
            return byte == b'\n';
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b']' | b'}' | b',' => return true,
            _ => {}
        }
        false
    };
    let length = input[start..].iter().position(ends).filter(|&length| length > 0)?;
    let (unit, rest) = input[start..].split_at(length);
    let quote = unit.iter().position(|&byte| byte == b'"').map_or(0, |at| at + 1);
    let mut grown = input[..start].to_vec();
    let mut number = 0;
    while grown.len() < GROWN {
        grown.extend_from_slice(&unit[..quote]);
        // A line, and an item without a text, stays as it is: a number in front would make it another thing.
        if quote > 0 {
            grown.extend_from_slice(number.to_string().as_bytes());
        }
        grown.extend_from_slice(&unit[quote..]);
        grown.push(if is_line { b'\n' } else { b',' });
        number += 1;
    }
    grown.extend_from_slice(unit);
    grown.extend_from_slice(rest);
    Some(grown)
}
