//! What the sample shop's customers complained about, what is written of it and of a rival in public, what was heard in interviews, and the ideas box.
//!
//! Always holds: the same customers complain about the same in the same shop; all of it goes through the same doors as anybody's.

use anyhow::Result;
use rapport_domain::{Handle, Id, Timestamp, WorkspaceId};
use rapport_feedback::complaints::records::{self, Sorted};
use rapport_feedback::complaints::{Channel, Kind, Step};
use rapport_feedback::ideas::State;
use rapport_feedback::ideas::records as ideas;
use rapport_feedback::notes::records::{self as notes, NoteRow, PassageRow};
use rapport_profiles::records::{identifiers, orders};
use rapport_store::Priority;

use super::{Said, StepSaid, settings, step, take_in, take_in_many};
use crate::installation::Installation;
use crate::pipeline::Pipeline;
use crate::proposing::{self, Proposed};

const DAY: i64 = Timestamp::DAY;
const HOUR: i64 = Timestamp::HOUR;
/// Who competes with the sample shop.
const RIVAL: &str = "Nordkram";

struct Wrong {
    text: &'static str,
    category: &'static str,
    cause: &'static str,
    touchpoint: &'static str,
    severity: i64,
    channel: Channel,
    /// What it cost, in cents; 0 where nobody knows.
    cents: i64,
}

const fn wrong(
    text: &'static str,
    (category, cause, touchpoint): (&'static str, &'static str, &'static str),
    (severity, channel, cents): (i64, Channel, i64),
) -> Wrong {
    Wrong { text, category, cause, touchpoint, severity, channel, cents }
}

const WRONGS: [Wrong; 8] = [
    wrong(
        "The parcel came two weeks late and the box was torn. I am disappointed.",
        ("delivery", "carrier", "delivery"),
        (2, Channel::Form, 590),
    ),
    wrong(
        "You charged me twice for the same order. Please correct this immediately!",
        ("price", "system", "checkout"),
        (3, Channel::Email, 0),
    ),
    wrong(
        "It broke after three days. I want a new one or my money back.",
        ("product", "defect", "use"),
        (3, Channel::Form, 2_490),
    ),
    wrong(
        "The wrong size was in the box, not what I ordered.",
        ("delivery", "wrong_item", "delivery"),
        (2, Channel::Phone, 790),
    ),
    wrong(
        "Nobody answers. I wrote three times and waited on the phone for an hour.",
        ("service", "process", "support"),
        (3, Channel::Email, 0),
    ),
    wrong(
        "The refund has not come, although you have had the parcel for weeks.",
        ("returns", "process", "returns"),
        (2, Channel::Email, 0),
    ),
    wrong(
        "The website said it was in stock, and then you cancelled my order.",
        ("product", "stock", "shop"),
        (1, Channel::Chat, 500),
    ),
    wrong(
        "The charger got so hot that it melted. This is dangerous!",
        ("product", "defect", "use"),
        (4, Channel::Phone, 4_990),
    ),
];

/// How far apart in days complaints are, how soon they are answered and resolved in hours; 0 for not yet.
const COURSES: [(i64, i64, i64); 10] = [
    (1, 0, 0),
    (2, 5, 0),
    (4, 3, 30),
    (6, 26, 60),
    (9, 2, 8),
    (13, 50, 0),
    (18, 4, 20),
    (24, 9, 200),
    (31, 1, 4),
    (45, 30, 90),
];
/// Complaints in all.
const COMPLAINTS: usize = 40;

/// Texts of the shop and of its rival: stars, whether it is the rival's, words.
const MENTIONS: [(i64, bool, &str); 14] = [
    (5, false, "Fast delivery and beautiful packaging, I will order again"),
    (4, false, "Good quality for the price"),
    (2, false, "Support was friendly, but the parcel came late"),
    (5, false, "Love the colours, exactly as in the pictures"),
    (1, false, "Broken on arrival and nobody answers"),
    (4, false, "The app is quick, checkout was easy"),
    (3, false, "Nice things, a bit expensive"),
    (2, true, "Cheap, but the quality is terrible"),
    (4, true, "Really cheap prices, I cannot complain"),
    (1, true, "Delivery took five weeks, their support is rude"),
    (3, true, "Fine for the price, packaging was awful"),
    (1, true, "Returned it and never got my refund"),
    (5, true, "Great prices and fast shipping"),
    (2, true, "Colours look different from the website"),
];

const IDEAS: [(&str, &str, i64, State, &str); 6] = [
    ("Offer gift wrapping", "With a card that I can write myself.", 31, State::Planned, "It comes before Christmas."),
    ("Filter by colour", "", 24, State::Done, "You find it above every list since October."),
    ("Pick up parcels in the evening", "I am never at home when they come.", 19, State::Open, ""),
    ("Repair things instead of replacing them", "A lamp needs a new switch, not a new lamp.", 12, State::Open, ""),
    ("A discount for every friend", "", 7, State::Declined, "We put this money into delivery without charge."),
    ("Show which size others took", "", 2, State::New, ""),
];

/// Makes all of it.
///
/// # Errors
/// The store's and the log's.
pub async fn save(installation: &Installation, pipeline: &Pipeline, workspace: WorkspaceId, by: &str) -> Result<()> {
    open_pages(installation, workspace, by).await?;
    let taken = complain(installation, workspace).await?;
    pipeline.drain().await?;
    act(installation, workspace, &taken, by).await?;
    mention(installation, workspace).await?;
    write_notes(installation, workspace, by).await?;
    propose(installation, workspace, by).await
}

async fn open_pages(installation: &Installation, workspace: WorkspaceId, by: &str) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let (mut own, revision) = settings(&mut tx, workspace).await?;
    own.page.is_open = true;
    records::save_settings(&mut tx, workspace, (&own, revision), (by, now)).await?;
    let open = rapport_feedback::ideas::Settings { is_open: true, ..rapport_feedback::ideas::Settings::default() };
    ideas::save_settings(&mut tx, workspace, &open, (by, now)).await?;
    tx.commit().await?;
    Ok(())
}

