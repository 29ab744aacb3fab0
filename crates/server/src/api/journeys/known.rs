//! What a workspace has, as far as plans name it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use rapport_channels::outbound::names::Leads;
use rapport_channels::outbound::{Client, checked};
use rapport_domain::{Channel, WorkspaceId};
use rapport_engagement::content::known::{self, Group};
use rapport_engagement::content::{Limits, Severity, Template, lacks_approved};
use rapport_engagement::journey::check::Known;
use rapport_engagement::journey::{Definition, Step};
use rapport_engagement::records::{settings, templates};
use rapport_experiments::policies::Policy;
use rapport_loyalty::document::State;
use rapport_loyalty::records::documents;
use rapport_loyalty::rewards::Reward;
use rapport_privacy::records::topics;
use rapport_segments::Condition;
use rapport_segments::records::{lists, segments};
use rapport_store::Queries;
use serde_json::Value;

use crate::app::App;
use crate::cycles::{self, Cause};
use crate::problem::Problem;
use crate::sending::Ways;
use crate::sending::acts::{self, ACTIONS};

/// So long a name may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(3);

/// What a template of a plan is like.
#[derive(Default)]
struct Own {
    needs: BTreeSet<Group>,
    lacks_approved: bool,
}

/// What there is here.
pub struct Here<'a> {
    templates: BTreeMap<String, Channel>,
    own: BTreeMap<String, Own>,
    segments: BTreeSet<String>,
    topics: BTreeSet<String>,
    lists: BTreeSet<String>,
    /// The arms of policies that choose ways.
    policies: BTreeMap<String, Vec<String>>,
    ways: &'a Ways,
    has_sender: bool,
    is_paused: bool,
    /// Where webhooks lead, as far as their names were looked up; `None` where nobody answered in time.
    leads: BTreeMap<String, Option<Leads>>,
    allows_private: bool,
    wallets: BTreeSet<String>,
    /// Rewards that are live and have a budget for surprises.
    surprises: BTreeSet<String>,
    /// The journey's own key, as far as it is saved.
    key: String,
    causes: Vec<Cause>,
    conditions: BTreeMap<String, Condition>,
}

impl<'a> Here<'a> {
    /// Reads it, and of the plan's own templates what they need.
    pub async fn read(app: &'a App, workspace: WorkspaceId, key: &str, plan: &Definition) -> Result<Self, Problem> {
        let mut db = app.installation.store.read();
        let known = templates::all(&mut db, workspace).await?;
        let channel = |form: &str| match form {
            "email" => Channel::Email,
            "text" => Channel::Sms,
            "push" => Channel::Push,
            _ => Channel::InApp,
        };
        let live = known.into_iter().filter(|(row, _)| row.archived_at.is_none());
        let topics = topics::all(&mut db, workspace).await?;
        let settings = settings::read(&mut db, workspace).await?;
        let own = own(app, workspace, plan).await?;
        let programs = app.installation.programs.get(&mut db, workspace).await?;
        let wallets = programs.latest().map(|it| it.program.wallets.iter().map(|wallet| wallet.key.clone()).collect());
        let (causes, conditions) = cycles::in_force(&mut db, workspace).await?;
        Ok(Self {
            wallets: wallets.unwrap_or_default(),
            surprises: surprises(&mut db, workspace).await?,
            key: key.to_owned(),
            causes,
            own,
            templates: live.map(|(row, _)| (row.key, channel(&row.form))).collect(),
            segments: segments::all(&mut db, workspace).await?.into_iter().map(|row| row.key).collect(),
            conditions,
            topics: topics.into_iter().filter(|it| it.archived_at.is_none()).map(|it| it.key).collect(),
            lists: lists::all(&mut db, workspace).await?.into_iter().map(|row| row.key).collect(),
            policies: policies(app, workspace).await?,
            ways: &app.sender.ways,
            has_sender: !settings.from.address.is_empty(),
            is_paused: settings.paused,
            leads: BTreeMap::new(),
            allows_private: app.sender.client.allows_private(),
        })
    }

    /// The same, for a plan that is about to be launched: the names in its webhooks' addresses are looked up. Nothing is sent there.
    pub async fn looking_up(
        app: &'a App,
        workspace: WorkspaceId,
        key: &str,
        plan: &Definition,
    ) -> Result<Self, Problem> {
        let here = Self::read(app, workspace, key, plan).await?;
        let leads = leads(&app.sender.client, plan).await;
        Ok(Self { leads, ..here })
    }
}

async fn policies(app: &App, workspace: WorkspaceId) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    let known = app.installation.policies.get(&mut app.installation.store.read(), workspace).await?;
    let of_ways = known.by_key.values().filter(|it| known.of_ways(&it.key).is_some());
    let arms = |it: &Policy| it.design.arms.iter().map(|arm| arm.key.clone()).collect();
    Ok(of_ways.map(|it| (it.key.clone(), arms(it))).collect())
}

async fn surprises(db: &mut impl Queries, workspace: WorkspaceId) -> Result<BTreeSet<String>, Problem> {
    let all = documents::latest_of_each(documents::versions::<Reward>(db, workspace).await?);
    let live = all.into_iter().filter(|it| it.state == State::Live && it.document.surprises.is_some());
    Ok(live.map(|it| it.document.key).collect())
}

