//! `/api/v1/slots`: what the places on the company's own site show to whom, how often they did, what came of it, and what anybody would see there now.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Channel, IdentifierKind, Timestamp, WorkspaceId};
use rapport_engagement::content::Template;
use rapport_engagement::records::slots::{self, DayRow, SlotRow, SumRow, VersionRow};
use rapport_engagement::records::templates;
use rapport_engagement::slots::{Definition, Show};
use rapport_experiments::policies::design::Decides;
use rapport_experiments::policies::records;
use rapport_profiles::records::identifiers;
use rapport_segments::records::segments;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::customers;
use super::effects::{self, HoldoutEffect};
use super::questions::context;
use super::segments::{Names, user_names};
use super::wire::{optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::experimenting::effect::{self, By, Lot};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::slots::{self as showing, Slot};
use crate::visitors::who::Visitor;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_slots))
        .routes(routes!(show_slot, save_slot, delete_slot))
        .routes(routes!(archive_slot))
        .routes(routes!(slot_effect))
        .routes(routes!(preview_slot))
        .routes(routes!(would_show))
}

/// Figures of lists and pages look so many days back.
const DAYS: i64 = 30;

/// A slot.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotShape {
    /// Its name in addresses.
    key: String,
    name: String,
    /// What it shows to whom: variants in order, holdout, cap.
    #[schema(value_type = Object)]
    definition: Value,
    version: i64,
    updated_at: String,
    /// By whom: their name.
    updated_by: String,
    /// When it was put away; pages that ask for it get a 404.
    archived_at: Option<String>,
    /// Times it was shown in the last 30 days, to whomever.
    views: i64,
    /// Of them, those with something that was chosen for whoever was there.
    chosen: i64,
    /// Clicks in what was chosen, in the last 30 days. Of what everybody gets nothing is noted.
    clicks: i64,
    /// The last day on which a page asked for it, if it was in the last 30 days.
    last_day: Option<String>,
}

impl SlotShape {
    fn of(row: SlotRow, sums: Option<&SumRow>, names: &Names) -> Self {
        let by = names.get(&row.updated_by).cloned().unwrap_or(row.updated_by);
        let of = |what: fn(&SumRow) -> i64| sums.map_or(0, what);
        Self {
            key: row.key,
            name: row.name,
            definition: row.definition,
            version: row.version,
            updated_at: time(row.updated_at),
            updated_by: by,
            archived_at: optional_time(row.archived_at),
            views: of(|it| it.views),
            chosen: of(|it| it.chosen),
            clicks: of(|it| it.clicks),
            last_day: sums.map(|it| day(it.last_day)),
        }
    }
}

fn day(at: Timestamp) -> String {
    time(at).chars().take(10).collect()
}

/// Which slots to list.
#[derive(Debug, Deserialize, IntoParams)]
pub struct SlotsQuery {
    /// Those that are put away instead.
    #[serde(default)]
    archived: bool,
}

/// Lists the slots, by name.
#[utoipa::path(get, path = "/api/v1/slots", security(("caller" = ["view_reports"])), tag = "messages", operation_id = "slots", params(("archived" = Option<bool>, Query)), responses((status = 200, body = Rows<SlotShape>)))]
pub async fn list_slots(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SlotsQuery>,
) -> Result<Json<Rows<SlotShape>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let names = user_names(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let sums = slots::sums(&mut db, caller.workspace, since(&app)).await?;
    let rows = slots::all(&mut db, caller.workspace).await?;
    let rows = rows.into_iter().filter(|row| row.archived_at.is_some() == query.archived);
    let shape = |row: SlotRow| {
        let own = sums.iter().find(|it| it.slot == row.key);
        SlotShape::of(row, own, &names)
    };
    Ok(Json(Rows { rows: rows.map(shape).collect() }))
}

/// From when figures count.
fn since(app: &App) -> Timestamp {
    Timestamp((app.now().utc_day() - DAYS + 1) * Timestamp::DAY)
}