/// What was taken in, with its course.
type Taken = ([u8; 16], Timestamp, (i64, i64, i64));

async fn complain(installation: &Installation, workspace: WorkspaceId) -> Result<Vec<Taken>> {
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let latest = orders::latest(&mut db, workspace, 400).await?;
    let mut taken = Vec::new();
    for (number, (person, order)) in latest.iter().step_by(9).take(COMPLAINTS).enumerate() {
        let what = &WRONGS[number % WRONGS.len()];
        let course = COURSES[number % COURSES.len()];
        // Each of four complains once more.
        let person = if number % 4 == 3 { latest[0].0 } else { *person };
        let names = identifiers::by_persons(&mut db, workspace, &[person]).await?;
        let Some(name) = names.first() else { continue };
        let at = now.plus(-(course.0 * DAY + (number as i64 % 7) * 3 * HOUR));
        let cost = (what.cents > 0).then(|| (order.currency.clone(), what.cents * 10_000));
        let said = Said {
            who: Some(name.identifier()),
            origin: Some(format!("sample-{number}")),
            order_id: Some(order.order_id.clone()),
            sorted: Sorted {
                category: Some(what.category.to_owned()),
                root_cause: Some(what.cause.to_owned()),
                touchpoint: Some(what.touchpoint.to_owned()),
                severity: what.severity,
                cost,
            },
            ..Said::new(what.text.to_owned(), what.channel, at)
        };
        taken.push((take_in(installation, workspace, &said).await?.event_id.0, at, course));
    }
    Ok(taken)
}

