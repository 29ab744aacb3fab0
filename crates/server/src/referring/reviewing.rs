//! Reckons how the referrals of some friends stand, and does what follows.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::{Calendar, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::{Enrolment, Program};
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::programs::Programs;
use rapport_loyalty::records::referrals::codes::{self, ReferralCode};
use rapport_loyalty::records::referrals::giving::{self, Both, GIVEN, Scene};
use rapport_loyalty::records::referrals::suspensions;
use rapport_loyalty::records::referrals::tellings::{self, ActRow, ClaimRow};
use rapport_loyalty::records::referrals::{self as records, Row, id_of};
use rapport_loyalty::referrals::signals::{self, Signal};
use rapport_loyalty::referrals::{
    Act, Claim, Code, Course, Friend, Kept, Reason, Referral, Referrer, State, Terms, courses,
};
use rapport_profiles::orders::Status;
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_profiles::records::orders;
use rapport_store::Tx;
use rapport_store::outbox::Event;
use serde_json::json;

use super::suspecting;
use crate::installation::Installation;

/// So long suspicious referrals count towards a suspension.
const SUSPICIOUS: i64 = 30 * Timestamp::DAY;

/// Reckons how the referrals of these people stand who came by a code, and gives or takes back what they are worth.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn review(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    people: &[PersonId],
    now: Timestamp,
) -> Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    let names = identifiers::by_persons(tx, workspace, people).await?;
    let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
    let claims = tellings::claims_of(tx, workspace, &handles).await?;
    if claims.is_empty() && records::of_friends(tx, workspace, &handles).await?.is_empty() {
        return Ok(());
    }
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(program) = programs.latest().map(|it| &it.program) else { return Ok(()) };
    // From here on nobody else gives anything, so that what is read stays true.
    records::lock(tx, workspace).await?;
    let calendar = program.calendar()?;
    let desk = Desk { installation, workspace, programs: &programs, program, calendar: &calendar, now };
    for person in people {
        let own: Vec<&IdentifierRow> = names.iter().filter(|row| row.person == *person).collect();
        let is_own = |handle: Handle| own.iter().any(|row| row.handle == handle);
        let claims: Vec<&ClaimRow> = claims.iter().filter(|it| is_own(it.handle)).collect();
        desk.look(tx, *person, &own, &claims).await?;
    }
    Ok(())
}

/// What is looked at with.
pub(super) struct Desk<'a> {
    pub installation: &'a Installation,
    pub workspace: WorkspaceId,
    pub programs: &'a Programs,
    pub program: &'a Program,
    pub calendar: &'a Calendar,
    pub now: Timestamp,
}

/// Whoever brought a friend.
pub(super) struct Bringer {
    pub member: Member,
    /// All numbers of theirs, their own first.
    pub numbers: Vec<MemberId>,
    suspended_at: Option<Timestamp>,
}

/// What is known of the codes of a friend.
struct Codes {
    codes: BTreeMap<String, ReferralCode>,
    bringers: BTreeMap<i64, Bringer>,
}

