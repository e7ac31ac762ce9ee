//! What std would provide to a WebAssembly module: an allocator, a panic handler, and the canonical ABI's allocation
//! function. Without std the component imports no `wasi:cli` and starts in a quarter of the time.
//!
//! Natively it is empty.

#![cfg(target_family = "wasm")]
#![no_std]

extern crate alloc;

use alloc::alloc::{GlobalAlloc, Layout, alloc, realloc};
use core::arch::wasm32;
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Memory)));

struct Heap(UnsafeCell<Dlmalloc<Memory>>);

// SAFETY: there is one thread.
unsafe impl Sync for Heap {}

// SAFETY: dlmalloc keeps these promises. Only one reference to it lives at a time: it calls nothing but `Memory`, which
// allocates nothing.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the caller passes what `alloc` gave.
        unsafe { (*self.0.get()).free(block, layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; the caller passes what `alloc` gave.
        unsafe { (*self.0.get()).realloc(block, layout.size(), layout.align(), size) }
    }
}

/// Where the heap lies: first in what the linker leaves free of the initial memory, then in what the memory grows by.
/// dlmalloc's own would only grow it, and for that a host has to ask its system, in each call anew.
struct Memory;

/// What WebAssembly's memory grows by.
const PAGE: usize = 64 << 10;

unsafe extern "C" {
    static __heap_base: u8;
    static __heap_end: u8;
}

// SAFETY: no two regions overlap. The first ends where the memory did before it grew, and is given once.
unsafe impl Allocator for Memory {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        static IS_GIVEN: AtomicBool = AtomicBool::new(false);
        let base = (&raw const __heap_base).addr();
        let free = (&raw const __heap_end).addr() - base;
        if free >= size && !IS_GIVEN.swap(true, Ordering::Relaxed) {
            return (ptr::with_exposed_provenance_mut(base), free, 0);
        }
        let pages = size.div_ceil(PAGE);
        match wasm32::memory_grow::<0>(pages) {
            usize::MAX => (ptr::null_mut(), 0, 0),
            // The end of a region is an address too, also where that of the memory is the last there is.
            at => (ptr::with_exposed_provenance_mut(at * PAGE), (pages * PAGE).min(usize::MAX - 15 - at * PAGE), 0),
        }
    }

    // A WebAssembly memory gives nothing back.

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}

// `memcpy` and its kin: without the standard library nobody else asks for the C library.
#[link(name = "c")]
unsafe extern "C" {}

/// A panic is a bug: it traps, and the host throws the instance away.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Gives the host memory for what it passes in.
///
/// # Safety
/// The canonical ABI calls this with a pointer that came from here and its true length and alignment, or with a
/// length of zero.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
    if new_len == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    // SAFETY: the canonical ABI passes a power of two as the alignment, sizes below 2 GiB, and in `old` only what this
    // function returned for `old_len` and `align`.
    let new = unsafe {
        if old_len == 0 {
            alloc(Layout::from_size_align_unchecked(new_len, align))
        } else {
            realloc(old, Layout::from_size_align_unchecked(old_len, align), new_len)
        }
    };
    if new.is_null() {
        core::arch::wasm32::unreachable()
    }
    new
}
