//! What a workspace has, as far as plans name it.

use std::collections::{BTreeMap, BTreeSet};

use rapport_channels::outbound;
use rapport_domain::{Channel, WorkspaceId};
use rapport_engagement::content::known::{self, Group};
use rapport_engagement::content::{Limits, Template};
use rapport_engagement::journey::check::Known;
use rapport_engagement::journey::{Definition, Step};
use rapport_engagement::records::{settings, templates};
use rapport_privacy::records::topics;
use rapport_segments::records::{lists, segments};

use crate::app::App;
use crate::problem::Problem;
use crate::sending::Ways;
use crate::sending::acts::ACTIONS;

/// What there is here.
pub struct Here<'a> {
    templates: BTreeMap<String, Channel>,
    needs: BTreeMap<String, BTreeSet<Group>>,
    segments: BTreeSet<String>,
    topics: BTreeSet<String>,
    lists: BTreeSet<String>,
    ways: &'a Ways,
    has_sender: bool,
    is_paused: bool,
}

impl<'a> Here<'a> {
    /// Reads it, and of the plan's own templates what they need.
    pub async fn read(app: &'a App, workspace: WorkspaceId, plan: &Definition) -> Result<Self, Problem> {
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
        let needs = needs(app, workspace, plan).await?;
        Ok(Self {
            needs,
            templates: live.map(|(row, _)| (row.key, channel(&row.form))).collect(),
            segments: segments::all(&mut db, workspace).await?.into_iter().map(|row| row.key).collect(),
            topics: topics.into_iter().filter(|it| it.archived_at.is_none()).map(|it| it.key).collect(),
            lists: lists::all(&mut db, workspace).await?.into_iter().map(|row| row.key).collect(),
            ways: &app.sender.ways,
            has_sender: !settings.from.address.is_empty(),
            is_paused: settings.paused,
        })
    }
}

/// What the templates of a plan need, found out by trying: on a thread of its own, because templates come from outside.
async fn needs(
    app: &App,
    workspace: WorkspaceId,
    plan: &Definition,
) -> Result<BTreeMap<String, BTreeSet<Group>>, Problem> {
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
        let needs = |content: &str| {
            let template = Template::from_json(serde_json::from_str(content).ok()?).ok()?;
            Some(known::needs(&template, Limits::default()))
        };
        contents.into_iter().map(|(key, content)| (key, needs(&content).unwrap_or_default())).collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

impl Known for Here<'_> {
    fn template(&self, key: &str) -> Option<Channel> {
        self.templates.get(key).copied()
    }

    fn needs(&self, key: &str) -> BTreeSet<Group> {
        self.needs.get(key).cloned().unwrap_or_default()
    }

    fn has_segment(&self, key: &str) -> bool {
        self.segments.contains(key)
    }

    fn has_topic(&self, key: &str) -> bool {
        self.topics.contains(key)
    }

    fn has_list(&self, key: &str) -> bool {
        self.lists.contains(key)
    }

    fn has_action(&self, name: &str) -> bool {
        ACTIONS.iter().any(|(known, _)| *known == name)
    }

    fn can_send(&self, channel: Channel) -> bool {
        self.ways.can_send(channel) && (channel != Channel::Email || self.has_sender)
    }

    fn is_paused(&self) -> bool {
        self.is_paused
    }

    fn webhook_problem(&self, url: &str) -> Option<String> {
        outbound::checked(url).err().map(|error| error.to_string())
    }
}
