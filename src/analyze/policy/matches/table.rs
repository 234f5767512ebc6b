//! From a string to a number, fast: each evaluation asks some eight times.
//!
//! With few rules, what costs time is what the processor cannot foresee: whether a string is there, and how long it is. So
//! a string is first brought into a form of fixed size, which for short strings is all of it, and is compared with a fixed
//! number of places without a branch.

/// A hash table from strings to numbers above 0, built once.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Bit `n` is set if a key has the length `n` modulo 64. Most long strings that are not there need no more than that.
    lengths: u64,
    mask: usize,
    seed: u64,
    slots: Vec<Slot>,
    /// In how many slots after its own a key can be. Small tables have as many slots as it takes to make this none.
    reach: usize,
    /// What a string that is not there leads to.
    missing: Slot,
    /// Long keys whose digest another key has already. Only made on purpose.
    colliding: Vec<(Box<[u8]>, u32)>,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    digest: Digest,
    value: u32,
    /// The key, if it is long.
    long: Box<[u8]>,
}

/// A string of up to sixteen bytes, or length, hash and end of a longer one. No string is like an empty slot, because the
/// length is counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Digest {
    length: usize,
    first: u64,
    last: u64,
}

/// The greatest length of strings that a digest holds whole.
const SHORT: usize = 16;

/// Numbers without a pattern, digits of pi.
const LEFT: u64 = 0x1319_8a2e_0370_7344;
const RIGHT: u64 = 0xa409_3822_299f_31d0;

impl Table {
    /// A table of these pairs, whose keys must differ and whose numbers must not be 0.
    pub(super) fn new(entries: &[(&str, u32)]) -> Self {
        let size = (entries.len() * 4).next_power_of_two();
        let mut best = Self::default();
        for attempt in 0..16_u32 {
            // Doubling a small table costs nothing; in a large one the next slots are as good.
            let size = if entries.len() <= 64 { size << (attempt / 4) } else { size };
            let table = Self::placed(entries, size, u64::from(attempt).wrapping_mul(LEFT));
            if attempt == 0 || table.reach < best.reach {
                best = table;
            }
            if best.reach == 0 {
                break;
            }
        }
        best
    }

    fn placed(entries: &[(&str, u32)], size: usize, seed: u64) -> Self {
        let mut table = Self::default();
        if entries.is_empty() {
            return table;
        }
        (table.mask, table.seed, table.slots) = (size - 1, seed, vec![Slot::default(); size]);
        for &(key, value) in entries {
            table.lengths |= length_bit(key.len());
            let digest = Digest::of(key.as_bytes());
            let long: Box<[u8]> = if key.len() > SHORT { key.as_bytes().into() } else { Box::default() };
            let start = digest.start(seed);
            for distance in 0..size {
                let Some(slot) = table.slots.get_mut(start.wrapping_add(distance) & table.mask) else {
                    break;
                };
                if slot.digest == digest {
                    table.colliding.push((long, value));
                    break;
                }
                if slot.value == 0 {
                    *slot = Slot { digest, value, long };
                    table.reach = table.reach.max(distance);
                    break;
                }
            }
        }
        table
    }

    /// Whether a key of this length may be in the table.
    #[inline]
    pub(super) fn may_have_length(&self, length: usize) -> bool {
        self.lengths & length_bit(length) != 0
    }

    /// The number at the key, or 0.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> u32 {
        if self.slots.is_empty() || key.len() > SHORT && !self.may_have_length(key.len()) {
            return 0;
        }
        let digest = Digest::of(key);
        let start = digest.start(self.seed);
        let mut found = &self.missing;
        for distance in 0..=self.reach {
            if let Some(slot) = self.slots.get(start.wrapping_add(distance) & self.mask) {
                found = if slot.digest.is(&digest) { slot } else { found };
            }
        }
        if key.len() > SHORT && found.value != 0 && *found.long != *key {
            return self.colliding(key);
        }
        found.value
    }

    #[cold]
    fn colliding(&self, key: &[u8]) -> u32 {
        self.colliding.iter().find(|(other, _)| **other == *key).map_or(0, |(_, value)| *value)
    }
}

#[inline]
fn length_bit(length: usize) -> u64 {
    1 << (length % 64)
}

impl Digest {
    #[inline]
    fn of(key: &[u8]) -> Self {
        let (first, last) = if let (Some(first), Some(last)) = (key.first_chunk::<8>(), key.last_chunk::<8>())
        {
            let last = u64::from_le_bytes(*last);
            (if key.len() > SHORT { hash(key) } else { u64::from_le_bytes(*first) }, last)
        } else if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
        } else {
            match *key {
                [] => (0, 0),
                // Two are also first, middle and last: the middle is then the last.
                [first, .., last] => {
                    (first.into(), u64::from(last) << 8 | u64::from(key.get(1).copied().unwrap_or(0)))
                }
                [only] => (only.into(), 0),
            }
        };
        Self { length: key.len().wrapping_add(1), first, last }
    }

    /// Equality without a branch.
    #[inline]
    fn is(&self, other: &Self) -> bool {
        let length = (self.length ^ other.length) as u64;
        length | (self.first ^ other.first) | (self.last ^ other.last) == 0
    }

    /// Where the search begins.
    #[expect(clippy::cast_possible_truncation, reason = "the low bits of the hash do")]
    #[inline]
    fn start(&self, seed: u64) -> usize {
        fold(self.first ^ seed ^ self.length as u64 ^ LEFT, self.last ^ RIGHT) as usize
    }
}

/// A multiply-and-fold hash over all bytes of a string of more than sixteen.
#[inline]
fn hash(key: &[u8]) -> u64 {
    let mut state = 0;
    // What the last sixteen bytes have in common with the others is hashed twice, which does no harm.
    for chunk in key.as_chunks().0.iter().chain(key.last_chunk()) {
        let both = u128::from_le_bytes(*chunk) ^ u128::from(state);
        state = fold(truncate(both) ^ LEFT, truncate(both >> 64) ^ RIGHT);
    }
    state
}

/// Both halves of a product, on top of each other.
#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    truncate(product) ^ truncate(product >> 64)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
#[inline]
fn truncate(number: u128) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_all_of_a_short_string() {
        let all = [
            "", "\0", "\0\0", "\0\0\0", "a", "aa", "ab", "ba", "aab", "aba", "baa", "abc", "abca", "abcdefgh",
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[..at] {
                assert_ne!(Digest::of(one.as_bytes()), Digest::of(other.as_bytes()), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_digest_that_another_key_has_decides_nothing() {
        let key = "system:serviceaccount:dev:builder";
        let mut table = Table::new(&[(key, 1)]);
        assert_eq!(table.get(key.as_bytes()), 1);
        table.slots.iter_mut().for_each(|slot| slot.long = Box::from(*b"another"));
        assert_eq!(table.get(key.as_bytes()), 0);
        table.colliding.push((key.as_bytes().into(), 2));
        assert_eq!(table.get(key.as_bytes()), 2);
    }
}
