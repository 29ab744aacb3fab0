//! Whether what a survey asks by itself can be written and leave: the way out, the sender, the letterhead that its template names.
//!
//! Always holds: it is said, never refused: whoever opens a survey before mail is set up has its invitations wait.

use rapport_domain::{Channel, WorkspaceId};
use rapport_engagement::content::check::used;
use rapport_engagement::content::{Limits, Template, gallery as ready};
use rapport_engagement::records::templates;
use rapport_feedback::Definition;
use rapport_feedback::survey::Basis;

use super::SurveyFinding;
use crate::api::message_drafts::on_thread;
use crate::app::App;
use crate::messages::company::Company;
use crate::problem::Problem;
use crate::surveying::sending::{INVITATION, place_of};

const PLACE: &str = "asking.channels";

fn warning(code: &'static str, text: String) -> SurveyFinding {
    SurveyFinding { severity: "warning", code, place: PLACE.to_owned(), text }
}

/// What keeps its invitations from being written or from leaving, with what to do; nothing where it is answered by links only.
///
/// # Errors
/// The store's.
pub(super) async fn hindrances(
    app: &App,
    workspace: WorkspaceId,
    definition: &Definition,
) -> Result<Vec<SurveyFinding>, Problem> {
    let asking = &definition.asking;
    let mut found = Vec::new();
    if asking.when.is_none() {
        return Ok(found);
    }
    let installation = &app.installation;
    let plans = installation.plans.get(installation, workspace).await?;
    for channel in &asking.channels {
        if !app.sender.ways.can_send(*channel) {
            found.push(warning(
                "no_way_out",
                format!(
                    "Nothing is set up that sends by {}: invitations wait. Set it up in the settings of the server.",
                    channel.as_str()
                ),
            ));
        }
        if *channel == Channel::Email {
            if !plans.settings.from.address.contains('@') {
                found.push(warning(
                    "no_sender",
                    "No sender's address is set: invitations wait. Set it under Engage, Sending, Settings.".to_owned(),
                ));
            }
            if asking.basis() == Basis::Marketing && !app.public_url(None).starts_with("https://") {
                found.push(warning(
                    "no_https",
                    "The server's public address does not begin with https://, so nobody could leave with one click: invitations wait. Set `public_url`.".to_owned(),
                ));
            }
        }
        let own = asking.letters.get(channel).and_then(|it| it.invitation.as_deref());
        found.extend(lacking(app, workspace, *channel, own).await?);
    }
    Ok(found)
}

/// What the template names and the letterhead does not have: of its own, if it names one.
async fn lacking(
    app: &App,
    workspace: WorkspaceId,
    channel: Channel,
    own: Option<&str>,
) -> Result<Vec<SurveyFinding>, Problem> {
    let (key, form) = place_of(channel, INVITATION);
    let key = own.unwrap_or(key);
    let mut db = app.installation.store.read();
    let template = match templates::find(&mut db, workspace, key).await? {
        // The one that comes ready is made when it is needed first.
        None => ready::ready(form).map_err(Problem::internal)?.template,
        Some(row) => {
            let version = templates::version(&mut db, workspace, key, row.version).await?;
            let version = version.ok_or_else(|| Problem::not_found("template"))?;
            Template::from_json(serde_json::from_str(&version.content).map_err(Problem::internal)?)
                .map_err(Problem::internal)?
        }
    };
    let company = Company::read(&mut db, workspace).await?;
    let uses = on_thread(move || used(&template, Limits::default())).await?;
    let text = |part: &str| {
        format!(
            "The template `{key}` names `company.{part}`, and the letterhead has none: invitations cannot be written. Fill it in under Engage, Templates, Letterhead."
        )
    };
    Ok(company.lacking(&uses).into_iter().map(|part| warning("letterhead_incomplete", text(part))).collect())
}
