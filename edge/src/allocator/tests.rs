use super::{CHUNK, Grow, Pool, UNIT};
use core::cell::Cell;
use core::ptr::NonNull;
use proptest::prelude::*;

const PAGE: usize = 64 * 1024;

type Source = fn(usize) -> Option<(NonNull<u8>, usize)>;

impl Grow for Source {
    fn grow(&self, least: usize) -> Option<(NonNull<u8>, usize)> {
        self(least)
    }
}

/// Fresh pages, which nobody gives back: tests are short.
fn grow(least: usize) -> Option<(NonNull<u8>, usize)> {
    let length = least.next_multiple_of(PAGE);
    let memory = vec![0u128; length / 16].leak();
    Some((NonNull::from(memory).cast(), length))
}

/// What a module's memory may grow to here.
const MOST: usize = 256 * 1024 * 1024;

thread_local! {
    static MEMORY: NonNull<u8> = NonNull::from(vec![0u128; MOST / 16].leak()).cast();
    static GROWN: Cell<usize> = const { Cell::new(0) };
}

/// As a module's memory grows: where it ended.
fn contiguous(least: usize) -> Option<(NonNull<u8>, usize)> {
    let (start, length) = (GROWN.get(), least.next_multiple_of(PAGE));
    if start + length > MOST {
        return None;
    }
    GROWN.set(start + length);
    let block = MEMORY.with(|memory| memory.as_ptr().wrapping_add(start));
    Some((NonNull::new(block)?, length))
}

fn exhausted(_: usize) -> Option<(NonNull<u8>, usize)> {
    None
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Take(usize),
    Give(prop::sample::Index),
    Resize(prop::sample::Index, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![0usize..2000, 0usize..20_000];
    let which = || any::<prop::sample::Index>();
    prop_oneof![
        size().prop_map(Step::Take),
        which().prop_map(Step::Give),
        (which(), size()).prop_map(|(which, size)| Step::Resize(which, size)),
    ]
}

/// A block that is held, with the byte that fills it.
struct Held {
    block: *mut u8,
    size: usize,
    mark: u8,
}

impl Held {
    fn is_intact(&self, size: usize) -> bool {
        // SAFETY: the block is held and was filled.
        (0..size.min(self.size)).all(|at| unsafe { *self.block.add(at) } == self.mark)
    }

    fn fill(self) -> Self {
        // SAFETY: the block is ours, and `size` bytes long.
        unsafe { self.block.write_bytes(self.mark, self.size) };
        self
    }
}

proptest! {
    #[test]
    fn blocks_never_overlap_and_keep_what_is_written(steps in proptest::collection::vec(step(), 1..200)) {
        let mut pool = Pool::new(grow as Source);
        let mut held: Vec<Held> = Vec::new();
        for (count, step) in steps.into_iter().enumerate() {
            match step {
                Step::Take(size) => {
                    let block = pool.take(size);
                    prop_assert!(!block.is_null() && block.addr().is_multiple_of(UNIT));
                    held.push(Held { block, size, mark: count as u8 }.fill());
                }
                Step::Give(_) | Step::Resize(..) if held.is_empty() => {}
                Step::Give(which) => {
                    let given = held.swap_remove(which.index(held.len()));
                    prop_assert!(given.is_intact(given.size), "a block was written to by another");
                    // SAFETY: the block is held no longer.
                    unsafe { pool.give(given.block, given.size) };
                }
                Step::Resize(which, size) => {
                    let old = held.swap_remove(which.index(held.len()));
                    // SAFETY: the block is held no longer.
                    let block = unsafe { pool.resize(old.block, old.size, size) };
                    let new = Held { block, ..old };
                    prop_assert!(new.is_intact(size), "resizing keeps what is there");
                    held.push(Held { size, ..new }.fill());
                }
            }
        }
    }
}

#[test]
fn freed_neighbours_become_one_block_in_any_order() {
    for order in [[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1]] {
        let mut pool = Pool::new(grow as Source);
        let first: Vec<_> = (0..3).map(|_| pool.take(PAGE / 4)).collect();
        let rest = pool.take(PAGE / 4);
        for index in order {
            // SAFETY: each is given back once.
            unsafe { pool.give(first[index], PAGE / 4) };
        }
        pool.grow = exhausted;
        assert!(!pool.take(3 * PAGE / 4).is_null(), "{order:?}");
        assert!(pool.take(UNIT * 100).is_null(), "all of it is in use");
        assert!(!rest.is_null());
    }
}

#[test]
fn small_blocks_are_used_again_and_none_is_handed_out_without_memory() {
    let mut pool = Pool::new(grow as Source);
    let block = pool.take(100);
    // SAFETY: given back once.
    unsafe { pool.give(block, 100) };
    assert_eq!(pool.take(128), block);
    let taken = (0..).take_while(|_| {
        pool.grow = exhausted;
        !pool.take(1024).is_null()
    });
    assert_eq!(taken.count(), (PAGE - CHUNK) / 1024);
    assert!(pool.take(usize::MAX).is_null());
}

#[test]
fn thousands_of_sites_one_after_the_other_take_the_memory_of_a_few() {
    const HELD: usize = 8;
    const LARGEST: usize = 1_800_000;
    let mut pool = Pool::new(contiguous as Source);
    let mut sites: Vec<(*mut u8, usize)> = Vec::new();
    for round in 0..5_000usize {
        if sites.len() == HELD {
            let (block, size) = sites.remove(round * 5 % HELD);
            // SAFETY: taken out of what is held.
            unsafe { pool.give(block, size) };
        }
        let size = 1 + round * 7_919 * 31 % LARGEST;
        sites.push((pool.take(size), size));
        // What a request takes and gives back meanwhile.
        let parts: Vec<_> = [24, 900, 3_000, 70_000].map(|size| (pool.take(size), size)).into();
        for (block, size) in parts {
            // SAFETY: given back once.
            unsafe { pool.give(block, size) };
        }
    }
    assert!(GROWN.get() < 2 * HELD * LARGEST, "{} bytes", GROWN.get());
}
