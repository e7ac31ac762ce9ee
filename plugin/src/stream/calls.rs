//! Which call a piece of one belongs to, and when it is told.

use alloc::borrow::{Cow, ToOwned};
use core::mem;

use super::state::State;
use crate::bindings::exports::openclaw::provider::chat::Event;
use crate::parts::{self, MAX_CALLS};
use crate::text::{hash_of, present};
use crate::tool_calls::{Call, LONGEST_NAME, piece};
use crate::wire::{CALLED, Spelled};
use crate::{signature, wire};

impl State {
    /// One piece of one call, or of several whose arguments stand one behind the other.
    pub(super) fn tool_call(&mut self, mut call: wire::ToolCall<'_>) {
        if let Some(other) = call.other {
            self.has_other_call = true;
            return self.events.push(Event::Other(other));
        }
        self.has_other_call |= call.id.starts_with(CALLED);
        let all = mem::take(&mut call.arguments.text);
        let (mut left, mut at) = (&*all, None);
        let mut next = wire::ToolCall { arguments: Spelled::of(left.into()), ..call };
        loop {
            self.settle(Some(&mut next));
            let place = at.or_else(|| self.place(&next)).unwrap_or(self.calls.list.len());
            at = self.call_piece(next, place, &mut left, at.is_some());
            let Some(Call { index, .. }) = at.and_then(|at| self.calls.list.get(at)).filter(|_| !left.is_empty())
            else {
                return;
            };
            next = wire::ToolCall { index: *index, arguments: Spelled::of(left.into()), ..wire::ToolCall::default() };
        }
    }

