//! `#[transform]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Lit, MetaNameValue, Result, Token};

use crate::fields;
use crate::signature::{Argument, RowFunction};

/// What `#[transform(..)]` says.
#[derive(Default)]
struct Options {
    name: Option<String>,
    about: Option<String>,
}

pub fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = parse_options(options)?;
    let function = RowFunction::parse(item)?;
    let item = &function.item;
    let inline = if item.attrs.iter().any(|attribute| attribute.path().is_ident("inline")) {
        TokenStream::new()
    } else {
        quote!(#[inline])
    };
    let guest = guest(&function, &options);
    Ok(quote! {
        #inline
        #item

        #guest
    })
}

fn parse_options(options: TokenStream) -> Result<Options> {
    let entries = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(options)?;
    let mut parsed = Options::default();
    for entry in entries {
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &entry.value else {
            return Err(Error::new(entry.value.span(), "expected a text, such as \"revenue\""));
        };
        let slot = match entry.path.get_ident().map(Ident::to_string).as_deref() {
            Some("name") => &mut parsed.name,
            Some("about") => &mut parsed.about,
            _ => {
                let message = "a transform has `name = \"..\"` and `about = \"..\"`";
                return Err(Error::new(entry.path.span(), message));
            }
        };
        if slot.replace(text.value()).is_some() {
            return Err(Error::new(entry.path.span(), "this is said twice"));
        }
    }
    Ok(parsed)
}

