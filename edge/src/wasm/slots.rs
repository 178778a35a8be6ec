//! Values that the shim knows by number.

/// Values under small handles, which begin at 1.
pub struct Slots<T>(Vec<Option<T>>);

impl<T> Slots<T> {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn insert(&mut self, value: T) -> u32 {
        let index = self.0.iter().position(Option::is_none).unwrap_or_else(|| {
            self.0.push(None);
            self.0.len() - 1
        });
        if let Some(slot) = self.0.get_mut(index) {
            *slot = Some(value);
        }
        index as u32 + 1
    }

    pub fn get(&self, handle: u32) -> Option<&T> {
        self.0.get((handle as usize).checked_sub(1)?)?.as_ref()
    }

    pub fn get_mut(&mut self, handle: u32) -> Option<&mut T> {
        self.0.get_mut((handle as usize).checked_sub(1)?)?.as_mut()
    }

    pub fn remove(&mut self, handle: u32) {
        if let Some(slot) = (handle as usize).checked_sub(1).and_then(|index| self.0.get_mut(index)) {
            *slot = None;
        }
    }
}
