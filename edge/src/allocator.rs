//! The routine's memory: a tenth of the standard allocator's size, which was a tenth of the routine's.
//!
//! Small blocks come in sizes of powers of two and are kept by size, so that what a request needs is found in a few
//! instructions. Larger ones, the site blobs above all, lie in a list by address and are joined with their neighbours when
//! they are freed, so that room for one blob can become room for the next.
#![expect(unsafe_code, reason = "an allocator hands out memory")]

use core::mem::size_of;
use core::ptr::{NonNull, null_mut};

/// Every block begins at a multiple of this, and is as long as one.
const UNIT: usize = 16;
/// Sizes of small blocks: 16, 32, … 1024.
const CLASSES: usize = 7;
/// What small blocks are cut from.
const CHUNK: usize = 16 * 1024;

/// A free block of any kind.
struct Free {
    next: *mut Free,
    /// In bytes; of no meaning for small ones, which are all as long as their class says.
    size: usize,
}

const _: () = assert!(size_of::<Free>() <= UNIT);

/// Where memory comes from.
pub trait Grow {
    /// More memory: at least so many bytes, from a multiple of the unit on, and how many they are. `None` when there is none.
    fn grow(&self, least: usize) -> Option<(NonNull<u8>, usize)>;
}

/// The free memory of the routine.
pub struct Pool<G> {
    small: [*mut Free; CLASSES],
    /// By address.
    large: *mut Free,
    grow: G,
}

impl<G: Grow> Pool<G> {
    pub const fn new(grow: G) -> Self {
        Self { small: [null_mut(); CLASSES], large: null_mut(), grow }
    }

