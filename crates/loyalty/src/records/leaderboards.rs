//! Leaderboards in the product database: how much those have who are on them, who is where, and what the winners get.
//!
//! Always holds: only who asked for it is on a leaderboard, under a name that they chose; a period's winners are found once, by what stood when it was closed, and what they get has one command each on the
//! ledger, wherever the work was cut short. What turns out otherwise later changes nothing of it.
//!
//! Does not: say when; whoever hears events reckons amounts, and the night work finds the winners.

mod rows;

use std::collections::{BTreeMap, HashMap};

use rapport_domain::money::MICROS_PER_UNIT;
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Tx};
use serde_json::json;

pub use rows::{
    JoinRow, PeriodRow, ScoreRow, WinnerRow, above, ended, first, joined, joins, periods, score, winners, won,
};
pub(super) use rows::{forget, merge};

use super::badges::{self, Whose};
use super::documents::Version;
use super::members::{self, Member};
use super::{Memory, head, post, wallets};
use crate::Error;
use crate::challenges::{Challenge, Counts, Span};
use crate::document::State;
use crate::leaderboards::{Leaderboard, Ranks};
use crate::ledger::{Command, MemberId, Source, WalletId};
use crate::program::Program;

/// The domain event of somebody who joined a leaderboard.
pub const JOINED: &str = "leaderboard.joined";
/// Of one who left it.
pub const LEFT: &str = "leaderboard.left";
/// Of one who won.
pub const WON: &str = "leaderboard.won";

/// What a prize has for an outcome that was given.
const GIVEN: &str = "given";
/// What the ids of the ledger's operations begin with that are made here, and the causes of badges.
pub const OWN_IDS: &str = "leaderboard:";

/// In which programme leaderboards are reckoned, and when.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where.
    pub workspace: WorkspaceId,
    /// The programme as it is now.
    pub program: &'a Program,
    /// Its calendar.
    pub calendar: &'a Calendar,
    /// Leaderboards in all their versions, the oldest of each first.
    pub leaderboards: &'a [Version<Leaderboard>],
    /// Challenges in all their versions, the oldest of each first.
    pub challenges: &'a [Version<Challenge>],
    /// The present.
    pub now: Timestamp,
}

impl<'a> Scene<'a> {
    /// The latest version of one.
    pub fn latest(self, key: &str) -> Option<&'a Version<Leaderboard>> {
        self.leaderboards.iter().rfind(|it| it.document.key == key)
    }

    fn live(self) -> impl Iterator<Item = &'a Leaderboard> {
        let latest = self.leaderboards.chunk_by(|one, other| one.document.key == other.document.key);
        latest.filter_map(|versions| versions.last()).filter(|it| it.state == State::Live).map(|it| &it.document)
    }

    fn counts_values(self, challenge: &str) -> bool {
        let found = self.challenges.iter().rfind(|it| it.document.key == challenge);
        found.is_some_and(|it| matches!(it.document.counts, Counts::Distinct { .. }))
    }
}

/// Reckons anew how much these members have on the leaderboards on which they are, in all periods whose winners do not stand.
///
/// # Errors
/// The store's.
pub async fn reckon(tx: &mut Tx, scene: Scene<'_>, found: &[MemberId]) -> Result<(), Error> {
    if found.is_empty() || scene.live().next().is_none() {
        return Ok(());
    }
    let mut on: BTreeMap<String, Vec<MemberId>> = BTreeMap::new();
    for row in joins(tx, scene.workspace, found).await?.into_iter().filter(|row| row.left_at.is_none()) {
        on.entry(row.leaderboard).or_default().push(MemberId(row.member));
    }
    if on.is_empty() {
        return Ok(());
    }
    // So that nobody finds the winners of what is being reckoned.
    head::lock(tx, scene.workspace).await?;
    let wallets = wallets::numbers(tx, scene.workspace).await?;
    for board in scene.live() {
        let Some(members) = on.get(&board.key) else { continue };
        for span in board.open(scene.now, scene.calendar) {
            // Its winners are being found, though it would be open still by a later version.
            if span.end <= scene.now && rows::is_closed(tx, scene.workspace, (&board.key, &span.key)).await? {
                continue;
            }
            let scores = amounts(tx, scene, (board, &wallets), members, &span).await?;
            rows::save_scores(tx, scene.workspace, (&board.key, &span), &scores).await?;
        }
    }
    Ok(())
}

