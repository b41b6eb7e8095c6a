//! The macros of `millrace-sdk`: `transform`, `Input`, `Output` and `State`.
//!
//! They only name things: what they expand to implements the SDK's traits by calling the SDK, and
//! the loop over rows is the SDK's. A mistake is reported at the place in the source where it is.

mod fields;
mod input;
mod output;
mod signature;
mod state;
mod transform;
mod types;

use proc_macro::TokenStream;
use quote::quote;
use syn::DeriveInput;

/// Makes a struct the columns that a row function reads.
///
/// Each field is a column of its name. `#[column("name")]` names another; `#[meta(..)]` takes
/// `processing_time`, `event_time` or `operation` in place of a column; `#[table("name")]` on the
/// struct makes it the row of a joined table. Text borrows: `struct Player<'a> { name: &'a str }`.
#[proc_macro_derive(Input, attributes(column, meta, table))]
pub fn derive_input(item: TokenStream) -> TokenStream {
    expand(syn::parse(item).and_then(|item: DeriveInput| input::derive(&item)))
}

/// Makes a struct the columns that a row function adds or replaces.
///
/// Each field is a column of its name; `#[column("name")]` names another.
#[proc_macro_derive(Output, attributes(column, meta))]
pub fn derive_output(item: TokenStream) -> TokenStream {
    expand(syn::parse(item).and_then(|item: DeriveInput| output::derive(&item)))
}

/// Makes a struct a value of state: its fields' encodings, one after the other.
#[proc_macro_derive(State)]
pub fn derive_state(item: TokenStream) -> TokenStream {
    expand(syn::parse(item).and_then(|item: DeriveInput| state::derive(&item)))
}

/// Makes a function the transform of its crate.
///
/// The function stays as it is. Beside it comes a type of the same name, which implements
/// `millrace_sdk::raw::Guest`, and in wasm the exports. `#[transform(name = "..", about = "..")]`
/// overrides the function's name and doc comment.
#[proc_macro_attribute]
pub fn transform(options: TokenStream, item: TokenStream) -> TokenStream {
    let original = proc_macro2::TokenStream::from(item.clone());
    match transform::expand(options.into(), item.into()) {
        Ok(tokens) => tokens.into(),
        Err(error) => {
            // With the function still there, one mistake does not look like two.
            let function = signature::without_markers(original);
            let error = error.into_compile_error();
            quote!(#function #error).into()
        }
    }
}

fn expand(tokens: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    tokens.unwrap_or_else(syn::Error::into_compile_error).into()
}
