//! The sample shop's follow-ups and improvements, so that there is a loop to look at: who was unhappy in the last year, and what was done about it.
//!
//! Always holds: who said what, and what they bought afterwards, is what the simulation says; whom somebody calls is drawn by chance that is the same each time,
//! so a call changes nothing there, and the figures have to say so; all of it is opened, worked on and heard by the services that do it for anybody, in the
//! order of time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use rapport_domain::shop_events::{PRODUCT_REVIEWED, SURVEY_ANSWERED};
use rapport_domain::{
    BusinessHours, Clock, EventId, Handle, IdentifierKind, ManualClock, PersonId, SourceId, Timestamp, WorkspaceId,
};
use rapport_feedback::follow_ups::records::{self, FollowUpRow};
use rapport_feedback::follow_ups::rules::{Rule, ready};
use rapport_feedback::follow_ups::service::{self, Said, Users, With};
use rapport_feedback::follow_ups::work::Act;
use rapport_feedback::follow_ups::{Outcome, State};
use rapport_feedback::improvements::State as Stands;
use rapport_feedback::improvements::service::{self as improvements, Written};
use rapport_profiles::records::identifiers;
use rapport_sample::Message;
use rapport_store::{Priority, Tx};
use serde_json::Value;

use super::{hours, who_works};
use crate::engaging::telling;
use crate::installation::Installation;
use crate::pipeline::Pipeline;
use crate::surveying::sample::RECOMMEND;
use crate::surveying::sample::chance::Chance;

const HOUR: i64 = Timestamp::HOUR;
const DAY: i64 = Timestamp::DAY;
/// What was said in this time was followed up; what is newer the rules opened when it was applied.
const FROM: i64 = 365 * DAY;
const UNTIL: i64 = 7 * DAY;
/// So much is done in one commit.
const TOGETHER: usize = 100;
/// People who are looked up at once.
const SLICE: usize = 500;
/// Of those who were unhappy so many are called, of these so many in time, and of these so many are content again.
const CALLED: f64 = 0.72;
const IN_TIME: f64 = 0.8;
const CONTENT: f64 = 0.58;
/// What was opened so long ago is done.
const DONE_AFTER: i64 = 21 * DAY;
/// Who was not reached in so long is let go.
const LET_GO_AFTER: i64 = 14 * DAY;

/// How they were spoken with, and what was noted of it.
const TALKS: [(&str, &str); 6] = [
    (
        "phone",
        "Said sorry for the wait and paid the postage back. The carrier had lost the parcel; a new one is on its way by express.",
    ),
    ("phone", "Sent a new one at once; they keep the broken one. Told purchasing about the seam."),
    ("email", "Explained how to pay on the phone, and sent a voucher for the trouble."),
    ("chat", "Looked up the order together, answered the question, and gave a direct number for the next time."),
    ("email", "Offered to take it back free of charge, and said which size fits."),
    ("phone", "Listened. They had asked twice and got no answer; their question is answered now."),
];
/// What customers said then.
const CLOSINGS: [&str; 3] = ["They were surprised that somebody called, and glad.", "They want to try us again.", ""];

/// Something that a customer said, with a score or stars.
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    user_id: String,
    message_id: String,
    event: &'static str,
    at: Timestamp,
    number: f64,
    subject: Option<String>,
}

impl Voice {
    /// All that a customer said from `since` on; nothing of those who were never unhappy.
    pub fn of(messages: &[Message], since: Timestamp) -> Vec<Self> {
        let user = messages.iter().rev().find_map(|message| message.user_id.clone());
        let Some(user_id) = user else { return Vec::new() };
        let read = |message: &Message| {
            let event = message.event.filter(|event| [SURVEY_ANSWERED, PRODUCT_REVIEWED].contains(event))?;
            let (number, subject) = if event == SURVEY_ANSWERED { ("score", "survey_id") } else { ("rating", "name") };
            Some(Self {
                user_id: user_id.clone(),
                message_id: message.message_id.clone(),
                event,
                at: message.timestamp,
                number: message.properties.get(number)?.as_f64()?,
                subject: message.properties.get(subject).and_then(Value::as_str).map(str::to_owned),
            })
        };
        let said: Vec<Self> = messages.iter().filter(|it| it.timestamp >= since).filter_map(read).collect();
        if said.iter().any(|it| it.rule().is_some()) { said } else { Vec::new() }
    }

    /// The ready rule that it breaks.
    fn rule(&self) -> Option<&'static str> {
        match self.event {
            SURVEY_ANSWERED if self.number <= 6.0 => Some("detractor"),
            PRODUCT_REVIEWED if self.number <= 2.0 => Some("bad_review"),
            _ => None,
        }
    }
}

/// From when on what customers said is followed up.
pub fn since(end: Timestamp) -> Timestamp {
    end.plus(-FROM)
}