async fn leads(client: &Client, plan: &Definition) -> BTreeMap<String, Option<Leads>> {
    let named: BTreeSet<&String> = plan
        .nodes
        .iter()
        .filter_map(|node| match &node.step {
            Step::Webhook { url, .. } => Some(url),
            _ => None,
        })
        .collect();
    let each = named
        .into_iter()
        .filter_map(|url| Some((url, checked(url).ok()?)))
        .map(|(url, at)| async move { (url.clone(), tokio::time::timeout(LOOK_UP, client.leads(&at)).await.ok()) });
    join_all(each).await.into_iter().collect()
}

/// What the templates of a plan are like and need, found out by trying: on a thread of its own, because templates come from outside.
async fn own(app: &App, workspace: WorkspaceId, plan: &Definition) -> Result<BTreeMap<String, Own>, Problem> {
    let named: BTreeSet<&str> = plan
        .nodes
        .iter()
        .filter_map(|node| match &node.step {
            Step::Message { template, .. } => Some(template.as_str()),
            _ => None,
        })
        .collect();
    let mut db = app.installation.store.read();
    let mut contents = Vec::new();
    for key in named {
        let Some(row) = templates::find(&mut db, workspace, key).await? else { continue };
        if let Some(version) = templates::version(&mut db, workspace, key, row.version).await? {
            contents.push((key.to_owned(), version.content));
        }
    }
    let work = move || {
        let own = |content: &str| {
            let template = Template::from_json(serde_json::from_str(content).ok()?).ok()?;
            let needs = known::needs(&template, Limits::default());
            Some(Own { needs, lacks_approved: lacks_approved(&template) })
        };
        contents.into_iter().map(|(key, content)| (key, own(&content).unwrap_or_default())).collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

impl Known for Here<'_> {
    fn template(&self, key: &str) -> Option<Channel> {
        self.templates.get(key).copied()
    }

    fn needs(&self, key: &str) -> BTreeSet<Group> {
        self.own.get(key).map(|own| own.needs.clone()).unwrap_or_default()
    }

    fn lacks_approved(&self, key: &str) -> bool {
        self.own.get(key).is_some_and(|own| own.lacks_approved)
    }

    fn has_segment(&self, key: &str) -> bool {
        self.segments.contains(key)
    }

    fn has_topic(&self, key: &str) -> bool {
        self.topics.contains(key)
    }

    fn policy(&self, key: &str) -> Option<Vec<String>> {
        self.policies.get(key).cloned()
    }

    fn has_list(&self, key: &str) -> bool {
        self.lists.contains(key)
    }

    fn has_action(&self, name: &str) -> bool {
        ACTIONS.iter().any(|(known, _)| *known == name)
    }

    fn wrong_act(&self, action: &str, with: &BTreeMap<String, Value>) -> Option<String> {
        acts::wrong(action, with).or_else(|| {
            let named = |key: &str| with.get(key).and_then(Value::as_str);
            match action {
                "give_points" => {
                    let wallet = named("wallet").filter(|wallet| !self.wallets.contains(*wallet))?;
                    Some(format!("the loyalty programme has no wallet `{wallet}`"))
                }
                "give_reward" => {
                    let reward = named("reward").filter(|reward| !self.surprises.contains(reward.trim()))?;
                    Some(format!("there is no live reward `{reward}` with a budget for surprises"))
                }
                _ => None,
            }
        })
    }

    fn circle(&self, plan: &Definition) -> Option<String> {
        cycles::circle(&cycles::of_journey(&self.key, plan, &self.conditions)?, &self.causes)
    }

    fn can_send(&self, channel: Channel) -> bool {
        self.ways.can_send(channel) && (channel != Channel::Email || self.has_sender)
    }

    fn is_paused(&self) -> bool {
        self.is_paused
    }

    fn webhook_problem(&self, url: &str) -> Option<(Severity, &'static str, String)> {
        if let Err(error) = checked(url) {
            return Some((Severity::Error, "webhook", error.to_string()));
        }
        let leads = self.leads.get(url)?;
        let (severity, code, text) = match leads {
            Some(Leads::Nowhere) => (
                Severity::Error,
                "webhook_nowhere",
                "there is no such name: nothing would ever arrive. Correct the address, or wait until the name is known",
            ),
            Some(Leads::Inside) if !self.allows_private => (
                Severity::Error,
                "webhook_private",
                "the address leads inside the company's own network, where nothing is sent. Give one on the public internet, or set \
                 webhooks.private_addresses in the settings of the installation",
            ),
            Some(Leads::Both) if !self.allows_private => (
                Severity::Warning,
                "webhook_mixed",
                "the name leads both to the public internet and inside the company's own network; only what is out there is sent to. Mend the name's \
                 entries",
            ),
            None => (
                Severity::Warning,
                "webhook_silent",
                "nobody said in time where the address leads; look again, or watch the first requests",
            ),
            Some(Leads::Out | Leads::Both | Leads::Inside) => return None,
        };
        Some((severity, code, text.to_owned()))
    }
}