impl Desk<'_> {
    async fn look(&self, tx: &mut Tx, person: PersonId, own: &[&IdentifierRow], claims: &[&ClaimRow]) -> Result<()> {
        let handles: Vec<Handle> = own.iter().map(|row| row.handle).collect();
        let mut rows = records::of_friends(tx, self.workspace, &handles).await?;
        if claims.is_empty() && rows.is_empty() {
            return Ok(());
        }
        let known = self.codes(tx, claims).await?;
        for claim in claims {
            if rows.iter().all(|row| row.referral_id != id_of(claim.handle, &claim.lookup)) {
                let code = known.codes.get(&claim.lookup);
                let of = code.map_or(("", MemberId(0)), |it| (it.referral.as_str(), MemberId(it.member)));
                rows.push(Row::new(claim.handle, &claim.lookup, of, claim.claimed_at));
            }
        }
        let acts = tellings::acts_of(tx, self.workspace, &handles).await?;
        let kept = self.kept(tx, &acts).await?;
        let first = orders::first_of(tx, self.workspace, &[person]).await?;
        let story = Story {
            person,
            claims,
            acts: &acts,
            kept: &kept,
            first_order_at: first.first().map(|(_, at)| *at),
            first_seen_at: own.iter().map(|row| row.first_seen_at).min(),
        };
        let standing = self.courses(&story, &rows, &known);
        let mut is_new = BTreeSet::new();
        for course in standing.iter().filter(|it| it.is_bound && !is_old(it.reason)) {
            let Some(row) = rows.iter_mut().find(|row| row.referral_id == course.id) else { continue };
            let (Some(bringer), Some(terms)) = (known.bringer(row), self.terms(row, course.joined_at)) else {
                continue;
            };
            let friend = suspecting::Friend { person, names: own, row, joined_at: course.joined_at };
            let found = suspecting::look(tx, self, &friend, bringer, terms).await?;
            let before = row.signals();
            if found.iter().any(|it| !before.contains(it)) {
                let all: Vec<Signal> = before.into_iter().chain(found).collect();
                row.signals = Some(signals::write(&all));
                is_new.insert(row.referral_id.clone());
            }
        }
        for course in self.courses(&story, &rows, &known) {
            let Some(at) = rows.iter().position(|row| row.referral_id == course.id) else { continue };
            self.follow(tx, &mut rows[at], &course, (person, &known)).await?;
        }
        for row in rows.iter_mut().filter(|row| !story.tells(row)) {
            let course = withdrawn(row);
            self.follow(tx, row, &course, (person, &known)).await?;
        }
        records::save(tx, self.workspace, rows.clone()).await?;
        for row in rows.iter().filter(|row| is_new.contains(&row.referral_id)) {
            if let (Some(bringer), Some(terms)) = (known.bringer(row), self.terms(row, row.joined_at)) {
                self.suspend(tx, bringer, terms).await?;
            }
        }
        Ok(())
    }

    /// The programme as of when a code was used, if it held then.
    fn terms(&self, row: &Row, at: Timestamp) -> Option<&Referral> {
        match self.programs.terms_at(&row.referral, at) {
            Terms::Live(terms) => Some(terms),
            _ => None,
        }
    }

    async fn codes(&self, tx: &mut Tx, claims: &[&ClaimRow]) -> Result<Codes> {
        let lookups: BTreeSet<String> = claims.iter().map(|it| it.lookup.clone()).collect();
        let found = codes::by_lookups(tx, self.workspace, &lookups.into_iter().collect::<Vec<_>>()).await?;
        let mut known = Codes { codes: BTreeMap::new(), bringers: BTreeMap::new() };
        for code in found {
            if let Some(member) = members::find(tx, self.workspace, MemberId(code.member)).await? {
                let numbers = members::numbers(tx, self.workspace, member.member).await?;
                let suspended = suspensions::of_members(tx, self.workspace, &numbers).await?;
                let suspended_at = suspended.first().map(|it| it.suspended_at);
                known.bringers.insert(code.member, Bringer { member, numbers, suspended_at });
            }
            known.codes.insert(code.lookup.clone(), code);
        }
        Ok(known)
    }

    /// What was kept of the orders among these.
    async fn kept(&self, tx: &mut Tx, acts: &[ActRow]) -> Result<BTreeMap<String, Kept>> {
        let ids: Vec<String> = acts.iter().filter_map(|act| act.order_id.clone()).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        // Refunds may have been told before their order.
        let refunds: BTreeMap<String, i64> = orders::went_back(tx, self.workspace, &ids).await?.into_iter().collect();
        let standing = orders::standing(tx, self.workspace, &ids).await?;
        let of = |(id, revenue, back, status): (String, i64, i64, String)| {
            let back = refunds.get(&id).copied().unwrap_or(0).max(back);
            let kept = kept(revenue, back, &status);
            (id, kept)
        };
        Ok(standing.into_iter().map(of).collect())
    }

    fn courses(&self, story: &Story<'_>, rows: &[Row], known: &Codes) -> Vec<Course> {
        let signals: Vec<Vec<Signal>> = rows.iter().map(Row::signals).collect();
        let claim = |told: &&ClaimRow| {
            let id = id_of(told.handle, &told.lookup);
            let at = rows.iter().position(|row| row.referral_id == id)?;
            let code =
                known.codes.get(&told.lookup).map_or(Code::Unknown, |code| self.code(code, told, (story, known)));
            let place = (told.claimed_at, told.order_key, told.event_id);
            Some(Claim { id: &rows[at].referral_id, place, code, known: rows[at].known(&signals[at]) })
        };
        // What was called off and never told is nothing that the friend did.
        let acts = story.acts.iter().filter(|it| it.holds || !it.is_void).map(|it| {
            let kept = it.order_id.as_ref().and_then(|id| story.kept.get(id)).copied().unwrap_or(Kept::All);
            let kept = if it.is_void { Kept::Nothing } else { kept };
            let ActRow { acted_at, occasion, referral, holds, amount, .. } = it;
            Act { at: *acted_at, occasion, referral, holds: *holds, amount: *amount, kept }
        });
        let friend = Friend {
            claims: story.claims.iter().filter_map(claim).collect(),
            acts: acts.collect(),
            first_order_at: story.first_order_at,
            first_seen_at: story.first_seen_at,
        };
        courses(&friend, self.calendar, self.now)
    }

    fn code<'b>(&'b self, code: &ReferralCode, told: &ClaimRow, (story, known): (&Story<'_>, &Codes)) -> Code<'b> {
        let Some(bringer) = known.bringers.get(&code.member) else { return Code::Unknown };
        let Member { member, person, standing, .. } = bringer.member;
        let referrer = Referrer {
            member,
            standing,
            is_known: person.is_some(),
            is_friend: person == Some(story.person),
            suspended_at: bringer.suspended_at,
        };
        let terms = self.programs.terms_at(&code.referral, told.claimed_at);
        Code::Of { referrer, voided_at: code.voided_at, terms }
    }

    /// Brings a row to where its course stands.
    async fn follow(
        &self,
        tx: &mut Tx,
        row: &mut Row,
        course: &Course,
        (person, known): (PersonId, &Codes),
    ) -> Result<()> {
        let had_qualified = row.qualified_at.is_some();
        (row.joined_at, row.is_bound) = (course.joined_at, course.is_bound);
        (row.qualified_at, row.due_at) = (course.qualified_at, course.due_at);
        let bringer = known.bringer(row);
        let referrer = bringer.and_then(|it| it.member.person);
        let terms = self.terms(row, course.joined_at);
        let (mut state, mut reason) = (course.state, course.reason);
        match (course.state, row.is_given(), terms) {
            (State::Rewarded, false, Some(terms)) => {
                let both = self.both(tx, (person, bringer), terms).await?;
                giving::give(tx, self.scene(), terms, row, both).await?;
                if row.is_given() {
                    self.tell(tx, records::REWARDED, referrer, row, row.referrer_points);
                } else {
                    state = State::Refused;
                }
            }
            (State::Rewarded, ..) => {}
            (_, true, _) => {
                giving::take_back(tx, self.scene(), row).await?;
                self.tell(tx, records::TAKEN_BACK, referrer, row, row.referrer_points);
            }
            (_, false, _) => {}
        }
        // Until the friend does what counts anew, that is how it ended.
        if matches!(state, State::Refused | State::Joined) && row.taken_back_at.is_some() {
            state = State::TakenBack;
        }
        if row.is_given() && row.referrer_outcome != GIVEN {
            reason = Reason::read(&row.referrer_outcome);
        } else if state == State::Refused && reason.is_none() {
            reason = Reason::read(&row.closed);
        }
        row.state = state.key().to_owned();
        row.reason = reason.map_or("", Reason::code).to_owned();
        let is_open = !matches!(state, State::Refused | State::TakenBack);
        if is_open && !row.is_told {
            row.is_told = true;
            self.tell(tx, records::MADE, referrer, row, 0);
            self.tell(tx, records::CONVERTED, Some(person), row, 0);
        }
        if is_open && !had_qualified && row.qualified_at.is_some() {
            self.tell(tx, records::QUALIFIED, referrer, row, 0);
        }
        Ok(())
    }

    fn scene(&self) -> Scene<'_> {
        Scene { workspace: self.workspace, program: self.program, calendar: self.calendar, now: self.now }
    }

    /// Whom it is for; a friend becomes a member by what they get, where the programme lets them.
    async fn both(
        &self,
        tx: &mut Tx,
        (person, bringer): (PersonId, Option<&Bringer>),
        terms: &Referral,
    ) -> Result<Both> {
        let known = members::of(tx, self.workspace, person).await?;
        let friend = match known {
            None if terms.friend.is_some() && self.program.enrolment == Enrolment::Earning => {
                let rng = &*self.installation.rng;
                Some(members::enrol(tx, self.workspace, person, self.now, rng).await?)
            }
            known => known,
        };
        let referrer = bringer.filter(|it| it.member.person.is_some()).map(|it| it.member.member);
        Ok(Both { referrer, friend })
    }

    fn tell(&self, tx: &mut Tx, name: &'static str, who: Option<PersonId>, row: &Row, points: i64) {
        let Some(who) = who else { return };
        let mut payload = json!({ "referral_id": row.referral_id, "program": row.referral });
        if points > 0 {
            payload["amount"] = json!(points);
        }
        tx.emit(Event::new(self.workspace, name, payload).about(who));
    }

    /// Suspends a member with too many suspicious referrals.
    async fn suspend(&self, tx: &mut Tx, bringer: &Bringer, terms: &Referral) -> Result<()> {
        let Some(most) = terms.fraud.suspend_after else { return Ok(()) };
        let since = self.now.plus(-SUSPICIOUS);
        // What was there when somebody lifted a suspension was looked at then.
        let last = suspensions::last_of(tx, self.workspace, &bringer.numbers).await?;
        let since = last.map_or(since, |last| last.max(since));
        if records::suspicious(tx, self.workspace, &bringer.numbers, since).await? < i64::from(most) {
            return Ok(());
        }
        let why = (suspensions::BY_ITSELF, "too many suspicious referrals within thirty days");
        if suspensions::suspend(tx, self.workspace, &bringer.numbers, why, self.now).await? {
            records::look_again(tx, self.workspace, &bringer.numbers, self.now).await?;
        }
        Ok(())
    }
}

