//! Prepares every `sql!("...")` of a crate's source on the database of a test.
//!
//! Always holds: nothing has to be registered; what stands in the source is what is prepared.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::store::Pools;
use crate::{Engine, Sql, Store};

/// Prepares every statement of the crate under test and returns how many there were; panics naming those that fail. Each crate that has
/// statements has one such test.
pub async fn prepare_statements(store: &Store) -> usize {
    let statements = statements_of_crate();
    let mut failed = Vec::new();
    // Of rows that only stand in a `WITH`, PostgreSQL learns the types from what is bound, which is nothing here: records' tests run them.
    let untyped = |statement: &str| store.engine() == Engine::Postgres && statement.contains("AS (VALUES {rows})");
    for (file, statement) in statements.iter().filter(|(_, statement)| !untyped(statement)) {
        if let Err(error) = prepare(store, statement).await {
            failed.push(format!("{file}: {error}\n    {statement}"));
        }
    }
    assert!(failed.is_empty(), "not preparable on {:?}:\n{}", store.engine(), failed.join("\n"));
    statements.len()
}

/// Panics where a statement of the crate under test reads a table through by the workspace alone, or wholly, as SQLite plans it. SQLite takes any
/// index that begins with the workspace for selective, while a workspace is nearly all there is: a new index of a list can turn a look at one person
/// into a look at everybody. `meant` has a part of each statement that may.
pub async fn assert_indexes_are_used(store: &Store, meant: &[&str]) {
    let mut reads = whole_reads(store).await;
    reads.retain(|(_, statement)| !meant.iter().any(|part| statement.contains(part)));
    assert!(reads.is_empty(), "these read whole tables: {reads:#?}");
}

/// What is read wholly: `(table, statement)`.
async fn whole_reads(store: &Store) -> Vec<(String, String)> {
    let Pools::Sqlite { readers, .. } = store.pools() else {
        panic!("SQLite's plans are those of a database on SQLite")
    };
    let mut found = Vec::new();
    for (_, statement) in statements_of_crate() {
        let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", in_full(store.engine(), &statement))).into_sql_str();
        // Statements that are no reads or writes (DDL) have no plan.
        let Ok(steps) = sqlx::query_as::<_, (i64, i64, i64, String)>(text).fetch_all(readers).await else { continue };
        for (.., step) in steps {
            if let Some(table) = read_wholly(&step, &statement) {
                found.push((table.to_owned(), statement.clone()));
            }
        }
    }
    found
}

/// The table of a step such as `SEARCH t USING INDEX i (workspace=?)` or `SCAN t`.
fn read_wholly<'s>(step: &'s str, statement: &str) -> Option<&'s str> {
    let words: Vec<&str> = step.split(' ').collect();
    let table = *words.get(1)?;
    // What a statement brings itself: rows, lists, results of its own parts.
    let own = ["json_each", "(subquery", "(join", "CONSTANT"].iter().any(|word| step.contains(word))
        || statement.contains(&format!("WITH {table} ("))
        || statement.contains(&format!(") {table}"));
    match words[0] {
        "SCAN" if !own => Some(table),
        "SEARCH" if step.ends_with("(workspace=?)") => Some(table),
        _ => None,
    }
}

fn statements_of_crate() -> Vec<(String, String)> {
    // As it is when the test runs: a target folder can serve several clones.
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells a test where its crate lies");
    let mut statements = Vec::new();
    for file in rust_files(&Path::new(&folder).join("src")) {
        let text = std::fs::read_to_string(&file).expect("a source file can be read");
        let tokens: TokenStream = text.parse().expect("a source file consists of tokens");
        collect(tokens, &mut |statement| statements.push((file.display().to_string(), statement)));
    }
    statements
}

/// The text as the engine gets it: with one row, and with lists written out.
fn in_full(engine: Engine, statement: &str) -> String {
    let mut text = match row_width(statement) {
        Some(width) => Sql::assembled(statement.to_owned()).with_rows(engine, width, 1).unwrap_or_default(),
        None => statement.replace("{skip_locked}", engine.skip_locked()),
    };
    // PostgreSQL learns a list's type from what is bound, so there the text is prepared as it stands.
    let most = if engine == Engine::Sqlite { 20 } else { 0 };
    for number in 1..=most {
        if text.contains(&format!("IN (${number})")) {
            text = crate::sql::expand_list(&text, number, "value", engine);
        }
    }
    text
}

async fn prepare(store: &Store, statement: &str) -> sqlx::Result<()> {
    let text = AssertSqlSafe(in_full(store.engine(), statement)).into_sql_str();
    match store.pools() {
        Pools::Sqlite { readers, .. } => readers.prepare(text).await.map(drop),
        Pools::Postgres(pool) => pool.prepare(text).await.map(drop),
    }
}

/// How many columns stand in the last parentheses before `{rows}`: those of `INSERT INTO t (a, b) VALUES {rows}` or of
/// `WITH v (a, b) AS (VALUES {rows})`.
fn row_width(statement: &str) -> Option<usize> {
    let (before, _) = statement.split_once("{rows}")?;
    let (before, _) = before.rsplit_once(')')?;
    let (_, columns) = before.rsplit_once('(')?;
    Some(columns.split(',').count())
}

/// Finds `sql ! ( "literal" )` at any depth, inside other macros too.
fn collect(tokens: TokenStream, found: &mut impl FnMut(String)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_call = index >= 2
            && matches!(&tokens[index - 2], TokenTree::Ident(name) if name == "sql")
            && matches!(&tokens[index - 1], TokenTree::Punct(mark) if mark.as_char() == '!');
        let text = is_call.then(|| syn::parse2::<syn::LitStr>(group.stream()).ok()).flatten();
        match text {
            Some(text) => found(text.value()),
            None => collect(group.stream(), found),
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the source folder can be read") {
        let path = entry.expect("the source folder can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_inside_macros() {
        let source =
            r##"fn f() { a(sql!("SELECT $1"), args![]); vec![rapport_store::sql!(r#"SELECT "x""#)]; sql!(x) }"##;
        let mut found = Vec::new();
        collect(source.parse().unwrap(), &mut |statement| found.push(statement));
        assert_eq!(found, ["SELECT $1", "SELECT \"x\""]);
    }

    #[test]
    fn widths_are_counted() {
        assert_eq!(row_width("INSERT INTO t (a, b, c) VALUES {rows} ON CONFLICT (a) DO NOTHING"), Some(3));
        assert_eq!(row_width("WITH v (a, b) AS (VALUES {rows}) UPDATE t SET b = v.b FROM v WHERE t.a = v.a"), Some(2));
        assert_eq!(row_width("SELECT (1)"), None);
    }
}
