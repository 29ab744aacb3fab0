//! The API below `/api/v1`: one module a part, each with its routes and JSON shapes.
//!
//! To add a route: write `#[utoipa::path(get, path = "/api/v1/things", security(("caller" = ["view_reports"])), ...)]`, take
//! `State<App>` and [`Caller`](crate::auth::Caller), ask the database for `caller.workspace` only, and add it to its module's
//! `router()`. The guard has checked the declared permission by then; without a declaration the route is closed.

pub mod advocacy;
pub mod audiences;
pub mod audit;
pub mod baskets;
pub mod benchmarks;
pub mod brand;
pub mod complaints;
pub mod consent_overview;
pub mod consents;
pub mod customers;
pub mod data_health;
pub mod digest;
pub mod effects;
pub mod events;
pub mod experiment_baseline;
pub mod experiment_groups;
pub mod experiment_readouts;
pub mod experiments;
pub mod exports;
pub mod failed_acts;
pub mod flows;
pub mod follow_ups;
pub mod home;
pub mod ideas;
pub mod identity;
pub mod imports;
pub mod improvements;
pub mod inbox;
pub mod intents;
pub mod journeys;
pub mod keys;
pub mod lists;
pub mod loyalty;
pub mod me;
pub mod members;
pub mod message_copies;
pub mod message_drafts;
pub mod message_links;
pub mod message_templates;
pub mod messages;
pub mod models;
pub mod notes;
pub mod policies;
pub mod privacy;
pub mod questions;
pub mod recommendations;
pub mod rejects;
pub mod reviews;
pub mod search;
pub mod segments;
pub mod sending;
pub mod shapes;
pub mod slots;
pub mod sources;
pub mod survey_models;
pub mod survey_results;
pub mod surveys;
pub mod templates;
pub mod texts;
pub mod timeline;
pub mod topics;
pub mod users;
pub mod webhooks;
pub mod wire;
pub mod workspace;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// All routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(me::router())
        .merge(workspace::router())
        .merge(users::router())
        .merge(sources::router())
        .merge(keys::router())
        .merge(rejects::router())
        .merge(data_health::router())
        .merge(home::router())
        .merge(customers::router())
        .merge(timeline::router())
        .merge(texts::router())
        .merge(topics::router())
        .merge(identity::router())
        .merge(consents::router())
        .merge(consent_overview::router())
        .merge(audit::router())
        .merge(privacy::router())
        .merge(search::router())
        .merge(events::router())
        .merge(questions::router())
        .merge(segments::router())
        .merge(members::router())
        .merge(flows::router())
        .merge(lists::router())
        .merge(webhooks::router())
        .merge(message_templates::router())
        .merge(message_drafts::router())
        .merge(message_links::router())
        .merge(message_copies::router())
        .merge(templates::router())
        .merge(journeys::router())
        .merge(messages::router())
        .merge(failed_acts::router())
        .merge(sending::router())
        .merge(experiments::router())
        .merge(experiment_baseline::router())
        .merge(experiment_groups::router())
        .merge(experiment_readouts::router())
        .merge(effects::router())
        .merge(policies::router())
        .merge(recommendations::router())
        .merge(models::router())
        .merge(slots::router())
        .merge(survey_results::router())
        .merge(survey_models::router())
        .merge(baskets::router())
        .merge(benchmarks::router())
        .merge(surveys::router())
        .merge(audiences::router())
        .merge(inbox::router())
        .merge(reviews::router())
        .merge(follow_ups::router())
        .merge(improvements::router())
        .merge(digest::router())
        .merge(complaints::router())
        .merge(ideas::router())
        .merge(loyalty::router())
        .merge(intents::router())
        .merge(notes::router())
        .merge(advocacy::router())
        .merge(brand::router())
        .merge(exports::router())
        .merge(imports::router())
}