/// Opens them as they would have been, and lets them be worked on; and some improvements. `by` is who is said to have done it.
///
/// # Errors
/// The store's and the log's.
pub async fn save(
    installation: &Installation,
    pipeline: &Pipeline,
    (workspace, source): (WorkspaceId, SourceId),
    voices: &[Voice],
    by: &str,
) -> Result<()> {
    let hours = hours(&mut installation.store.read(), workspace).await?;
    let users = who_works(&mut installation.store.read(), workspace).await?.0;
    let people = people(installation, workspace, voices).await?;
    let rules = ready();
    let now = installation.clock.now();
    let shop = Shop { installation, workspace, source, hours: &hours, users: &users, rules: &rules, by, now };
    shop.live(voices, &people).await?;
    shop.begin_the_latest().await?;
    improve(installation, workspace, by).await?;
    telling::tell(installation, workspace).await?;
    pipeline.drain().await?;
    Ok(())
}

type People = HashMap<String, (Handle, PersonId)>;

async fn people(installation: &Installation, workspace: WorkspaceId, voices: &[Voice]) -> Result<People> {
    let names: BTreeSet<&String> = voices.iter().map(|it| &it.user_id).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    let mut found = People::new();
    for slice in names.chunks(SLICE) {
        let mut db = installation.store.read();
        let rows = identifiers::by_values(&mut db, workspace, IdentifierKind::UserId, slice).await?;
        found.extend(rows.into_iter().map(|row| (row.value, (row.handle, row.person))));
    }
    Ok(found)
}

/// What happens at an instant.
enum Next<'v> {
    /// A customer says something.
    Says(&'v Voice),
    /// Somebody of the staff does something with a follow-up.
    Does(String, Act),
}

struct Shop<'a> {
    installation: &'a Installation,
    workspace: WorkspaceId,
    source: SourceId,
    hours: &'a BusinessHours,
    users: &'a Users,
    rules: &'a [Rule],
    by: &'a str,
    now: Timestamp,
}

