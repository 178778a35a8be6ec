//! How many connections there may be: in all, and from one address.
//!
//! A connection beyond is closed before anything is read from it. It costs an accept, and those who are there go on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connections of all threads.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    most_per_address: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place. Dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    pub(super) fn new(most: usize, most_per_address: usize) -> Self {
        Self { most, most_per_address, counts: Mutex::default() }
    }

    /// Returns a place for a connection from `address`, `None` when there is none left.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = counted_as(address);
        let mut counts = self.counts();
        if counts.all >= self.most {
            return None;
        }
        let from_here = counts.by_address.entry(address).or_default();
        if *from_here >= self.most_per_address {
            return None;
        }
        *from_here += 1;
        counts.all += 1;
        Some(Place { crowd: Arc::clone(self), address })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        counts.all = counts.all.saturating_sub(1);
        if let Some(from_here) = counts.by_address.get_mut(&self.address) {
            *from_here = from_here.saturating_sub(1);
            if *from_here == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// Whoever has an IPv6 address has at least the 2⁶⁴ that begin alike.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_by_address_and_come_back() {
        let crowd = Arc::new(Crowd::new(3, 2));
        let admit = |address: &str| crowd.admit(address.parse().expect("an address"));
        let first = admit("10.0.0.1").expect("a place");
        let second = admit("::ffff:10.0.0.1").expect("a place");
        assert!(admit("10.0.0.1").is_none(), "its two are taken");
        let third = admit("2001:db8::1").expect("a place");
        assert!(admit("10.0.0.2").is_none(), "all are taken");
        drop(second);
        let fourth = admit("2001:db8::ffff:2").expect("a place");
        drop(first);
        assert!(admit("2001:db8::3").is_none(), "one network, one count");
        assert!(admit("2001:db8:0:1::3").is_some());
        drop((third, fourth));
        assert!(crowd.counts().by_address.is_empty() && crowd.counts().all == 0);
    }
}