    /// Reads a piece of the call that is there, and maybe the start of the next: that is `left` then, the rest of a piece.
    fn call_piece<'p>(
        &mut self,
        call: wire::ToolCall<'p>,
        mut at: usize,
        left: &mut &'p str,
        is_rest: bool,
    ) -> Option<usize> {
        let mut new = Call { index: call.index, ..Call::default() };
        let mut signature = signature::of_call(call.thought_signature, call.extra_signature);
        new.growing.is_over = is_rest;
        if let Some(known) = self.calls.list.get_mut(at).filter(|_| !is_rest) {
            *left = left.get(known.growing.known(left)..).unwrap_or_default();
        }
        // Some repeat a call once it is there, and some give the next one its id, name and number.
        if let Some(known) = self.calls.list.get_mut(at)
            && known.arguments.is_closed
            && (1..=LONGEST_NAME).contains(&known.name.len())
            && let begun = left.trim_start()
            && !begun.is_empty()
        {
            if !begun.starts_with('{') {
                return None;
            }
            if known.number.is_none() && known.twin.is_some() {
                known.clear();
            } else {
                new.name.clone_from(&known.name);
                new.twin = Some(mem::replace(&mut at, self.calls.list.len()));
            }
        }
        if at >= MAX_CALLS {
            self.fail(parts::too_many(&self.head, "tool calls"));
            return None;
        }
        if at == self.calls.list.len() {
            // Words that a model writes behind its arguments begin no call.
            let begun = left.trim_start();
            if at > 0 && call.name.is_empty() && call.id.is_empty() && !begun.is_empty() {
                if !begun.starts_with('{') {
                    return None;
                }
                new.twin = self.calls.last_with(None, new.index).or(at.checked_sub(1).filter(|_| new.index.is_none()));
            }
            new.growing.known(left);
            self.calls.push(new);
        }
        if self.calls.list.get(at).is_some_and(|known| known.id.is_none())
            && let Some(id) = present(call.id)
        {
            self.calls.set_id(at, id);
        }
        let arguments = self.calls.list.get(at)?.arguments;
        let (fragment, rest) = wire::parted(arguments, left).unwrap_or((left, ""));
        *left = rest;
        let known = self.calls.piece(at, fragment)?;
        if known.name.is_empty() {
            known.name = call.name.into_owned();
        }
        if let Some(index) = known.number {
            if !fragment.is_empty() || signature.is_some() {
                self.events.push(piece(index, fragment.to_owned(), signature));
            }
            return Some(at);
        }
        // White space around arguments says nothing. What is kept of it would be looked at with each piece.
        let is_closed = known.arguments.is_closed;
        known.held.push_str(if known.held.is_empty() { fragment.trim_start() } else { fragment });
        if is_closed {
            known.held.truncate(known.held.trim_end().len());
        }
        known.signature = signature.take().or(known.signature.take());
        // JSON that was written as a text once more, which only its end shows. It is read once, with the piece that ends it.
        if known.held.starts_with('"') && !is_closed {
            return Some(at);
        }
        if known.held.starts_with('"') && !arguments.is_closed {
            known.held = wire::unquoted(&known.held).unwrap_or_else(|| mem::take(&mut known.held));
        }
        if known.twin.is_some() {
            if known.arguments.is_closed && !self.calls.forget_repeated(at) {
                self.announce(at);
            }
        } else if matches!(&*known.held, "" | "{}") {
            self.waiting = Some(at);
        } else if !known.name.is_empty() {
            self.announce(at);
        }
        Some(at)
    }

    /// Decides whether a call that began without arguments really has none, and whether its name is whole. Some gateways
    /// write the empty input of Claude's first event there (BerriAI/litellm#4537), some of them with the id and the name
    /// once more in the next piece, which begins the arguments. A name in pieces loses the later of them here.
    pub(super) fn settle(&mut self, next: Option<&mut wire::ToolCall<'_>>) {
        let Some(at) = self.waiting.take() else { return };
        let Some(known) = self.calls.list.get_mut(at) else { return };
        if let Some(next) = next.filter(|next| next.index == known.index) {
            let has_id = known.id.is_some();
            let has_its_id = next.id.is_empty() || known.id.as_deref() == Some(&*next.id);
            let is_told = has_its_id && has_id && !(next.id.is_empty() && next.index.is_none());
            if known.held.is_empty() && !next.name.is_empty() && next.name != known.name && !known.name.is_empty() {
                // No name ends or begins so, but a piece of one: then another id means nothing.
                const BETWEEN: [char; 3] = ['_', '-', '.'];
                if is_told || known.name.ends_with(BETWEEN) || next.name.starts_with(BETWEEN) {
                    let name = mem::take(&mut next.name);
                    if name.starts_with(&*known.name) {
                        known.name = name.into_owned();
                    } else {
                        known.name.push_str(&name);
                    }
                    next.id = Cow::default();
                }
            }
            if has_its_id && (next.name.is_empty() || is_told && next.name == known.name) {
                match next.arguments.text.trim_start() {
                    "" => return self.waiting = Some(at),
                    arguments if arguments.starts_with('{') => known.clear(),
                    // It is held until it is whole.
                    arguments if arguments.starts_with('"') => return known.clear(),
                    _ => {}
                }
            }
        }
        self.announce(at);
    }

    /// The first event of a call.
    pub(super) fn announce(&mut self, at: usize) {
        let Some(mut first) = self.calls.announce(at) else { return };
        let hash = self.calls.list.get(at).and_then(|call| call.id.as_deref()).map(hash_of);
        let own = self.encrypted.iter().position(|(of, _)| Some(*of) == hash);
        let own = own.map(|at| self.encrypted.swap_remove(at).1);
        first.signature = first.signature.or(own);
        self.events.push(Event::ToolCall(first));
    }

    /// Which call a piece belongs to; `None` if it begins one.
    ///
    /// OpenAI numbers calls, and names each in its first piece. Some providers leave out the number, give each call the
    /// number 0 (gateway issues 1275 and 1537), or give each piece another number. Some leave out the id, send another
    /// id with each piece, or give all calls the same. Some send the name late or each time. So a piece without a name
    /// continues a call. A piece with a name begins a call, unless the call with its number or id still waits for its
    /// name, or has the same name and is not complete.
    fn place(&self, call: &wire::ToolCall<'_>) -> Option<usize> {
        let id = Some(&*call.id).filter(|id| !id.is_empty());
        let has_name = !call.name.is_empty();
        let last = self.calls.list.len().checked_sub(1);
        // A provider's own tool gets a number that it shares with a call, or none.
        if let Some(known) = self.calls.list.last()
            && known.server.is_some()
            && !has_name
            && id.is_none()
            && !known.arguments.is_closed
        {
            return last;
        }
        let has_id = |known: &Call| id.is_some() && known.id.as_deref() == id;
        let has_index = |known: &Call| call.index.is_some() && known.index == call.index;
        let by = |id: Option<&str>, index: Option<u64>| self.calls.last_with(id, index);
        let by_id = id.and_then(|_| call.index.and_then(|_| by(id, call.index)).or_else(|| by(id, None)));
        let at = by_id
            .or_else(|| call.index.and_then(|_| by(None, call.index)))
            .or_else(|| last.filter(|_| call.index.is_none() || (id.is_none() && !has_name && self.is_last_open())))?;
        let known = self.calls.list.get(at)?;
        let is_closed = known.arguments.is_closed;
        let goes_on = if has_id(known) {
            // One id for all calls.
            let is_other = call.index.is_some() && known.index.is_some() && !has_index(known);
            let is_renamed = known.name != call.name;
            let is_next =
                if is_closed { is_other || is_renamed } else { is_other && is_renamed && !known.name.is_empty() };
            !(has_name && is_next)
        } else if !has_name {
            if is_closed && !call.arguments.text.trim().is_empty() {
                // It can only be of a call without a name.
                return last.filter(|&at| {
                    self.calls.list.get(at).is_some_and(|last| last.name.is_empty() && !last.arguments.is_closed)
                });
            }
            id.is_none() || call.index.is_some() || !is_closed
        } else if known.name.is_empty() {
            known.server.is_none() && (id.is_none() || known.id.is_none())
        } else {
            // The same name once more, and an id that was not there before, or arguments that go on.
            let goes_on = has_index(known) && !call.arguments.text.is_empty();
            known.name == call.name && !is_closed && (id.is_none() || known.id.is_none() || goes_on)
        };
        goes_on.then_some(at)
    }

    fn is_last_open(&self) -> bool {
        self.calls.list.last().is_some_and(|last| !last.arguments.is_closed)
    }
}