    /// Returns a block of at least `size` bytes, or null.
    pub fn take(&mut self, size: usize) -> *mut u8 {
        match class_of(size) {
            Some(class) => self.take_small(class),
            None => match size.checked_next_multiple_of(UNIT) {
                Some(size) => self.take_large(size),
                None => null_mut(),
            },
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `block` was handed out by [`Pool::take`] for the same `size`, and nobody uses it any more.
    pub unsafe fn give(&mut self, block: *mut u8, size: usize) {
        match class_of(size).and_then(|class| self.small.get_mut(class)) {
            // SAFETY: the block is ours again, and as long as its class, which a `Free` fits.
            Some(head) => unsafe { push(head, block) },
            None => unsafe { self.give_large(block.cast(), size.next_multiple_of(UNIT)) },
        }
    }

    /// Returns a block of at least `new` bytes that begins with what `block` held, or null, and then `block` stays as it is.
    ///
    /// # Safety
    /// As for [`Pool::give`], unless null is returned.
    pub unsafe fn resize(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        let length = |size| class_of(size).map_or(size.next_multiple_of(UNIT), |class| UNIT << class);
        if length(old) == length(new) {
            return block;
        }
        let moved = self.take(new);
        if !moved.is_null() {
            // SAFETY: the new block is another one and long enough; the old one is given back by its size.
            unsafe {
                moved.copy_from_nonoverlapping(block, old.min(new));
                self.give(block, old);
            }
        }
        moved
    }

    fn take_small(&mut self, class: usize) -> *mut u8 {
        loop {
            let Some(head) = self.small.get_mut(class) else { return null_mut() };
            if let Some(block) = NonNull::new(*head) {
                // SAFETY: what a list holds is free, and was written when it was given.
                *head = unsafe { block.as_ref().next };
                return block.as_ptr().cast();
            }
            let chunk = self.take_large(CHUNK);
            let Some(head) = self.small.get_mut(class).filter(|_| !chunk.is_null()) else { return null_mut() };
            for offset in (0..CHUNK).step_by(UNIT << class) {
                // SAFETY: the chunk is ours and as long as all of its blocks.
                unsafe { push(head, chunk.add(offset)) };
            }
        }
    }

    fn take_large(&mut self, size: usize) -> *mut u8 {
        loop {
            let mut place: *mut *mut Free = &raw mut self.large;
            // SAFETY: the list links free blocks that were written when they were given, and ends with null.
            unsafe {
                while let Some(mut block) = NonNull::new(*place) {
                    let found = block.as_mut();
                    if found.size >= size {
                        let rest = found.size - size;
                        if rest == 0 {
                            *place = found.next;
                            return block.as_ptr().cast();
                        }
                        // The end is handed out, so that the list stays as it is.
                        found.size = rest;
                        return block.as_ptr().cast::<u8>().add(rest);
                    }
                    place = &raw mut (*block.as_ptr()).next;
                }
            }
            let Some((memory, length)) = self.grow.grow(size) else { return null_mut() };
            // SAFETY: memory that was not there before is nobody else's.
            unsafe { self.give_large(memory.as_ptr().cast(), length) };
        }
    }

    unsafe fn give_large(&mut self, block: *mut Free, size: usize) {
        let mut before: *mut Free = null_mut();
        let mut after = self.large;
        // SAFETY: as in `take_large`; `block` is ours, aligned, and at least a unit long.
        unsafe {
            while !after.is_null() && after < block {
                before = after;
                after = (*after).next;
            }
            block.write(Free { next: after, size });
            if before.is_null() {
                self.large = block;
            } else {
                (*before).next = block;
                join(before);
            }
            join(if before.is_null() || (*before).next == block { block } else { before });
        }
    }
}

/// Joins a block with the next one when nothing lies between.
unsafe fn join(block: *mut Free) {
    // SAFETY: the caller's block is in the list, and so is its next one.
    unsafe {
        let next = (*block).next;
        if !next.is_null() && block.cast::<u8>().add((*block).size) == next.cast() {
            (*block).size += (*next).size;
            (*block).next = (*next).next;
        }
    }
}

unsafe fn push(head: &mut *mut Free, block: *mut u8) {
    let block = block.cast::<Free>();
    // SAFETY: the caller's block is free, aligned, and at least a unit long.
    unsafe { block.write(Free { next: *head, size: 0 }) };
    *head = block;
}

/// The class of small blocks for `size` bytes; `None` for larger ones.
fn class_of(size: usize) -> Option<usize> {
    let units = size.saturating_sub(1) / UNIT;
    let class = (usize::BITS - units.leading_zeros()) as usize;
    (class < CLASSES).then_some(class)
}

#[cfg(target_arch = "wasm32")]
mod global {
    use super::{Grow, NonNull, Pool};
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32::memory_grow;
    use core::cell::UnsafeCell;

    const PAGE: usize = 64 * 1024;

    struct Global(UnsafeCell<Pool<Pages>>);

    #[global_allocator]
    static GLOBAL: Global = Global(UnsafeCell::new(Pool::new(Pages)));

    struct Pages;

    impl Grow for Pages {
        fn grow(&self, least: usize) -> Option<(NonNull<u8>, usize)> {
            let pages = least.checked_next_multiple_of(PAGE)? / PAGE;
            let before = memory_grow(0, pages);
            let start = NonNull::new((before.checked_mul(PAGE)?) as *mut u8)?;
            (before != usize::MAX).then_some((start, pages * PAGE))
        }
    }

    // SAFETY: the routine has one thread.
    unsafe impl Sync for Global {}

    // SAFETY: blocks are distinct, long enough, and aligned to a unit; nothing in the routine asks for more.
    unsafe impl GlobalAlloc for Global {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: nothing else holds the pool, for taking calls nobody.
            unsafe { (*self.0.get()).take(layout.size()) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: the caller's promise.
            unsafe { (*self.0.get()).give(block, layout.size()) }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            // SAFETY: the caller's promise.
            unsafe { (*self.0.get()).resize(block, layout.size(), size) }
        }
    }
}

#[cfg(test)]
mod tests;
