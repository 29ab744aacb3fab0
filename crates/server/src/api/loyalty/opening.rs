//! Members, balances and histories from another programme, out of a file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::dates::Expiry;
use rapport_loyalty::ledger::{MemberId, Refusal};
use rapport_loyalty::opening::Line;
use rapport_loyalty::program::check_key;
use rapport_loyalty::records::members;
use rapport_loyalty::records::opening::{self, History, Opened};
use rapport_loyalty::records::redemptions::Scene;
use rapport_profiles::records::identifiers;
use rapport_segments::Instant;
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::alone;
use super::redemptions::Present;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import_points))
}

/// Lines of a file at once: a longer one is sent in parts, each member's lines in one of them.
const MOST: usize = 20_000;
/// Histories that come in with one transaction.
const TOGETHER: usize = 50;
/// Errors that are listed.
const ERRORS_SHOWN: usize = 1_000;

/// Which column of the file is what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportColumns {
    /// Who.
    who: String,
    /// How many points: above 0 they came, below 0 they went.
    points: String,
    /// When they came or went: a day, or a time with its offset.
    at: String,
    /// When those that came lapse: a day (the last one), a time, or `never`; empty, as the wallet says.
    #[serde(default)]
    expires_at: Option<String>,
    /// From when those that came can be spent; empty, at once.
    #[serde(default)]
    active_from: Option<String>,
    /// What the other programme calls the line.
    #[serde(default)]
    reference: Option<String>,
}

/// A file with what members had elsewhere.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportPointsBody {
    /// The other programme, as a key: the same file of the same one again adds nothing.
    source: String,
    /// The file, as CSV with a line of names: balances (a line for each lot that is left), or whole histories.
    text: String,
    columns: ImportColumns,
    /// What `who` is: `email`, `user_id` or `member_id`.
    who_is: String,
    /// The programme's first, unless said.
    #[serde(default)]
    wallet: Option<String>,
    /// Makes customers members who are none yet.
    #[serde(default)]
    enrol: bool,
    /// Only says what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// A line that did not come in; with it none of that member's did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportError {
    /// The line of the file, from 1 for the names.
    line: usize,
    /// What is wrong: a code of the ledger, or `points_unreadable`, `time_unreadable`, `who_unknown`, `not_a_member`.
    code: String,
}

/// What came of a file.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ImportedPoints {
    lines: usize,
    /// Members whose lots came in.
    members: usize,
    /// Members whose lots were here before.
    known: usize,
    /// Who was made a member.
    enrolled: usize,
    lots: i64,
    points: i64,
    /// Lines that are wrong; the first thousand are listed.
    wrong: usize,
    errors: Vec<ImportError>,
}

impl ImportedPoints {
    fn wrong(&mut self, line: usize, code: &str) {
        self.wrong += 1;
        if self.errors.len() < ERRORS_SHOWN {
            self.errors.push(ImportError { line, code: code.to_owned() });
        }
    }
}

/// Brings in what members had in another programme, as lots with their age and their ends. Each member's lines come in together or not at all; the same file again adds nothing. Users are refused a file that brings more points than their role may give alone.
#[utoipa::path(post, path = "/api/v1/loyalty/imports", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "import_points", request_body = ImportPointsBody, responses((status = 200, body = ImportedPoints), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn import_points(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ImportPointsBody>,
) -> Result<Json<ImportedPoints>, Problem> {
    caller.require(Permission::PostPoints)?;
    check_key("source", &body.source)?;
    let kind = match body.who_is.as_str() {
        "email" => Some(IdentifierKind::Email),
        "user_id" => Some(IdentifierKind::UserId),
        "member_id" => None,
        _ => return Err(Problem::invalid("who_is", "is one of email, user_id, member_id")),
    };
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let wallet = scene.program.wallet_meant(body.wallet.as_deref());
    let wallet = wallet.ok_or_else(|| Problem::invalid("wallet", "the programme has no such wallet"))?;
    let mut done = ImportedPoints::default();
    let reader = Reader { scene, expiry: &wallet.expiry, columns: &body.columns, is_email: body.who_is == "email" };
    let histories = reader.read(&body.text, &mut done)?;
    let who: Vec<String> = histories.keys().cloned().collect();
    let people = people(&app, caller.workspace, kind, &who).await?;
    let all: Vec<(String, Vec<Line>)> = histories.into_iter().collect();
    let file = File { scene, wallet: &wallet.key, body: &body, people: &people, all: &all, by: caller.id().as_str() };
    if !body.dry_run && alone::is_limited(&caller, scene.program) {
        // What a history brings is known once it is played: all of the file is, before any of it comes in.
        let mut tried = ImportedPoints::default();
        file.bring_in(&app, true, &mut tried).await?;
        alone::check(&caller, scene.program, &wallet.key, tried.points)?;
    }
    file.bring_in(&app, body.dry_run, &mut done).await?;
    Ok(Json(done))
}