impl Shop<'_> {
    /// Lets a year pass.
    async fn live(&self, voices: &[Voice], people: &People) -> Result<()> {
        let mut voices: Vec<&Voice> = voices.iter().filter(|it| it.at < self.now.plus(-UNTIL)).collect();
        voices.sort_by(|a, b| (a.at, &a.message_id).cmp(&(b.at, &b.message_id)));
        let mut numbers = 0..;
        let mut number = || numbers.next().unwrap_or(u64::MAX);
        let mut next: BTreeMap<(Timestamp, u64), Next<'_>> =
            voices.into_iter().map(|voice| ((voice.at, number()), Next::Says(voice))).collect();
        while !next.is_empty() {
            let mut tx = self.installation.store.begin(Priority::Background).await?;
            for _ in 0..TOGETHER {
                let Some(((at, _), what)) = next.pop_first() else { break };
                match what {
                    Next::Says(voice) => {
                        let Some(who) = people.get(&voice.user_id) else { continue };
                        for (at, id, act) in self.hear(&mut tx, voice, *who).await? {
                            next.insert((at, number()), Next::Does(id, act));
                        }
                    }
                    Next::Does(id, act) => {
                        service::work(&mut tx, self.workspace, &id, &act, (self.by, at)).await?;
                    }
                }
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Opens one where there is a reason; what is going to be done with it.
    async fn hear(
        &self,
        tx: &mut Tx,
        voice: &Voice,
        (handle, person): (Handle, PersonId),
    ) -> Result<Vec<(Timestamp, String, Act)>> {
        let said = Said {
            event_id: EventId::of_message(self.workspace, self.source, &voice.message_id).0,
            event_name: voice.event.to_owned(),
            handle,
            person,
            occurred_at: voice.at,
            number: Some(voice.number),
            subject: voice.subject.clone(),
        };
        let clock = ManualClock::at(voice.at.plus(Timestamp::SECOND));
        service::hear(tx, self.workspace, &said, clock.now()).await?;
        let rule = voice.rule().and_then(|key| self.rules.iter().find(|it| it.key == key));
        let Some(rule) = rule else { return Ok(Vec::new()) };
        let open = records::open_of(tx, self.workspace, person, &rule.key).await?;
        if open.as_ref().is_some_and(|row| row.opened_at > voice.at) {
            // The rules have opened one of the last days already.
            return Ok(Vec::new());
        }
        let with = With { workspace: self.workspace, clock: &clock, rng: &*self.installation.rng, users: self.users };
        let id = service::open(tx, with, (rule, self.hours), &said, None).await?;
        if open.is_some() {
            return Ok(Vec::new());
        }
        let planned = self.plan(voice, clock.now());
        Ok(planned.into_iter().filter(|it| it.0 < self.now).map(|(at, act)| (at, id.clone(), act)).collect())
    }

    /// What is done with one that was opened for it.
    fn plan(&self, voice: &Voice, opened_at: Timestamp) -> Vec<(Timestamp, Act)> {
        let mut chance = Chance::of(&format!("follow-up/{}", voice.message_id));
        let is_old = self.now.0 - opened_at.0 > DONE_AFTER;
        if !chance.happens(CALLED) {
            let close = Act::Close(Outcome::NotReached, String::new());
            return if is_old { vec![(opened_at.plus(LET_GO_AFTER), close)] } else { Vec::new() };
        }
        let hours = if chance.happens(IN_TIME) { 2.0 + 40.0 * chance.part() } else { 55.0 + 100.0 * chance.part() };
        let spoken_at = opened_at.plus((hours * HOUR as f64) as i64);
        let (channel, text) = chance.pick(&TALKS).copied().unwrap_or(TALKS[0]);
        let mut planned = vec![(spoken_at, Act::Contact { channel: channel.to_owned(), text: text.to_owned() })];
        if is_old || chance.happens(0.3) {
            let close = if chance.happens(CONTENT) {
                let text = chance.pick(&CLOSINGS).copied().unwrap_or_default();
                Act::Close(Outcome::Recovered, text.to_owned())
            } else {
                Act::Close(Outcome::NotRecovered, String::new())
            };
            planned.push((spoken_at.plus(2 * DAY), close));
        } else {
            planned.push((spoken_at.plus(HOUR), Act::Wait));
        }
        planned
    }

    /// With some of those that the rules opened somebody has begun.
    async fn begin_the_latest(&self) -> Result<()> {
        let span = (self.now.plus(-HOUR), self.now.plus(HOUR));
        let mut tx = self.installation.store.begin(Priority::Background).await?;
        let rows = records::opened_between(&mut tx, self.workspace, span, 1_000).await?;
        let mut open: Vec<&FollowUpRow> = rows.iter().filter(|row| row.stands() == State::Open).collect();
        open.sort_by_key(|row| (row.handle, &row.rule));
        for (number, row) in open.into_iter().enumerate() {
            let (channel, text) = TALKS[number % TALKS.len()];
            let talk = || Act::Contact { channel: channel.to_owned(), text: text.to_owned() };
            let acts = match number % 6 {
                0 => vec![Act::Start],
                2 => vec![talk(), Act::Wait],
                3 => vec![talk()],
                5 => vec![Act::Snooze(Some(self.now.plus(2 * DAY)))],
                _ => Vec::new(),
            };
            for act in acts {
                service::work(&mut tx, self.workspace, &row.id, &act, (self.by, self.now)).await?;
            }
        }
        Ok(tx.commit().await?)
    }
}

/// Title, phrases, whether it is to move the recommendation score, and how far it came: state, text, how many days ago.
type Improved = (&'static str, &'static [&'static str], bool, &'static [(Stands, &'static str, i64)]);

const IMPROVEMENTS: [Improved; 3] = [
    (
        "Parcels come when they should, and people are told",
        &["parcel late", "shipping slow", "Lieferung spät", "Versand dauert", "送货慢", "物流一般"],
        true,
        &[
            (Stands::Proposed, "", 150),
            (Stands::Decided, "A second carrier for the north, and a message on the day before.", 135),
            (Stands::Changed, "Both carriers deliver; the message goes out.", 110),
        ],
    ),
    (
        "Seams that hold",
        &["broke", "seam", "kaputt", "Naht", "坏了"],
        false,
        &[(Stands::Proposed, "", 40), (Stands::Decided, "Purchasing tests ten of each delivery.", 25)],
    ),
    ("Paying on the phone", &["paying phone", "Bezahlen Handy", "PayPal"], false, &[(Stands::Proposed, "", 12)]),
];

async fn improve(installation: &Installation, workspace: WorkspaceId, by: &str) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    for (title, phrases, is_scored, course) in IMPROVEMENTS {
        let Some(((_, _, ago), rest)) = course.split_first() else { continue };
        let written = Written {
            title: title.to_owned(),
            phrases: phrases.iter().map(|it| (*it).to_owned()).collect(),
            score: is_scored.then(|| (RECOMMEND.to_owned(), "nps".to_owned())),
            owner: None,
        };
        let clock = ManualClock::at(now.plus(-ago * DAY));
        let mut row = improvements::propose(&mut tx, workspace, (&clock, &*installation.rng), written, by).await?;
        for (to, text, ago) in rest {
            let at = now.plus(-ago * DAY);
            let step = (*to, *text, (*to == Stands::Changed).then_some(at));
            row = improvements::go(&mut tx, workspace, (&row.id, row.revision), step, (by, at)).await?;
        }
    }
    Ok(tx.commit().await?)
}
