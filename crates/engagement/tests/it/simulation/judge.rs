//! What was promised: asked of each decision by what is true at that instant, and of everything in the end.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rapport_domain::{Channel, Purpose, Timestamp};
use rapport_engagement::journey::Definition;
use rapport_engagement::journey::definition::{Entry, Reentry, Step, Wait};
use rapport_engagement::records::instances::InstanceRow;
use rapport_engagement::records::journeys;
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::sending::{Reason, Window};
use rapport_engagement::timing::civil;
use rapport_privacy::{Scope, Verdict, consent};
use rapport_segments::condition::Bucket;
use rapport_store::{Queries, Sql, args};

use super::world::{Decided, World};
use crate::town::W;

/// Whose an identifier is, by what is true.
fn person_of(world: &World, row: &MessageRow) -> i64 {
    let handle = row.handle.expect("a message goes to an identifier").0;
    world.owner[&handle]
}

fn zone(world: &World, person: i64) -> TimeZone {
    // What was told last counts, which is what was told under the identifier of the highest number.
    let own = world.owner.iter().rev().filter(|(_, of)| **of == person);
    own.filter_map(|(handle, _)| world.zones.get(handle)).next().unwrap_or(&world.town.plans.calendar.zone).clone()
}

fn verdict(world: &World, person: i64, row: &MessageRow) -> Verdict {
    let handles = world.owner.iter().filter(|(_, of)| **of == person).map(|(handle, _)| handle);
    let said: Vec<_> = handles.filter_map(|handle| world.said.get(handle)).flatten().cloned().collect();
    let channel = Channel::parse(&row.channel);
    let scope = Scope { purpose: Purpose::Marketing, channel, topic: row.topic.clone() };
    consent::standing(&said, &scope, world.now()).verdict
}

/// Whether what is known of somebody may be used.
fn may_be_used(world: &World, person: i64) -> bool {
    world.owner.iter().all(|(handle, of)| *of != person || !world.restricted.contains(handle))
}

fn plan<'a>(world: &'a World, row: &MessageRow) -> &'a Definition {
    &world.town.plans.get(row.journey.as_deref().unwrap(), row.version).unwrap().definition
}

fn is_quiet(world: &World, row: &MessageRow, person: i64) -> bool {
    let Some(quiet) = world.quiet(row).filter(|_| row.channel != "in_app") else { return false };
    let shown = civil(&zone(world, person), world.now()).strftime("%H:%M").to_string();
    if quiet.from < quiet.until {
        quiet.from <= shown && shown < quiet.until
    } else {
        shown >= quiet.from || shown < quiet.until
    }
}

/// A message was decided to go out.
pub fn sent(world: &World, row: &MessageRow) {
    let (seed, person) = (world.seed, person_of(world, row));
    assert_eq!(person, row.person.0, "seed {seed}: it goes to somebody else's identifier: {row:?}");
    assert!(may_be_used(world, person), "seed {seed}: they are restricted: {row:?}");
    if row.class != "marketing" {
        return;
    }
    assert_eq!(verdict(world, person, row), Verdict::Granted, "seed {seed}: no consent: {row:?}");
    assert!(!is_quiet(world, row, person), "seed {seed}: in quiet hours: {row:?}");
    if let Some(when) = &plan(world, row).audience {
        assert!(world.members.contains(&(when.segment(), person)), "seed {seed}: not of the audience: {row:?}");
    }
    let place = Bucket { salt: "holdout/global".into(), from: 0, to: 0 }.place(row.person);
    assert!(f64::from(place) / 100.0 >= world.town.plans.settings.holdout_percent, "seed {seed}: held out: {row:?}");
    let own = &world.decided[&row.id];
    if !own.counts {
        return;
    }
    let now = row.decided_at;
    let room = |it: &Decided| world.owner.get(&it.handle) == Some(&person);
    caps_hold(world, row, (person, now), |it| room(it).then(|| it.sent_at.unwrap_or(now)));
}

