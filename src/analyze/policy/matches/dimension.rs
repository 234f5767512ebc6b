//! One property of requests, such as the verb: which rows accept each of its values.

use std::collections::BTreeMap;

use super::table::Table;

/// A set of rows: bit `n % 64` of word `n / 64` is row `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bits<const W: usize>([u64; W]);

impl<const W: usize> Bits<W> {
    /// How many rows a set can tell apart.
    pub(super) const ROWS: usize = W * 64;

    pub(super) fn none() -> Self {
        Self([0; W])
    }

    pub(super) fn insert(&mut self, row: usize) {
        if let Some(word) = self.0.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    #[inline]
    pub(super) fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    #[inline]
    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    #[inline]
    pub(super) fn first(&self) -> Option<usize> {
        let at = self.0.iter().position(|word| *word != 0)?;
        self.0.get(at).map(|word| at * 64 + word.trailing_zeros() as usize)
    }

    fn of(rows: &[usize]) -> Self {
        let mut bits = Self::none();
        for row in rows {
            bits.insert(*row);
        }
        bits
    }
}

/// The sets that a dimension's values lead to, each kept once: a policy that lists a thousand users in one rule has a
/// thousand constants but one set. The first, 0, is that of values never mentioned.
#[derive(Debug)]
struct Sets<const W: usize> {
    list: Vec<Bits<W>>,
    known: BTreeMap<Bits<W>, u32>,
}

impl<const W: usize> Sets<W> {
    fn new(any: Bits<W>) -> Self {
        Self { list: vec![any], known: BTreeMap::new() }
    }

    fn number(&mut self, bits: Bits<W>) -> u32 {
        *self.known.entry(bits).or_insert_with(|| {
            self.list.push(bits);
            u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

/// The values of one property that rows ask for, and the rows that accept each.
#[derive(Debug, Clone)]
pub(super) struct Dimension<const W: usize> {
    table: Table,
    sets: Vec<Bits<W>>,
    /// Rows that do not ask for this property. They are in every set, and are the set 0.
    any: Bits<W>,
}

/// A dimension while it is being put together.
#[derive(Debug)]
pub(super) struct DimensionBuilder<'p> {
    constants: BTreeMap<&'p str, Vec<usize>>,
    any: Vec<usize>,
}

impl<'p> DimensionBuilder<'p> {
    pub(super) fn new() -> Self {
        Self { constants: BTreeMap::new(), any: Vec::new() }
    }

    /// The row accepts every value.
    pub(super) fn any(&mut self, row: usize) {
        self.any.push(row);
    }

    /// The row accepts this value, beside others it was added with.
    pub(super) fn constant(&mut self, row: usize, constant: &'p str) {
        self.constants.entry(constant).or_default().push(row);
    }

    /// The row accepts these values, or every one if there are none: an empty list in a rule means any.
    pub(super) fn list(&mut self, row: usize, constants: &'p [String]) {
        if constants.is_empty() {
            self.any(row);
        }
        for constant in constants {
            self.constant(row, constant);
        }
    }

    pub(super) fn build<const W: usize>(self) -> Dimension<W> {
        let any = Bits::of(&self.any);
        let mut sets = Sets::new(any);
        let entries: Vec<(&str, u32)> = self
            .constants
            .iter()
            .map(|(constant, rows)| {
                let mut bits = Bits::of(rows);
                bits.add(&any);
                (*constant, sets.number(bits))
            })
            .collect();
        Dimension { table: Table::new(&entries), sets: sets.list, any }
    }
}

impl<const W: usize> Dimension<W> {
    /// The rows that accept any value, and with it those that a value never mentioned satisfies.
    #[inline]
    pub(super) fn any(&self) -> &Bits<W> {
        &self.any
    }

    /// The rows that the value satisfies.
    #[inline]
    pub(super) fn of(&self, value: &str) -> &Bits<W> {
        set(&self.sets, self.table.get(value.as_bytes())).unwrap_or(&self.any)
    }

    /// The rows that one of the values at least satisfies.
    #[inline]
    pub(super) fn of_any<S: AsRef<str>>(&self, values: &[S]) -> Bits<W> {
        let mut bits = self.any;
        for value in values {
            self.add(value.as_ref(), &mut bits);
        }
        bits
    }

    /// Adds the rows that the value satisfies because they mention it.
    #[inline]
    pub(super) fn add(&self, value: &str, bits: &mut Bits<W>) {
        let number = self.table.get(value.as_bytes());
        // One word is added sooner than it is known whether it must be.
        if W == 1 || number != 0 {
            bits.add(set(&self.sets, number).unwrap_or(&self.any));
        }
    }

    /// The rows that `left/right` satisfies.
    #[inline]
    pub(super) fn of_joined(&self, left: &str, right: &str) -> &Bits<W> {
        if !self.table.may_have_length(left.len() + 1 + right.len()) {
            return &self.any;
        }
        // Real resources fit; the rest may take the time to allocate.
        let mut buffer = [0_u8; 64];
        let number = match join(&mut buffer, left, right) {
            Some(joined) => self.table.get(joined),
            None => self.table.get(format!("{left}/{right}").as_bytes()),
        };
        set(&self.sets, number).unwrap_or(&self.any)
    }
}

#[inline]
fn set<const W: usize>(sets: &[Bits<W>], number: u32) -> Option<&Bits<W>> {
    sets.get(usize::try_from(number).ok()?)
}

fn join<'b>(buffer: &'b mut [u8; 64], left: &str, right: &str) -> Option<&'b [u8]> {
    let length = left.len() + 1 + right.len();
    let filled = buffer.get_mut(..length)?;
    let (start, rest) = filled.split_at_mut_checked(left.len())?;
    start.copy_from_slice(left.as_bytes());
    let (slash, end) = rest.split_first_mut()?;
    *slash = b'/';
    end.copy_from_slice(right.as_bytes());
    Some(filled)
}

/// Paths, exact or up to a trailing `*`.
///
/// Of the prefixes of a path only the longest is looked for: its set already has what the shorter ones add, and that of an
/// exact path has what its prefixes add.
#[derive(Debug, Clone)]
pub(super) struct Paths<const W: usize> {
    exact: Table,
    sets: Vec<Bits<W>>,
    prefixes: Vec<Prefix>,
    any: Bits<W>,
}

#[derive(Debug, Clone)]
struct Prefix {
    text: Box<str>,
    /// The longest other prefix that this one begins with.
    parent: Option<usize>,
    set: u32,
}

/// Paths while they are being put together.
#[derive(Debug)]
pub(super) struct PathsBuilder<'p> {
    exact: BTreeMap<&'p str, Vec<usize>>,
    prefixes: BTreeMap<&'p str, Vec<usize>>,
    any: Vec<usize>,
}

impl<'p> PathsBuilder<'p> {
    pub(super) fn new() -> Self {
        Self { exact: BTreeMap::new(), prefixes: BTreeMap::new(), any: Vec::new() }
    }

