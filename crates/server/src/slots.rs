//! What a slot shows to whoever is there: who it is, what they are a member of, what was chosen for such people, written for them.
//!
//! Always holds: somebody who is not known, not proven to be who they say, restricted, or who did not agree is shown what everybody gets, and nothing is
//! noted of them; an exposure is committed before what it is about is shown.

pub mod choice;
pub mod counting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_analytics::recommend;
use rapport_domain::{Channel, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::content::message::{LinkPlace, NoteMessage};
use rapport_engagement::content::{Message, Recipient};
use rapport_engagement::records::slots::{self, SlotRow};
use rapport_engagement::slots::{Definition, Method, Products, Show, Why};
use rapport_engagement::tracking::Tracker;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::installation::Installation;
use crate::messages::company::Company;
use crate::messages::scope::{Wanted, scope};
use crate::messages::tracker;
use crate::recommending;
use crate::visitors::who::Visitor;
use choice::Choice;
use counting::Counted;

/// What begins the name under which clicks in a slot are counted.
pub const CLICKED_IN: &str = "slot:";
/// Somebody clicked in a slot.
pub const CLICKED: &str = "slot.clicked";
/// The arm of those who see what everybody gets.
pub const HELD_OUT: &str = "held_out";
/// The arm of those who see what was chosen for them.
pub const SHOWN: &str = "shown";
/// So long products for a person are remembered: finding them reads their events.
const REMEMBERED: i64 = Timestamp::MINUTE;
/// Of so many people.
const MOST: usize = 10_000;

/// The name under which a slot's holdout is measured.
pub fn holdout_of(slot: &str) -> String {
    format!("slot:{slot}")
}

/// A slot as it is shown.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its name in addresses.
    pub key: String,
    /// What it shows to whom.
    pub definition: Definition,
    /// The version that says so.
    pub version: i64,
    /// Since when the share held out is what it is.
    pub held_since: Timestamp,
}

impl Slot {
    /// Of a row; what was stored was decoded before, and what was not by this program is not shown.
    fn of(row: SlotRow) -> Option<Self> {
        let definition = Definition::from_json(&row.definition).ok()?;
        Some(Self { key: row.key, definition, version: row.version, held_since: row.held_since })
    }
}

/// The slots of each workspace, as they were read last; products for people who were here a moment ago; and what was shown since it was written last.
#[derive(Default)]
pub struct Slots {
    known: Mutex<HashMap<WorkspaceId, Arc<HashMap<String, Slot>>>>,
    products: Mutex<HashMap<(WorkspaceId, PersonId), (Timestamp, Value)>>,
    counted: Counted,
}

impl Slots {
    async fn get(
        &self,
        installation: &Installation,
        workspace: WorkspaceId,
    ) -> anyhow::Result<Arc<HashMap<String, Slot>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&workspace).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let rows = slots::all(&mut installation.store.read(), workspace).await?;
        let live = rows.into_iter().filter(|row| row.archived_at.is_none()).filter_map(Slot::of);
        let all = Arc::new(live.map(|slot| (slot.key.clone(), slot)).collect::<HashMap<_, _>>());
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace, Arc::clone(&all));
        Ok(all)
    }

    /// They are read again when they are asked for next.
    pub fn forget(&self, workspace: WorkspaceId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&workspace);
    }

    /// As [`recommending::token`], a moment old perhaps.
    async fn recommended(
        &self,
        installation: &Installation,
        workspace: WorkspaceId,
        person: PersonId,
    ) -> anyhow::Result<Value> {
        let now = installation.clock.now();
        let known = self.products.lock().unwrap_or_else(PoisonError::into_inner).get(&(workspace, person)).cloned();
        if let Some((at, products)) = known.filter(|(at, _)| (0..REMEMBERED).contains(&(now.0 - at.0))) {
            debug_assert!(at <= now);
            return Ok(products);
        }
        let Some(found) = recommending::token(installation, workspace, person).await? else { return Ok(json!([])) };
        let mut products = self.products.lock().unwrap_or_else(PoisonError::into_inner);
        if products.len() >= MOST {
            products.clear();
        }
        products.insert((workspace, person), (now, found.clone()));
        Ok(found)
    }
}