/// A file that was read.
struct File<'a> {
    scene: Scene<'a>,
    wallet: &'a str,
    body: &'a ImportPointsBody,
    people: &'a HashMap<String, PersonId>,
    all: &'a [(String, Vec<Line>)],
    by: &'a str,
}

impl File<'_> {
    /// Brings it in, part by part, or only looks what would come of it.
    async fn bring_in(&self, app: &App, dry_run: bool, done: &mut ImportedPoints) -> Result<(), Problem> {
        let Self { scene, wallet, body, people, all, by } = *self;
        for part in all.chunks(TOGETHER) {
            let mut tx = app.installation.store.begin(Priority::Background).await?;
            let mut found = Vec::new();
            for (who, lines) in part {
                match member(app, &mut tx, scene, body, (people.get(who).copied(), who, lines)).await? {
                    Ok((member, is_new)) => {
                        done.enrolled += usize::from(is_new);
                        let source = body.source.as_str();
                        found.push(History { source, who, member, wallet, lines: lines.clone() });
                    }
                    Err(code) => done.wrong(lines[0].row, code),
                }
            }
            let outcomes = opening::bring_in(&mut tx, scene, &found, by).await?;
            for outcome in outcomes {
                match outcome {
                    Ok(Opened { is_known: true, .. }) => done.known += 1,
                    Ok(Opened { lots, points, .. }) => {
                        done.members += 1;
                        (done.lots, done.points) = (done.lots + lots, done.points + points);
                    }
                    Err((line, Refusal::IdReused)) => done.wrong(line, "history_differs"),
                    Err((line, refusal)) => done.wrong(line, refusal.code()),
                }
            }
            if dry_run {
                tx.rollback().await?;
            } else {
                tx.commit().await?;
            }
        }
        Ok(())
    }
}

/// Who is known by these names.
async fn people(
    app: &App,
    workspace: WorkspaceId,
    kind: Option<IdentifierKind>,
    who: &[String],
) -> Result<HashMap<String, PersonId>, Problem> {
    let mut people = HashMap::new();
    let Some(kind) = kind else { return Ok(people) };
    for part in who.chunks(500) {
        let rows = identifiers::by_values(&mut app.installation.store.read(), workspace, kind, part).await?;
        people.extend(rows.into_iter().map(|row| (row.value, row.person)));
    }
    Ok(people)
}

/// The member whose lines they are, and whether they are one only now; or what is wrong.
async fn member(
    app: &App,
    tx: &mut Tx,
    scene: Scene<'_>,
    body: &ImportPointsBody,
    (person, who, lines): (Option<PersonId>, &str, &[Line]),
) -> Result<Result<(MemberId, bool), &'static str>, Problem> {
    if body.who_is == "member_id" {
        let Some(number) = who.parse().ok().map(MemberId) else { return Ok(Err("who_unknown")) };
        let found = members::find(tx, scene.workspace, number).await?;
        return Ok(found.map(|_| (number, false)).ok_or("who_unknown"));
    }
    let Some(person) = person else { return Ok(Err("who_unknown")) };
    if let Some(member) = members::of(tx, scene.workspace, person).await? {
        return Ok(Ok((member, false)));
    }
    if !body.enrol {
        return Ok(Err("not_a_member"));
    }
    // They have been a member since what they bring along began.
    let since = lines.iter().map(|line| line.at).min().unwrap_or(scene.now).min(scene.now);
    let member = members::enrol(tx, scene.workspace, person, since, &*app.installation.rng).await?;
    Ok(Ok((member, true)))
}

