//! Makes bytes of the text by which a module stands in the one-file bundle.
//!
//! It is a module of its own because it runs once, in an isolate that has just begun: there the engine still interprets
//! JavaScript, which takes it several times as long. The shim writes a text to [`input`], calls [`unpack`], and reads what
//! [`output`] leads to.

#![no_std]

mod inflate;
mod text;

/// More than the longest text, and than the largest module that scripts/build-edge lets pass.
const MOST: usize = 128 * 1024;

static mut TEXT: [u8; MOST] = [0; MOST];
static mut BYTES: [u8; MOST] = [0; MOST];

/// Where the text is to be written.
#[unsafe(no_mangle)]
pub extern "C" fn input() -> *const u8 {
    &raw const TEXT as *const u8
}

/// Where the bytes lie.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    &raw const BYTES as *const u8
}

/// Unpacks a text of so many characters; returns the number of bytes. Traps on a text that the build did not make.
#[unsafe(no_mangle)]
pub extern "C" fn unpack(length: usize) -> usize {
    // SAFETY: there is one thread, and nobody else has a reference to either.
    let (text, bytes) = unsafe { (&mut *&raw mut TEXT, &mut *&raw mut BYTES) };
    let packed = text::decode(text, length);
    inflate::inflate(&text[..packed], bytes)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
