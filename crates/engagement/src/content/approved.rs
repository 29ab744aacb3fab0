//! Texts that WhatsApp approved beforehand: it takes nothing else later than 24 hours after somebody's last message.
//!
//! Always holds: what is handed over has a name and values such as WhatsApp takes: each is one line, none is empty. (Meta refuses parameters with line
//! breaks, tabs or more than four spaces on end.)

use std::collections::BTreeMap;

use minijinja::value::Value;
use serde::{Deserialize, Serialize};

use super::check::{Findings, Severity};
use super::escape::one_line;
use super::limits::Limits;
use super::message::ApprovedMessage;
use super::pattern::{Node, parse};
use super::render::{Mode, Writer};
use super::template::{Content, Template};
use crate::Error;

/// So many gaps an approved text may have.
pub const MOST_VARIABLES: usize = 100;
/// The longest value, in letters; a longer one is cut.
const LONGEST_VALUE: usize = 1_024;
const LONGEST_ID: usize = 128;

/// An approved text, and what fills its gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// The provider's name for it; with Twilio a content SID (`HX...`).
    pub id: String,
    /// What fills `{{1}}`, `{{2}}` and so on of the approved text, in this order. Each may hold values like any other text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
}

/// Something that is wrong with an approved text.
pub(super) struct Fault {
    /// The field below the approved text.
    pub field: String,
    pub code: &'static str,
    pub text: &'static str,
}

impl Approved {
    /// What is wrong with it, as far as that can be seen without its readers.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |field: String, code, text| faults.push(Fault { field, code, text });
        if !is_id(&self.id) {
            let text = "This is no name of an approved text. It has letters, digits and _ - . : only, 128 at most; Twilio's begin with HX and have 32 more letters.";
            add("id".to_owned(), "approved_id", text);
        }
        if self.variables.len() > MOST_VARIABLES {
            add("variables".to_owned(), "approved_too_many", "WhatsApp takes 100 values at most. Take some away.");
        }
        for (at, variable) in self.variables.iter().enumerate().take(MOST_VARIABLES) {
            let field = format!("variables[{at}]");
            if variable.trim().is_empty() {
                add(field, "approved_empty", "Say what fills this gap: WhatsApp takes no empty value.");
            } else if variable.contains(['\n', '\r', '\t']) || variable.contains("     ") {
                let text = "WhatsApp takes no line breaks, tabs or more than four spaces here. Write it in one line.";
                add(field, "approved_line", text);
            }
        }
        faults
    }

    pub(super) fn find(&self, place: &str, found: &mut Findings) {
        for Fault { field, code, text } in self.faults() {
            found.add(Severity::Error, code, &format!("{place}.approved.{field}"), text);
        }
    }
}

/// Twilio's names are known in their whole shape, so that one that was copied in part is seen.
fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    let is_cut =
        id.strip_prefix("HX").is_some_and(|rest| rest.len() != 32 || !rest.bytes().all(|b| b.is_ascii_hexdigit()));
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain) && !is_cut
}

/// Whether in one of its languages a text has nothing that WhatsApp takes after 24 hours.
pub fn lacks_approved(template: &Template) -> bool {
    let Content::Text(notes) = &template.content else { return false };
    notes.values().any(|note| note.approved.as_ref().is_none_or(|approved| !approved.faults().is_empty()))
}

/// An approved text that is ready to be filled.
#[derive(Debug)]
pub(crate) struct PreparedApproved {
    place: String,
    approved: Approved,
    pub variables: Vec<Vec<Node>>,
}

impl PreparedApproved {
    pub fn new(place: &str, approved: &Approved, limits: &Limits) -> Result<Self, Error> {
        let place = format!("{place}.approved");
        let parsed = |(at, text): (usize, &String)| parse(&format!("{place}.variables[{at}]").into(), text, limits);
        let variables =
            approved.variables.iter().take(MOST_VARIABLES).enumerate().map(parsed).collect::<Result<_, _>>()?;
        Ok(Self { place, approved: approved.clone(), variables })
    }

    pub fn render(&self, writer: &mut Writer<'_>, scope: &Value) -> Result<ApprovedMessage, Error> {
        if let Some(fault) = self.approved.faults().first() {
            return Err(Error::invalid(format!("{}.{}", self.place, fault.field), fault.text.trim_end_matches('.')));
        }
        let mut variables = BTreeMap::new();
        for (at, nodes) in self.variables.iter().enumerate() {
            let place = format!("{}.variables[{at}]", self.place);
            let value = one_line(&writer.part(&place, nodes, Mode::Plain, scope)?, LONGEST_VALUE);
            if value.is_empty() {
                return Err(Error::invalid(place, "it is empty for this reader; give a fallback"));
            }
            variables.insert((at + 1).to_string(), value);
        }
        Ok(ApprovedMessage { id: self.approved.id.clone(), variables })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_what_is_none() {
        for id in ["order_shipped", "HX0123456789abcdef0123456789ABCDEF", "v1.order-shipped:en"] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", " ", "two words", "HX0123", "HXzz23456789abcdef0123456789abcdef", "a/b", "ä", &"x".repeat(129)]
        {
            assert!(!is_id(id), "{id}");
        }
    }
}
