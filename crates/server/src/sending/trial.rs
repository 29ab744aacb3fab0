//! Whether templates can be written for people, found out by writing them: nothing of it is kept, and nothing is handed over.
//!
//! Always holds: it is the newest version, with the values of now, as a message that goes out would have.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use rapport_domain::{Channel, PersonId, WorkspaceId};
use rapport_engagement::Error;
use rapport_engagement::content::Recipient;
use rapport_engagement::sending::Reason;
use serde_json::{Map, Value};

use super::writing::{Desk, Ready};
use crate::messages::scope::{Scope, Wanted, scope};
use crate::recommending;

/// Why a message could not be written for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Why.
    pub reason: Reason,
    /// What has no value, as the template says it: `profile.first_name`.
    pub missing: Option<String>,
    /// The same in words, which name no value of anybody.
    pub problem: String,
}

impl Unwritten {
    fn of(reason: Reason) -> Self {
        Self { reason, missing: None, problem: String::new() }
    }

    fn because(error: &Error) -> Self {
        let missing = match error {
            Error::Missing { expression, .. } => Some(expression.clone()),
            _ => None,
        };
        Self { reason: Reason::Unwritable, missing, problem: error.to_string() }
    }
}

/// Templates being tried.
pub struct Trial<'a> {
    desk: Desk<'a>,
    workspace: WorkspaceId,
    topic: Option<&'a str>,
    ready: BTreeMap<String, std::result::Result<Arc<Ready>, Unwritten>>,
}

impl<'a> Trial<'a> {
    /// Of messages about a topic.
    pub fn new(desk: Desk<'a>, workspace: WorkspaceId, topic: Option<&'a str>) -> Self {
        Self { desk, workspace, topic, ready: BTreeMap::new() }
    }

    /// Tries messages to somebody, all started by one event (or none: null), in order.
    ///
    /// # Errors
    /// The store's.
    pub async fn of(
        &mut self,
        person: PersonId,
        event: &Value,
        messages: &[(Channel, &str)],
    ) -> Result<Vec<Option<Unwritten>>> {
        let Some((channel, _)) = messages.first() else { return Ok(Vec::new()) };
        for (_, template) in messages {
            self.prepare(template).await?;
        }
        let recommends = |(_, template): &(Channel, &str)| {
            self.ready.get(*template).and_then(|it| it.as_ref().ok()).is_some_and(|it| it.recommends)
        };
        let mut given = Map::new();
        if messages.iter().any(recommends)
            && let Some(products) = recommending::token(self.desk.installation, self.workspace, person).await?
        {
            given.insert(recommending::TOKEN.to_owned(), products);
        }
        let wanted = Wanted {
            workspace: self.workspace,
            person,
            channel: *channel,
            message: None,
            topic: self.topic,
            event: Some(event).filter(|event| event.get("properties").is_some()),
            given: Some(&given),
            public_url: self.desk.public_url,
        };
        let Some(scope) = scope(self.desk.installation, &wanted).await? else {
            return Ok(messages.iter().map(|_| Some(Unwritten::of(Reason::Gone))).collect());
        };
        Ok(messages.iter().map(|(channel, template)| self.problem(&scope, *channel, template)).collect())
    }

    async fn prepare(&mut self, template: &str) -> Result<()> {
        if self.ready.contains_key(template) {
            return Ok(());
        }
        let found = match self.desk.templates.newest(self.desk.installation, self.workspace, template).await {
            Ok(Some((ready, _))) => Ok(ready),
            Ok(None) => Err(Unwritten::of(Reason::NoTemplate)),
            Err(error) => match error.downcast::<Error>() {
                Ok(error) => Err(Unwritten::because(&error)),
                Err(error) => return Err(error),
            },
        };
        self.ready.insert(template.to_owned(), found);
        Ok(())
    }

    fn problem(&self, scope: &Scope, channel: Channel, template: &str) -> Option<Unwritten> {
        let ready = match self.ready.get(template)? {
            Ok(ready) => ready,
            Err(problem) => return Some(problem.clone()),
        };
        // Each message has an address of its own as a page.
        let view_url = format!("{}/m/", self.desk.public_url);
        let recipient = Recipient { view_url: Some(&view_url), ..scope.recipient() };
        if let Err(error) = ready.prepared.render(&scope.data, &recipient) {
            return Some(Unwritten::because(&error));
        }
        let is_reached = match channel {
            Channel::Email => scope.email.is_some(),
            Channel::Sms | Channel::Whatsapp => {
                scope.phone.as_deref().and_then(|phone| self.desk.ways.number(phone)).is_some()
            }
            _ => true,
        };
        (!is_reached).then(|| Unwritten::of(Reason::Unreachable))
    }
}
