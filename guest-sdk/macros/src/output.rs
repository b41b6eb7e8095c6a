//! `#[derive(Output)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{DeriveInput, Error, Ident, Result};

use crate::fields::{self, Column};
use crate::types::{self, Direction};

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    fields::check_generics(item, usize::MAX)?;
    fields::check_struct(item)?;
    let fields = fields::named(item)?;
    for field in &fields {
        if let Some(attribute) = fields::attribute(&field.attrs, "meta")? {
            let message = "an output has columns only: take this in the input's struct";
            return Err(Error::new_spanned(attribute, message));
        }
    }
    let columns: Vec<Column> = fields.into_iter().map(fields::column).collect::<Result<_>>()?;
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

/// The code of one column. It lies at the column's type, and so does what is wrong with it.
struct Parts {
    builder: TokenStream,
    describe: TokenStream,
    write: TokenStream,
    in_range: TokenStream,
    misfit: TokenStream,
}

fn parts(column: &Column, block: &Ident) -> Parts {
    let Column { field, name, ty, .. } = column;
    let at = fields::at(ty);
    let value = quote_spanned!(at=> <#ty as ::millrace_sdk::generated::OutputValue>);
    Parts {
        builder: quote_spanned!(at=> #value::Builder),
        describe: quote_spanned!(at=> #value::field(#name)),
        write: quote_spanned!(at=> #value::write(self.#field, #block, lane);),
        in_range: quote_spanned!(at=> #value::in_range(&self.#field)),
        misfit: quote_spanned! {at=>
            if let ::std::option::Option::Some(reason) = #value::misfit(&self.#field) {
                return ::std::option::Option::Some((#name, reason));
            }
        },
    }
}

fn implementation(item: &DeriveInput, columns: &[Column]) -> TokenStream {
    let ident = &item.ident;
    let (impl_generics, type_generics, _) = item.generics.split_for_impl();
    let blocks = fields::block_names(columns.len());
    let pattern = fields::nested(blocks.iter().map(ToTokens::to_token_stream));
    let parts: Vec<Parts> =
        columns.iter().zip(&blocks).map(|(column, block)| parts(column, block)).collect();
    let builders = fields::nested(parts.iter().map(|parts| parts.builder.clone()));
    let describe = parts.iter().map(|parts| &parts.describe);
    let write = parts.iter().map(|parts| &parts.write);
    let in_range = parts.iter().map(|parts| &parts.in_range);
    let misfit = parts.iter().map(|parts| &parts.misfit);
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl #impl_generics ::millrace_sdk::generated::Output for #ident #type_generics {
            type Builders = #builders;

            fn fields() -> ::std::vec::Vec<::millrace_sdk::raw::Field> {
                ::std::vec![#(#describe),*]
            }

            #[inline(always)]
            fn write(
                self,
                blocks: &mut <Self::Builders as ::millrace_sdk::generated::Builders>::Blocks<'_>,
                lane: usize,
            ) {
                let #pattern = blocks;
                #(#write)*
            }

            #[inline(always)]
            fn in_range(&self) -> bool {
                true #(&& #in_range)*
            }

            fn misfit(
                &self,
            ) -> ::std::option::Option<(&'static str, &'static str)> {
                #(#misfit)*
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
