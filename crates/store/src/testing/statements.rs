//! Prepares every `sql!("...")` of a crate's source on the database of a test.
//!
//! Always holds: nothing has to be registered; what stands in the source is what is prepared.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::store::Pools;
use crate::{Sql, Store};

/// Prepares every statement below `folder` (a crate's `src`) and returns how many there were; panics naming those that
/// fail. Each crate has one such test: `prepare_statements(&db, concat!(env!("CARGO_MANIFEST_DIR"), "/src"))`.
pub async fn prepare_statements(store: &Store, folder: &str) -> usize {
    let mut statements = Vec::new();
    for file in rust_files(Path::new(folder)) {
        let text = std::fs::read_to_string(&file).expect("a source file can be read");
        let tokens: TokenStream = text.parse().expect("a source file consists of tokens");
        collect(tokens, &mut |statement| statements.push((file.display().to_string(), statement)));
    }
    let mut failed = Vec::new();
    for (file, statement) in &statements {
        if let Err(error) = prepare(store, statement).await {
            failed.push(format!("{file}: {error}\n    {statement}"));
        }
    }
    assert!(failed.is_empty(), "not preparable on {:?}:\n{}", store.engine(), failed.join("\n"));
    statements.len()
}

async fn prepare(store: &Store, statement: &str) -> sqlx::Result<()> {
    let statement = match row_width(statement) {
        Some(width) => Sql::assembled(statement.to_owned()).with_rows(store.engine(), width, 1).unwrap_or_default(),
        None => statement.to_owned(),
    };
    let text = AssertSqlSafe(statement.replace("{skip_locked}", store.engine().skip_locked())).into_sql_str();
    match store.pools() {
        Pools::Sqlite { readers, .. } => readers.prepare(text).await.map(drop),
        Pools::Postgres(pool) => pool.prepare(text).await.map(drop),
    }
}

/// How many columns stand in the parentheses before `VALUES {rows}`.
fn row_width(statement: &str) -> Option<usize> {
    let (before, _) = statement.split_once("{rows}")?;
    let (before, columns) = before.rsplit_once('(')?;
    let (columns, _) = columns.split_once(')')?;
    (!before.is_empty()).then(|| columns.split(',').count())
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
        assert_eq!(row_width("SELECT (1)"), None);
    }
}
