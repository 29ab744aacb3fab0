//! Challenges, badges and a leaderboard of the sample club, and what its members did for them in the last months.
//!
//! Always holds: progress, badges, places and winners come about by the steps that everybody's events take, only that the clock shows the days of the past; who joins the leaderboard is the same
//! each time.
//!
//! Does not: decide what counts.

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::{Event, Timestamp, WorkspaceId};
use rapport_loyalty::document::State;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::badges::{self, Whose};
use rapport_loyalty::records::leaderboards::{self as records, Joined, Scene, Turn};
use rapport_loyalty::records::members;
use rapport_profiles::{Applied, AppliedEvent};
use rapport_store::Tx;
use serde_json::json;

use super::club::Version;
use crate::installation::Installation;
use crate::{challenges, leaderboards};

const REGULAR: &str = "regular";
const ROASTER: &str = "roaster";
const PACKED: &str = "well-packed";
const WALKER: &str = "walker-of-the-month";
const PIONEER: &str = "pioneer";
const BOARD: &str = "walkers";
/// The challenges began so many days ago.
const SINCE: i64 = 150;
/// And the leaderboard: one of its months at least is over, and its winners stand.
const BOARD_SINCE: i64 = 75;
/// More than may win in a month.
const WINNERS: u32 = 1_000;
/// As what others see those who are on it.
const NAMES: [&str; 18] = [
    "Moss & Boots",
    "Two Left Socks",
    "Captain Drizzle",
    "The Slow Badger",
    "Fox on the Ridge",
    "Heather",
    "Uphill Both Ways",
    "Marmot No. 7",
    "Thermos Queen",
    "Lost near Bergen",
    "Blister Brothers",
    "Wind from Sylt",
    "Puddle Jumper",
    "Gravel Poet",
    "Night Owl of Altona",
    "Half a Sandwich",
    "Pine Needle",
    "Compass? What compass",
];

/// What members show.
pub(super) fn badges() -> Vec<Version> {
    let badge = |place: u32, name: &str, words: &str| json!({"name": name, "place": place, "words": words});
    vec![
        (REGULAR, SINCE, State::Live, badge(10, "Regular", "An order in each of four months.")),
        (ROASTER, SINCE, State::Live, badge(20, "Friend of the roaster", "Eight bags of coffee.")),
        (PACKED, SINCE, State::Live, badge(30, "Well packed", "400 euros of gear in a quarter.")),
        (WALKER, BOARD_SINCE, State::Live, badge(40, "Walker of the month", "First among those who walk along.")),
        (PIONEER, SINCE, State::Live, badge(50, "Pioneer", "With us from the first days of the club.")),
    ]
}

/// What there is to do.
pub(super) fn challenges() -> Vec<Version> {
    let months = json!({"name": "An order every month", "place": 10, "words": "Come by each month; one may be missed.", "event": "Order Completed",
        "counts": {"kind": "in_a_row", "unit": "months", "freezes": 1},
        "steps": [{"target": "2", "name": "Two months", "points": 40}, {"target": "4", "name": "Four months", "points": 150, "badge": REGULAR}]});
    let card = json!({"name": "Coffee card", "place": 20, "words": "Eight bags of coffee or tea, and the card begins anew.", "event": "Order Completed",
        "items": {"property": {"path": "category", "op": "equals", "value": "Coffee & Tea"}}, "counts": {"kind": "units"},
        "steps": [{"target": "4", "name": "Half a card", "points": 20}, {"target": "8", "name": "A full card", "points": 80, "badge": ROASTER}],
        "recurrence": {"kind": "always"}});
    let quarter = json!({"name": "Pack for the season", "place": 30, "words": "What you buy for 150 and for 400 euros in a quarter.",
        "event": "Order Completed", "counts": {"kind": "amount"}, "period": {"kind": "quarter"},
        "steps": [{"target": "150", "points": 75}, {"target": "400", "points": 250, "badge": PACKED}]});
    let shelves = json!({"name": "Something from every shelf", "place": 40, "words": "Five different shelves in a year.", "event": "Order Completed",
        "counts": {"kind": "distinct", "property": "category", "of_lines": true}, "period": {"kind": "year"}, "joins": "opt_in",
        "steps": [{"target": "5", "points": 200}]});
    vec![
        ("monthly", SINCE, State::Live, months),
        ("coffee-card", SINCE, State::Live, card),
        ("season", SINCE, State::Live, quarter),
        ("shelves", 2, State::Draft, shelves),
    ]
}

/// Who is where.
pub(super) fn leaderboards() -> Vec<Version> {
    let walkers = json!({"name": "Walkers of the month", "place": 10, "words": "Who earned most points this month, among those who walk along.",
        "ranks": {"kind": "points"}, "period": {"kind": "month"}, "shown": 10, "settles_after_days": 3,
        "prizes": [{"to_place": 1, "points": 300, "badge": WALKER}, {"to_place": 3, "points": 100}]});
    vec![(BOARD, BOARD_SINCE, State::Live, walkers)]
}