/// How often one variant was shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantFigures {
    /// Its place; none: nothing was shown.
    variant: Option<i64>,
    views: i64,
    /// Times it was chosen for whoever was there.
    chosen: i64,
    clicks: i64,
}

/// How often a slot was shown on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotDay {
    /// In UTC.
    day: String,
    views: i64,
    chosen: i64,
    clicks: i64,
}

/// A saved version of a slot.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotVersion {
    version: i64,
    name: String,
    #[schema(value_type = Object)]
    definition: Value,
    saved_at: String,
    saved_by: String,
}

/// A slot with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotPage {
    slot: SlotShape,
    /// Of this version, since it was saved.
    variants: Vec<VariantFigures>,
    /// The last 30 days, without those on which nobody asked.
    days: Vec<SlotDay>,
    /// All versions, the newest first.
    versions: Vec<SlotVersion>,
}

/// Sums rows by something of them, in order of that.
fn summed<K: Ord>(rows: &[DayRow], by: impl Fn(&DayRow) -> K) -> Vec<(K, [i64; 3])> {
    let mut sums = std::collections::BTreeMap::<K, [i64; 3]>::new();
    for row in rows {
        let sum = sums.entry(by(row)).or_default();
        for (sum, part) in sum.iter_mut().zip([row.views, row.chosen, row.clicks]) {
            *sum += part;
        }
    }
    sums.into_iter().collect()
}

async fn page(app: &App, workspace: WorkspaceId, key: &str) -> Result<Json<SlotPage>, Problem> {
    let names = user_names(app, workspace).await?;
    let mut db = app.installation.store.read();
    let row = slots::find(&mut db, workspace, key).await?.ok_or_else(|| Problem::not_found("slot"))?;
    let mut days = slots::days(&mut db, workspace, key).await?;
    let this: Vec<DayRow> = days.iter().filter(|it| it.version == row.version).cloned().collect();
    let variant = |(at, [views, chosen, clicks]): (i64, [i64; 3])| VariantFigures {
        variant: (at >= 0).then_some(at),
        views,
        chosen,
        clicks,
    };
    let since = since(app);
    days.retain(|it| it.day >= since);
    let sums = summed(&days, |_| ()).first().map(|(_, [views, chosen, clicks])| SumRow {
        slot: row.key.clone(),
        views: *views,
        chosen: *chosen,
        clicks: *clicks,
        last_day: days.last().map_or(Timestamp(0), |it| it.day),
    });
    let shown = |it: VersionRow| SlotVersion {
        version: it.version,
        name: it.name,
        definition: it.definition,
        saved_at: time(it.saved_at),
        saved_by: names.get(&it.saved_by).cloned().unwrap_or(it.saved_by),
    };
    let versions = slots::versions(&mut db, workspace, key).await?.into_iter().map(shown).collect();
    let one = |(at, [views, chosen, clicks]): (Timestamp, [i64; 3])| SlotDay { day: day(at), views, chosen, clicks };
    Ok(Json(SlotPage {
        slot: SlotShape::of(row, sums.as_ref(), &names),
        variants: summed(&this, |it| it.variant).into_iter().map(variant).collect(),
        days: summed(&days, |it| it.day).into_iter().map(one).collect(),
        versions,
    }))
}

/// Shows a slot with its versions and figures.
#[utoipa::path(get, path = "/api/v1/slots/{key}", security(("caller" = ["view_reports"])), tag = "messages", operation_id = "slot", params(("key" = String, Path)), responses((status = 200, body = SlotPage), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show_slot(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<SlotPage>, Problem> {
    caller.require(Permission::ViewReports)?;
    page(&app, caller.workspace, &key).await
}

/// What a slot is to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotBody {
    name: String,
    #[schema(value_type = Object)]
    definition: Value,
    /// The version that was changed, 0 for a new slot: if there is a later one by now, nothing is saved. Without it, it is saved all the same.
    based_on: Option<i64>,
}

