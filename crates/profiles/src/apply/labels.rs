//! What a person is called, and by which text they are found.

use std::collections::HashMap;

use rapport_domain::{Handle, IdentifierKind, PersonId, WorkspaceId};
use rapport_store::{Result, Tx};
use serde_json::Value;

use crate::fold::fold;
use crate::records::facts::{self, FactRow};
use crate::records::identifiers::{self, IdentifierRow};
use crate::records::persons::{self, Label};

/// Writes the labels of these persons anew.
pub(crate) async fn relabel(tx: &mut Tx, workspace: WorkspaceId, people: &[PersonId]) -> Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    let rows = identifiers::by_persons(tx, workspace, people).await?;
    let handles: Vec<Handle> = rows.iter().map(|r| r.handle).collect();
    let facts = facts::of_handles(tx, workspace, &handles).await?;
    let owner: HashMap<Handle, PersonId> = rows.iter().map(|r| (r.handle, r.person)).collect();
    let mut by_person: HashMap<PersonId, (Vec<&IdentifierRow>, HashMap<&str, &FactRow>)> = HashMap::new();
    for row in &rows {
        by_person.entry(row.person).or_default().0.push(row);
    }
    for fact in &facts {
        let Some(person) = owner.get(&fact.handle) else { continue };
        // The rows come oldest first, so the last one written is what holds now.
        by_person.entry(*person).or_default().1.insert(fact.fact_key.as_str(), fact);
    }
    let labels: Vec<Label> =
        by_person.into_iter().map(|(person, (rows, facts))| label(person, &rows, &facts)).collect();
    persons::label(tx, workspace, &labels).await
}

fn label(person: PersonId, rows: &[&IdentifierRow], facts: &HashMap<&str, &FactRow>) -> Label {
    let text = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            let value: Value = serde_json::from_str(&facts.get(format!("trait.{key}").as_str())?.value).ok()?;
            value.as_str().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        })
    };
    let first = text(&["first_name", "firstName", "firstname"]);
    let last = text(&["last_name", "lastName", "lastname"]);
    let parts: Vec<String> = [first, last].into_iter().flatten().collect();
    let name = text(&["name", "full_name", "fullName"]).or_else(|| (!parts.is_empty()).then(|| parts.join(" ")));
    let named = rows.iter().find(|r| r.kind == IdentifierKind::Email.as_str()).map(|r| r.value.clone());
    let email = text(&["email"]).or(named);
    let mut words: Vec<&str> =
        rows.iter().filter(|r| r.kind != IdentifierKind::AnonymousId.as_str()).map(|r| r.value.as_str()).collect();
    words.extend(name.as_deref());
    words.extend(email.as_deref());
    Label {
        person: person.0,
        country: text(&["country", "country_code"]),
        search_folded: fold(&words.join(" ")),
        name,
        email,
    }
}