/// What is remembered from day to day.
pub(super) struct Doing {
    end: Timestamp,
    /// How many are on the leaderboard.
    joined: usize,
    has_pioneers: bool,
}

/// What happened on a day, and when it is written down.
#[derive(Clone, Copy)]
pub(super) struct Day<'a> {
    pub(super) workspace: WorkspaceId,
    pub(super) events: &'a [Event],
    pub(super) applied: &'a [AppliedEvent],
    pub(super) orders: &'a [(MemberId, &'a str)],
    pub(super) now: Timestamp,
}

impl Doing {
    pub(super) const fn new(end: Timestamp) -> Self {
        Self { end, joined: 0, has_pioneers: false }
    }

    /// What a day's orders count, who walks along from then on, and the winners of a month that is over.
    pub(super) async fn day(&mut self, installation: &Installation, tx: &mut Tx, day: Day<'_>, by: &str) -> Result<()> {
        let end = self.end;
        let has_begun = |days: i64| day.now >= end.plus(-days * Timestamp::DAY);
        if !has_begun(SINCE) {
            return Ok(());
        }
        let mut applied = Applied::default();
        applied.events = day.applied.to_vec();
        // What is known of them by it is told again when all of it is heard of.
        challenges::hear_at(installation, tx, day.workspace, (day.events, &mut applied), day.now).await?;
        self.pioneers(tx, day, by).await?;
        if !has_begun(BOARD_SINCE) {
            return Ok(());
        }
        self.join(installation, tx, day).await?;
        let people: BTreeSet<_> = day.applied.iter().map(|it| it.person).collect();
        leaderboards::hear_at(installation, tx, day.workspace, people, day.now).await?;
        for row in records::ended(tx, day.workspace, day.now).await? {
            let members = records::above(tx, day.workspace, (&row.leaderboard, &row.period), 0).await?;
            on_boards(installation, tx, day, async |tx, scene| {
                // The period is closed, and all who won are found at once: nobody waits for it.
                while let Turn::Closed | Turn::Found(_) = records::settle(tx, scene, &row, (members, WINNERS)).await? {}
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Staff thank whoever orders first once there are badges.
    async fn pioneers(&mut self, tx: &mut Tx, day: Day<'_>, by: &str) -> Result<()> {
        if self.has_pioneers || day.orders.is_empty() {
            return Ok(());
        }
        let first: BTreeSet<MemberId> = day.orders.iter().map(|(member, _)| *member).take(3).collect();
        let first: Vec<MemberId> = first.into_iter().collect();
        for member in members::by_numbers(tx, day.workspace, &first).await? {
            let Some(person) = member.person else { continue };
            let whose = Whose { member: member.member, person, badge: PIONEER, cause: badges::BY_STAFF };
            let act = badges::Act { at: day.now, now: day.now, by, reason: "Helped to try the club out" };
            badges::give(tx, day.workspace, whose, act).await?;
        }
        self.has_pioneers = true;
        Ok(())
    }

    /// Some of those who order choose a name and walk along.
    async fn join(&mut self, installation: &Installation, tx: &mut Tx, day: Day<'_>) -> Result<()> {
        if self.joined >= NAMES.len() || day.orders.is_empty() {
            return Ok(());
        }
        let asked: BTreeSet<MemberId> = day.orders.iter().map(|(member, _)| *member).collect();
        let asked: Vec<MemberId> = asked.into_iter().collect();
        for member in members::by_numbers(tx, day.workspace, &asked).await? {
            let Some(name) = NAMES.get(self.joined) else { break };
            let known = records::joins(tx, day.workspace, &[member.member]).await?;
            if !known.is_empty() || member.person.is_none() {
                continue;
            }
            let mut is_new = false;
            on_boards(installation, tx, day, async |tx, scene| {
                is_new = records::join(tx, scene, &member, (BOARD, name)).await? == Joined::Yes;
                Ok(())
            })
            .await?;
            self.joined += usize::from(is_new);
        }
        Ok(())
    }
}

/// Does something with the leaderboards as they were on that day.
async fn on_boards(
    installation: &Installation,
    tx: &mut Tx,
    day: Day<'_>,
    act: impl AsyncFnOnce(&mut Tx, Scene<'_>) -> Result<()>,
) -> Result<()> {
    let programs = installation.programs.get(tx, day.workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(()) };
    let calendar = latest.program.calendar()?;
    let scene = Scene {
        workspace: day.workspace,
        program: &latest.program,
        calendar: &calendar,
        leaderboards: &programs.leaderboards,
        challenges: &programs.challenges,
        now: day.now,
    };
    act(tx, scene).await
}
