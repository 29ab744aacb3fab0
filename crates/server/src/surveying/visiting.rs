//! A survey beside a page of the company's own, and somebody who is known to be in front of it.
//!
//! Always holds: somebody whose data is restricted is met as nobody, or not at all; whoever refused to be asked is not asked. Nobody needs to have agreed
//! to anything, for no message is sent; who is held out of marketing is not asked for it here either. A pause of all sending
//! holds back messages, not questions on a page that somebody looks at.

use anyhow::Result;
use rapport_domain::{Channel, Timestamp};
use rapport_engagement::journey::{Class, Situation};
use rapport_engagement::plans::Plans;
use rapport_engagement::sending::{Ask, Reason, policy};
use rapport_feedback::service::asking::Known;
use rapport_feedback::service::visiting::{self, CHANNEL, Met, Visit, Write};
use rapport_feedback::survey::{Asking, Basis, Trigger};
use rapport_segments::records::memberships;
use rapport_store::{Priority, Queries};

use super::asking::people;
use super::known::Published;
use crate::installation::Installation;
use crate::visitors::who::Visitor;

/// As what a survey opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opens {
    /// As that of an unknown person.
    Unknown,
    /// As their own invitation.
    Own(String),
    /// It does not.
    Not,
}

/// Which survey, beside which page, and how it came to that.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// The survey's number.
    pub survey: i64,
    /// Where its link says that it is.
    pub touchpoint: Option<&'a str>,
    /// Whether the visitor opened it themselves.
    pub wished: bool,
}

/// Meets a visitor; what came of it is noted.
///
/// # Errors
/// The store's: nothing was noted then.
pub async fn visit(installation: &Installation, visitor: &Visitor, panel: Panel<'_>) -> Result<Opens> {
    let (workspace, now) = (visitor.workspace, installation.clock.now());
    let mut db = installation.store.read();
    let surveys = installation.surveys.get(&mut db, workspace).await?;
    let found = surveys.all.iter().find(|it| it.row.survey == panel.survey && it.row.takes_answers(now));
    let Some(survey) = found else {
        // Whoever wants to see it is told on its page.
        return Ok(if panel.wished { Opens::Unknown } else { Opens::Not });
    };
    let plans = installation.plans.get(installation, workspace).await?;
    if !panel.wished && !is_meant(&mut db, visitor, &survey.definition.asking).await? {
        return Ok(Opens::Not);
    }
    let known = known(&mut db, &plans, visitor, &survey.definition.asking, now).await?;
    if panel.wished && (known.is_gone || known.is_restricted) {
        return Ok(Opens::Unknown);
    }
    let clock = (&*installation.clock, &*installation.rng);
    let mut met = visiting::look(&mut db, workspace, &of(survey, visitor, panel, &known), clock).await?;
    // Most visits say what an earlier one said, and the writer is not needed.
    if met.write != Write::Nothing {
        met = note(installation, &plans, visitor, survey, panel).await?;
    }
    Ok(if met.opens { Opens::Own(met.row.id) } else { Opens::Not })
}

fn of<'a>(survey: &'a Published, visitor: &Visitor, panel: Panel<'a>, known: &'a Known) -> Visit<'a> {
    Visit {
        survey: &survey.row,
        definition: &survey.definition,
        who: (visitor.handle, visitor.person),
        touchpoint: panel.touchpoint,
        known,
        wished: panel.wished,
    }
}

async fn note(
    installation: &Installation,
    plans: &Plans,
    visitor: &Visitor,
    survey: &Published,
    panel: Panel<'_>,
) -> Result<Met> {
    let workspace = visitor.workspace;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let known = known(&mut tx, plans, visitor, &survey.definition.asking, installation.clock.now()).await?;
    let clock = (&*installation.clock, &*installation.rng);
    let met = visiting::visit(&mut tx, workspace, &of(survey, visitor, panel, &known), clock).await?;
    tx.commit().await?;
    Ok(met)
}

/// Whether a survey that is for a segment is for this visitor.
async fn is_meant(db: &mut impl Queries, visitor: &Visitor, asking: &Asking) -> Result<bool> {
    let (Some(Trigger::Members { segment, .. }) | Some(Trigger::Entered { segment, .. })) = &asking.when else {
        return Ok(true);
    };
    let of = memberships::of_keys(db, visitor.workspace, &[visitor.person], std::slice::from_ref(segment)).await?;
    Ok(!of.is_empty())
}

/// What is known of a visitor, as far as a survey is concerned.
async fn known(
    db: &mut impl Queries,
    plans: &Plans,
    visitor: &Visitor,
    asking: &Asking,
    now: Timestamp,
) -> Result<Known> {
    let person = visitor.person;
    let (people, troubled) = people(db, visitor.workspace, plans, &[person], now).await?;
    let mut known = Known { channel: Some(CHANNEL.to_owned()), ..Known::default() };
    let Some(situation) = people.get(&person) else {
        known.is_gone = true;
        return Ok(known);
    };
    known.is_troubled = troubled.contains(&person);
    known.is_held_out = asking.basis() == Basis::Marketing && situation.is_held_out;
    match refused(asking, situation, plans, now) {
        Some(Reason::Gone) => known.is_gone = true,
        Some(Reason::Restricted) => known.is_restricted = true,
        Some(_) => known.lacks_consent = true,
        None => {}
    }
    Ok(known)
}

/// What forbids to ask somebody on the company's own site.
fn refused(asking: &Asking, person: &Situation, plans: &Plans, now: Timestamp) -> Option<Reason> {
    let ask = Ask {
        channel: Channel::InApp,
        topic: asking.topic.as_deref(),
        class: Class::Service,
        priority: 0,
        quiet: None,
        chance: 0,
        since: now,
        drop_after: i64::MAX / 4,
    };
    policy::forbidden(&ask, person, &plans.settings, now)
}
