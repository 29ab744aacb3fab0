//! The audit log: every read names who, when, what and what for.

use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::records::audit;
use rapport_server::records::workspaces::FIRST;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_is_noted_with_its_purpose() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let id = world.get("/api/v1/me", &owner.reads()).await.json()["user"]["id"].as_str().unwrap().to_owned();
    world.get("/api/v1/sources?search=ann@example.org", &owner.reads()).await;
    world.clock.advance(Timestamp::SECOND);
    let mut headers = owner.reads().to_vec();
    headers.push(("x-purpose", "support"));
    world.get("/api/v1/sources/99/live", &headers).await;
    world.get("/api/v1/users", &[]).await;
    let (_folder, store) = world.close().await;
    let notes = audit::newest(&mut store.read(), FIRST, 10).await.unwrap();
    let told: Vec<(&str, &str, u16)> =
        notes.iter().map(|n| (n.action.as_str(), n.purpose.as_str(), n.status)).collect();
    assert_eq!(
        told,
        [("GET /api/v1/sources/99/live", "support", 404), ("GET /api/v1/sources", "administration", 200)],
        "no query, no note about strangers, none about who am I"
    );
    assert!(notes.iter().all(|note| note.actor == id));
}
