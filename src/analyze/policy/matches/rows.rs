//! The compiled form of rules.
//!
//! A rule about resources is as many rows as it has entries in `resources`, because group, resource and name must fit
//! within one entry. A row is matched if each of its dimensions is, so that the rows of a request are the intersection of
//! one set per dimension.

use super::super::{GroupResources, PolicyRule};
use super::dimension::{Bits, Dimension, DimensionBuilder, Paths, PathsBuilder};
use super::{AttributesRef, GroupWildcard};

/// The rules for one sort of request, in segments of bounded size, so that memory grows with the policy and not with its
/// square. Almost every policy is one segment of the narrowest size that holds it.
#[derive(Debug, Clone)]
pub(super) struct Plane<S, M, L> {
    segments: Vec<Segment<S, M, L>>,
}

/// The rules for requests about resources. The widths are words of 64 rows.
pub(super) type ResourcePlane = Plane<ResourceRows<1>, ResourceRows<8>, ResourceRows<32>>;

/// The rules for other requests.
pub(super) type PathPlane = Plane<PathRows<1>, PathRows<8>, PathRows<32>>;

#[derive(Debug, Clone)]
enum Segment<S, M, L> {
    Small(Box<S>),
    Medium(Box<M>),
    Large(Box<L>),
}

/// Compiled rows of a segment.
pub(super) trait Rows {
    /// How many rows fit.
    const CAPACITY: usize;

    /// The first rule that matches.
    fn first_match<G: AsRef<str>>(&self, attributes: &AttributesRef<'_, G>) -> Option<usize>;
}

impl<S: Rows, M: Rows, L: Rows> Plane<S, M, L> {
    /// Splits rows into segments and compiles each with the function for its size.
    fn new<R>(rows: &[R], small: fn(&[R]) -> S, medium: fn(&[R]) -> M, large: fn(&[R]) -> L) -> Self {
        let segments = rows.chunks(L::CAPACITY).map(|rows| {
            if rows.len() <= S::CAPACITY {
                Segment::Small(Box::new(small(rows)))
            } else if rows.len() <= M::CAPACITY {
                Segment::Medium(Box::new(medium(rows)))
            } else {
                Segment::Large(Box::new(large(rows)))
            }
        });
        Self { segments: segments.collect() }
    }

    /// The first rule that matches.
    #[inline]
    pub(super) fn first_match<G: AsRef<str>>(&self, attributes: &AttributesRef<'_, G>) -> Option<usize> {
        self.segments.iter().find_map(|segment| match segment {
            Segment::Small(rows) => rows.first_match(attributes),
            Segment::Medium(rows) => rows.first_match(attributes),
            Segment::Large(rows) => rows.first_match(attributes),
        })
    }
}

/// A rule and, of its `resources`, the entry that this row is for.
struct Row<'p> {
    index: usize,
    rule: &'p PolicyRule,
    entry: Option<&'p GroupResources>,
}

/// Rules that can match requests about resources. `ruleMatches`: one with paths cannot, unless it also has namespaces or
/// resources, which are looked at first.
pub(super) fn resource_plane(rules: &[PolicyRule], wildcard: GroupWildcard) -> ResourcePlane {
    let mut rows = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        if rule.resources.is_empty() {
            if !rule.namespaces.is_empty() || rule.non_resource_urls.is_empty() {
                rows.push(Row { index, rule, entry: None });
            }
        } else {
            rows.extend(rule.resources.iter().map(|entry| Row { index, rule, entry: Some(entry) }));
        }
    }
    match wildcard {
        GroupWildcard::Any => Plane::new(
            &rows,
            ResourceRows::with_wildcard,
            ResourceRows::with_wildcard,
            ResourceRows::with_wildcard,
        ),
        GroupWildcard::Literal => {
            Plane::new(&rows, ResourceRows::literal, ResourceRows::literal, ResourceRows::literal)
        }
    }
}

/// Rules that can match requests that are not about resources. `ruleMatches`: one with namespaces or resources cannot.
pub(super) fn path_plane(rules: &[PolicyRule]) -> PathPlane {
    let rows: Vec<Row> = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.namespaces.is_empty() && rule.resources.is_empty())
        .map(|(index, rule)| Row { index, rule, entry: None })
        .collect();
    Plane::new(&rows, PathRows::new, PathRows::new, PathRows::new)
}

/// Who sends a request and what they do: what rules of both sorts ask for.
#[derive(Debug, Clone)]
struct Senders<const W: usize> {
    rules: Vec<usize>,
    users: Dimension<W>,
    groups: Dimension<W>,
    verbs: Dimension<W>,
}

impl<const W: usize> Senders<W> {
    fn new(rows: &[Row]) -> Self {
        let (mut users, mut groups, mut verbs) =
            (DimensionBuilder::new(), DimensionBuilder::new(), DimensionBuilder::new());
        for (at, row) in rows.iter().enumerate() {
            users.list(at, &row.rule.users);
            groups.list(at, &row.rule.user_groups);
            verbs.list(at, &row.rule.verbs);
        }
        let rules = rows.iter().map(|row| row.index).collect();
        Self { rules, users: users.build(), groups: groups.build(), verbs: verbs.build() }
    }

