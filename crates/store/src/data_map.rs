//! The data map: what every column is, why it is kept, how long, whose it is, and what erasure does to it.
//!
//! Each crate declares its own columns in a `const DATA_MAP: &[Declaration]` beside its migrations; a test compares all of
//! them with the real schema ([`differences`]). Access, erasure, retention and the record of processing are read from here.
//!
//! Always holds: a column is declared exactly once, and exists.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::Purpose;

use crate::{Engine, Queries, Result, Store, args};

/// What kind of data a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Names a person, or stands for one: user ids, person ids, handles.
    Identifier,
    /// Reaches a person: e-mail, telephone, address.
    Contact,
    /// Written by or about a person in their own words.
    FreeText,
    /// What a person did.
    Behavioural,
    /// Computed about a person.
    Derived,
    /// Money of a person: orders, payments.
    Financial,
    /// Nothing about a person.
    None,
}

/// How long a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// This many days after it was written.
    Days(u32),
    /// As long as the person is.
    Person,
    /// As long as the workspace is.
    Workspace,
}

/// How the row of a person is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is not about a person.
    None,
    /// This column has the person's number.
    Person(&'static str),
    /// Each of these columns has the handle of an identifier of theirs.
    Handles(&'static [&'static str]),
    /// This column has the id of a user: staff, not a customer.
    User(&'static str),
    /// By other means, which whoever owns the table provides; the text says which.
    Elsewhere(&'static str),
}

/// What erasing a person does to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// The row is deleted.
    Delete,
    /// The value is emptied, the row stays.
    Blank,
    /// The row stays, without the link to the person.
    Unlink,
    /// It stays; the text names the legal basis.
    Keep(&'static str),
    /// It is not about a person.
    Nothing,
}

/// What some columns of one table hold.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// The table.
    pub table: &'static str,
    /// The columns this is about.
    pub columns: &'static [&'static str],
    /// What kind of data it is.
    pub category: Category,
    /// What it is used for; empty only when it is not about a person.
    pub purposes: &'static [Purpose],
    /// How long it is kept.
    pub retention: Retention,
    /// The way to the person.
    pub person: Way,
    /// What erasure does to it.
    pub erasure: Erasure,
}

impl Declaration {
    /// Columns that say nothing about a person.
    pub const fn technical(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self {
            table,
            columns,
            category: Category::None,
            purposes: &[],
            retention: Retention::Workspace,
            person: Way::None,
            erasure: Erasure::Nothing,
        }
    }

    /// Whether it says all it must about personal data, and nothing about other data.
    fn is_coherent(&self) -> bool {
        let personal = self.category != Category::None;
        personal != self.purposes.is_empty()
            && personal != (self.person == Way::None)
            && personal != (self.erasure == Erasure::Nothing)
    }
}

/// How the declarations and the real schema differ: one sentence each, sorted; empty when the map is true.
pub async fn differences(store: &Store, declarations: &[&[Declaration]]) -> Result<Vec<String>> {
    let real: BTreeSet<(String, String)> = columns(store).await?.into_iter().collect();
    let mut declared: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut findings = Vec::new();
    for declaration in declarations.iter().copied().flatten() {
        let table = declaration.table;
        if !declaration.is_coherent() {
            findings
                .push(format!("{table} {:?}: category, purposes, person and erasure disagree", declaration.columns));
        }
        let way: &[&str] = match &declaration.person {
            Way::Person(column) | Way::User(column) => std::slice::from_ref(column),
            Way::Handles(columns) => columns,
            Way::None | Way::Elsewhere(_) => &[],
        };
        for column in way {
            if !real.contains(&(table.to_owned(), (*column).to_owned())) {
                findings.push(format!("{table}.{column} is to lead to the person but does not exist"));
            }
        }
        for column in declaration.columns {
            *declared.entry((table.to_owned(), (*column).to_owned())).or_default() += 1;
        }
    }
    for (table, column) in &real {
        if !declared.contains_key(&(table.clone(), column.clone())) {
            findings.push(format!("{table}.{column} is not declared in the data map"));
        }
    }
    for ((table, column), times) in &declared {
        if !real.contains(&(table.clone(), column.clone())) {
            findings.push(format!("{table}.{column} is declared but does not exist"));
        } else if *times > 1 {
            findings.push(format!("{table}.{column} is declared {times} times"));
        }
    }
    findings.sort();
    Ok(findings)
}

/// Every (table, column) of the real schema.
async fn columns(store: &Store) -> Result<Vec<(String, String)>> {
    // The two engines' catalogs have nothing in common.
    let text = match store.engine() {
        Engine::Sqlite => {
            "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c
             WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        }
        Engine::Postgres => {
            "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c
             JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
             WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'"
        }
    };
    store.read().fetch_all(crate::Sql::literal(text), args![]).await
}

/// On SQLite, the tables that do not check their columns' types (`{strict}` or `{clustered}` is missing).
pub async fn lax_tables(store: &Store) -> Result<Vec<String>> {
    if store.engine() == Engine::Postgres {
        return Ok(Vec::new());
    }
    let text = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict
                AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let names: Vec<(String,)> = store.read().fetch_all(crate::Sql::literal(text), args![]).await?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}
