//! A buffer with a bound that forgets its oldest entries and counts them.
//!
//! Owns nothing but that rule: whoever shows the buffer shows `dropped` too.

use std::collections::VecDeque;

/// A first-in first-out buffer bounded by entries and by a caller-measured size in bytes.
#[derive(Debug, Clone)]
pub struct Ring<T> {
    entries: VecDeque<(T, usize)>,
    max_entries: usize,
    max_bytes: usize,
    bytes: usize,
    dropped: u64,
}

impl<T> Ring<T> {
    /// A buffer of at most `max_entries` entries and `max_bytes` bytes.
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), max_entries, max_bytes, bytes: 0, dropped: 0 }
    }

    /// Appends; drops the oldest entries until both bounds hold. The newest entry always stays.
    pub fn push(&mut self, entry: T, bytes: usize) {
        self.entries.push_back((entry, bytes));
        self.bytes += bytes;
        while self.entries.len() > 1 && (self.entries.len() > self.max_entries || self.bytes > self.max_bytes) {
            if let Some((_, size)) = self.entries.pop_front() {
                self.bytes -= size;
                self.dropped += 1;
            }
        }
    }

    /// How many entries are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held, as measured by the caller.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many entries were forgotten since the start or the last `clear`.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The entry at `index`, 0 being the oldest that is held.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.entries.get(index).map(|(e, _)| e)
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.entries.iter().map(|(e, _)| e)
    }

    /// Forgets everything, the count of dropped entries included.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.dropped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut ring = Ring::new(3, 100);
        for n in 0..5 {
            ring.push(n, 10);
        }
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!((ring.dropped(), ring.bytes()), (2, 30));
        ring.push(9, 95);
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [9]);
    }
}