/// What a slot shows to a visitor, or to nobody for a reason; `None` when there is no such slot.
///
/// # Errors
/// The store's and the lake's.
pub async fn decide(
    app: &App,
    workspace: WorkspaceId,
    key: &str,
    visitor: Result<&Visitor, Why>,
) -> anyhow::Result<Option<Value>> {
    let all = app.slots.get(&app.installation, workspace).await?;
    let Some(slot) = all.get(key) else { return Ok(None) };
    let choice = match visitor {
        Ok(visitor) => {
            let mut choice = choice::look(&app.installation, slot, visitor).await?;
            choice::note(&app.installation, slot, visitor, &mut choice).await?;
            choice
        }
        Err(why) => Choice::usual(why),
    };
    let place = choice.place.or_else(|| slot.definition.usual());
    app.slots.counted.shown(workspace, slot, place, choice.place.is_some(), app.now());
    // What everybody gets is written as for nobody.
    let of = visitor.ok().filter(|_| choice.place.is_some());
    let shown = show(app, &Place { workspace, slot, place, counts: true }, of).await?;
    Ok(Some(json!({"slot": key, "variant": place, "reason": choice.why.as_str(), "content": shown.content})))
}

/// What a slot would show to somebody and why, without showing it: nothing is noted. `None` when there is no such slot.
///
/// # Errors
/// The store's.
pub async fn would_show(app: &App, key: &str, visitor: &Visitor) -> anyhow::Result<Option<(Why, Option<usize>, Show)>> {
    let all = app.slots.get(&app.installation, visitor.workspace).await?;
    let Some(slot) = all.get(key) else { return Ok(None) };
    let choice = choice::look(&app.installation, slot, visitor).await?;
    let place = choice.place.or_else(|| slot.definition.usual());
    let show = place.map_or(Show::Nothing, |place| slot.definition.variants[place].show.clone());
    Ok(Some((choice.why, place, show)))
}

/// What somebody would be shown, and why; nothing of it is noted or counted.
#[derive(Debug)]
pub struct Tried {
    /// The choice.
    pub choice: Choice,
    /// The place of what is shown.
    pub place: Option<usize>,
    /// It.
    pub shown: Shown,
}

/// Tries a slot that need not be saved, for somebody or for nobody.
///
/// # Errors
/// As [`decide`].
pub async fn try_out(
    app: &App,
    workspace: WorkspaceId,
    slot: &Slot,
    visitor: Option<&Visitor>,
) -> anyhow::Result<Tried> {
    let choice = match visitor {
        Some(visitor) => choice::look(&app.installation, slot, visitor).await?,
        None => Choice::usual(Why::NotKnown),
    };
    let place = choice.place.or_else(|| slot.definition.usual());
    let of = visitor.filter(|_| choice.place.is_some());
    let shown = show(app, &Place { workspace, slot, place, counts: false }, of).await?;
    Ok(Tried { choice, place, shown })
}

/// What is written, and for which place.
struct Place<'a> {
    workspace: WorkspaceId,
    slot: &'a Slot,
    place: Option<usize>,
    /// Whether clicks in it count.
    counts: bool,
}

/// What is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The content; null when there is nothing to show.
    pub content: Value,
    /// Why there is nothing although there should be: `template_gone`, `not_written`.
    pub lacks: Option<&'static str>,
}

impl Shown {
    const NOTHING: Self = Self { content: Value::Null, lacks: None };

    const fn lacking(why: &'static str) -> Self {
        Self { content: Value::Null, lacks: Some(why) }
    }
}

async fn show(app: &App, place: &Place<'_>, of: Option<&Visitor>) -> anyhow::Result<Shown> {
    match place.place.map(|at| &place.slot.definition.variants[at].show) {
        Some(Show::Template(template)) => written(app, place, template, of).await,
        Some(Show::Products(products)) => Ok(Shown { content: listed(app, place, products, of).await?, lacks: None }),
        Some(Show::Nothing) | None => Ok(Shown::NOTHING),
    }
}

