//! `#[db_test]`: `#[db_test]` alone opens the store's own schema; `#[db_test(MIGRATIONS, other::MIGRATIONS)]` adds those.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ItemFn, Result, Token, parse::Parser};

/// Writes a module of two tests that call the function.
pub fn expand(attribute: TokenStream, item: &ItemFn) -> Result<TokenStream> {
    let migrations = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(attribute)?;
    if item.sig.asyncness.is_none() || item.sig.inputs.len() != 1 {
        return Err(Error::new_spanned(&item.sig, "write `async fn name(db: TestDatabase)`"));
    }
    let name = &item.sig.ident;
    let body = &item.block;
    let inputs = &item.sig.inputs;
    let output = &item.sig.output;
    let attributes = &item.attrs;
    let migrations: Vec<_> = migrations.iter().collect();
    Ok(quote! {
        #(#attributes)*
        mod #name {
            use super::*;

            async fn run(#inputs) #output #body

            fn migrations() -> Vec<::rapport_store::Migrations> {
                vec![#(#migrations),*]
            }

            #[test]
            fn sqlite() {
                ::rapport_store::testing::on_sqlite(migrations(), run);
            }

            #[test]
            fn postgres() {
                ::rapport_store::testing::on_postgres(migrations(), run);
            }
        }
    })
}
