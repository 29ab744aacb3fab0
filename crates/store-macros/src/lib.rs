//! The store's macros: `#[derive(Record)]` and `#[db_test]`.
//!
//! Always holds: they only write what one would write by hand; all behaviour is in `rapport-store`.

mod db_test;
mod record;

use proc_macro::TokenStream;

/// Reads each field of a struct from the column of its name, or of `#[record(column = "name")]`.
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    record::derive(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Makes two tests of `async fn name(db: TestDatabase)`: `name::sqlite` and `name::postgres`. The second runs when
/// `RAPPORT_TEST_POSTGRES` names an administrator's database; `RAPPORT_REQUIRE_POSTGRES=1` makes its absence a failure.
#[proc_macro_attribute]
pub fn db_test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::ItemFn);
    db_test::expand(attribute.into(), &item).unwrap_or_else(|error| error.to_compile_error()).into()
}