/// How much each has in a period, in millionths.
async fn amounts(
    tx: &mut Tx,
    scene: Scene<'_>,
    (board, wallets): (&Leaderboard, &HashMap<String, WalletId>),
    of: &[MemberId],
    span: &Span,
) -> Result<Vec<(MemberId, i64)>, Error> {
    let mut sums: BTreeMap<MemberId, i64> = of.iter().map(|member| (*member, 0)).collect();
    match &board.ranks {
        Ranks::Points { wallet } => {
            let Some(wallet) = wallets.get(scene.program.key_meant(wallet.as_deref())) else {
                return Ok(Vec::new());
            };
            let mut owners: BTreeMap<i64, MemberId> = BTreeMap::new();
            for member in of {
                let all = members::numbers(tx, scene.workspace, *member).await?;
                owners.extend(all.into_iter().map(|number| (number.0, *member)));
            }
            let all: Vec<i64> = owners.keys().copied().collect();
            for (number, points) in rows::earned(tx, scene.workspace, (wallet.0, &all), span).await? {
                let Some(sum) = owners.get(&number).and_then(|owner| sums.get_mut(owner)) else { continue };
                *sum = sum.saturating_add(points.saturating_mul(MICROS_PER_UNIT));
            }
        }
        Ranks::Challenge { challenge } => {
            let all: Vec<i64> = of.iter().map(|member| member.0).collect();
            let counts_values = scene.counts_values(challenge);
            for (member, amount, values) in rows::counted(tx, scene.workspace, (challenge, &all), span).await? {
                let score = if counts_values { values.saturating_mul(MICROS_PER_UNIT) } else { amount };
                sums.insert(MemberId(member), score);
            }
        }
    }
    Ok(sums.into_iter().collect())
}

/// What came of a wish to be on a leaderboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// They are on it now, or have another name.
    Yes,
    /// They were on it under that name.
    Already,
    /// Somebody else on it has that name.
    NameTaken,
}

/// Puts a member on a leaderboard, as they asked, under a name that [`alias`](crate::leaderboards::alias) let pass; what they did in this period counts, also before.
///
/// # Errors
/// As [`reckon`].
pub async fn join(
    tx: &mut Tx,
    scene: Scene<'_>,
    member: &Member,
    (leaderboard, alias): (&str, &str),
) -> Result<Joined, Error> {
    // Whoever else joins waits, so that of two who want a name one gets it.
    head::lock(tx, scene.workspace).await?;
    let all = joins(tx, scene.workspace, &[member.member]).await?;
    let known = all.into_iter().find(|it| it.leaderboard == leaderboard && it.left_at.is_none());
    if known.as_ref().is_some_and(|it| it.alias == alias) {
        return Ok(Joined::Already);
    }
    let row = JoinRow {
        member: member.member.0,
        leaderboard: leaderboard.to_owned(),
        alias: alias.to_owned(),
        joined_at: known.as_ref().map_or(scene.now, |it| it.joined_at),
        left_at: None,
    };
    if rows::is_taken(tx, scene.workspace, &row).await? {
        return Ok(Joined::NameTaken);
    }
    rows::save_join(tx, scene.workspace, &row).await?;
    if known.is_none() {
        tell(tx, scene, JOINED, member, leaderboard);
    }
    reckon(tx, scene, &[member.member]).await?;
    Ok(Joined::Yes)
}

/// Takes a member off a leaderboard; whether they were on it. What they won stays theirs.
///
/// # Errors
/// As [`reckon`].
pub async fn leave(tx: &mut Tx, scene: Scene<'_>, member: &Member, leaderboard: &str) -> Result<bool, Error> {
    head::lock(tx, scene.workspace).await?;
    let all = joins(tx, scene.workspace, &[member.member]).await?;
    let known = all.into_iter().find(|it| it.leaderboard == leaderboard && it.left_at.is_none());
    let Some(row) = known else { return Ok(false) };
    rows::take_off(tx, scene.workspace, &row).await?;
    rows::save_join(tx, scene.workspace, &JoinRow { left_at: Some(scene.now), ..row }).await?;
    tell(tx, scene, LEFT, member, leaderboard);
    Ok(true)
}

