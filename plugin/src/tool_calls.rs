//! The tool calls of a stream that is being read, and how one of them is found.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{iter, mem};

use crate::bindings::exports::openclaw::provider::chat::{Event, ToolCallDelta};
use crate::json::Nesting;
use crate::parts;
use crate::stream::said::{Growing, Heard};
use crate::text::{fnv, hash_of};
use crate::wire;

/// No provider takes a longer name of a tool, in bytes. A longer one is given to no further call or result: there may be any
/// number of them.
pub(crate) const LONGEST_NAME: usize = 256;

/// How many calls of one id one is compared with: each costs time, and their number may be an attacker's choice.
const TWINS: usize = 64;

/// So many lists hold the places of calls: each is short, also of the most calls that an answer may have.
const REMAINDERS: usize = 1024;

/// More of the call with this number.
pub(crate) fn piece(index: u32, arguments_fragment: String, signature: Option<String>) -> Event {
    Event::ToolCall(ToolCallDelta { index, id: None, name: None, arguments_fragment, signature })
}

/// A tool call that is being read.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// The provider's number for it. It is never changed.
    pub(crate) index: Option<u64>,
    /// Set by [`Calls::set_id`].
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: Nesting,
    pub(crate) growing: Growing,
    /// What the arguments are told apart by: all of them without white space.
    pub(crate) known_by: Heard,
    /// The call before it, where all else is the same: until its arguments are there, it may be that one once more, or
    /// one of those that are before that. Once it is, the next that repeats one takes its place.
    pub(crate) twin: Option<usize>,
    /// Its number in our events, once it was announced.
    pub(crate) number: Option<u32>,
    /// What came before its name.
    pub(crate) held: String,
    pub(crate) signature: Option<String>,
    /// A call of a provider's own tool, as its block began.
    pub(crate) server: Option<String>,
}

impl Call {
    /// Forgets the arguments.
    pub(crate) fn clear(&mut self) {
        (self.held, self.known_by, self.arguments) = Default::default();
    }
}

/// The calls in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) list: Vec<Call>,
    /// How many were announced.
    announced: u32,
    /// The next number for an id that another call has already. It only grows, so that all of them take one walk.
    made: u32,
    /// Where the one is that was announced last, or had a piece since.
    current: usize,
    /// A hash, the place in `list` of the last call that is found by it, and the next of these with the same remainder. By
    /// the hash of an id that was announced, the first place.
    places: Vec<(u64, usize, usize)>,
    /// For each remainder the last of those.
    heads: Vec<usize>,
}

impl Calls {
    /// Adds a call that has no id yet.
    pub(crate) fn push(&mut self, call: Call) {
        if call.index.is_some() {
            self.note(key(None, call.index), self.list.len());
        }
        self.list.push(call);
    }

    /// Gives a call its id.
    pub(crate) fn set_id(&mut self, at: usize, id: String) {
        let Some(call) = self.list.get_mut(at) else { return };
        let (by_id, by_both) = (key(Some(&id), None), key(Some(&id), call.index));
        call.id = Some(id);
        self.note(by_id, at);
        self.note(by_both, at);
    }

    fn note(&mut self, key: u64, at: usize) {
        self.heads.resize(REMAINDERS, usize::MAX);
        if let Some(found) = self.search(key) {
            if let Some((_, place, _)) = self.places.get_mut(found) {
                *place = at.max(*place);
            }
        } else if let Some(head) = self.heads.get_mut(key as usize % REMAINDERS) {
            let next = mem::replace(head, self.places.len());
            self.places.push((key, at, next));
        }
    }

    fn search(&self, key: u64) -> Option<usize> {
        let mut found = *self.heads.get(key as usize % REMAINDERS)?;
        while self.places.get(found)?.0 != key {
            found = self.places.get(found)?.2;
        }
        Some(found)
    }

    /// The first event of a call, once it has a name: with the next number, and an id that no other has, since the result of
    /// a call names it (nanobot#3932).
    pub(crate) fn announce(&mut self, at: usize) -> Option<ToolCallDelta> {
        let index = self.announced;
        let call = self.list.get_mut(at).filter(|call| !call.name.is_empty() && call.number.is_none())?;
        (call.number, self.current) = (Some(index), at);
        let mut id = call.id.clone().unwrap_or_else(|| parts::call_id(index as usize));
        let (own, mut end) = (hash_of(&id), String::new());
        // No id holds this byte.
        let announced = |end: &str| fnv(end.bytes().fold(own, fnv), 0xfe);
        self.made = self.made.max(index);
        while self.search(announced(&end)).is_some() {
            // Each number is tried once in a stream: some ids have the hash of what follows from them.
            end = format!("_{}", self.made);
            self.made += 1;
        }
        self.note(announced(&end), 0);
        id.push_str(&end);
        self.announced += 1;
        let call = self.list.get_mut(at)?;
        let (arguments_fragment, signature) = (mem::take(&mut call.held), call.signature.take());
        Some(ToolCallDelta { index, id: Some(id), name: Some(call.name.clone()), arguments_fragment, signature })
    }

    /// How many were announced.
    pub(crate) fn announced(&self) -> u32 {
        self.announced
    }