/// Of what counts and happened when `when` says, no cap has more than it allows.
fn caps_hold(
    world: &World,
    row: &MessageRow,
    (person, now): (i64, Timestamp),
    when: impl Fn(&Decided) -> Option<Timestamp>,
) {
    let own = &world.decided[&row.id];
    let zone = zone(world, person);
    let shown = |at| civil(&zone, at).date();
    for cap in &world.town.plans.settings.caps {
        let fits = |it: &Decided| {
            cap.channel.is_none_or(|of| of == it.channel) && (cap.topic.is_none() || cap.topic == it.topic)
        };
        let is_in = |at: Timestamp| match cap.window {
            Window::Last(length) => at.0 > now.0 - length.micros(),
            Window::Day => shown(at) >= shown(now),
            Window::Week => shown(at).iso_week_date().date() >= shown(now).iso_week_date().date(),
            Window::Month => shown(at).first_of_month() >= shown(now).first_of_month(),
        };
        if fits(own) {
            let counted = world.decided.values().filter(|it| it.counts && fits(it));
            let count = counted.filter(|it| when(it).is_some_and(is_in)).count();
            assert!(count <= cap.most as usize, "seed {}: {count} of {cap:?}: {row:?}", world.seed);
        }
    }
}

/// A message was decided not to go out: the reason must be so.
pub fn skipped(world: &World, row: &MessageRow) {
    let reason = row.reason.as_deref().and_then(Reason::parse).expect("whoever is not sent to has a reason");
    let person = row.person.0;
    let expected = match reason {
        Reason::NoConsent => Verdict::Unknown,
        Reason::ConsentDenied => Verdict::Denied,
        Reason::ConsentPending => Verdict::Pending,
        Reason::ConsentExpired => Verdict::Expired,
        Reason::Capped | Reason::TooLate | Reason::Yielded | Reason::HeldOut | Reason::Trouble => Verdict::Granted,
        Reason::OutOfAudience => {
            let when = plan(world, row).audience.as_ref().unwrap();
            assert!(!world.members.contains(&(when.segment(), person)), "seed {}: {row:?}", world.seed);
            return;
        }
        Reason::Unreachable => return,
        Reason::Restricted => {
            assert!(!may_be_used(world, person), "seed {}: they are not restricted: {row:?}", world.seed);
            return;
        }
        other => panic!("seed {}: nothing here leads to {other:?}: {row:?}", world.seed),
    };
    assert_eq!(verdict(world, person, row), expected, "seed {}: {row:?}", world.seed);
}

/// A message is handed to the provider.
pub fn handed(world: &World, row: &MessageRow) {
    let person = person_of(world, row);
    assert!(may_be_used(world, person), "seed {}: they are restricted now: {row:?}", world.seed);
    if row.class == "marketing" {
        assert_eq!(verdict(world, person, row), Verdict::Granted, "seed {}: no consent any more: {row:?}", world.seed);
        assert!(!is_quiet(world, row, person), "seed {}: handed over in quiet hours: {row:?}", world.seed);
        // However long it was on its way: of what went to this identifier up to now, with it. (Two who became one had a place each.)
        if world.decided.get(&row.id).is_some_and(|own| own.counts) {
            let own = &world.decided[&row.id];
            let is_this = |it: &Decided| std::ptr::eq(it, own);
            caps_hold(world, row, (person, world.now()), |it| {
                if is_this(it) { Some(world.now()) } else { it.sent_at.filter(|_| it.handle == own.handle) }
            });
        }
    }
}

/// After a look at everything, whoever is not out is woken later.
pub async fn nobody_is_lost(world: &World) {
    for row in world.instances().await.iter().filter(|row| row.ended_at.is_none()) {
        assert!(row.wake_at.is_some_and(|at| at > world.now()), "seed {}: lost: {row:?}", world.seed);
    }
}

fn add(flows: &mut BTreeMap<(String, String), i64>, journey: &str, way: String) {
    *flows.entry((journey.to_owned(), way)).or_default() += 1;
}

/// What is counted of an instance.
pub fn count_instance(row: &InstanceRow, flows: &mut BTreeMap<(String, String), i64>) {
    if row.visits.0.is_empty() {
        return;
    }
    let is_held = row.ended_why.as_deref() == Some("held_out");
    add(flows, &row.journey, if is_held { ">held_out".into() } else { ">in".into() });
    if let Some(why) = &row.ended_why {
        add(flows, &row.journey, format!(">out:{why}"));
    }
    if row.goal_at.is_some() {
        add(flows, &row.journey, ">goal".into());
    }
    for left in &row.trail.0 {
        add(flows, &row.journey, format!("{}>{}", left.node, left.way));
    }
    for (node, times) in &row.visits.0 {
        (0..*times).for_each(|_| add(flows, &row.journey, format!("{node}>in")));
    }
}

