//! Who a row is about, and what it says about that person.
//!
//! Always holds: identifiers are normalised (e-mail addresses trimmed and in lower case), sorted by kind, never a word for "nobody".

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use rapport_domain::{EventKind, Identifier, IdentifierKind, NaturalKey, Timestamp};
use serde_json::{Map, Value};

use super::Shop;
use super::plan::Plan;
use super::pool::Line;
use crate::event::{ImportedEvent, Output};
use crate::mapping::{Field, Role};
use crate::profile::distinct::{Same, hash};
use crate::report::Rule;
use crate::values::{is_blank, is_email, is_placeholder_customer};

/// The last traits stated for each person, as hashes: the same again is not said again.
pub(crate) type TraitsSeen = HashMap<u64, u64, BuildHasherDefault<Same>>;

/// The identifiers in a row itself.
pub(crate) fn identifiers(plan: &Plan, fields: &[&str]) -> Vec<Identifier> {
    let mut found = Vec::new();
    // In a customers' file a row is a customer, also number 0; in orders 0 stands for "nobody".
    let is_nobody =
        |value: &str| if plan.role == Role::Customers { is_blank(value) } else { is_placeholder_customer(value) };
    let mut add = |kind, value: &str| {
        if !is_nobody(value) {
            found.push(Identifier { kind, value: value.to_owned() });
        }
    };
    let customer = plan.id(fields, Field::CustomerId);
    let email = plan.text(fields, Field::Email).to_lowercase();
    add(IdentifierKind::UserId, customer);
    add(IdentifierKind::AnonymousId, plan.text(fields, Field::AnonymousId));
    if is_email(&email) {
        add(IdentifierKind::Email, &email);
    }
    found
}

impl Shop {
    /// Who a line is about: by its own columns, else by its key in the customers' file. Empty when it names nobody.
    pub(crate) fn person(&mut self, line: &Line<'_>) -> Vec<Identifier> {
        let plan = &self.plans[line.plan];
        let own = identifiers(plan, &line.fields);
        let key = plan.id(&line.fields, Field::CustomerKey);
        if !own.is_empty() || is_placeholder_customer(key) {
            return own;
        }
        match self.lookups.customer(key) {
            Some(customer) => identifiers(&self.plans[customer.plan], &customer.fields),
            None => {
                self.tally.rule(Rule::UnknownCustomerKey, 1);
                vec![Identifier { kind: IdentifierKind::UserId, value: key.to_owned() }]
            }
        }
    }

    /// What the lines, and the customers' file, say about a person.
    pub(crate) fn traits(&mut self, lines: &[&Line<'_>], who: &Identifier) -> Map<String, Value> {
        let mut traits = Map::new();
        for line in lines.iter().rev() {
            self.plans[line.plan].fill(&line.fields, Field::Trait, &self.zone, &mut traits);
        }
        for line in lines {
            let plan = &self.plans[line.plan];
            let key = plan.id(&line.fields, Field::CustomerKey);
            let key = if key.is_empty() { who.value.as_str() } else { key };
            if let Some(customer) = self.lookups.customer(key) {
                self.plans[customer.plan].fill(&customer.fields, Field::Trait, &self.zone, &mut traits);
                break;
            }
        }
        traits
    }

    /// States traits as an event, unless the same was stated last for this person.
    pub(crate) fn state_traits(
        &mut self,
        identifiers: &[Identifier],
        traits: Map<String, Value>,
        at: Timestamp,
        line: &Line<'_>,
    ) {
        let Some(primary) = identifiers.first() else { return };
        if traits.is_empty() {
            return;
        }
        let person = hash(&format!("{}:{}", primary.kind.as_str(), primary.value));
        let content = hash(&Value::Object(traits.clone()).to_string());
        if self.traits.insert(person, content) == Some(content) {
            return;
        }
        let key = format!("traits:{}:{}@{}", primary.kind.as_str(), primary.value, at.0);
        self.emit(
            key,
            EventKind::Identify,
            "Identify",
            at,
            identifiers.to_vec(),
            Map::new(),
            traits,
            (line, line.row),
            true,
        );
    }

    /// Sends an event.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one event; a struct for them would be the event itself"
    )]
    pub(crate) fn emit(
        &mut self,
        key: String,
        kind: EventKind,
        name: &str,
        at: Timestamp,
        identifiers: Vec<Identifier>,
        properties: Map<String, Value>,
        traits: Map<String, Value>,
        (first, last_row): (&Line<'_>, u64),
        time_is_content: bool,
    ) {
        self.tally.event(name, at);
        let mut event = ImportedEvent {
            natural_key: NaturalKey(key),
            digest: [0; 16],
            kind,
            name: name.to_owned(),
            occurred_at: at,
            identifiers,
            group_id: None,
            previous_id: None,
            properties,
            traits,
            context: Map::new(),
            file: self.plans[first.plan].file.clone(),
            first_row: first.row,
            last_row,
        };
        event.seal(time_is_content);
        self.queue.push_back(Output::Event(Box::new(event)));
    }
}