    /// Keeps the rows that the sender satisfies, and says which rule is the first. A request without a user satisfies only
    /// rules that ask for neither users nor groups.
    #[inline]
    fn first_match<G: AsRef<str>>(
        &self,
        mut rows: Bits<W>,
        attributes: &AttributesRef<'_, G>,
    ) -> Option<usize> {
        rows.keep(self.verbs.of(attributes.verb));
        if let Some(user) = attributes.user {
            rows.keep(self.users.of(user));
            rows.keep(&self.groups.of_any(attributes.groups));
        } else {
            rows.keep(self.users.any());
            rows.keep(self.groups.any());
        }
        self.rules.get(rows.first()?).copied()
    }
}

/// Rows for requests about resources.
#[derive(Debug, Clone)]
pub(super) struct ResourceRows<const W: usize> {
    senders: Senders<W>,
    namespaces: Dimension<W>,
    api_groups: Dimension<W>,
    /// `resource` and `resource/subresource`.
    exact: Dimension<W>,
    /// `resource/*`, by resource.
    whole: Dimension<W>,
    /// `*/subresource`, by subresource.
    parts: Dimension<W>,
    names: Dimension<W>,
}

impl<const W: usize> ResourceRows<W> {
    fn with_wildcard(rows: &[Row]) -> Self {
        Self::new(rows, GroupWildcard::Any)
    }

    fn literal(rows: &[Row]) -> Self {
        Self::new(rows, GroupWildcard::Literal)
    }

    fn new(rows: &[Row], wildcard: GroupWildcard) -> Self {
        let (mut namespaces, mut api_groups, mut names) =
            (DimensionBuilder::new(), DimensionBuilder::new(), DimensionBuilder::new());
        let (mut exact, mut whole, mut parts) =
            (DimensionBuilder::new(), DimensionBuilder::new(), DimensionBuilder::new());
        for (at, row) in rows.iter().enumerate() {
            namespaces.list(at, &row.rule.namespaces);
            match row.entry {
                Some(entry) if wildcard == GroupWildcard::Literal || entry.group != "*" => {
                    api_groups.constant(at, &entry.group);
                }
                _ => api_groups.any(at),
            }
            let Some(entry) = row.entry.filter(|entry| !entry.resources.is_empty()) else {
                // Without resources an entry is its whole group, whatever names it has.
                exact.any(at);
                names.any(at);
                continue;
            };
            names.list(at, &entry.resource_names);
            for resource in &entry.resources {
                // `ruleMatchesResource`. One text can be all of these: `*/*` is the resource `*` with any subresource, and
                // the subresource `*` of any resource.
                if resource == "*" {
                    exact.any(at);
                }
                exact.constant(at, resource);
                if let Some(subresource) = resource.strip_prefix("*/") {
                    parts.constant(at, subresource);
                }
                if let Some(resource) = resource.strip_suffix("/*") {
                    whole.constant(at, resource);
                }
            }
        }
        Self {
            senders: Senders::new(rows),
            namespaces: namespaces.build(),
            api_groups: api_groups.build(),
            exact: exact.build(),
            whole: whole.build(),
            parts: parts.build(),
            names: names.build(),
        }
    }
}

impl<const W: usize> Rows for ResourceRows<W> {
    const CAPACITY: usize = Bits::<W>::ROWS;

    #[inline]
    fn first_match<G: AsRef<str>>(&self, attributes: &AttributesRef<'_, G>) -> Option<usize> {
        let AttributesRef { resource, subresource, .. } = *attributes;
        let mut rows = if subresource.is_empty() {
            *self.exact.of(resource)
        } else {
            let mut rows = *self.exact.of_joined(resource, subresource);
            self.parts.add(subresource, &mut rows);
            rows
        };
        self.whole.add(resource, &mut rows);
        rows.keep(self.api_groups.of(attributes.api_group));
        rows.keep(self.namespaces.of(attributes.namespace));
        rows.keep(self.names.of(attributes.name));
        self.senders.first_match(rows, attributes)
    }
}

/// Rows for requests that are not about resources.
#[derive(Debug, Clone)]
pub(super) struct PathRows<const W: usize> {
    senders: Senders<W>,
    paths: Paths<W>,
}

impl<const W: usize> PathRows<W> {
    fn new(rows: &[Row]) -> Self {
        let mut paths = PathsBuilder::new();
        for (at, row) in rows.iter().enumerate() {
            paths.list(at, &row.rule.non_resource_urls);
        }
        Self { senders: Senders::new(rows), paths: paths.build() }
    }
}

impl<const W: usize> Rows for PathRows<W> {
    const CAPACITY: usize = Bits::<W>::ROWS;

    #[inline]
    fn first_match<G: AsRef<str>>(&self, attributes: &AttributesRef<'_, G>) -> Option<usize> {
        self.senders.first_match(*self.paths.of(attributes.path), attributes)
    }
}