/// What is counted of a message.
pub fn count_message(row: &MessageRow, flows: &mut BTreeMap<(String, String), i64>) {
    add(flows, row.journey.as_deref().unwrap(), format!("{}>message", row.node));
}

/// Everything in the end; what there was, in a line.
pub async fn judge(world: &World) -> String {
    let seed = world.seed;
    let rows = world.instances().await;
    let definitions = world.definitions().await;
    let text = Sql::assembled("SELECT id FROM messages ORDER BY id".to_owned());
    let ids: Vec<(String,)> = world.town.store.read().fetch_all(text, args![]).await.unwrap();
    let ids: Vec<String> = ids.into_iter().map(|(id,)| id).collect();
    let mut all = messages::by_ids(&mut world.town.store.read(), W, &ids).await.unwrap();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    // Everybody is out.
    for row in &rows {
        assert!(row.ended_at.is_some() && row.wake_at.is_none(), "seed {seed}: {row:?}");
        assert!(
            row.person.0 == row.handle.map_or(0, |handle| world.owner[&handle.0]),
            "seed {seed}: left behind: {row:?}"
        );
    }
    messages_once(world, &rows, &all, &definitions);
    copies(world);
    for row in &rows {
        trail(world, row, &definitions);
    }
    again(world, &rows, &definitions);
    world.slow.compare(world, &rows);
    counts(world, &rows, &all).await;
    let by = |state: &str| all.iter().filter(|row| row.state == state).count();
    let mut hasher = blake3::Hasher::new();
    for row in &all {
        hasher.update(format!("{row:?}").as_bytes());
    }
    for row in &rows {
        hasher.update(format!("{row:?}").as_bytes());
    }
    let reasons: BTreeMap<&str, usize> =
        all.iter().filter_map(|row| row.reason.as_deref()).fold(BTreeMap::new(), |mut all, it| {
            *all.entry(it).or_default() += 1;
            all
        });
    let ends: BTreeMap<&str, usize> =
        rows.iter().filter_map(|row| row.ended_why.as_deref()).fold(BTreeMap::new(), |mut all, it| {
            *all.entry(it).or_default() += 1;
            all
        });
    format!(
        "{} instances, {} looks ({} worked out again), {} messages ({} handed over, {} failed, {} skipped {reasons:?}), ends {ends:?}, {} crashes, {} erased, history {}",
        rows.len(),
        world.looks,
        world.slow.looks,
        all.len(),
        world.handed.len(),
        by("failed"),
        by("skipped"),
        world.crashes,
        world.erased.people,
        &hasher.finalize().to_hex()[..16]
    )
}

/// Of each passing of a message node there is one message, or one reason, and no other message is there.
fn messages_once(
    world: &World,
    rows: &[InstanceRow],
    all: &[MessageRow],
    definitions: &BTreeMap<(String, i64), Definition>,
) {
    let mut passed: BTreeMap<(String, String, i64), i64> = BTreeMap::new();
    for row in all {
        *passed.entry((row.instance.clone().unwrap(), row.node.clone(), row.visit)).or_default() += 1;
    }
    for row in rows {
        let mut visits: BTreeMap<&str, i64> = BTreeMap::new();
        for left in &row.trail.0 {
            let visit = visits.entry(&left.node).or_default();
            *visit += 1;
            let is_message = ["sent", "skipped"].contains(&left.way.as_str()) || left.way.starts_with("skipped:");
            if is_message {
                let key = (row.id.clone(), left.node.clone(), *visit);
                let there = passed.remove(&key).unwrap_or(i64::from(world.erased.messages.contains(&key)));
                assert_eq!(there, 1, "seed {}: {key:?} of {row:?}", world.seed);
            }
        }
        if !world.migrated.contains(&row.journey) {
            let definition = &definitions[&(row.journey.clone(), row.version)];
            for (node, visit) in visits {
                assert!(visit <= i64::from(definition.most_visits), "seed {}: {node} {visit} times", world.seed);
            }
        }
    }
    let erased = |key: &(String, String, i64)| rows.iter().all(|row| row.id != key.0) && world.erased.people > 0;
    passed.retain(|key, _| !erased(key));
    assert!(passed.is_empty(), "seed {}: messages of nobody's way: {passed:?}", world.seed);
}

