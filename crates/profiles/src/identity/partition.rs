//! Who is the same person: identifiers joined by evidence, within limits.
//!
//! Always holds: the result depends on the *set* of evidence only, never on the order in which it arrived. Evidence is walked in one
//! sorted order (when it happened, how strong its rule is, between which identifiers); a piece that would join two persons beyond a
//! limit is set aside and says so, and never blocks what comes after it.
//!
//! Does not do: storage, undo bookkeeping (undone evidence is simply not handed in).

use std::collections::HashMap;

use rapport_domain::{Identifier, IdentifierKind, Timestamp};

/// Why two identifiers are the same person. The order is the order of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Someone of the company said so.
    ByHand,
    /// The sender named one as the other's new name (an `alias` call).
    Alias,
    /// Both stood in one call: the person was signed in on that device, or gave that address.
    SameCall,
}

impl Rule {
    /// The stable word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Alias => "alias",
            Self::SameCall => "same_call",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ByHand, Self::Alias, Self::SameCall].into_iter().find(|rule| rule.as_str() == text)
    }
}

/// One piece of evidence between two identifiers, given by their index in the list handed to [`partition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Index of one identifier.
    pub left: usize,
    /// Index of the other.
    pub right: usize,
    /// Why.
    pub rule: Rule,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// How many identifiers of a kind one person may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Customer numbers; more than one would merge two customers who share a device.
    pub user_ids: u32,
    /// E-mail addresses.
    pub emails: u32,
    /// Browsers and devices.
    pub anonymous_ids: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { user_ids: 1, emails: 5, anonymous_ids: 200 }
    }
}

/// The persons, and which evidence did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// For each identifier the index of its person's first identifier (the smallest by kind and value).
    pub person_of: Vec<usize>,
    /// For each piece of evidence: whether it was set aside because of a limit.
    pub set_aside: Vec<bool>,
}

/// Groups `identifiers` into persons by `evidence`, within `limits`. O(n log n).
pub fn partition(identifiers: &[Identifier], evidence: &[Evidence], limits: &Limits) -> Partition {
    let mut order: Vec<usize> = (0..evidence.len()).collect();
    order.sort_by_key(|&i| sort_key(identifiers, &evidence[i]));
    let mut sets = Sets::new(identifiers);
    let mut set_aside = vec![false; evidence.len()];
    for i in order {
        set_aside[i] = !sets.join(evidence[i].left, evidence[i].right, evidence[i].rule, limits);
    }
    Partition { person_of: sets.first_members(identifiers), set_aside }
}

/// Says nothing of arrival: time, rule, then the identifiers themselves, the smaller first.
fn sort_key<'a>(identifiers: &'a [Identifier], e: &Evidence) -> (Timestamp, Rule, &'a Identifier, &'a Identifier) {
    let (a, b) = (&identifiers[e.left], &identifiers[e.right]);
    let (small, large) = if a <= b { (a, b) } else { (b, a) };
    (e.occurred_at, e.rule, small, large)
}

/// Disjoint sets with a count of identifiers of each kind.
struct Sets {
    parent: Vec<usize>,
    counts: Vec<[u32; 3]>,
}

impl Sets {
    fn new(identifiers: &[Identifier]) -> Self {
        let counts = identifiers.iter().map(|identifier| {
            let mut count = [0; 3];
            count[kind_index(identifier.kind)] = 1;
            count
        });
        Self { parent: (0..identifiers.len()).collect(), counts: counts.collect() }
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parent[node] != node {
            self.parent[node] = self.parent[self.parent[node]];
            node = self.parent[node];
        }
        node
    }

    /// Joins the two sets unless a limit forbids it. A person's word (`ByHand`) is above the limits.
    fn join(&mut self, left: usize, right: usize, rule: Rule, limits: &Limits) -> bool {
        let (a, b) = (self.root(left), self.root(right));
        if a == b {
            return true;
        }
        let sum: [u32; 3] = std::array::from_fn(|kind| self.counts[a][kind] + self.counts[b][kind]);
        let within = sum[0] <= limits.user_ids && sum[1] <= limits.anonymous_ids && sum[2] <= limits.emails;
        if !within && rule != Rule::ByHand {
            return false;
        }
        self.parent[b] = a;
        self.counts[a] = sum;
        true
    }