    /// The row accepts these paths, or every one if there are none. `pathMatches`: `*` is everything, a trailing `*` (all
    /// of them, if there are several) makes a prefix of what stands before, and anything is also itself.
    pub(super) fn list(&mut self, row: usize, specs: &'p [String]) {
        if specs.is_empty() {
            self.any.push(row);
        }
        for spec in specs {
            let prefix = spec.trim_end_matches('*');
            if prefix.len() == spec.len() {
                self.exact.entry(spec).or_default().push(row);
            } else if prefix.is_empty() {
                self.any.push(row);
            } else {
                self.prefixes.entry(prefix).or_default().push(row);
            }
        }
    }

    pub(super) fn build<const W: usize>(self) -> Paths<W> {
        let any = Bits::of(&self.any);
        let mut sets = Sets::new(any);
        let mut paths = Paths { exact: Table::default(), sets: Vec::new(), prefixes: Vec::new(), any };
        // In sorted order a prefix comes before all that begin with it.
        for (text, rows) in &self.prefixes {
            let parent = paths.longest_prefix(text);
            let mut bits = Bits::of(rows);
            bits.add(paths.set_of(parent, &sets.list));
            let prefix = Prefix { text: (*text).into(), parent, set: sets.number(bits) };
            paths.prefixes.push(prefix);
        }
        let mut entries = Vec::new();
        for (text, rows) in &self.exact {
            let mut bits = Bits::of(rows);
            bits.add(paths.set_of(paths.longest_prefix(text), &sets.list));
            entries.push((*text, sets.number(bits)));
        }
        paths.exact = Table::new(&entries);
        paths.sets = sets.list;
        paths
    }
}

impl<const W: usize> Paths<W> {
    /// The rows that the path satisfies.
    #[inline]
    pub(super) fn of(&self, path: &str) -> &Bits<W> {
        match self.exact.get(path.as_bytes()) {
            0 => self.set_of(self.longest_prefix(path), &self.sets),
            number => set(&self.sets, number).unwrap_or(&self.any),
        }
    }

    fn set_of<'s>(&'s self, prefix: Option<usize>, sets: &'s [Bits<W>]) -> &'s Bits<W> {
        prefix
            .and_then(|at| self.prefixes.get(at))
            .and_then(|prefix| set(sets, prefix.set))
            .unwrap_or(&self.any)
    }

    /// The longest prefix that the path begins with. Whatever stands between it and the path in sorted order begins with it
    /// too, so it is found from the path's place by going from each prefix to the longest that this one begins with.
    fn longest_prefix(&self, path: &str) -> Option<usize> {
        let mut at = self.prefixes.partition_point(|prefix| *prefix.text <= *path).checked_sub(1);
        while let Some(prefix) = at.and_then(|at| self.prefixes.get(at)) {
            if path.starts_with(&*prefix.text) {
                break;
            }
            at = prefix.parent;
        }
        at
    }
}
