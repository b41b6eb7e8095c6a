//! `#[derive(Output)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Result};

use crate::fields::{self, Column};
use crate::types::{self, Direction};

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    fields::check_generics(item, usize::MAX)?;
    let columns: Vec<Column> =
        fields::named(item)?.into_iter().map(fields::column).collect::<Result<_>>()?;
    if columns.is_empty() {
        let message = "an output adds a column or replaces one; to filter rows, answer `bool`";
        return Err(Error::new(item.ident.span(), message));
    }
    for column in &columns {
        types::check(&column.ty, Direction::Write)?;
    }
    fields::check_names(columns.iter())?;
    Ok(implementation(item, &columns))
}

fn implementation(item: &DeriveInput, columns: &[Column]) -> TokenStream {
    let ident = &item.ident;
    let (impl_generics, type_generics, _) = item.generics.split_for_impl();
    let blocks = fields::block_names(columns.len());
    let pattern = fields::nested(blocks.iter().map(ToTokens::to_token_stream));
    let values: Vec<TokenStream> = columns
        .iter()
        .map(|Column { ty, .. }| {
            quote_spanned!(ty.span()=> <#ty as ::millrace_sdk::generated::OutputValue>)
        })
        .collect();
    let builders = fields::nested(values.iter().map(|value| quote!(#value::Builder)));
    let names: Vec<&String> = columns.iter().map(|column| &column.name).collect();
    let idents: Vec<_> = columns.iter().map(|column| &column.field).collect();
    quote! {
        #[automatically_derived]
        impl #impl_generics ::millrace_sdk::generated::Output for #ident #type_generics {
            type Builders = #builders;

            fn fields() -> ::std::vec::Vec<::millrace_sdk::raw::Field> {
                ::std::vec![#(#values::field(#names)),*]
            }

            #[inline(always)]
            fn write(
                self,
                blocks: &mut <Self::Builders as ::millrace_sdk::generated::Builders>::Blocks<'_>,
                lane: usize,
            ) {
                let #pattern = blocks;
                #(#values::write(self.#idents, #blocks, lane);)*
            }

            fn overflowed(&self) -> ::std::option::Option<&'static str> {
                #(if #values::overflowed(&self.#idents) {
                    return ::std::option::Option::Some(#names);
                })*
                ::std::option::Option::None
            }
        }

        #[automatically_derived]
        impl #impl_generics ::millrace_sdk::generated::Answer for #ident #type_generics {
            type Output = Self;

            #[inline(always)]
            fn verdict(self) -> ::millrace_sdk::generated::Verdict<Self> {
                ::millrace_sdk::generated::Verdict::Keep(self)
            }
        }
    }
}