    fn first_members(&mut self, identifiers: &[Identifier]) -> Vec<usize> {
        let mut first: HashMap<usize, usize> = HashMap::new();
        for node in 0..identifiers.len() {
            let root = self.root(node);
            let entry = first.entry(root).or_insert(node);
            if identifiers[node] < identifiers[*entry] {
                *entry = node;
            }
        }
        (0..identifiers.len()).map(|node| first[&self.root(node)]).collect()
    }
}

const fn kind_index(kind: IdentifierKind) -> usize {
    match kind {
        IdentifierKind::UserId => 0,
        IdentifierKind::AnonymousId => 1,
        IdentifierKind::Email => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn user(value: &str) -> Identifier {
        Identifier { kind: IdentifierKind::UserId, value: value.into() }
    }
    fn device(value: &str) -> Identifier {
        Identifier { kind: IdentifierKind::AnonymousId, value: value.into() }
    }
    fn seen(left: usize, right: usize, at: i64) -> Evidence {
        Evidence { left, right, rule: Rule::SameCall, occurred_at: Timestamp(at) }
    }

    #[test]
    fn a_shared_device_does_not_make_two_customers_one() {
        let ids = [user("anna"), user("ben"), device("tablet")];
        let result = partition(&ids, &[seen(0, 2, 1), seen(1, 2, 2)], &Limits::default());
        assert_eq!(result.person_of, [0, 1, 0]);
        assert_eq!(result.set_aside, [false, true]);
    }

    #[test]
    fn a_persons_word_is_above_the_limits() {
        let ids = [user("anna"), user("anna-old")];
        let by_hand = Evidence { rule: Rule::ByHand, ..seen(0, 1, 1) };
        assert_eq!(partition(&ids, &[by_hand], &Limits::default()).person_of, [0, 0]);
    }

    fn identifier(i: usize) -> Identifier {
        let kind = [IdentifierKind::UserId, IdentifierKind::AnonymousId, IdentifierKind::Email][i % 3];
        Identifier { kind, value: format!("{i}") }
    }

    /// The obvious way: persons as lists, joined one piece of evidence at a time.
    fn oracle(ids: &[Identifier], evidence: &[Evidence], limits: &Limits) -> Vec<usize> {
        let mut sorted = evidence.to_vec();
        sorted.sort_by_key(|e| {
            let mut pair = [ids[e.left].clone(), ids[e.right].clone()];
            pair.sort();
            (e.occurred_at, e.rule, pair)
        });
        let mut persons: Vec<Vec<usize>> = (0..ids.len()).map(|i| vec![i]).collect();
        for e in sorted {
            let a = persons.iter().position(|p| p.contains(&e.left)).unwrap();
            let b = persons.iter().position(|p| p.contains(&e.right)).unwrap();
            let joined: Vec<usize> = [persons[a].clone(), persons[b].clone()].concat();
            let count = |kind| joined.iter().filter(|&&i| ids[i].kind == kind).count() as u32;
            let within = count(IdentifierKind::UserId) <= limits.user_ids
                && count(IdentifierKind::Email) <= limits.emails
                && count(IdentifierKind::AnonymousId) <= limits.anonymous_ids;
            if a != b && (within || e.rule == Rule::ByHand) {
                persons[a] = joined;
                persons.remove(b);
            }
        }
        (0..ids.len())
            .map(|i| {
                let person = persons.iter().find(|p| p.contains(&i)).unwrap();
                *person.iter().min_by_key(|&&m| &ids[m]).unwrap()
            })
            .collect()
    }

    fn arbitrary_evidence(n: usize) -> impl Strategy<Value = Vec<Evidence>> {
        let rule = prop::sample::select(vec![Rule::SameCall, Rule::SameCall, Rule::Alias, Rule::ByHand]);
        let one = (0..n, 0..n, rule, 0i64..4).prop_map(|(left, right, rule, at)| Evidence {
            left,
            right,
            rule,
            occurred_at: Timestamp(at),
        });
        prop::collection::vec(one, 0..14)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn equals_the_obvious_way_and_ignores_arrival(
            (evidence, shuffled) in arbitrary_evidence(8).prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
        ) {
            let ids: Vec<Identifier> = (0..8).map(identifier).collect();
            let limits = Limits { user_ids: 1, emails: 2, anonymous_ids: 3 };
            let result = partition(&ids, &evidence, &limits);
            prop_assert_eq!(&result.person_of, &oracle(&ids, &evidence, &limits));
            prop_assert_eq!(result.person_of, partition(&ids, &shuffled, &limits).person_of);
        }
    }
}