/// Whether what a slot names is there.
async fn check(db: &mut impl Queries, workspace: WorkspaceId, definition: &Definition) -> Result<(), Problem> {
    if let Some(key) = &definition.policy {
        let row = records::find(db, workspace, key).await?.map(|row| row.policy());
        let Some(policy) = row.filter(|it| it.design.decides == Decides::Way) else {
            return Err(Problem::invalid("definition.policy", "there is no such policy that chooses ways"));
        };
        for (at, variant) in definition.variants.iter().enumerate() {
            if variant.arm.as_ref().is_some_and(|arm| policy.design.place(arm).is_none()) {
                return Err(Problem::invalid(&format!("definition.variants[{at}].arm"), "the policy has no such arm"));
            }
        }
    }
    for (at, variant) in definition.variants.iter().enumerate() {
        if let Some(segment) = &variant.segment
            && segments::by_key(db, workspace, segment).await?.is_none()
        {
            return Err(Problem::invalid(&format!("definition.variants[{at}].segment"), "there is no such segment"));
        }
        if let Show::Template(template) = &variant.show {
            let place = format!("definition.variants[{at}].show.template");
            let row = templates::find(db, workspace, template).await?;
            let row = row.ok_or_else(|| Problem::invalid(&place, "there is no such template"))?;
            let version = templates::version(db, workspace, template, row.version).await?;
            let form = version.and_then(|version| serde_json::from_str(&version.content).ok());
            let serves = form
                .and_then(|form| Template::from_json(form).ok())
                .is_some_and(|template| template.content.serves(Channel::InApp));
            if !serves {
                return Err(Problem::invalid(&place, "it is a template for another channel"));
            }
        }
    }
    Ok(())
}

fn decoded(form: &Value) -> Result<Definition, Problem> {
    Definition::from_json(form).map_err(|error| Problem::invalid("definition", error))
}

/// Makes a slot, or changes it. The same again saves nothing.
#[utoipa::path(put, path = "/api/v1/slots/{key}", security(("caller" = ["edit_content"])), tag = "messages", operation_id = "save_slot", params(("key" = String, Path)), request_body = SlotBody, responses((status = 200, body = SlotPage), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_slot(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<SlotBody>,
) -> Result<Json<SlotPage>, Problem> {
    caller.require(Permission::EditContent)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if key.is_empty() || key.len() > 60 || !key.bytes().all(plain) {
        return Err(Problem::invalid("key", "1 to 60 small letters, digits, - and _"));
    }
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::invalid("name", "1 to 200 letters"));
    }
    let definition = decoded(&body.definition)?;
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    check(&mut tx, caller.workspace, &definition).await?;
    let before = slots::find(&mut tx, caller.workspace, &key).await?;
    let version = before.as_ref().map_or(0, |row| row.version);
    if let Some(based_on) = body.based_on.filter(|based_on| *based_on != version) {
        return Err(overtaken(based_on, version));
    }
    let form = serde_json::to_value(&definition).map_err(Problem::internal)?;
    let is_new = before.as_ref().is_none_or(|row| row.name != name || row.definition != form);
    // Whoever is held out by another share is another lot.
    let same_lot = before.as_ref().filter(|row| {
        Definition::from_json(&row.definition).is_ok_and(|it| it.holdout_percent.eq(&definition.holdout_percent))
    });
    let row = SlotRow {
        key: key.clone(),
        name: name.to_owned(),
        definition: form,
        version: version + 1,
        updated_at: now,
        updated_by: caller.id().as_str().to_owned(),
        archived_at: before.as_ref().and_then(|row| row.archived_at),
        held_since: same_lot.map_or(now, |row| row.held_since),
    };
    if is_new {
        slots::save(&mut tx, caller.workspace, &row).await?;
        tx.commit().await?;
        app.slots.forget(caller.workspace);
    }
    page(&app, caller.workspace, &key).await
}

fn overtaken(based_on: i64, version: i64) -> Problem {
    if based_on == 0 {
        return Problem::conflict(
            "slot_exists",
            "There is a slot with this key already.",
            "Choose another key, or change that one.",
        );
    }
    Problem::conflict(
        "changed_meanwhile",
        format!("Version {version} was saved meanwhile; this change is of version {based_on}."),
        "Look at the latest version and make the change there.",
    )
}