async fn written(app: &App, place: &Place<'_>, template: &str, of: Option<&Visitor>) -> anyhow::Result<Shown> {
    let (installation, workspace) = (&app.installation, place.workspace);
    // A template that is gone or cannot be written leaves the page what it has by itself.
    let Some((ready, _)) = app.sender.templates.newest(installation, workspace, template).await? else {
        return Ok(Shown::lacking("template_gone"));
    };
    let links = Links::new(app, place, of).await?;
    let rewrite = |place: LinkPlace<'_>| links.of(place.number, place.url);
    let rendered = match of {
        Some(visitor) => {
            let mut given = Map::new();
            if ready.recommends {
                let products = app.slots.recommended(installation, workspace, visitor.person).await?;
                given.insert(recommending::TOKEN.to_owned(), products);
            }
            let wanted = Wanted {
                workspace,
                person: visitor.person,
                channel: Channel::InApp,
                topic: None,
                message: None,
                event: None,
                given: Some(&given),
                public_url: &links.public_url,
            };
            let Some(scope) = scope(installation, &wanted).await? else { return Ok(Shown::NOTHING) };
            ready.prepared.render(&scope.data, &Recipient { rewrite: Some(&rewrite), ..scope.recipient() })
        }
        None => {
            let company = Company::read(&mut installation.store.read(), workspace).await?;
            let data = json!({"company": company.token(), "profile": {}, "scores": {}, "recommended": []});
            ready.prepared.render(&data, &Recipient::new(&company.language, company.calendar.zone.clone()))
        }
    };
    match rendered {
        Ok(Message::Note(note)) => Ok(Shown { content: shape(&note), lacks: None }),
        Ok(Message::Email(_)) => Ok(Shown::lacking("not_written")),
        Err(error) => {
            tracing::warn!(code = error.code(), slot = place.slot.key, "a slot's template could not be written");
            Ok(Shown::lacking("not_written"))
        }
    }
}

fn shape(note: &NoteMessage) -> Value {
    json!({"language": note.language, "title": note.title, "body": note.body, "url": note.url, "image_url": note.image_url,
        "label": note.label, "products": []})
}

async fn listed(app: &App, place: &Place<'_>, products: &Products, of: Option<&Visitor>) -> anyhow::Result<Value> {
    let (installation, workspace) = (&app.installation, place.workspace);
    let mut found = match (products.method, of) {
        (Method::ForPerson, Some(visitor)) => app.slots.recommended(installation, workspace, visitor.person).await?,
        (method, _) => {
            let (method, person) = match (method, of) {
                (Method::Recent, Some(visitor)) => {
                    (recommend::Method::Recent(recommend::Touched::Any), Some(visitor.person))
                }
                _ => (recommend::Method::Popular, None),
            };
            let rules = recommend::Rules { in_stock: true, ..recommend::Rules::default() };
            let request = recommend::Request { rules, ..recommend::Request::new(method, person, products.limit) };
            let items = recommending::items(installation, workspace, &request).await?.unwrap_or_default();
            let company = Company::read(&mut installation.store.read(), workspace).await?;
            recommending::products(&items, &company)
        }
    };
    let links = Links::new(app, place, of).await?;
    if let Value::Array(list) = &mut found {
        list.truncate(products.limit);
        for (number, product) in list.iter_mut().enumerate() {
            if let Some(url) = product["url"].as_str().and_then(|url| links.of(number, url)) {
                product["url"] = url.into();
            }
        }
    }
    Ok(
        json!({"language": null, "title": null, "body": "", "url": null, "image_url": null, "label": null, "products": found}),
    )
}

/// Links that count whose they are; of nobody nothing is counted.
struct Links {
    tracker: Tracker,
    public_url: String,
    name: Option<String>,
}

impl Links {
    async fn new(app: &App, place: &Place<'_>, of: Option<&Visitor>) -> anyhow::Result<Self> {
        let Slot { key, version, .. } = place.slot;
        let of = of.filter(|_| place.counts).zip(place.place);
        Ok(Self {
            tracker: tracker(&app.installation, place.workspace).await?,
            public_url: app.public_url(None),
            name: of.map(|(visitor, at)| format!("{CLICKED_IN}{key}:{version}:{at}:{}", visitor.handle.0)),
        })
    }

    fn of(&self, number: usize, url: &str) -> Option<String> {
        let name = self.name.as_deref()?;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return None;
        }
        let number = u16::try_from(number).unwrap_or(u16::MAX - 1);
        Some(format!("{}/c/{}", self.public_url, self.tracker.make(name, number, url)))
    }
}
