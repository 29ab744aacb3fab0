//! The binary `rapport` as a library, so that tests start it in their own process: HTTP, API, sign-in, console, command line, wiring.
//!
//! Always holds: no domain decisions are made here; the JSON shapes of the API are defined here only.

pub mod api;
pub mod app;
pub mod audiences;
pub mod audit;
pub mod auth;
pub mod callbacks;
pub mod cli;
pub mod collect;
pub mod confirming;
pub mod console;
pub mod engaging;
pub mod erasing;
pub mod experimenting;
pub mod exporting;
pub mod housekeeping;
pub mod http;
pub mod importing;
pub mod installation;
pub mod keeper;
pub mod link_checks;
pub mod messages;
pub mod metrics;
pub mod noting;
pub mod ofrep;
pub mod openapi;
pub mod own_data;
pub mod own_events;
pub mod pipeline;
pub mod problem;
pub mod public_pages;
pub mod recommending;
pub mod records;
pub mod reviewing;
pub mod sample_shop;
pub mod schema;
pub mod scoring;
pub mod searching;
pub mod sending;
pub mod settings;
pub mod slots;
pub mod surveying;
pub mod understanding;
pub mod visitors;
pub mod webhooks;
