//! Links to a member's own page, as the shop's own server gets them for whoever is signed in there, and the address of the page on which members ask for one by mail.
//!
//! Always holds: a link opens the page of one member and nothing else, for an hour; it says nothing to whoever cannot open it, and cannot be made or changed without the workspace's
//! secret; of somebody who was forgotten it opens to nobody. In which site's frame it may be shown is part of it.
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
const DOOR: Kind = Kind {
    seal: "rapport 2026-11 seal of doors of member pages",
    hide: "rapport 2026-11 content of doors of member pages",
};
/// So long a link works: a visit.
const LASTS: i64 = Timestamp::HOUR;
const ORIGIN_MAX: usize = 200;

/// The path of a link.
pub fn path(link: &str) -> String {
    format!("/member/{link}")
}

/// What a link opens.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose page.
    pub member: Member,
    /// The origin of the site in whose frame it may be shown; in none without one.
    pub frame: Option<String>,
}

/// A link to a member's page from now on, and until before when it works. `frame` is an origin that [`origin`] let pass.
///
/// # Errors
/// The store's.
pub async fn make(
    installation: &Installation,
    workspace: WorkspaceId,
    member: MemberId,
    frame: Option<&str>,
) -> rapport_store::Result<(String, Timestamp)> {
    let secret = messages::secret(installation, workspace).await?;
    let until = installation.clock.now().plus(LASTS);
    Ok((close(workspace, &secret, (member, until, frame.unwrap_or_default())), until))
}

/// The origin of a site, as a browser says it: `https://shop.example`; `None` of what is none. Without TLS only on one's own machine.
pub fn origin(text: &str) -> Option<String> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let place = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
    let (host, port) = place.split_once(':').map_or((place.as_str(), None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    let is_place = host.split('.').all(is_label) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|it| it > 0));
    let is_safe = scheme == "https" || scheme == "http" && matches!(host, "localhost" | "127.0.0.1");
    (is_place && is_safe && text.len() <= ORIGIN_MAX).then(|| format!("{scheme}://{place}"))
}

/// Whose page a link opens now; `None` for a link that is none of ours, is too old, or is of nobody any more.
///
/// # Errors
/// The store's.
pub async fn open(installation: &Installation, text: &str) -> rapport_store::Result<Option<Opened>> {
    let Some(workspace) = Sealer::workspace_of(text) else { return Ok(None) };
    let mut db = installation.store.read();
    let Some(secret) = secrets::find(&mut db, workspace).await? else { return Ok(None) };
    let Some((member, until, frame)) = read(workspace, &secret, text) else { return Ok(None) };
    if installation.clock.now() >= until {
        return Ok(None);
    }
    let found = members::find(&mut db, workspace, member).await?;
    let frame = Some(frame).filter(|frame| !frame.is_empty());
    Ok(found.filter(|it| it.person.is_some()).map(|member| Opened { workspace, member, frame }))
}

/// The path of the page on which members ask for a link.
pub fn door_path(door: &str) -> String {
    format!("/member-link/{door}")
}

/// What stands in the address of the page on which a workspace's members ask for a link: always the same, and no secret.
///
/// # Errors
/// The store's.
pub async fn door(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<String> {
    Ok(Sealer::new(workspace, &messages::secret(installation, workspace).await?, DOOR).close(Vec::new()))
}

/// Whose members ask there; `None` where it is no door of ours, or there is no programme.
///
/// # Errors
/// The store's.
pub async fn behind_door(installation: &Installation, text: &str) -> rapport_store::Result<Option<WorkspaceId>> {
    let Some(workspace) = Sealer::workspace_of(text) else { return Ok(None) };
    let mut db = installation.store.read();
    let Some(secret) = secrets::find(&mut db, workspace).await? else { return Ok(None) };
    if Sealer::new(workspace, &secret, DOOR).open(text).is_none_or(|content| !content.is_empty()) {
        return Ok(None);
    }
    let programs = installation.programs.get(&mut db, workspace).await?;
    Ok(programs.latest().map(|_| workspace))
}

fn close(workspace: WorkspaceId, secret: &[u8; 32], (member, until, frame): (MemberId, Timestamp, &str)) -> String {
    let content = [&member.0.to_be_bytes()[..], &until.0.to_be_bytes(), frame.as_bytes()].concat();
    Sealer::new(workspace, secret, KIND).close(content)
}

fn read(workspace: WorkspaceId, secret: &[u8; 32], text: &str) -> Option<(MemberId, Timestamp, String)> {
    let content = Sealer::new(workspace, secret, KIND).open(text)?;
    let (member, rest) = content.split_at_checked(8)?;
    let (until, frame) = rest.split_at_checked(8)?;
    let number = |bytes: &[u8]| Some(i64::from_be_bytes(bytes.try_into().ok()?));
    Some((MemberId(number(member)?), Timestamp(number(until)?), String::from_utf8(frame.to_vec()).ok()?))
}

#[cfg(test)]
mod tests {
    use rapport_domain::{Rng, SeededRng};

    use super::*;

    #[test]
    fn an_origin_is_one_site() {
        let read = |text: &str| origin(text);
        assert_eq!(read("https://Shop.example/").as_deref(), Some("https://shop.example"));
        assert_eq!(read("https://shop.example:8443").as_deref(), Some("https://shop.example:8443"));
        assert_eq!(read("http://localhost:3000").as_deref(), Some("http://localhost:3000"));
        for bad in [
            "",
            "*",
            "https://*",
            "shop.example",
            "http://shop.example",
            "https://shop.example/a",
            "https://a@shop.example",
            "data:text/html,x",
            "https://shop.example; script-src *",
            "https://shop.example https://other.example",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_link_opens_to_what_it_was_made_of_and_cannot_be_changed() {
        let rng = SeededRng::new(5);
        let here = WorkspaceId(3);
        for _ in 0..100 {
            let (member, until) = (MemberId(rng.next_positive_i64()), Timestamp(rng.next_positive_i64()));
            let frame = if member.0 % 2 == 0 { "" } else { "https://shop.example" };
            let text = close(here, &[1; 32], (member, until, frame));
            assert_eq!(read(here, &[1; 32], &text), Some((member, until, frame.to_owned())));
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