fn tell(tx: &mut Tx, scene: Scene<'_>, name: &'static str, member: &Member, leaderboard: &str) {
    let Some(person) = member.person else { return };
    let payload =
        json!({ "member": member.member.0.to_string(), "leaderboard": leaderboard, "at": scene.now.to_rfc3339() });
    tx.emit(Event::new(scene.workspace, name, payload).about(person));
}

/// Whether the winners of a period that ended are to be found now: until then what goes back changes who they are.
pub fn are_due(scene: Scene<'_>, row: &PeriodRow) -> bool {
    let board = scene.latest(&row.leaderboard).map(|it| &it.document);
    board.is_some_and(|board| row.closed_at.is_some() || board.settles_at(row.ends_at) <= scene.now)
}

/// What a turn of [`settle`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it must wait, or its winners stand already.
    Nothing,
    /// The period is closed: from now on nothing changes what members had in it.
    Closed,
    /// So many were found to be on places that get something, and there may be more.
    Found(usize),
    /// As many, and the winners stand now.
    Stands(usize),
}

/// Finds the winners of a period that ended, up to `most` in this turn, and gives them what they won; `members` is how many had something in it, as it was counted since it was closed.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn settle(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &PeriodRow,
    (members, most): (i64, u32),
) -> Result<Turn, Error> {
    let Some(version) = scene.latest(&row.leaderboard).filter(|_| are_due(scene, row)) else {
        return Ok(Turn::Nothing);
    };
    let (workspace, board) = (scene.workspace, &version.document);
    head::lock(tx, workspace).await?;
    let Some(mut reached) = rows::reached(tx, workspace, row).await? else { return Ok(Turn::Nothing) };
    if reached.closed_at.is_none() {
        rows::close(tx, workspace, row, scene.now).await?;
        return Ok(Turn::Closed);
    }
    // One that is paused or ended meanwhile promises nothing any more, but for whoever comes behind some that were given theirs.
    let is_promised = version.state == State::Live || reached.ranked > 0;
    let last = if is_promised { board.last_prize() } else { 0 };
    let scores = if last > 0 { rows::behind(tx, workspace, row, (&reached, most)).await? } else { Vec::new() };
    let mut is_over = scores.len() < most as usize;
    let mut ranked = Vec::new();
    for score in scores {
        // Whoever has as much as the last one who gets something gets it too.
        let place = reached.place(score.score);
        if place > last {
            is_over = true;
            break;
        }
        reached.goes_on(place, &score);
        ranked.push((place, score));
    }
    let count = ranked.len();
    let winners = without_prize(tx, workspace, row, ranked).await?;
    let given = give(tx, scene, board, row, winners).await?;
    rows::save_winners(tx, workspace, &given).await?;
    rows::reach(tx, workspace, row, (&reached, members, is_over.then_some(scene.now))).await?;
    Ok(if is_over { Turn::Stands(count) } else { Turn::Found(count) })
}

/// Those who were given nothing of this period yet: (who, place, how much, as what others see them).
async fn without_prize(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &PeriodRow,
    ranked: Vec<(i64, ScoreRow)>,
) -> Result<Vec<(Member, i64, ScoreRow)>, Error> {
    let numbers: Vec<MemberId> = ranked.iter().map(|(_, score)| MemberId(score.member)).collect();
    let have_won = rows::have_won(tx, workspace, row, &numbers).await?;
    let found = members::by_numbers(tx, workspace, &numbers).await?;
    let found = found.into_iter().filter(|it| !have_won.contains(&it.member.0));
    let found: HashMap<MemberId, Member> = found.map(|it| (it.member, it)).collect();
    let winner = |(place, score): (i64, ScoreRow)| Some((found.get(&MemberId(score.member))?.clone(), place, score));
    Ok(ranked.into_iter().filter_map(winner).collect())
}

