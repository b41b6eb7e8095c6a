//! `#[derive(State)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Result};

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    if !item.generics.params.is_empty() {
        let message = "state outlives its rows and has one type: the struct cannot be generic";
        return Err(Error::new_spanned(&item.generics, message));
    }
    let Data::Struct(data) = &item.data else {
        return Err(Error::new(item.ident.span(), "state is a struct: derive it on one"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(item.ident.span(), "name the fields of state"));
    };
    let ident = &item.ident;
    let encodes = fields.named.iter().map(|field| {
        let (name, ty) = (&field.ident, &field.ty);
        quote_spanned!(ty.span()=>
            <#ty as ::millrace_sdk::state::StateCodec>::encode(&self.#name, out);
        )
    });
    let decodes = fields.named.iter().map(|field| {
        let (name, ty) = (&field.ident, &field.ty);
        quote_spanned!(ty.span()=>
            #name: <#ty as ::millrace_sdk::state::StateCodec>::decode(input)?
        )
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::millrace_sdk::state::StateCodec for #ident {
            fn encode(&self, out: &mut ::std::vec::Vec<u8>) {
                let _ = &out;
                #(#encodes)*
            }

            fn decode(input: &mut &[u8]) -> ::std::option::Option<Self> {
                let _ = &input;
                ::std::option::Option::Some(Self { #(#decodes),* })
            }
        }
    })
}