/// The first paragraph of the function's documentation, on one line.
fn first_paragraph(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let value = &attribute.meta.require_name_value().ok()?.value;
        match value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) if attribute.path().is_ident("doc") => {
                Some(line.value().trim().to_owned())
            }
            _ => None,
        }
    });
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The type of the function's name, which is the transform to the host.
fn guest(function: &RowFunction, options: &Options) -> TokenStream {
    let ident = &function.item.sig.ident;
    let name = options.name.clone().unwrap_or_else(|| ident.to_string());
    let about = options.about.clone().unwrap_or_else(|| first_paragraph(&function.item.attrs));
    let doc = format!("The transform `{name}`, as the host sees it.");
    let (field, check, open) = match function.params() {
        Some(ty) => (
            quote!(params: #ty,),
            quote!(::millrace_sdk::generated::params::read::<#ty>(params)?;),
            quote!(params: ::millrace_sdk::generated::params::read(params)
                .map_err(|problems| ::millrace_sdk::generated::params::failure(&problems))?),
        ),
        None => (
            TokenStream::new(),
            quote!(::millrace_sdk::generated::params::none(params)?;),
            TokenStream::new(),
        ),
    };
    let description = description(function, &name, &about);
    let process = process(function);
    quote! {
        #[doc = #doc]
        #[allow(non_camel_case_types, reason = "the type of a transform has its function's name")]
        pub struct #ident { #field }

        #[automatically_derived]
        impl ::millrace_sdk::raw::Guest for #ident {
            fn describe(
                params: &str,
                inputs: &[::millrace_sdk::raw::InputSchema],
                _tables: &[::millrace_sdk::raw::TableSchema],
            ) -> ::std::result::Result<
                ::millrace_sdk::raw::Description,
                ::std::vec::Vec<::millrace_sdk::raw::Problem>,
            > {
                #check
                #description
            }

            fn open(
                params: &str,
                _inputs: &[::millrace_sdk::raw::InputSchema],
                _tables: &[::millrace_sdk::raw::TableSchema],
            ) -> ::std::result::Result<Self, ::millrace_sdk::raw::Failure> {
                let _ = params;
                ::std::result::Result::Ok(Self { #open })
            }

            fn process(
                &mut self,
                batch: ::millrace_sdk::raw::Batch,
            ) -> ::std::result::Result<
                ::millrace_sdk::raw::Outcome,
                ::millrace_sdk::raw::Failure,
            > {
                #process
            }
        }

        ::millrace_sdk::export!(#ident);
    }
}

/// The body of `describe`, once the params are read.
fn description(function: &RowFunction, name: &str, about: &str) -> TokenStream {
    let RowFunction { row, answer, arguments, .. } = function;
    let assert_row = quote_spanned! {row.span()=>
        ::millrace_sdk::generated::assert_input::<#row>();
    };
    let assert_answer = quote_spanned! {answer.span()=>
        ::millrace_sdk::generated::assert_answer::<#answer>();
    };
    let before = function.takes_before().then(|| quote!(| ::millrace_sdk::raw::Extras::BEFORE));
    let tables = arguments.iter().filter_map(|argument| match argument {
        Argument::Table(ty) => Some(quote_spanned! {ty.span()=>
            ::millrace_sdk::raw::TableUse {
                table: <#ty as ::millrace_sdk::generated::Table>::NAME.to_owned(),
                columns: <#ty as ::millrace_sdk::generated::Projection<'_>>::reads(),
            }
        }),
        _ => None,
    });
    quote! {
        #assert_row
        #assert_answer
        ::std::result::Result::Ok(::millrace_sdk::generated::describe(
            &::millrace_sdk::generated::About {
                name: #name,
                version: ::std::env!("CARGO_PKG_VERSION"),
                about: #about,
            },
            inputs,
            <#row as ::millrace_sdk::generated::Projection<'_>>::reads(),
            <#row as ::millrace_sdk::generated::Projection<'_>>::extras() #before,
            ::std::vec![#(#tables),*],
            <<#answer as ::millrace_sdk::generated::Answer>::Output
                as ::millrace_sdk::generated::Output>::fields(),
        ))
    }
}

/// The body of `process`: a pass over the after images and, where they are asked for, one over the
/// before images.
fn process(function: &RowFunction) -> TokenStream {
    let params = function.params().map(|_| quote!(let params = &self.params;));
    let row = &function.row;
    let before = function.takes_before().then(|| {
        quote! {
            let before = match batch.before() {
                ::std::option::Option::Some(mut source) => {
                    let readers = <#row as ::millrace_sdk::generated::Projection<'_>>::open(
                        &mut source,
                    )?;
                    ::std::option::Option::Some((source.sent(), readers))
                }
                ::std::option::Option::None => ::std::option::Option::None,
            };
        }
    });
    let after_pass = pass(function, true);
    let before_images = if function.takes_before() {
        let before_pass = pass(function, false);
        quote! {
            match batch.before() {
                ::std::option::Option::Some(mut source) => {
                    report.begin_before();
                    ::std::option::Option::Some({ #before_pass })
                }
                ::std::option::Option::None => ::std::option::Option::None,
            }
        }
    } else {
        quote!(::std::option::Option::None)
    };
    quote! {
        #params
        let batch = ::millrace_sdk::generated::Intake::new(batch)?;
        let mut report = ::millrace_sdk::generated::Report::new();
        #before
        let mut source = batch.after();
        let after = { #after_pass };
        let before = #before_images;
        ::std::result::Result::Ok(report.outcome(after, before))
    }
}

/// One pass of the row function over the images of `source`. Only the after images see their before
/// images.
fn pass(function: &RowFunction, with_before: bool) -> TokenStream {
    let RowFunction { item, row, arguments, answer } = function;
    let blocks = fields::block_names(arguments.len() + 1);
    let projection = |ty: &TokenStream| quote_spanned!(ty.span()=> <#ty as ::millrace_sdk::generated::Projection<'_>>);
    let row_projection = projection(row);
    let mut readers = vec![quote!(#row_projection::open(&mut source)?)];
    let mut patterns = vec![blocks[0].to_token_stream()];
    let first = &blocks[0];
    let mut values = vec![quote!(#row_projection::row(#first, lane))];
    for (argument, block) in arguments.iter().zip(&blocks[1..]) {
        match argument {
            Argument::Params(_) => values.push(quote!(params)),
            Argument::Table(ty) => {
                let projection = projection(ty);
                readers.push(quote!(#projection::open(&mut source)?));
                patterns.push(block.to_token_stream());
                values.push(quote!(#projection::row(#block, lane)));
            }
            Argument::Before if with_before => {
                readers.push(quote!(before));
                patterns.push(block.to_token_stream());
                values.push(quote!(::millrace_sdk::generated::before::<#row>(#block, lane)));
            }
            Argument::Before => values.push(quote!(::std::option::Option::None)),
        }
    }
    let ident = &item.sig.ident;
    let readers = fields::nested(readers.into_iter());
    let pattern = fields::nested(patterns.into_iter());
    quote! {
        let readers = #readers;
        let pass = source.pass(&mut report);
        ::millrace_sdk::__map_rows!(
            #answer, pass, readers, &mut report, |#pattern, lane| #ident(#(#values),*)
        )
    }
}
