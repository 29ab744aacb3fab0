//! Mails to those whose a follow-up has become: one mail for all that came since the last look.
//!
//! Always holds: of each follow-up an owner is told once, unless it went to somebody else in between; nothing is told of what was assigned more than a day
//! ago, so that a mail server that is set up later does not bring old news; a mail says how many and by when, and names no customer.

use anyhow::Result;
use rapport_channels::{Outcome, RefusalKind};
use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_feedback::follow_ups::records::{self, FollowUpRow, rules as kept};
use rapport_store::Priority;

use crate::records::{users, workspaces};
use crate::sending::Sender;
use crate::staff_mail::{self, Letter};

/// What was assigned longer ago is no news.
const NEWS: i64 = Timestamp::DAY;
/// So many are listed in a mail.
const LISTED: usize = 20;

/// Tells owners what is theirs; whether anything was told.
///
/// # Errors
/// The store's.
pub async fn tell(sender: &Sender) -> Result<bool> {
    let mut did = false;
    for workspace in workspaces::ids(&mut sender.installation.store.read()).await? {
        did |= tell_in(sender, workspace).await?;
    }
    Ok(did)
}

async fn tell_in(sender: &Sender, workspace: WorkspaceId) -> Result<bool> {
    let installation = &*sender.installation;
    let now = installation.clock.now();
    let untold = records::untold(&mut installation.store.read(), workspace, now.plus(-NEWS)).await?;
    if untold.is_empty() {
        return Ok(false);
    }
    let plans = installation.plans.get(installation, workspace).await?;
    if !staff_mail::can_send(sender, &plans.settings) {
        return Ok(false);
    }
    let mut db = installation.store.read();
    let words = Words::of(workspaces::find(&mut db, workspace).await?.map(|row| row.locale).as_deref());
    let rules = kept::all(&mut db, workspace).await?;
    let name = |key: &str| rules.iter().find(|it| it.rule.key == key).map(|it| it.rule.name.clone());
    let mut did = false;
    for own in untold.chunk_by(|a, b| a.owner == b.owner) {
        let Some(owner) = own.first().and_then(|row| row.owner.clone()) else { continue };
        let user = users::by_id(&mut installation.store.read(), &Id(owner.clone())).await?;
        let ids: Vec<String> = own.iter().map(|row| row.id.clone()).collect();
        if let Some(user) = user.filter(|user| user.workspace == workspace && !user.disabled) {
            let link = format!("{}/feedback/follow-ups", sender.public_url());
            let lines: Vec<String> = own
                .iter()
                .take(LISTED)
                .map(|row| words.line(&name(&row.rule).unwrap_or_default(), row, &plans.calendar))
                .collect();
            let letter = Letter {
                name: ids.join(" "),
                date: now,
                subject: words.subject(own.len()),
                text: format!("{}\n\n{}\n\n{link}\n", words.subject(own.len()), lines.join("\n")),
                html: None,
            };
            match staff_mail::send(sender, &plans.settings, &user, letter).await {
                Ok(Outcome::Refused(refusal)) if refusal.kind == RefusalKind::Temporary => continue,
                Ok(Outcome::Accepted { .. } | Outcome::Unsure { .. }) => did = true,
                Ok(Outcome::Refused(_)) => tracing::warn!("a mail to an owner of follow-ups was refused"),
                Err(why) => tracing::warn!(why, "a mail to an owner of follow-ups could not be written"),
            }
        }
        let mut tx = installation.store.begin(Priority::Background).await?;
        records::note_told(&mut tx, workspace, &owner, &ids).await?;
        tx.commit().await?;
    }
    Ok(did)
}

/// In English or Chinese, as the workspace's language says.
struct Words {
    is_chinese: bool,
}

impl Words {
    fn of(locale: Option<&str>) -> Self {
        Self { is_chinese: locale.is_some_and(|tag| tag.starts_with("zh")) }
    }

    fn subject(&self, count: usize) -> String {
        match (self.is_chinese, count) {
            (true, _) => format!("有 {count} 个跟进交给您"),
            (false, 1) => "A follow-up is yours".to_owned(),
            (false, _) => format!("{count} follow-ups are yours"),
        }
    }

    fn line(&self, rule: &str, row: &FollowUpRow, calendar: &rapport_domain::Calendar) -> String {
        let due = row.due_at.to_jiff().to_zoned(calendar.zone.clone());
        let due = due.strftime("%Y-%m-%d %H:%M");
        let rule = match (self.is_chinese, rule) {
            (true, "") => "手动",
            (false, "") => "By hand",
            (_, name) => name,
        };
        if self.is_chinese { format!("- {rule}，截止 {due}") } else { format!("- {rule}, by {due}") }
    }
}
