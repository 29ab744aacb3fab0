//! What a member may have now, and the prices among which they choose: one look for the till and for the member's own page.
//!
//! Always holds: what is not for them is not there; each price is one at which redeeming does it at this moment, if they have the points.
//!
//! Does not: say whether they have the points.

use rapport_domain::WorkspaceId;
use rapport_loyalty::records::documents::{self, Version};
use rapport_loyalty::records::members::Member;
use rapport_loyalty::records::redemptions;
use rapport_loyalty::rewards::{Price, Refusal, Reward};

use super::redemptions::{Entitled, Present};
use crate::app::App;
use crate::problem::Problem;

/// A reward that is for a member.
pub(crate) struct Offered<'a> {
    pub(crate) reward: &'a Reward,
    /// The prices among which they choose: at least one, the first of all first.
    pub(crate) prices: Vec<&'a Price>,
    /// Whether one more is to be had, or why not.
    pub(crate) room: Result<(), Refusal>,
}

/// What a member may have now, in the order of the catalogue; `all` is every reward in all its versions.
///
/// # Errors
/// The store's, or that there is no programme.
pub(crate) async fn offered<'a>(
    app: &App,
    (workspace, present): (WorkspaceId, &Present),
    member: &Member,
    all: &'a [Version<Reward>],
) -> Result<Vec<Offered<'a>>, Problem> {
    let scene = present.scene(app, workspace)?;
    let mut live: Vec<&Reward> = documents::in_force(all, scene.now).map(|it| &it.document).collect();
    live.sort_by_key(|reward| reward.place);
    let known = Entitled::of(app, workspace, member.person, live.iter().copied()).await?;
    let mut db = app.installation.store.read();
    let mut found = Vec::new();
    for reward in live {
        let at = (scene.now, scene.calendar);
        let Ok(prices) = reward.prices_for(scene.program, |it| known.holds(it, scene), at) else { continue };
        let room = redemptions::room(&mut db, scene, reward, member.member).await?;
        found.push(Offered { reward, prices, room });
    }
    Ok(found)
}
