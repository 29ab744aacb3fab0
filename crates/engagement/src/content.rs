//! The content of messages: templates, and what becomes of them for one person.
//!
//! A [`Template`] says what a message says on one channel in each of its languages. [`Prepared::new`] parses it, compiles its
//! expressions and makes its HTML once; [`Prepared::render`] writes the [`Message`] of a person. [`check()`] judges a template before it is
//! sent; [`gallery`] has some to begin with.
//!
//! The texts of a template hold literals, values, conditions and loops in the form that Jinja made known:
//!
//! ```text
//! Hello {{ profile.first_name|default("there") }},
//! {% if cart.items %}you left {{ cart.items|length }} {{ cart.items|length|plural("thing", "things") }} in your cart:
//! {% for item in cart.items|limit(5) %}{{ item.name }}, {{ item.price|money("EUR") }}{% if not loop.last %}; {% endif %}{% endfor %}
//! {% else %}your cart is empty.{% endif %}
//! ```
//!
//! | filter | gives |
//! |---|---|
//! | `default("x")` | the fallback for a value that is missing, null or blank |
//! | `upper` `lower` `title` `truncate(20)` | a text in another form; `truncate` counts letters and ends with `…` |
//! | `number` `number(2)` `round(1)` | a number as the language writes it; with so many decimals |
//! | `money("EUR")` | an amount with its currency |
//! | `date` `date("short")` `date("long")` | a day (`2026-01-31`) or instant (RFC 3339, or microseconds UTC) in the person's time zone |
//! | `plural("item", "items")` | the word that goes with a count |
//! | `join(", ")` `first` `last` `length` `limit(10)` | of a list; `limit` gives its first items |
//!
//! Always holds:
//! * A value is never evaluated and never markup: a template is a tree before any data is seen, and each value is escaped for the place
//!   where it stands (HTML, URL, header, plain text), which is found out when the template is prepared.
//! * A value that is missing is an error unless the template gives a fallback or asks `{% if %}`.
//! * Templates reach nothing but their data: no files, no environment, no network, no clock, no other templates, no functions.
//! * Work, memory and output are limited ([`Limits`], and a fixed fuel for each expression).
//! * A URL is `http`, `https`, `mailto` or `tel`, or it is left out and told ([`message::Dropped`]).

pub mod addresses;
pub mod approved;
pub mod block;
mod builder;
pub mod check;
mod draft;
mod escape;
mod expression;
mod filters;
pub mod gallery;
pub mod known;
pub mod limits;
mod locale;
mod markdown;
pub mod message;
mod mjml;
mod pattern;
mod prepare;
mod render;
mod scan;
mod scope;
mod slots;
pub mod sms;
pub mod template;
pub mod theme;
mod url;

pub use approved::lacks_approved;
pub use check::{Finding, Severity, Token, check};
pub use limits::Limits;
pub use message::{Message, Recipient};
pub use prepare::Prepared;
pub use rapport_domain::Language;
pub(crate) use rapport_domain::language;
pub use template::{Content, Email, Note, Template};
pub use url::{UrlProblem, with_parameters};
