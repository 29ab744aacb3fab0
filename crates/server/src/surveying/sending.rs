//! The message that asks somebody: its template, the link in it, and what is heard of it.
//!
//! Always holds: the link is made when the message is written, and stored nowhere; a message that asks for what was answered, or can be answered no more, is
//! not sent; an invitation that will not arrive says so in the transaction that notes it of its message.

use anyhow::Result;
use rapport_domain::{Channel, Language, Timestamp, WorkspaceId};
use rapport_engagement::content::gallery;
use rapport_engagement::records::messages::{Heard, MessageRow};
use rapport_engagement::records::templates::{self, TemplateRow};
use rapport_feedback::links::{Link, Links};
use rapport_feedback::records::{invitations, surveys};
use rapport_feedback::survey::piping::{self, ABOUT_PRODUCT};
use rapport_store::Tx;
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::messages;
use crate::public_pages::survey;

/// The message that asks first.
pub const INVITATION: &str = "invitation";
/// The one that reminds.
pub const REMINDER: &str = "reminder";
/// What such messages' names in their rows begin with.
const INSTANCE: &str = "survey:";
/// What templates know it as.
pub const TOKEN: &str = "survey";
/// Who is said to have made the templates that come ready.
const MAKER: &str = "rapport";

/// What tells the messages of an invitation from all others.
pub fn instance(invitation: &str) -> String {
    format!("{INSTANCE}{invitation}")
}

/// The invitation that a message is of.
pub fn invitation_of(row: &MessageRow) -> Option<&str> {
    row.instance.as_deref()?.strip_prefix(INSTANCE)
}

/// The key of the template that asks by a channel, and of the one that comes ready.
pub fn place_of(channel: Channel, node: &str) -> (&'static str, &'static str) {
    match (channel, node) {
        (Channel::Email, REMINDER) => ("survey-reminder", "survey_reminder"),
        (Channel::Email, _) => ("survey-invitation", "survey_invitation"),
        (Channel::Push, _) => ("survey-invitation-push", "survey_invitation_push"),
        _ => ("survey-invitation-text", "survey_invitation_text"),
    }
}

/// The key of the template that asks by a channel: one that comes ready is made when it is needed first, and is the workspace's own from then on.
///
/// # Errors
/// The store's.
pub async fn template(
    tx: &mut Tx,
    workspace: WorkspaceId,
    channel: Channel,
    node: &str,
    now: Timestamp,
) -> Result<&'static str> {
    let (key, ready) = place_of(channel, node);
    if templates::find(tx, workspace, key).await?.is_none() {
        let template = gallery::ready(ready)?.template;
        let row = TemplateRow {
            key: key.to_owned(),
            name: template.name.clone(),
            form: template.content.word().to_owned(),
            version: 1,
            created_at: now,
            created_by: MAKER.to_owned(),
            updated_at: now,
            updated_by: MAKER.to_owned(),
            archived_at: None,
        };
        templates::save(tx, workspace, &row, &template.to_json().to_string(), None).await?;
    }
    Ok(key)
}

/// What a message says of its survey.
pub enum Token {
    /// It is of none.
    None,
    /// The link and the title, in the reader's language.
    Some(Value),
    /// There is nothing to answer any more.
    Over,
}

/// What a template sees of the survey that a message asks for.
///
/// # Errors
/// The store's.
pub async fn token(
    installation: &Installation,
    workspace: WorkspaceId,
    row: &MessageRow,
    (language, public_url): (&Language, &str),
) -> Result<Token> {
    let Some(id) = invitation_of(row) else { return Ok(Token::None) };
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let Some(invitation) = invitations::find(&mut db, workspace, id).await? else { return Ok(Token::Over) };
    let is_over = invitation.answered_at.is_some() || invitation.expires_at.is_some_and(|end| now >= end);
    let found = surveys::by_number(&mut db, workspace, invitation.survey).await?;
    let Some(found) = found.filter(|it| !is_over && it.takes_answers(now)) else { return Ok(Token::Over) };
    let version = invitation.version.or(found.published).unwrap_or(found.version);
    let Some(definition) = surveys::version(&mut db, workspace, found.survey, version).await? else {
        return Ok(Token::Over);
    };
    let links = Links::new(workspace, &messages::secret(installation, workspace).await?);
    let link = links.make(&Link::Invitation { id: id.to_owned() });
    let title = definition.title.of(language, &definition.default_language);
    Ok(Token::Some(json!({
        "url": format!("{public_url}{}", survey::path(&link)),
        "title": piping::fill(title, &|of, key| invitation.product_name.clone().filter(|_| (of, key) == ABOUT_PRODUCT)),
    })))
}

/// Notes what was heard of the message that asks.
///
/// # Errors
/// The store's.
pub async fn heard(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &MessageRow,
    (what, why): (Heard, &str),
    at: Timestamp,
) -> Result<()> {
    match what {
        Heard::Delivered if row.node == INVITATION => {
            if let Some(id) = invitation_of(row) {
                invitations::deliver(tx, workspace, id, at).await?;
            }
        }
        Heard::Bounced => lost(tx, workspace, row, why).await?,
        _ => {}
    }
    Ok(())
}

/// Notes that the message that asks will not arrive. That a reminder does not changes nothing.
///
/// # Errors
/// The store's.
pub async fn lost(tx: &mut Tx, workspace: WorkspaceId, row: &MessageRow, why: &str) -> Result<()> {
    if let Some(id) = invitation_of(row).filter(|_| row.node == INVITATION) {
        invitations::lose(tx, workspace, id, why).await?;
    }
    Ok(())
}