/// Whether a slot is put away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotArchived {
    archived: bool,
}

/// Puts a slot away, so that pages show what they have by themselves, or takes it out again. Its versions and figures stay.
#[utoipa::path(put, path = "/api/v1/slots/{key}/archived", security(("caller" = ["edit_content"])), tag = "messages", operation_id = "archive_slot", params(("key" = String, Path)), request_body = SlotArchived, responses((status = 200, body = SlotPage), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn archive_slot(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<SlotArchived>,
) -> Result<Json<SlotPage>, Problem> {
    caller.require(Permission::EditContent)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = slots::find(&mut tx, caller.workspace, &key).await?.ok_or_else(|| Problem::not_found("slot"))?;
    if row.archived_at.is_some() != body.archived {
        slots::archive(&mut tx, caller.workspace, &key, body.archived.then(|| app.now())).await?;
        tx.commit().await?;
        app.slots.forget(caller.workspace);
    }
    page(&app, caller.workspace, &key).await
}

/// Deletes a slot with its versions and figures; pages that ask for it get a 404.
#[utoipa::path(delete, path = "/api/v1/slots/{key}", security(("caller" = ["edit_content"])), tag = "messages", operation_id = "delete_slot", params(("key" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_slot(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditContent)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let deleted = slots::delete(&mut tx, caller.workspace, &key).await?;
    tx.commit().await?;
    app.slots.forget(caller.workspace);
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("slot")) }
}

/// How it is measured.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SlotEffectQuery {
    /// For how many days people are followed: 1 to 90, 14 without it.
    days: Option<u32>,
}

/// What a slot brought in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotEffect {
    days: u32,
    /// None where nobody is held out: then what it brought in cannot be said.
    holdout: Option<HoldoutEffect>,
}

/// Says what a slot brought in, by those who are held out.
#[utoipa::path(get, path = "/api/v1/slots/{key}/effect", security(("caller" = ["view_reports"])), tag = "messages", operation_id = "slot_effect", params(("key" = String, Path), ("days" = Option<u32>, Query)), responses((status = 200, body = SlotEffect), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn slot_effect(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<SlotEffectQuery>,
) -> Result<Json<SlotEffect>, Problem> {
    caller.require(Permission::ViewReports)?;
    let days = query.days.unwrap_or(14);
    if !(1..=90).contains(&days) {
        return Err(Problem::invalid("days", "is 1 to 90"));
    }
    let found = slots::find(&mut app.installation.store.read(), caller.workspace, &key).await?;
    let row = found.ok_or_else(|| Problem::not_found("slot"))?;
    let percent = decoded(&row.definition)?.holdout_percent;
    if percent <= 0.0 || percent >= 100.0 {
        return Ok(Json(SlotEffect { days, holdout: None }));
    }
    let arms = [showing::HELD_OUT, showing::SHOWN].map(str::to_owned);
    let lot = Lot { by: By::Holdout, key: showing::holdout_of(&key), arms, percent, since: row.held_since };
    let context = context(&app.installation, caller.workspace).await?;
    let effect = effect::by_holdout(&app.installation, caller.workspace, &lot, days, &context).await?;
    Ok(Json(SlotEffect { days, holdout: Some(effects::shape(effect)) }))
}

/// What a slot would show to a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct WouldShow {
    slot: String,
    /// The place of the variant; none when the page has what it has by itself.
    variant: Option<usize>,
    /// `chosen`, or why they get what everybody gets: `no_member`, `restricted`, `not_agreed`, `held_out`, `seen_enough`.
    reason: String,
    /// What that variant shows.
    #[schema(value_type = Object)]
    show: Value,
}

