//! What a slot shows to whoever is there: who it is, what they are a member of, what was chosen for such people, written for them.
//!
//! Always holds: somebody who is not known, not proven to be who they say, restricted, or who did not agree is shown what everybody gets, and nothing is
//! noted of it; an exposure is committed before what it is about is shown.

pub mod choice;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_analytics::recommend;
use rapport_domain::{Channel, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::content::message::{LinkPlace, NoteMessage};
use rapport_engagement::content::{Message, Recipient};
use rapport_engagement::records::slots;
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

/// What begins the name under which clicks in a slot are counted.
pub const CLICKED_IN: &str = "slot:";
/// Somebody clicked in a slot.
pub const CLICKED: &str = "slot.clicked";
/// So long products for a person are remembered: finding them reads their events.
const REMEMBERED: i64 = Timestamp::MINUTE;
/// Of so many people.
const MOST: usize = 10_000;

/// The slots of each workspace, as they were read last; and products for people who were here a moment ago.
#[derive(Default)]
pub struct Slots {
    known: Mutex<HashMap<WorkspaceId, Arc<HashMap<String, Definition>>>>,
    products: Mutex<HashMap<(WorkspaceId, PersonId), (Timestamp, Value)>>,
}

impl Slots {
    async fn get(
        &self,
        installation: &Installation,
        workspace: WorkspaceId,
    ) -> anyhow::Result<Arc<HashMap<String, Definition>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&workspace).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let rows = slots::all(&mut installation.store.read(), workspace).await?;
        // What was stored was decoded before.
        let all = rows.into_iter().filter_map(|row| Some((row.key, Definition::from_json(&row.definition).ok()?)));
        let all = Arc::new(all.collect::<HashMap<_, _>>());
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
            let choice = choice::look(&app.installation, key, slot, visitor).await?;
            choice::note(&app.installation, key, visitor, &choice).await?;
            choice
        }
        Err(why) => Choice::usual(why),
    };
    let place = choice.place.or_else(|| slot.usual());
    // What everybody gets is written as for nobody.
    let of = visitor.ok().filter(|_| choice.place.is_some());
    let content = match place.map(|place| &slot.variants[place].show) {
        Some(Show::Template(template)) => written(app, workspace, key, template, of).await?,
        Some(Show::Products(products)) => listed(app, workspace, key, products, of).await?,
        Some(Show::Nothing) | None => Value::Null,
    };
    Ok(Some(json!({"slot": key, "variant": place, "reason": choice.why.as_str(), "content": content})))
}

/// What a slot would show to somebody and why, without showing it: nothing is noted. `None` when there is no such slot.
///
/// # Errors
/// The store's.
pub async fn would_show(app: &App, key: &str, visitor: &Visitor) -> anyhow::Result<Option<(Why, Option<usize>, Show)>> {
    let all = app.slots.get(&app.installation, visitor.workspace).await?;
    let Some(slot) = all.get(key) else { return Ok(None) };
    let choice = choice::look(&app.installation, key, slot, visitor).await?;
    let place = choice.place.or_else(|| slot.usual());
    let show = place.map_or(Show::Nothing, |place| slot.variants[place].show.clone());
    Ok(Some((choice.why, place, show)))
}

async fn written(
    app: &App,
    workspace: WorkspaceId,
    key: &str,
    template: &str,
    of: Option<&Visitor>,
) -> anyhow::Result<Value> {
    let installation = &app.installation;
    // A template that is gone or cannot be written leaves the page what it has by itself.
    let Some((ready, _)) = app.sender.templates.newest(installation, workspace, template).await? else {
        return Ok(Value::Null);
    };
    let links = Links::new(app, workspace, key, of).await?;
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
                event: None,
                given: Some(&given),
                public_url: &links.public_url,
            };
            let Some(scope) = scope(installation, &wanted).await? else { return Ok(Value::Null) };
            ready.prepared.render(&scope.data, &Recipient { rewrite: Some(&rewrite), ..scope.recipient() })
        }
        None => {
            let company = Company::read(&mut installation.store.read(), workspace).await?;
            let data = json!({"company": company.token(), "profile": {}, "scores": {}, "recommended": []});
            ready.prepared.render(&data, &Recipient::new(&company.language, company.calendar.zone.clone()))
        }
    };
    match rendered {
        Ok(Message::Note(note)) => Ok(shape(&note)),
        Ok(Message::Email(_)) => Ok(Value::Null),
        Err(error) => {
            tracing::warn!(code = error.code(), slot = key, "a slot's template could not be written");
            Ok(Value::Null)
        }
    }
}

fn shape(note: &NoteMessage) -> Value {
    json!({"language": note.language, "title": note.title, "body": note.body, "url": note.url, "image_url": note.image_url,
        "label": note.label, "products": []})
}

async fn listed(
    app: &App,
    workspace: WorkspaceId,
    key: &str,
    products: &Products,
    of: Option<&Visitor>,
) -> anyhow::Result<Value> {
    let installation = &app.installation;
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
    let links = Links::new(app, workspace, key, of).await?;
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
    async fn new(app: &App, workspace: WorkspaceId, key: &str, of: Option<&Visitor>) -> anyhow::Result<Self> {
        Ok(Self {
            tracker: tracker(&app.installation, workspace).await?,
            public_url: app.public_url(None),
            name: of.map(|visitor| format!("{CLICKED_IN}{key}:{}", visitor.handle.0)),
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
