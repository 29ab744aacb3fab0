//! The templates by which a survey asks: its own where it names some, the workspace's otherwise.
//!
//! Always holds: a template of its own is saved with a survey only if it can ask: there is one, it is of the channel's form and not put away, it leads to
//! the survey in each of its languages, and for marketing by mail it has a way out. One that was changed since so that it cannot goes out to nobody: the workspace's
//! takes its place, and the survey's findings say so.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Channel, Language, WorkspaceId};
use rapport_engagement::content::check::languages_without;
use rapport_engagement::content::{Limits, Template};
use rapport_engagement::records::templates;
use rapport_feedback::Finding;
use rapport_feedback::survey::{Asking, Basis, Severity};
use rapport_store::Queries;

use super::known::Known;
use super::sending::{INVITATION, REMINDER, TOKEN};

/// A template that a survey names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named<'a> {
    /// For which channel.
    channel: Channel,
    /// For which message: [`INVITATION`] or [`REMINDER`].
    node: &'static str,
    /// Its key.
    key: &'a str,
}

/// Why a template cannot ask.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unfit {
    code: &'static str,
    text: String,
}

/// The templates of surveys' own that can ask, by survey, channel and message.
pub type Fit = BTreeMap<(i64, Channel, &'static str), String>;

impl<'a> Named<'a> {
    fn of(channel: Channel, node: &'static str, key: Option<&'a String>) -> Option<Self> {
        key.map(|key| Self { channel, node, key })
    }
}

/// Those that a survey names.
fn named(asking: &Asking) -> Vec<Named<'_>> {
    let mut all = Vec::new();
    for (channel, letters) in &asking.letters {
        all.extend(Named::of(*channel, INVITATION, letters.invitation.as_ref()));
        all.extend(Named::of(*channel, REMINDER, letters.reminder.as_ref()));
    }
    all
}

/// What is wrong with the templates that a survey names.
///
/// # Errors
/// The store's.
pub async fn findings(db: &mut impl Queries, workspace: WorkspaceId, asking: &Asking) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for named in named(asking) {
        if let Some(Unfit { code, text }) = unfit(db, workspace, asking, named).await? {
            let place = format!("asking.letters.{}.{}", named.channel.as_str(), named.node);
            found.push(Finding { severity: Severity::Error, code, place, text });
        }
    }
    Ok(found)
}

/// Those that can ask, of all surveys of a workspace.
///
/// # Errors
/// The store's.
pub async fn fit(db: &mut impl Queries, workspace: WorkspaceId, surveys: &Known) -> Result<Fit> {
    let mut fit = Fit::new();
    for survey in &surveys.all {
        let asking = &survey.definition.asking;
        for named in named(asking) {
            if unfit(db, workspace, asking, named).await?.is_none() {
                fit.insert((survey.row.survey, named.channel, named.node), named.key.to_owned());
            }
        }
    }
    Ok(fit)
}

async fn unfit(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    asking: &Asking,
    Named { channel, key, .. }: Named<'_>,
) -> Result<Option<Unfit>> {
    let unfit = |code, text| Ok(Some(Unfit { code, text }));
    let Some(row) = templates::find(db, workspace, key).await? else {
        return unfit("letter_unknown", "there is no such template".to_owned());
    };
    if row.archived_at.is_some() {
        return unfit("letter_archived", "the template is put away; take it out again, or name another".to_owned());
    }
    if row.form != form_of(channel) {
        return unfit("letter_form", "the template is for another channel; name one that is for this one".to_owned());
    }
    let Some(version) = templates::version(db, workspace, key, row.version).await? else {
        return unfit("letter_unknown", "there is no such template".to_owned());
    };
    // What an older program saved and this one cannot read is no reason to ask nobody.
    let read = serde_json::from_str(&version.content).ok().and_then(|content| Template::from_json(content).ok());
    let Some(template) = read else {
        return unfit("letter_unknown", "there is no such template".to_owned());
    };
    let lacks = async |token: String| {
        let template = template.clone();
        tokio::task::spawn_blocking(move || languages_without(&template, &token, Limits::default())).await
    };
    let without = lacks(format!("{TOKEN}.url")).await?;
    if !without.is_empty() {
        let text = format!(
            "the template does not lead to the survey in {}; add a link to {{{{ survey.url }}}}",
            list(&without)
        );
        return unfit("letter_link", text);
    }
    if channel == Channel::Email && asking.basis() == Basis::Marketing {
        let without = lacks("unsubscribe_url".to_owned()).await?;
        if !without.is_empty() {
            let text = format!(
                "who agreed to marketing must find a way out, and in {} there is none; add a link to {{{{ unsubscribe_url }}}}",
                list(&without)
            );
            return unfit("letter_way_out", text);
        }
    }
    Ok(None)
}

fn list(languages: &[Language]) -> String {
    languages.iter().map(Language::as_str).collect::<Vec<_>>().join(", ")
}

/// The form of the templates of a channel.
const fn form_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Push => "push",
        _ => "text",
    }
}
