//! What std would bring to a WebAssembly module: an allocator, a panic handler, and the canonical ABI's allocation
//! function. Without std the component imports no `wasi:cli` and starts in a quarter of the time.

use alloc::alloc::{Layout, alloc, realloc};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

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
