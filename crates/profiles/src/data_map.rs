//! Where the data of profiles lies, what it is for, how long it is kept, and what erasure does to it.

use rapport_domain::Purpose::{self, Analytics, Marketing, Service, Support};
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};

const ALL: &[Purpose] = &[Service, Analytics, Marketing, Support];
const TAX_LAW: Erasure =
    Erasure::Keep("commercial and tax law: records of sales are kept without the link to the person's contact data");

const fn personal(
    table: &'static str,
    columns: &'static [&'static str],
    category: Category,
    person: Way,
    erasure: Erasure,
) -> Declaration {
    Declaration { table, columns, category, purposes: ALL, retention: Retention::Person, person, erasure }
}

const OF_HANDLE: Way = Way::Handles(&["handle"]);
const OF_PAIR: Way = Way::Handles(&["left_handle", "right_handle"]);

/// Every column of every table of this crate.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical("identifiers", &["workspace", "kind", "source", "counted_through"]),
    personal("identifiers", &["value"], Category::Contact, Way::Person("person"), Erasure::Delete),
    personal("identifiers", &["handle", "person"], Category::Identifier, Way::Person("person"), Erasure::Delete),
    personal(
        "identifiers",
        &["first_seen_at", "last_seen_at", "events"],
        Category::Behavioural,
        Way::Person("person"),
        Erasure::Delete,
    ),
    Declaration::technical(
        "evidence",
        &["id", "workspace", "rule", "recorded_at", "set_aside", "undone_at", "undone_by"],
    ),
    personal("evidence", &["left_handle", "right_handle", "event_id"], Category::Identifier, OF_PAIR, Erasure::Delete),
    personal("evidence", &["occurred_at"], Category::Behavioural, OF_PAIR, Erasure::Delete),
    personal("evidence", &["reason"], Category::FreeText, OF_PAIR, Erasure::Delete),
    Declaration::technical("persons", &["workspace", "currency"]),
    personal("persons", &["person"], Category::Identifier, Way::Person("person"), Erasure::Delete),
    personal(
        "persons",
        &["name", "email", "country", "search_folded"],
        Category::Contact,
        Way::Person("person"),
        Erasure::Delete,
    ),
    personal(
        "persons",
        &["first_seen_at", "last_seen_at", "events", "orders", "first_order_at", "last_order_at"],
        Category::Behavioural,
        Way::Person("person"),
        Erasure::Delete,
    ),
    personal(
        "persons",
        &["spent_micros", "refunded_micros"],
        Category::Financial,
        Way::Person("person"),
        Erasure::Delete,
    ),
    personal(
        "persons",
        &["recency", "frequency", "monetary", "rfm_group"],
        Category::Derived,
        Way::Person("person"),
        Erasure::Delete,
    ),
    Declaration::technical("facts", &["workspace", "fact_key", "recorded_at", "source"]),
    personal("facts", &["handle", "event_id"], Category::Identifier, OF_HANDLE, Erasure::Delete),
    personal("facts", &["value"], Category::Contact, OF_HANDLE, Erasure::Delete),
    personal("facts", &["valid_from"], Category::Behavioural, OF_HANDLE, Erasure::Delete),
    Declaration::technical("orders", &["workspace", "source", "currency", "status", "lines"]),
    personal("orders", &["handle"], Category::Identifier, OF_HANDLE, Erasure::Unlink),
    personal("orders", &["order_id", "event_id"], Category::Identifier, OF_HANDLE, TAX_LAW),
    personal("orders", &["placed_at"], Category::Behavioural, OF_HANDLE, TAX_LAW),
    personal("orders", &["revenue_micros", "refunded_micros"], Category::Financial, OF_HANDLE, TAX_LAW),
    Declaration::technical("cancellations", &["workspace"]),
    personal("cancellations", &["handle"], Category::Identifier, OF_HANDLE, Erasure::Unlink),
    personal("cancellations", &["order_id", "event_id"], Category::Identifier, OF_HANDLE, TAX_LAW),
    personal("cancellations", &["cancelled_at"], Category::Behavioural, OF_HANDLE, TAX_LAW),
    Declaration::technical("refunds", &["workspace", "currency", "is_whole"]),
    personal("refunds", &["handle"], Category::Identifier, OF_HANDLE, Erasure::Unlink),
    personal("refunds", &["order_id", "event_id"], Category::Identifier, OF_HANDLE, TAX_LAW),
    personal("refunds", &["refunded_at"], Category::Behavioural, OF_HANDLE, TAX_LAW),
    personal("refunds", &["amount_micros"], Category::Financial, OF_HANDLE, TAX_LAW),
    Declaration::technical("texts", &["workspace", "event_name"]),
    personal("texts", &["handle", "event_id"], Category::Identifier, OF_HANDLE, Erasure::Delete),
    personal("texts", &["content"], Category::FreeText, OF_HANDLE, Erasure::Delete),
    personal("texts", &["occurred_at"], Category::Behavioural, OF_HANDLE, Erasure::Delete),
    // Organisations, not people; who belongs to one is in account_members.
    Declaration::technical("accounts", &["workspace", "account", "group_id", "name", "created_at"]),
    Declaration::technical(
        "account_facts",
        &["workspace", "account", "fact_key", "valid_from", "recorded_at", "value", "source", "event_id"],
    ),
    Declaration::technical("account_members", &["workspace", "account"]),
    personal("account_members", &["handle"], Category::Identifier, OF_HANDLE, Erasure::Delete),
    personal("account_members", &["since"], Category::Behavioural, OF_HANDLE, Erasure::Delete),
    Declaration::technical("event_names", &["workspace", "name", "events", "first_at", "last_at"]),
    Declaration::technical("device_clocks", &["workspace", "offset_micros"]),
    personal(
        "device_clocks",
        &["device"],
        Category::Identifier,
        Way::Elsewhere("the hash of a source and a device's name"),
        Erasure::Delete,
    ),
];
