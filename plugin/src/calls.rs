//! The tool calls of a stream that is being read, and how one of them is found.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::ops::{Deref, DerefMut};

use crate::json::Nesting;

/// Among so many calls one is found by looking at each. With more, that would take the square of their number.
const FEW: usize = 16;

/// A tool call that is being read.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// The provider's number for it. It is never changed.
    pub(crate) index: Option<u64>,
    /// Set by [`Calls::set_id`].
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: Nesting,
    /// Its number in our events, once it was announced.
    pub(crate) number: Option<u32>,
    /// Where the call is whose number in our events is this one's place: no more are numbered than there are.
    pub(crate) numbered: u32,
    /// What came before its name.
    pub(crate) held: String,
    pub(crate) signature: Option<String>,
    /// A call of a provider's own tool, as its block began.
    pub(crate) server: Option<String>,
}

/// What a call is found by: its id, its index, or both.
type Key<'c> = (Option<&'c str>, Option<u64>);

/// The calls in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    list: Vec<Call>,
    /// How many were announced.
    announced: u32,
    /// Where all are, in the order of each of the three keys; empty while they are few.
    by_id: Vec<u32>,
    by_index: Vec<u32>,
    by_both: Vec<u32>,
}

impl Deref for Calls {
    type Target = [Call];

    fn deref(&self) -> &[Call] {
        &self.list
    }
}

impl DerefMut for Calls {
    fn deref_mut(&mut self) -> &mut [Call] {
        &mut self.list
    }
}

impl Calls {
    /// Adds a call that has no id yet.
    pub(crate) fn push(&mut self, call: Call) {
        self.list.push(call);
        match self.list.len() - 1 {
            last if last < FEW => {}
            FEW => (0..=FEW).for_each(|at| {
                self.note_index(at);
                self.note_id(at);
            }),
            last => self.note_index(last),
        }
    }

    /// Gives a call its id.
    pub(crate) fn set_id(&mut self, at: usize, id: String) {
        if let Some(call) = self.list.get_mut(at) {
            call.id = Some(id);
        }
        if self.list.len() > FEW {
            self.note_id(at);
        }
    }

    /// Gives a call the next number in our events.
    pub(crate) fn announce(&mut self, at: usize) -> u32 {
        let number = self.announced;
        self.announced += 1;
        if let Some(call) = self.list.get_mut(at) {
            call.number = Some(number);
        }
        if let Some(slot) = self.list.get_mut(number as usize) {
            slot.numbered = at as u32;
        }
        number
    }

    /// How many were announced.
    pub(crate) fn announced(&self) -> u32 {
        self.announced
    }

    /// Whether a piece of arguments still belongs to the call with this number in our events. If so, it is counted.
    pub(crate) fn goes_on(&mut self, number: u32, arguments: &str) -> bool {
        let Some(at) = self.list.get(number as usize).map(|slot| slot.numbered) else { return false };
        match self.list.get_mut(at as usize) {
            Some(call) if call.number == Some(number) && !call.arguments.is_closed => {
                call.arguments.push(arguments.as_bytes())
            }
            _ => return false,
        }
        true
    }

    /// Takes out all of them.
    pub(crate) fn take(&mut self) -> Vec<Call> {
        mem::take(self).list
    }

    /// The place of the last call with this id and this index, of which one may be left open.
    pub(crate) fn last_with(&self, id: Option<&str>, index: Option<u64>) -> Option<usize> {
        let key = (id, index);
        let is_it = |call: &Call| key_like(key, call) == key;
        if self.list.len() <= FEW {
            return self.list.iter().rposition(is_it);
        }
        let order = match key {
            (Some(_), Some(_)) => &self.by_both,
            (Some(_), None) => &self.by_id,
            _ => &self.by_index,
        };
        let end = until(&self.list, order, key, u32::MAX);
        let at = *order.get(end.checked_sub(1)?)? as usize;
        self.list.get(at).is_some_and(is_it).then_some(at)
    }

    fn note_index(&mut self, at: usize) {
        if let Some(index) = self.list.get(at).and_then(|call| call.index) {
            note(&self.list, &mut self.by_index, (None, Some(index)), at as u32);
        }
    }

    fn note_id(&mut self, at: usize) {
        let Some(Call { id: Some(id), index, .. }) = self.list.get(at) else { return };
        note(&self.list, &mut self.by_id, (Some(id), None), at as u32);
        if index.is_some() {
            note(&self.list, &mut self.by_both, (Some(id), *index), at as u32);
        }
    }
}

/// The same kind of key of another call.
fn key_like<'c>((id, index): Key<'_>, call: &'c Call) -> Key<'c> {
    (call.id.as_deref().filter(|_| id.is_some()), call.index.filter(|_| index.is_some()))
}

/// How many in an order come up to this key and place, itself included.
fn until(calls: &[Call], order: &[u32], key: Key<'_>, at: u32) -> usize {
    order.partition_point(|&place| {
        calls.get(place as usize).is_some_and(|call| (key_like(key, call), place) <= (key, at))
    })
}

fn note(calls: &[Call], order: &mut Vec<u32>, key: Key<'_>, at: u32) {
    order.insert(until(calls, order, key, at), at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

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
                0 if calls.len() < 200 => {
                    calls.push(Call { index: Some(index).filter(|_| index > 4), ..Call::default() })
                }
                1 if !calls.is_empty() => {
                    let at = random(calls.len() as u32) as usize;
                    if calls[at].id.is_none() {
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
                        let expected = calls.iter().rposition(is_it);
                        assert_eq!(calls.last_with(id, index), expected, "{id:?} {index:?} of {}", calls.len());
                        *count += u32::from(expected.is_some());
                    }
                }
            }
        }
        assert!(calls.len() == 200 && found.iter().all(|count| *count > 20), "{found:?}");
    }

    #[test]
    fn numbers_are_given_in_the_order_of_announcement() {
        let mut calls = Calls::default();
        (0..3).for_each(|index| calls.push(Call { index: Some(index), ..Call::default() }));
        assert_eq!((calls.announce(2), calls.announce(0)), (0, 1));
        assert!(calls.goes_on(0, "{") && calls.goes_on(1, "{}"));
        assert!(calls[2].arguments.is_open() && calls[0].arguments.is_closed);
        assert!(!calls.goes_on(1, "{}") && !calls.goes_on(2, "{}") && calls.announced() == 2);
    }
}
