//! `#[derive(Record)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, LitStr, Result};

/// Writes `impl Record`.
pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "a record is a struct with named fields"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, "a record has named fields; for positions use a tuple"));
    };
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let mut reads = Vec::new();
    for field in &fields.named {
        let ident = field.ident.as_ref().expect("named fields have names");
        let column = column_of(field)?.unwrap_or_else(|| LitStr::new(&ident.to_string(), ident.span()));
        reads.push(quote! { #ident: row.get(#column)? });
    }
    Ok(quote! {
        impl #generics ::rapport_store::Record for #name #arguments #bounds {
            fn from_row(row: &::rapport_store::Row) -> ::rapport_store::Result<Self> {
                Ok(Self { #(#reads),* })
            }
        }
    })
}

fn column_of(field: &Field) -> Result<Option<LitStr>> {
    let mut column = None;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("record")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("column") {
                return Err(meta.error("only `column = \"name\"` is known"));
            }
            column = Some(meta.value()?.parse()?);
            Ok(())
        })?;
    }
    Ok(column)
}
