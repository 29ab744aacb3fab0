//! What holds about consent, as facts of persons: `consent.email`, `consent.email.news`, `consent.sharing` ([`Scope::fact_key`]).
//!
//! They are kept nowhere: each is read from what was said under the person's identifiers, by the one rule by which sending decides
//! ([`consent::history`]). So conditions agree with it whatever happened since: late statements, agreements that ended, persons joined and parted.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Channel, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_privacy::consent::{self, Verdict};
use rapport_privacy::records::consents::scope_of;
use rapport_privacy::{Scope, State, Statement};
use rapport_store::{Queries, Record, Result, args, sql};

/// The facts about messages by each channel.
pub fn of_channels() -> Vec<String> {
    Channel::ALL.into_iter().map(|channel| Scope::marketing(channel).fact_key()).collect()
}

/// Whose.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// Of persons from one number to another.
    Range(PersonId, PersonId),
    /// Of these.
    These(&'a [PersonId]),
}

impl Whose<'static> {
    /// Of all.
    pub const EVERYBODY: Self = Self::Range(PersonId(0), PersonId(i64::MAX));
}

/// A statement, and whose it is now.
#[derive(Record)]
struct SaidRow {
    person: PersonId,
    handle: Handle,
    purpose: String,
    channel: String,
    topic: String,
    state: String,
    occurred_at: Timestamp,
    until_at: Option<Timestamp>,
}

impl SaidRow {
    /// `None` when its words are not known to this program.
    fn statement(&self) -> Option<Statement> {
        let scope = scope_of(&self.purpose, &self.channel, &self.topic)?;
        let state = State::parse(&self.state)?;
        Some(Statement { handle: self.handle, scope, state, at: self.occurred_at, until: self.until_at })
    }
}

/// Everything that was said about some purposes.
async fn said(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    purposes: &[String],
    whose: Whose<'_>,
) -> Result<BTreeMap<PersonId, Vec<Statement>>> {
    let rows: Vec<SaidRow> = match whose {
        Whose::Range(PersonId(0), PersonId(i64::MAX)) => {
            let text = sql!(
                "SELECT i.person, c.handle, c.purpose, c.channel, c.topic, c.state, c.occurred_at, c.until_at FROM consents c
                 JOIN identifiers i ON i.workspace = c.workspace AND i.handle = c.handle
                 WHERE c.workspace = $1 AND c.purpose IN ($2)"
            );
            db.fetch_all(text, args![workspace, purposes]).await?
        }
        Whose::Range(first, last) => {
            let text = sql!(
                "SELECT i.person, c.handle, c.purpose, c.channel, c.topic, c.state, c.occurred_at, c.until_at FROM identifiers i
                 CROSS JOIN consents c
                 WHERE i.workspace = $1 AND i.person >= $3 AND i.person <= $4 AND c.workspace = i.workspace AND c.handle = i.handle
                   AND c.purpose IN ($2)"
            );
            db.fetch_all(text, args![workspace, purposes, first, last]).await?
        }
        Whose::These(persons) => {
            let text = sql!(
                "SELECT i.person, c.handle, c.purpose, c.channel, c.topic, c.state, c.occurred_at, c.until_at FROM identifiers i
                 CROSS JOIN consents c
                 WHERE i.workspace = $1 AND i.person IN ($3) AND c.workspace = i.workspace AND c.handle = i.handle AND c.purpose IN ($2)"
            );
            db.fetch_all(text, args![workspace, purposes, persons]).await?
        }
    };
    let mut said: BTreeMap<PersonId, Vec<Statement>> = BTreeMap::new();
    for row in rows {
        if let Some(statement) = row.statement() {
            said.entry(row.person).or_default().push(statement);
        }
    }
    Ok(said)
}

/// Of some keys those that ask about consent, with what they ask, and the others.
pub(super) fn split(keys: &[String]) -> (Vec<(&String, Scope)>, Vec<String>) {
    let (mut asked, mut others) = (Vec::new(), Vec::new());
    for key in keys {
        match Scope::of_fact(key) {
            Some(scope) => asked.push((key, scope)),
            None => others.push(key.clone()),
        }
    }
    (asked, others)
}

/// What held when: (person, key, from when, value as JSON), for what is asked, in the order of persons and time.
pub(super) async fn histories(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    asked: &[(&String, Scope)],
    whose: Whose<'_>,
) -> Result<Vec<(PersonId, String, Timestamp, String)>> {
    let mut found = Vec::new();
    if asked.is_empty() {
        return Ok(found);
    }
    for (person, said) in said(db, workspace, &purposes(asked), whose).await? {
        let first = found.len();
        for (key, scope) in asked {
            let changes = consent::history(&said, scope).into_iter();
            found.extend(changes.map(|(at, verdict)| (person, (*key).clone(), at, json(verdict))));
        }
        found[first..].sort_by_key(|(.., at, _)| *at);
    }
    Ok(found)
}

/// What holds at an instant: (person, key, value as JSON), for what is asked.
pub(super) async fn current(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    asked: &[(&String, Scope)],
    whose: Whose<'_>,
    valid_at: Timestamp,
) -> Result<Vec<(PersonId, String, String)>> {
    let mut found = Vec::new();
    if asked.is_empty() {
        return Ok(found);
    }
    for (person, said) in said(db, workspace, &purposes(asked), whose).await? {
        for (key, scope) in asked {
            match consent::standing(&said, scope, valid_at).verdict {
                Verdict::Unknown => {}
                verdict => found.push((person, (*key).clone(), json(verdict))),
            }
        }
    }
    Ok(found)
}

/// The keys under which something was said, with how many identifiers: what was said of every channel counts for the purpose.
pub(super) async fn keys(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT purpose, channel, topic, COUNT(DISTINCT handle) FROM consents WHERE workspace = $1 GROUP BY purpose, channel, topic"
    );
    let rows: Vec<(String, String, String, i64)> = db.fetch_all(text, args![workspace]).await?;
    let key = |purpose: &str, channel: &str, topic: &str| Some(scope_of(purpose, channel, topic)?.fact_key());
    Ok(rows.into_iter().filter_map(|(p, c, t, count)| Some((key(&p, &c, &t)?, count))).collect())
}

fn purposes(asked: &[(&String, Scope)]) -> Vec<String> {
    let all: BTreeSet<&str> = asked.iter().map(|(_, scope)| scope.purpose.as_str()).collect();
    all.into_iter().map(str::to_owned).collect()
}

fn json(verdict: Verdict) -> String {
    format!("\"{}\"", verdict.as_str())
}