/// A copy too many is only where we could not note that the first was taken, and has the same Message-ID.
fn copies(world: &World) {
    let mut copies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, name) in &world.handed {
        copies.entry(id).or_default().push(name);
    }
    for (id, names) in copies {
        let unnoted = world.unnoted.get(id).copied().unwrap_or(0);
        assert!(names.len() <= 1 + unnoted, "seed {}: {id} was sent {} times", world.seed, names.len());
        assert!(names.iter().all(|name| *name == names[0]), "seed {}: {names:?}", world.seed);
    }
}

/// Each step leads to the next one, and no wait is cut short.
fn trail(world: &World, row: &InstanceRow, definitions: &BTreeMap<(String, i64), Definition>) {
    if world.migrated.contains(&row.journey) {
        return;
    }
    let definition = &definitions[&(row.journey.clone(), row.version)];
    let mut arrived = row.entered_at.0;
    let mut at = Some(definition.start.clone());
    for left in &row.trail.0 {
        assert_eq!(at.as_ref(), Some(&left.node), "seed {}: {row:?}", world.seed);
        let step = &definition.node(&left.node).unwrap().step;
        if let Step::Wait { how: Wait::For(length), .. } = step {
            assert!(left.at - arrived >= length.micros(), "seed {}: cut short: {row:?}", world.seed);
        }
        let ways = step.ways();
        let place = left.way.strip_prefix("path:").and_then(|place| place.parse::<usize>().ok());
        let next = match step {
            Step::WaitUntil { .. } | Step::Branch { .. } => ways[place.unwrap_or(ways.len() - 1)].clone(),
            Step::Split { arms, .. } => {
                arms.iter().find(|arm| left.way == format!("arm:{}", arm.name)).unwrap().next.clone()
            }
            Step::Exit {} => None,
            _ => ways[0].clone(),
        };
        (at, arrived) = (next, left.at);
    }
}

/// Nobody comes in more often than they may.
fn again(world: &World, rows: &[InstanceRow], definitions: &BTreeMap<(String, i64), Definition>) {
    let mut entries: BTreeMap<(String, i64, String), Vec<i64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.ended_why.as_deref() != Some("late")) {
        let is_by_occasion =
            matches!(&definitions[&(row.journey.clone(), row.version)].entry, Entry::Event { key: Some(_), .. });
        let key = if is_by_occasion { row.entry_key.clone() } else { String::new() };
        entries.entry((row.journey.clone(), row.handle.unwrap().0, key)).or_default().push(row.entered_at.0);
    }
    for ((journey, handle, key), mut at) in entries {
        at.sort_unstable();
        // Where versions differ, the loosest of them.
        let forms: Vec<&Reentry> =
            definitions.iter().filter(|((of, _), _)| *of == journey).map(|(_, it)| &it.reentry).collect();
        let place = || format!("seed {}: {journey} {handle} {key:?} {at:?} {forms:?}", world.seed);
        if forms.iter().all(|form| **form == Reentry::Never) {
            assert!(at.len() == 1, "{}", place());
        }
        if let [Reentry::AtMost(most)] = forms[..] {
            assert!(at.len() <= *most as usize, "{}", place());
        }
        if let [Reentry::After(length)] = forms[..] {
            assert!(at.windows(2).all(|two| two[1] - two[0] >= length.micros()), "{}", place());
        }
    }
}

/// What is counted is what there is, with what was erased.
async fn counts(world: &World, rows: &[InstanceRow], all: &[MessageRow]) {
    let mut expected = world.erased.flows.clone();
    rows.iter().for_each(|row| count_instance(row, &mut expected));
    all.iter().for_each(|row| count_message(row, &mut expected));
    let mut found: BTreeMap<(String, String), i64> = BTreeMap::new();
    for number in 0..world.size.journeys {
        let key = format!("j{number}");
        for (_, node, way, people) in journeys::flows(&mut world.town.store.read(), W, &key).await.unwrap() {
            let way = if way.starts_with("message:") { "message".to_owned() } else { way };
            *found.entry((key.clone(), format!("{node}>{way}"))).or_default() += people;
        }
    }
    let differ = |key: &&(String, String)| found.get(*key) != expected.get(*key);
    let keys: Vec<_> = found.keys().chain(expected.keys()).filter(differ).collect();
    let told: Vec<_> = keys.iter().map(|key| (key, found.get(*key), expected.get(*key))).collect();
    assert!(told.is_empty(), "seed {}: counted, and there: {told:?}", world.seed);
}
