//! Everything that is kept of one person, found through the data map: to show it to them, and to erase it.
//!
//! Always holds: what is shown and what is erased are found by the same declarations, so neither can miss what the other has.
//!
//! Does not: reach what lies outside the product database (the lake, files): whoever keeps those does that with the same [`Subject`].

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, WorkspaceId};
use rapport_store::data_map::{Declaration, Erasure, Way};
use rapport_store::{Arg, Args, Engine, Queries, Sql, Tx, args};

use crate::error::Error;

/// Whose data: a person, and the handles of all their identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Where.
    pub workspace: WorkspaceId,
    /// Who.
    pub person: PersonId,
    /// Under which identifiers.
    pub handles: Vec<Handle>,
}

/// The tables that hold data of customers.
#[derive(Debug)]
pub struct Tables(Vec<Table>);

#[derive(Debug)]
struct Table {
    name: &'static str,
    way: Way,
    columns: Vec<&'static str>,
    erasure: TableErasure,
}

/// What becomes of a row.
#[derive(Debug, PartialEq, Eq)]
enum TableErasure {
    Delete,
    /// These columns are emptied (null), and these no longer lead to anybody (0); the rest is kept.
    Empty {
        blank: Vec<&'static str>,
        unlink: Vec<&'static str>,
    },
}

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The table.
    pub table: &'static str,
    /// Its columns.
    pub columns: Vec<&'static str>,
    /// Each row's values as text.
    pub rows: BTreeSet<Vec<Option<String>>>,
}

/// A handle that is nobody's: what is kept for the books without the person.
const NOBODY: i64 = 0;
/// Handles asked for in one statement.
const TOGETHER: usize = 200;

impl Tables {
    /// Of these data maps.
    ///
    /// # Errors
    /// When a table's declarations contradict each other.
    pub fn of(maps: &[&[Declaration]]) -> Result<Self, Error> {
        let mut tables: BTreeMap<&'static str, Vec<&Declaration>> = BTreeMap::new();
        for declaration in maps.iter().copied().flatten() {
            tables.entry(declaration.table).or_default().push(declaration);
        }
        let found: Result<Vec<Option<Table>>, Error> =
            tables.into_iter().map(|(name, declarations)| Table::of(name, &declarations)).collect();
        Ok(Self(found?.into_iter().flatten().collect()))
    }

    /// All that is kept of somebody, table by table.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(&self, db: &mut impl Queries, subject: &Subject) -> Result<Vec<Rows>, Error> {
        let mut found = Vec::new();
        for table in &self.0 {
            let mut rows = BTreeSet::new();
            for (text, args) in table.statements(&table.select(db.engine()), subject) {
                rows.extend(db.fetch_all::<Vec<Option<String>>>(text, args).await?);
            }
            if !rows.is_empty() {
                found.push(Rows { table: table.name, columns: table.columns.clone(), rows });
            }
        }
        Ok(found)
    }

    /// Erases it; how many rows of which table were deleted or emptied.
    ///
    /// # Errors
    /// The store's; drop the transaction then.
    pub async fn erase(&self, tx: &mut Tx, subject: &Subject) -> Result<BTreeMap<&'static str, u64>, Error> {
        let mut erased = BTreeMap::new();
        for table in &self.0 {
            let mut rows = 0;
            for (text, args) in table.statements(&table.eraser(), subject) {
                rows += tx.execute(text, args).await?;
            }
            if rows > 0 {
                erased.insert(table.name, rows);
            }
        }
        Ok(erased)
    }

    /// The tables that others must reach by their own means, with the reason.
    pub fn elsewhere(maps: &[&[Declaration]]) -> BTreeMap<&'static str, &'static str> {
        let all = maps.iter().copied().flatten();
        all.filter_map(|it| if let Way::Elsewhere(means) = it.person { Some((it.table, means)) } else { None })
            .collect()
    }
}