/// Says what a slot would show to a customer who is proven to be there, and why. Nothing is noted of it.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/slots/{key}", security(("caller" = ["view_people"])), tag = "messages", operation_id = "slot_for_customer", params(("person_id" = String, Path), ("key" = String, Path)), responses((status = 200, body = WouldShow), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn would_show(
    State(app): State<App>,
    caller: Caller,
    Path((person, key)): Path<(String, String)>,
) -> Result<Json<WouldShow>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let visitor = visitor(&app, caller.workspace, &person).await?;
    let shown = showing::would_show(&app, &key, &visitor).await?;
    let (why, variant, show) = shown.ok_or_else(|| Problem::not_found("slot"))?;
    let show = serde_json::to_value(show).map_err(Problem::internal)?;
    Ok(Json(WouldShow { slot: key, variant, reason: why.as_str().to_owned(), show }))
}

/// A slot that need not be saved, and who looks at it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotPreviewBody {
    /// Its key: lots are drawn by it, and caps are counted under it.
    key: String,
    #[schema(value_type = Object)]
    definition: Value,
    /// The person; without one, somebody of whom nothing is known.
    person_id: Option<String>,
}

/// What somebody would be shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotPreview {
    /// The variant's place; none: nothing is shown.
    variant: Option<usize>,
    /// `chosen`; or why they see what everybody gets: `not_known`, `no_member`, `restricted`, `not_agreed`, `held_out`, `seen_enough`.
    reason: String,
    /// The place of what fits them, whether they see it or not.
    fits: Option<usize>,
    /// Of every variant whether they are in its segment; nothing where it has none, or nobody is known.
    is_member: Vec<Option<bool>>,
    /// What is shown: title, body, url, image_url, label, products.
    #[schema(value_type = Option<Object>)]
    content: Value,
    /// Why there is nothing although there should be: `template_gone`, `not_written`.
    lacks: Option<String>,
}

/// Shows what a person, or somebody unknown, would see in a slot that need not be saved, and why. Nothing of it is noted or counted.
#[utoipa::path(post, path = "/api/v1/slot-preview", security(("caller" = ["view_people"])), tag = "messages", operation_id = "preview_slot", request_body = SlotPreviewBody, responses((status = 200, body = SlotPreview), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn preview_slot(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SlotPreviewBody>,
) -> Result<Json<SlotPreview>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let definition = decoded(&body.definition)?;
    let mut db = app.installation.store.read();
    check(&mut db, caller.workspace, &definition).await?;
    let visitor = match &body.person_id {
        Some(person) => Some(visitor(&app, caller.workspace, person).await?),
        None => None,
    };
    let saved = slots::find(&mut db, caller.workspace, &body.key).await?;
    let slot = Slot {
        key: body.key,
        version: saved.as_ref().map_or(0, |row| row.version),
        held_since: saved.map_or(Timestamp(0), |row| row.held_since),
        definition,
    };
    let tried = showing::try_out(&app, caller.workspace, &slot, visitor.as_ref()).await?;
    let is_known = visitor.is_some();
    let segments = slot.definition.variants.iter().map(|variant| variant.segment.as_ref().filter(|_| is_known));
    Ok(Json(SlotPreview {
        variant: tried.place,
        reason: tried.choice.why.as_str().to_owned(),
        fits: tried.choice.fits,
        is_member: segments.map(|it| it.map(|key| tried.choice.members.contains(key))).collect(),
        content: tried.shown.content,
        lacks: tried.shown.lacks.map(str::to_owned),
    }))
}

/// A person as if they were in front of the page, proven by their user id where they have one.
async fn visitor(app: &App, workspace: WorkspaceId, person: &str) -> Result<Visitor, Problem> {
    let row = customers::find(app, workspace, person).await?;
    let names = identifiers::by_persons(&mut app.installation.store.read(), workspace, &[row.person]).await?;
    let is_user = |kind: &str| kind == IdentifierKind::UserId.as_str();
    let own = names.iter().find(|name| is_user(&name.kind)).or_else(|| names.first());
    let own = own.ok_or_else(|| Problem::not_found("customer"))?;
    Ok(Visitor {
        workspace,
        handle: own.handle,
        person: row.person,
        handles: names.iter().map(|name| name.handle).collect(),
        is_proven: true,
    })
}