    /// Adds a piece of arguments to the call that is there.
    pub(crate) fn piece(&mut self, at: usize, arguments: &str) -> Option<&mut Call> {
        self.current = at;
        let call = self.list.get_mut(at)?;
        call.arguments.push(arguments.as_bytes());
        arguments.split_ascii_whitespace().for_each(|word| call.known_by.add(word));
        Some(call)
    }

    /// Whether a piece of arguments is the next of the call with this number in our events. If so, it is added.
    pub(crate) fn goes_on(&mut self, number: u32, arguments: &str) -> bool {
        let is_its = |call: &Call| {
            let is_open =
                call.growing.is_over && !call.arguments.is_closed && wire::parted(call.arguments, arguments).is_none();
            call.number == Some(number) && is_open
        };
        self.list.get(self.current).is_some_and(is_its) && self.piece(self.current, arguments).is_some()
    }

    /// Whether a call says the same as one of the last twins before it. If so, what it held is forgotten.
    pub(crate) fn forget_repeated(&mut self, at: usize) -> bool {
        let Some(own) = self.list.get(at) else { return false };
        let twins = iter::successors(own.twin.and_then(|twin| self.list.get(twin)), |call| self.list.get(call.twin?));
        let is_repeated = twins.take(TWINS).any(|twin| twin.known_by == own.known_by);
        if is_repeated && let Some(own) = self.list.get_mut(at) {
            (own.held, own.signature) = Default::default();
        }
        is_repeated
    }

    /// The place of the last call with this id and this index, of which one may be left open.
    pub(crate) fn last_with(&self, id: Option<&str>, index: Option<u64>) -> Option<usize> {
        self.places.get(self.search(key(id, index))?).map(|(_, place, _)| *place)
    }
}

/// What a call is found by, its id, its index, or both, as a hash.
fn key(id: Option<&str>, index: Option<u64>) -> u64 {
    let id = id.map_or(0, hash_of);
    // No id holds the byte between the two.
    index.map_or(id, |index| index.to_be_bytes().into_iter().fold(fnv(id, 0xff), fnv))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many there are, what is found is what looking at each from the end would find.
    #[test]
    fn the_last_one_is_found() {
        let mut state = 7_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let mut calls = Calls::default();
        let mut found = [0; 3];
        for _ in 0..2_000 {
            let (id, index) = (format!("call_{}", random(40)), u64::from(random(40)));
            match random(3) {
                0 if calls.list.len() < 200 => {
                    calls.push(Call { index: Some(index).filter(|_| index > 4), ..Call::default() })
                }
                1 if !calls.list.is_empty() => {
                    let at = random(calls.list.len() as u32) as usize;
                    if calls.list[at].id.is_none() {
                        calls.set_id(at, id);
                    }
                }
                _ => {
                    let keys = [(Some(&*id), Some(index)), (Some(&*id), None), (None, Some(index))];
                    for (count, (id, index)) in found.iter_mut().zip(keys) {
                        let is_it = |call: &Call| {
                            id.is_none_or(|id| call.id.as_deref() == Some(id))
                                && index.is_none_or(|index| call.index == Some(index))
                        };
                        let expected = calls.list.iter().rposition(is_it);
                        assert_eq!(calls.last_with(id, index), expected, "{id:?} {index:?} of {}", calls.list.len());
                        *count += u32::from(expected.is_some());
                    }
                }
            }
        }
        assert!(calls.list.len() == 200 && found.iter().all(|count| *count > 20), "{found:?}");
    }

    /// FNV has such ids for each end alone.
    #[test]
    fn an_id_with_the_hash_of_what_is_made_of_it_ends() {
        let id = "call_cutidt\u{2}\u{4}\u{2}\0\u{7}\u{4}\u{2}\u{5}\u{2}\u{2}\u{4}?8\t\u{e}\u{1b}";
        assert_eq!(hash_of(id), hash_of(&format!("{id}_1")));
        let mut calls = Calls::default();
        for at in 0..3 {
            calls.push(Call { name: "f".into(), ..Call::default() });
            calls.set_id(at, id.into());
        }
        let told = [0, 1, 2].map(|at| calls.announce(at).and_then(|first| first.id).unwrap());
        assert_eq!(told, [id.to_owned(), format!("{id}_2"), format!("{id}_3")]);
    }

    #[test]
    fn numbers_are_given_in_the_order_of_announcement() {
        let mut calls = Calls::default();
        (0..3).for_each(|index| calls.push(Call { index: Some(index), name: "f".into(), ..Call::default() }));
        calls.list.iter_mut().for_each(|call| call.growing.is_over = true);
        let told = [2, 0, 2].map(|at| calls.announce(at).map(|first| (first.index, first.id.unwrap())));
        assert_eq!(told, [Some((0, "call_0".into())), Some((1, "call_1".into())), None]);
        assert!(calls.goes_on(1, "{") && !calls.goes_on(0, "{"), "another is the current one");
        assert!(calls.piece(2, "{}").is_some() && !calls.goes_on(0, "{}"), "it is whole");
        assert!(calls.list[0].arguments.is_open() && calls.list[2].arguments.is_closed);
        assert!(!calls.goes_on(2, "{}") && calls.announced() == 2);
    }
}
