//! The server's HTTP surface from outside: requests in, answers out, on a real data folder with a clock that tests move.

mod acts;
mod answers;
mod audiences;
mod audit;
mod channels;
mod connections;
mod consents;
mod crash;
mod dry_run;
mod engaging;
mod every_store;
mod experiments;
mod global_holdout;
mod hostile;
mod imports;
mod intake;
mod keys;
mod link_checks;
mod mail_callbacks;
mod main_job;
mod members;
mod message_copies;
mod message_templates;
mod noting;
mod other_shops;
mod own_data;
mod pages;
mod privacy;
mod provider;
mod records;
mod routes;
mod sample_experiments;
mod sample_journeys;
mod scanner;
mod segments;
mod sending_crash;
mod sending_pool;
mod sessions;
#[path = "../../../channels/tests/it/sink.rs"]
#[expect(dead_code, reason = "the channels' own tests use more of it")]
mod sink;
mod slots;
mod sticky_devices;
mod users;
mod usual_hours;
mod world;