async fn act(installation: &Installation, workspace: WorkspaceId, taken: &[Taken], by: &str) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    for (number, (event_id, at, (_, answered, resolved))) in taken.iter().enumerate() {
        let steps = [
            (*answered, Step::Answered, Some("We are sorry, and look into it.")),
            (*resolved, Step::Resolved, None),
            (if number % 10 == 6 { resolved + 30 } else { 0 }, Step::Reopened, None),
        ];
        for (hours, what, text) in steps.into_iter().filter(|it| it.0 > 0 && at.plus(it.0 * HOUR) < now) {
            let Some(row) = records::find(&mut tx, workspace, *event_id).await? else { continue };
            let said = StepSaid { text, is_public: false, by, at: at.plus(hours * HOUR) };
            step(&mut tx, workspace, &row, what, &said).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn mention(installation: &Installation, workspace: WorkspaceId) -> Result<()> {
    let now = installation.clock.now();
    let said = |(number, (stars, is_rivals, text)): (usize, &(i64, bool, &str))| {
        let at = now.plus(-(number as i64 * 37 + 5) * HOUR);
        let channel = if number % 3 == 0 { Channel::Social } else { Channel::ReviewSite };
        Said {
            kind: Kind::Mention,
            subject: if *is_rivals { RIVAL.to_owned() } else { String::new() },
            origin: Some(format!("sample-mention-{number}")),
            is_public: true,
            url: Some(format!("https://posts.example/{number}")),
            reach: Some(40 * (number as i64 + 3) * (number as i64 + 1)),
            rating: Some(*stars).filter(|_| channel == Channel::ReviewSite),
            ..Said::new((*text).to_owned(), channel, at)
        }
    };
    let all: Vec<Said> = MENTIONS.iter().enumerate().map(said).collect();
    take_in_many(installation, workspace, &all).await?;
    Ok(())
}

/// A kind, a title, and passages with their topics.
type Written = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const NOTES: [Written; 3] = [
    (
        "interview",
        "Two people who stopped buying",
        &[
            ("The first order was lovely. Then a parcel came late and nobody told me.", "delivery_time service"),
            ("I did not complain. I just bought elsewhere.", ""),
            ("If the return had been easier I would have stayed.", "returns"),
        ],
    ),
    (
        "mystery_visit",
        "Order and return, as a customer would",
        &[
            ("Checkout took four minutes; the code for the discount was refused twice.", "website payment"),
            ("The packaging was good and had no plastic.", "packaging"),
        ],
    ),
    (
        "observation",
        "An afternoon beside support",
        &[
            ("Half of all calls ask where a parcel is.", "delivery_time"),
            ("Refunds are looked up in two programs.", "returns"),
        ],
    ),
];

async fn write_notes(installation: &Installation, workspace: WorkspaceId, by: &str) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    for (number, (kind, title, passages)) in NOTES.iter().enumerate() {
        let note = NoteRow {
            id: Id::new("nte", &*installation.clock, &*installation.rng).0,
            kind: (*kind).to_owned(),
            title: (*title).to_owned(),
            held_at: now.plus(-(number as i64 * 11 + 4) * DAY),
            revision: 1,
            created_at: now,
            updated_at: now,
            updated_by: by.to_owned(),
        };
        let rows = passages.iter().zip(0_i64..).map(|((text, topics), place)| PassageRow {
            note: note.id.clone(),
            place,
            handle: Handle(0),
            consent: String::new(),
            text: (*text).to_owned(),
            topics: (*topics).to_owned(),
        });
        let rows: Vec<PassageRow> = rows.collect();
        notes::save(&mut tx, workspace, &note, &rows).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn propose(installation: &Installation, workspace: WorkspaceId, by: &str) -> Result<()> {
    let now = installation.clock.now();
    for (number, (title, text, votes, state, answer)) in IDEAS.iter().enumerate() {
        let proposed = Proposed {
            title: (*title).to_owned(),
            text: (*text).to_owned(),
            origin: format!("sample-{number}"),
            voter: (format!("sample-{number}"), Handle(0)),
            name: None,
        };
        let (id, is_new) = proposing::propose(installation, workspace, &proposed, *state != State::New).await?;
        if !is_new {
            continue;
        }
        let mut tx = installation.store.begin(Priority::Interactive).await?;
        for voter in 1..*votes {
            let voter = format!("sample-{number}-{voter}");
            ideas::vote(&mut tx, workspace, &id, (&voter, Handle(0)), now).await?;
        }
        if *state != State::New {
            let answer = Some(*answer).filter(|answer| !answer.is_empty());
            ideas::decide(&mut tx, workspace, &id, (*state, answer), (by, now)).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
