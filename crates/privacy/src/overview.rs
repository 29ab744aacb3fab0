//! How many agreed and refused, by what they were asked about, now and in the past.
//!
//! Always holds: what is counted of each person is what [`standing`] says of them at that time, so that a number here and a verdict on a person's page never
//! differ. Whoever said nothing is not counted: they are the rest of all people.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;

use crate::consent::{Scope, Statement, Verdict, standing};

/// How many people each verdict is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Agreed.
    pub granted: u64,
    /// Refused, or taken back.
    pub denied: u64,
    /// Asked for, and not confirmed.
    pub pending: u64,
    /// Agreed once, for a time that is over.
    pub expired: u64,
}

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Granted => self.granted += 1,
            Verdict::Denied => self.denied += 1,
            Verdict::Pending => self.pending += 1,
            Verdict::Expired => self.expired += 1,
            Verdict::Unknown => {}
        }
    }
}

/// The counts of some scopes at some times.
#[derive(Clone, Debug)]
pub struct Overview {
    scopes: Vec<Scope>,
    times: Vec<Timestamp>,
    /// By scope, then by time.
    counts: Vec<Vec<Counts>>,
    /// How many agreements that hold at the last time rest on a text: by its key and version.
    texts: BTreeMap<(String, i64), u64>,
}

/// A statement, and the text that was shown for it, if any.
#[derive(Clone, Debug)]
pub struct Said {
    /// What was said.
    pub statement: Statement,
    /// Key and version of the text.
    pub text: Option<(String, i64)>,
}

impl Overview {
    /// Of nobody yet. Times are in order.
    pub fn new(scopes: Vec<Scope>, times: Vec<Timestamp>) -> Self {
        let counts = vec![vec![Counts::default(); times.len()]; scopes.len()];
        Self { scopes, times, counts, texts: BTreeMap::new() }
    }

    /// Counts a person by all that was said under their identifiers.
    pub fn add(&mut self, said: &[Said]) {
        let statements: Vec<Statement> = said.iter().map(|it| it.statement.clone()).collect();
        // A verdict changes only when something is said or an agreement ends.
        let mut turns: Vec<Timestamp> = statements.iter().flat_map(|it| [Some(it.at), it.until]).flatten().collect();
        turns.sort_unstable();
        for (scope, counts) in self.scopes.iter().zip(&mut self.counts) {
            if !statements.iter().any(|it| it.scope.covers(scope)) {
                continue;
            }
            let mut known = None;
            for (time, counts) in self.times.iter().zip(counts) {
                let turned = turns.partition_point(|turn| turn <= time);
                let verdict = match known {
                    Some((before, verdict)) if before == turned => verdict,
                    _ => standing(&statements, scope, *time).verdict,
                };
                known = Some((turned, verdict));
                counts.add(verdict);
            }
        }
        self.add_texts(said, &statements);
    }

    /// Each text once a person, however many channels rest on it.
    fn add_texts(&mut self, said: &[Said], statements: &[Statement]) {
        let Some(last) = self.times.last() else { return };
        let mut texts: Vec<&(String, i64)> = Vec::new();
        for it in said {
            let Some(text) = it.text.as_ref().filter(|_| !it.statement.state.is_refusal()) else { continue };
            let holds = standing(statements, &it.statement.scope, *last);
            if holds.is_granted() && holds.since == Some(it.statement.at) && !texts.contains(&text) {
                texts.push(text);
            }
        }
        for text in texts {
            *self.texts.entry(text.clone()).or_default() += 1;
        }
    }

    /// Every scope with its counts, one for each time.
    pub fn rows(&self) -> impl Iterator<Item = (&Scope, &[Counts])> {
        self.scopes.iter().zip(self.counts.iter().map(Vec::as_slice))
    }

    /// When.
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// Texts with how many people's agreement rests on them.
    pub const fn texts(&self) -> &BTreeMap<(String, i64), u64> {
        &self.texts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::{Channel, Handle, Purpose};

    use super::*;
    use crate::consent::State;

    fn scopes() -> Vec<Scope> {
        vec![
            Scope::marketing(Channel::Email),
            Scope::marketing(Channel::Sms),
            Scope::marketing(Channel::Email).about("news"),
            Scope { purpose: Purpose::Sharing, channel: None, topic: None },
        ]
    }

    prop_compose! {
        fn statement()(handle in 0..3_i64, scope in 0..5_usize, state in 0..4_usize, at in 0..20_i64, until in prop::option::of(0..25_i64)) -> Said {
            let mut all = scopes();
            all.push(Scope { purpose: Purpose::Marketing, channel: None, topic: None });
            Said {
                statement: Statement {
                    handle: Handle(handle),
                    scope: all[scope].clone(),
                    state: State::ALL[state],
                    at: Timestamp(at),
                    until: until.map(Timestamp),
                },
                text: (at % 2 == 0).then(|| ("text".to_owned(), at % 3)),
            }
        }
    }

    proptest! {
        /// The slow way asks for everybody, everything, at every time.
        #[test]
        fn it_counts_what_holds_for_each(people in prop::collection::vec(prop::collection::vec(statement(), 0..6), 0..6)) {
            let times: Vec<Timestamp> = [3, 4, 9, 10, 19, 24].map(Timestamp).to_vec();
            let mut overview = Overview::new(scopes(), times.clone());
            for said in &people {
                overview.add(said);
            }
            for (scope, counts) in overview.rows() {
                for (time, counts) in times.iter().zip(counts) {
                    let mut slow = Counts::default();
                    for said in &people {
                        let statements: Vec<Statement> = said.iter().map(|it| it.statement.clone()).collect();
                        slow.add(standing(&statements, scope, *time).verdict);
                    }
                    prop_assert_eq!(*counts, slow, "{:?} at {:?}", scope, time);
                }
            }
        }
    }

    #[test]
    fn an_agreement_rests_on_the_text_that_was_shown_last() {
        let said = |at: i64, state: State, version: i64| Said {
            statement: Statement {
                handle: Handle(1),
                scope: Scope::marketing(Channel::Email),
                state,
                at: Timestamp(at),
                until: None,
            },
            text: Some(("news".to_owned(), version)),
        };
        let mut overview = Overview::new(scopes(), vec![Timestamp(9)]);
        overview.add(&[said(1, State::Granted, 1), said(2, State::Granted, 2)]);
        overview.add(&[said(1, State::Granted, 1), said(3, State::Withdrawn, 1)]);
        assert_eq!(overview.texts().clone(), BTreeMap::from([(("news".to_owned(), 2), 1)]));
    }
}