async fn give(
    tx: &mut Tx,
    scene: Scene<'_>,
    board: &Leaderboard,
    row: &PeriodRow,
    winners: Vec<(Member, i64, ScoreRow)>,
) -> Result<Vec<WinnerRow>, Error> {
    let wallets = wallets::numbers(tx, scene.workspace).await?;
    let mut given: Vec<(WinnerRow, PersonId)> = Vec::new();
    let mut commands: Vec<Vec<Command>> = Vec::new();
    for (member, place, score) in winners {
        let (Some(person), Some(prize)) = (member.person, board.prize(place)) else { continue };
        let wallet = scene.program.key_meant(prize.wallet.as_deref());
        let points = prize.points.unwrap_or(0);
        if points > 0 {
            commands.extend(earn(scene, board, row, (&member, wallet, points), &wallets).map(|it| vec![it]));
        }
        let own = WinnerRow {
            leaderboard: row.leaderboard.clone(),
            period: row.period.clone(),
            member: score.member,
            place,
            score: score.score,
            alias: score.alias,
            wallet: if points > 0 { wallet.to_owned() } else { String::new() },
            points,
            badge: prize.badge.clone(),
            outcome: GIVEN.to_owned(),
            won_at: scene.now,
        };
        given.push((own, person));
    }
    let mut refused: BTreeMap<i64, &'static str> = BTreeMap::new();
    if !commands.is_empty() {
        // Nothing of it may be remembered before the caller commits.
        let answers = post(tx, &mut Memory::default(), scene.workspace, &commands, scene.now).await?;
        let no = |(list, answers): (&Vec<Command>, _)| {
            let answers: &Vec<crate::ledger::Answer> = answers;
            Some((list[0].member.0, answers[0].refused?.code()))
        };
        refused.extend(commands.iter().zip(&answers).filter_map(no));
    }
    for (own, person) in &mut given {
        if let Some(code) = refused.get(&own.member) {
            (own.outcome, own.points) = ((*code).to_owned(), 0);
        }
        if let Some(badge) = &own.badge {
            let cause = format!("{OWN_IDS}{}:{}", own.leaderboard, own.period);
            let whose = Whose { member: MemberId(own.member), person: *person, badge, cause: &cause };
            badges::give(tx, scene.workspace, whose, badges::Act { at: scene.now, now: scene.now, by: "", reason: "" })
                .await?;
        }
        let payload = json!({
            "member": own.member.to_string(), "leaderboard": own.leaderboard, "name": board.name, "period": own.period, "place": own.place,
            "points": own.points, "badge": own.badge, "at": scene.now.to_rfc3339(),
        });
        tx.emit(Event::new(scene.workspace, WON, payload).about(*person));
    }
    Ok(given.into_iter().map(|(own, _)| own).collect())
}

fn earn(
    scene: Scene<'_>,
    board: &Leaderboard,
    row: &PeriodRow,
    (member, wallet, points): (&Member, &str, i64),
    wallets: &HashMap<String, WalletId>,
) -> Option<Command> {
    let act = scene.program.wallet(wallet)?.earn(points, scene.now, &scene.calendar.zone);
    let (kind, reference) = ("leaderboard".to_owned(), board.key.clone());
    let source = Source { kind, reference, reason: board.name.clone(), ..Source::default() };
    let id = format!("{OWN_IDS}{}:{}:{}", board.key, row.period, member.member.0);
    Some(Command { id, member: member.member, wallet: *wallets.get(wallet)?, act, source })
}

/// Where a member is in a period, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much they have, in millionths.
    pub score: i64,
    /// On which place they are, from 1; `None` while they have nothing.
    pub place: Option<i64>,
    /// How many have something.
    pub of: i64,
}

/// Where a member is in a period.
///
/// # Errors
/// The store's.
pub async fn standing(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    place: (&str, &str),
    member: MemberId,
) -> rapport_store::Result<Standing> {
    let of = above(db, workspace, place, 0).await?;
    let Some(score) = score(db, workspace, place, member).await? else {
        return Ok(Standing { score: 0, place: None, of });
    };
    let above = above(db, workspace, place, score).await?;
    Ok(Standing { score, place: Some(above + 1), of })
}