impl Table {
    /// `None` for a table without data of customers.
    fn of(name: &'static str, declarations: &[&Declaration]) -> Result<Option<Self>, Error> {
        let personal: Vec<&&Declaration> =
            declarations.iter().filter(|it| matches!(it.person, Way::Person(_) | Way::Handles(_))).collect();
        let Some(first) = personal.first() else { return Ok(None) };
        let contradicts = |what: &str| Err(Error::DataMap(format!("{name}: {what}")));
        if personal.iter().any(|it| it.person != first.person) {
            return contradicts("there are several ways to the person");
        }
        let (mut blank, mut unlink, mut deleted, mut kept) = (Vec::new(), Vec::new(), false, false);
        for declaration in &personal {
            match declaration.erasure {
                Erasure::Delete => deleted = true,
                Erasure::Blank => blank.extend(declaration.columns),
                Erasure::Unlink => unlink.extend(declaration.columns),
                Erasure::Keep(_) | Erasure::Nothing => kept = true,
            }
        }
        let erasure = match (deleted, blank.is_empty() && unlink.is_empty()) {
            (true, true) if !kept => TableErasure::Delete,
            (false, false) => TableErasure::Empty { blank, unlink },
            (true, _) => return contradicts("of a row that is deleted nothing can be kept"),
            (false, true) => return contradicts("erasure would change nothing"),
        };
        let columns = declarations.iter().flat_map(|it| it.columns).copied().filter(|column| *column != "workspace");
        Ok(Some(Self { name, way: first.person, columns: columns.collect(), erasure }))
    }

    fn select(&self, engine: Engine) -> String {
        let text = |column: &&str| match engine {
            Engine::Sqlite => {
                format!("CASE typeof({column}) WHEN 'blob' THEN hex({column}) ELSE CAST({column} AS TEXT) END")
            }
            Engine::Postgres => format!("CAST({column} AS TEXT)"),
        };
        let columns: Vec<String> = self.columns.iter().map(text).collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.name)
    }

    fn eraser(&self) -> String {
        match &self.erasure {
            TableErasure::Delete => format!("DELETE FROM {}", self.name),
            TableErasure::Empty { blank, unlink } => {
                let blank = blank.iter().map(|column| format!("{column} = NULL"));
                let set: Vec<String> =
                    blank.chain(unlink.iter().map(|column| format!("{column} = {NOBODY}"))).collect();
                format!("UPDATE {} SET {}", self.name, set.join(", "))
            }
        }
    }

    /// `beginning` for each way to the person. All texts come from declarations in our own source.
    fn statements(&self, beginning: &str, subject: &Subject) -> Vec<(Sql, Args)> {
        match self.way {
            Way::Person(column) => {
                let text = format!("{beginning} WHERE workspace = $1 AND {column} = $2");
                vec![(Sql::assembled(text), args![subject.workspace, subject.person])]
            }
            Way::Handles(columns) => {
                let each = columns.iter().flat_map(|column| {
                    let text = format!("{beginning} WHERE workspace = $1 AND {column} IN ($2)");
                    subject.handles.chunks(TOGETHER).map(move |some| {
                        let args = Args(vec![Arg::from(subject.workspace), Arg::from(some)]);
                        (Sql::assembled(text.clone()), args)
                    })
                });
                each.collect()
            }
            Way::None | Way::User(_) | Way::Elsewhere(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_domain::Purpose;
    use rapport_store::data_map::{Category, Retention};

    use super::*;

    fn declared(columns: &'static [&'static str], person: Way, erasure: Erasure) -> Declaration {
        Declaration {
            table: "things",
            columns,
            category: Category::Behavioural,
            purposes: &[Purpose::Service],
            retention: Retention::Person,
            person,
            erasure,
        }
    }

    const HANDLE: Way = Way::Handles(&["handle"]);

    #[test]
    fn a_map_that_contradicts_itself_is_refused() {
        for (other, says) in [
            (declared(&["b"], Way::Person("person"), Erasure::Delete), "several ways"),
            (declared(&["b"], HANDLE, Erasure::Keep("law")), "nothing can be kept"),
            (declared(&["b"], HANDLE, Erasure::Unlink), "nothing can be kept"),
        ] {
            let refused = Tables::of(&[&[declared(&["a"], HANDLE, Erasure::Delete), other]]).unwrap_err();
            assert!(refused.to_string().contains(says), "{refused}");
        }
        let refused = Tables::of(&[&[declared(&["a"], HANDLE, Erasure::Keep("law"))]]).unwrap_err();
        assert!(refused.to_string().contains("would change nothing"), "{refused}");
    }

    #[test]
    fn tables_of_staff_and_of_nobody_are_left_alone() {
        let staff = declared(&["a"], Way::User("id"), Erasure::Delete);
        let files = Declaration { table: "files", ..declared(&["a"], Way::Elsewhere("by name"), Erasure::Delete) };
        let nobody = Declaration::technical("other", &["b"]);
        let maps: &[&[Declaration]] = &[&[staff, files, nobody]];
        assert!(Tables::of(maps).unwrap().0.is_empty());
        assert_eq!(Tables::elsewhere(maps), BTreeMap::from([("files", "by name")]));
    }
}