/// Reads the file.
struct Reader<'a> {
    scene: Scene<'a>,
    expiry: &'a Expiry,
    columns: &'a ImportColumns,
    is_email: bool,
}

/// Where the columns are.
struct Places {
    who: usize,
    points: usize,
    at: usize,
    expires_at: Option<usize>,
    active_from: Option<usize>,
    reference: Option<usize>,
}

impl Reader<'_> {
    /// The lines of each member, by who they are there. Of whoever has a wrong line none is read.
    fn read(&self, text: &str, done: &mut ImportedPoints) -> Result<BTreeMap<String, Vec<Line>>, Problem> {
        let mut file = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let unreadable = |_| Problem::invalid("text", "is no CSV file");
        let places = self.places(file.headers().map_err(unreadable)?)?;
        let mut histories: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        let mut bad: BTreeSet<String> = BTreeSet::new();
        for record in file.records() {
            let record = record.map_err(unreadable)?;
            done.lines += 1;
            if done.lines > MOST {
                return Err(Problem::invalid("text", format_args!("has at most {MOST} lines at once")));
            }
            let row = record.position().map_or(done.lines + 1, |it| usize::try_from(it.line()).unwrap_or(usize::MAX));
            let who = record.get(places.who).unwrap_or_default();
            let who = if self.is_email { who.to_lowercase() } else { who.to_owned() };
            match self.line(&record, &places, row) {
                _ if who.is_empty() => done.wrong(row, "who_unknown"),
                Ok(line) => histories.entry(who).or_default().push(line),
                Err(code) => {
                    done.wrong(row, code);
                    bad.insert(who);
                }
            }
        }
        histories.retain(|who, _| !bad.contains(who));
        Ok(histories)
    }

    fn places(&self, names: &csv::StringRecord) -> Result<Places, Problem> {
        let find = |field: &str, name: &str| {
            let place = names.iter().position(|it| it.trim_start_matches('\u{feff}') == name);
            place.ok_or_else(|| Problem::invalid(&format!("columns.{field}"), "the file has no such column"))
        };
        let maybe = |field: &str, name: &Option<String>| name.as_deref().map(|name| find(field, name)).transpose();
        let columns = self.columns;
        Ok(Places {
            who: find("who", &columns.who)?,
            points: find("points", &columns.points)?,
            at: find("at", &columns.at)?,
            expires_at: maybe("expires_at", &columns.expires_at)?,
            active_from: maybe("active_from", &columns.active_from)?,
            reference: maybe("reference", &columns.reference)?,
        })
    }

    fn line(&self, record: &csv::StringRecord, places: &Places, row: usize) -> Result<Line, &'static str> {
        let cell = |place: Option<usize>| place.and_then(|place| record.get(place)).filter(|cell| !cell.is_empty());
        let instant = |text: &str| Instant::parse(text).ok_or("time_unreadable");
        let calendar = self.scene.calendar;
        let points: i64 = cell(Some(places.points)).and_then(|it| it.parse().ok()).ok_or("points_unreadable")?;
        let at = instant(cell(Some(places.at)).unwrap_or_default())?.start(calendar);
        let came = points > 0;
        let expires_at = match cell(places.expires_at).filter(|_| came) {
            Some("never") => None,
            Some(text) => Some(instant(text)?.until(calendar)),
            None if came => self.expiry.end(at, &calendar.zone),
            None => None,
        };
        let active_from = cell(places.active_from).filter(|_| came).map(instant).transpose()?;
        let reference = cell(places.reference).unwrap_or_default();
        if reference.len() > rapport_loyalty::ledger::REFERENCE_MAX || reference.contains('\0') {
            return Err("id_malformed");
        }
        let active_from: Option<Timestamp> = active_from.map(|it| it.start(calendar));
        Ok(Line { row, at, points, active_from, expires_at, reference: reference.to_owned() })
    }
}
