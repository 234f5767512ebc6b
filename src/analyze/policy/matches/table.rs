//! From a string to a number, fast: each evaluation asks some eight times.

/// A hash table from strings to numbers, built once: open addressing, at most half full.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Bit `n` is set if a key has the length `n` modulo 64. Most strings that are not in the table are told apart by
    /// that alone.
    lengths: u64,
    mask: usize,
    slots: Vec<Option<Slot>>,
}

#[derive(Debug, Clone)]
struct Slot {
    hash: u64,
    key: Box<str>,
    value: u32,
}

impl Table {
    /// A table of these pairs, whose keys must differ.
    pub(super) fn new(entries: &[(&str, u32)]) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        let size = (entries.len() * 2).next_power_of_two();
        let mut table = Self { lengths: 0, mask: size - 1, slots: vec![None; size] };
        for &(key, value) in entries {
            table.lengths |= length_bit(key.len());
            let hash = hash(key.as_bytes());
            let mut at = start(hash);
            while let Some(slot) = table.slots.get_mut(at & table.mask) {
                if slot.is_none() {
                    *slot = Some(Slot { hash, key: key.into(), value });
                    break;
                }
                at = at.wrapping_add(1);
            }
        }
        table
    }

    /// Whether a key of this length may be in the table.
    #[inline]
    pub(super) fn may_have_length(&self, length: usize) -> bool {
        self.lengths & length_bit(length) != 0
    }

    /// The number at the key.
    #[inline]
    pub(super) fn get(&self, key: &str) -> Option<u32> {
        if !self.may_have_length(key.len()) {
            return None;
        }
        let hash = hash(key.as_bytes());
        let mut at = start(hash);
        loop {
            let slot = self.slots.get(at & self.mask)?.as_ref()?;
            if slot.hash == hash && *slot.key == *key {
                return Some(slot.value);
            }
            at = at.wrapping_add(1);
        }
    }
}

#[inline]
fn length_bit(length: usize) -> u64 {
    1 << (length % 64)
}

/// The low bits of a hash, where the search begins.
#[expect(clippy::cast_possible_truncation, reason = "any bits of the hash do")]
#[inline]
fn start(hash: u64) -> usize {
    hash as usize
}

/// Numbers without a pattern, digits of pi.
const SEEDS: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0];

/// A multiply-and-fold hash over all bytes, eight or sixteen at a time. It need not withstand an attacker: whoever writes
/// the policy can as well write a long one.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    let [seed, left, right] = SEEDS;
    let mut state = seed ^ bytes.len() as u64;
    let (first, last) = if let (17.., Some(end)) = (bytes.len(), bytes.last_chunk()) {
        // What the last sixteen bytes have in common with these is hashed twice, which does no harm.
        for chunk in bytes.as_chunks().0 {
            let (first, last) = halves(chunk);
            state = fold(first ^ state ^ left, last ^ right);
        }
        halves(end)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
    } else {
        match *bytes {
            [] => (0, 0),
            [only] => (only.into(), 0),
            [first, .., last] => {
                let middle = bytes.get(1).copied().unwrap_or(0);
                (u64::from(first) << 8 | u64::from(middle), last.into())
            }
        }
    };
    fold(first ^ state ^ left, last ^ right)
}

#[inline]
fn halves(bytes: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(*bytes);
    (truncate(both), truncate(both >> 64))
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