impl Codes {
    fn bringer(&self, row: &Row) -> Option<&Bringer> {
        self.bringers.get(&row.member)
    }
}

/// What a friend told and did.
struct Story<'a> {
    person: PersonId,
    claims: &'a [&'a ClaimRow],
    acts: &'a [ActRow],
    kept: &'a BTreeMap<String, Kept>,
    first_order_at: Option<Timestamp>,
    first_seen_at: Option<Timestamp>,
}

impl Story<'_> {
    /// Whether any event still tells of a referral.
    fn tells(&self, row: &Row) -> bool {
        self.claims.iter().any(|it| id_of(it.handle, &it.lookup) == row.referral_id)
    }
}

/// Whether the friend was no new one: then nothing is suspicious.
const fn is_old(reason: Option<Reason>) -> bool {
    matches!(reason, Some(Reason::AlreadyCustomer | Reason::SeenBefore))
}

/// The course of a referral of which no event tells any more.
fn withdrawn(row: &Row) -> Course {
    Course {
        id: row.referral_id.clone(),
        joined_at: row.joined_at,
        state: State::Refused,
        reason: Some(Reason::Withdrawn),
        qualified_at: None,
        due_at: None,
        is_bound: false,
    }
}

fn kept(revenue: i64, back: i64, status: &str) -> Kept {
    // Of an order that brought nothing no part can go back.
    let went_back = back >= revenue && (back > 0 || status == Status::Refunded.as_str());
    if status == Status::Cancelled.as_str() || went_back {
        Kept::Nothing
    } else if back > 0 {
        Kept::Part(revenue - back, revenue)
    } else {
        Kept::All
    }
}
