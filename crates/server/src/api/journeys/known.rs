//! What a workspace has, as far as plans name it.

use std::collections::{BTreeMap, BTreeSet};

use rapport_channels::outbound;
use rapport_domain::{Channel, WorkspaceId};
use rapport_engagement::journey::check::Known;
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
    segments: BTreeSet<String>,
    topics: BTreeSet<String>,
    lists: BTreeSet<String>,
    ways: &'a Ways,
    has_sender: bool,
    is_paused: bool,
}

impl<'a> Here<'a> {
    /// Reads it.
    pub async fn read(app: &'a App, workspace: WorkspaceId) -> Result<Self, Problem> {
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
        Ok(Self {
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

impl Known for Here<'_> {
    fn template(&self, key: &str) -> Option<Channel> {
        self.templates.get(key).copied()
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
