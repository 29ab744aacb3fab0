//! Links to a member's own page, as the shop's own server gets them for whoever is signed in there.
//!
//! Always holds: a link opens the page of one member and nothing else, for an hour; it says nothing to whoever cannot open it, and cannot be made or changed without the workspace's
//! secret; of somebody who was forgotten it opens to nobody.
//!
//! Does not: know who asks for one; the API lets in only those who may serve members.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::members::{self, Member};
use rapport_privacy::records::secrets;
use rapport_privacy::sealing::{Kind, Sealer};

use crate::installation::Installation;
use crate::messages;

const KIND: Kind =
    Kind { seal: "rapport 2026-11 seal of member pages", hide: "rapport 2026-11 content of member pages" };
/// So long a link works: a visit.
const LASTS: i64 = Timestamp::HOUR;

/// The path of a link.
pub fn path(link: &str) -> String {
    format!("/member/{link}")
}

/// A link to a member's page from now on, and until before when it works.
///
/// # Errors
/// The store's.
pub async fn make(
    installation: &Installation,
    workspace: WorkspaceId,
    member: MemberId,
) -> rapport_store::Result<(String, Timestamp)> {
    let secret = messages::secret(installation, workspace).await?;
    let until = installation.clock.now().plus(LASTS);
    Ok((close(workspace, &secret, member, until), until))
}

/// Whose page a link opens now; `None` for a link that is none of ours, is too old, or is of nobody any more.
///
/// # Errors
/// The store's.
pub async fn open(installation: &Installation, text: &str) -> rapport_store::Result<Option<(WorkspaceId, Member)>> {
    let Some(workspace) = Sealer::workspace_of(text) else { return Ok(None) };
    let mut db = installation.store.read();
    let Some(secret) = secrets::find(&mut db, workspace).await? else { return Ok(None) };
    let Some((member, until)) = read(workspace, &secret, text) else { return Ok(None) };
    if installation.clock.now() >= until {
        return Ok(None);
    }
    let found = members::find(&mut db, workspace, member).await?;
    Ok(found.filter(|it| it.person.is_some()).map(|it| (workspace, it)))
}

fn close(workspace: WorkspaceId, secret: &[u8; 32], member: MemberId, until: Timestamp) -> String {
    let content = [member.0.to_be_bytes(), until.0.to_be_bytes()].concat();
    Sealer::new(workspace, secret, KIND).close(content)
}

fn read(workspace: WorkspaceId, secret: &[u8; 32], text: &str) -> Option<(MemberId, Timestamp)> {
    let content = Sealer::new(workspace, secret, KIND).open(text)?;
    let (member, until) = content.split_at_checked(8)?;
    let number = |bytes: &[u8]| Some(i64::from_be_bytes(bytes.try_into().ok()?));
    Some((MemberId(number(member)?), Timestamp(number(until)?)))
}

#[cfg(test)]
mod tests {
    use rapport_domain::{Rng, SeededRng};

    use super::*;

    #[test]
    fn a_link_opens_to_what_it_was_made_of_and_cannot_be_changed() {
        let rng = SeededRng::new(5);
        let here = WorkspaceId(3);
        for _ in 0..100 {
            let (member, until) = (MemberId(rng.next_positive_i64()), Timestamp(rng.next_positive_i64()));
            let text = close(here, &[1; 32], member, until);
            assert_eq!(read(here, &[1; 32], &text), Some((member, until)));
            assert_eq!((read(here, &[2; 32], &text), read(WorkspaceId(4), &[1; 32], &text)), (None, None));
            for at in 0..text.len() {
                let mut other = text.clone().into_bytes();
                other[at] = if other[at] == b'B' { b'C' } else { b'B' };
                let other = String::from_utf8(other).unwrap();
                assert_eq!((read(here, &[1; 32], &other), read(here, &[1; 32], &text[..at])), (None, None), "{at}");
            }
        }
    }
}
