//! `#[transform]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
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
    let name = options.name.clone().unwrap_or_else(|| ident.unraw().to_string());
    let about = options.about.clone().unwrap_or_else(|| first_paragraph(&function.item.attrs));
    let doc = format!("The transform `{name}`, as the host sees it.");
    // A function may have any name, one of these locals' too.
    let here = Span::mixed_site();
    let (field, check, open) = match function.params() {
        Some(ty) => (
            quote_spanned!(here=> params: #ty,),
            quote_spanned!(here=> ::millrace_sdk::generated::params::read::<#ty>(params)?;),
            quote_spanned!(here=> params: ::millrace_sdk::generated::params::read(params)
                .map_err(|problems| ::millrace_sdk::generated::params::failure(&problems))?),
        ),
        None => (
            TokenStream::new(),
            quote_spanned!(here=> ::millrace_sdk::generated::params::none(params)?;),
            TokenStream::new(),
        ),
    };
    let description = description(function, &name, &about);
    let process = process(function);
    quote_spanned! {here=>
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
    let RowFunction { row, answer, .. } = function;
    let at_row = fields::at(row);
    let assert_row = quote_spanned!(at_row=> ::millrace_sdk::generated::assert_input::<#row>(););
    let reads = projection(row, &quote_spanned!(at_row=> reads()));
    let extras = projection(row, &quote_spanned!(at_row=> extras()));
    let before = function.takes_before().then(|| quote!(| ::millrace_sdk::raw::Extras::BEFORE));
    let tables: Vec<&TokenStream> = function.tables().collect();
    let uses = tables.iter().map(|ty| {
        let at = fields::at(ty);
        let columns = projection(ty, &quote_spanned!(at=> reads()));
        quote_spanned! {at=>
            ::millrace_sdk::raw::TableUse {
                table: <#ty as ::millrace_sdk::generated::Table>::NAME.to_owned(),
                columns: #columns,
            }
        }
    });
    let distinct = distinct(&tables);
    let fields = quote_spanned! {fields::at(answer)=>
        <<#answer as ::millrace_sdk::generated::Answer>::Output
            as ::millrace_sdk::generated::Output>::fields()
    };
    quote_spanned! {Span::mixed_site()=>
        #assert_row
        #(#distinct)*
        ::std::result::Result::Ok(::millrace_sdk::generated::describe(
            &::millrace_sdk::generated::About {
                name: #name,
                version: ::std::env!("CARGO_PKG_VERSION"),
                about: #about,
            },
            inputs,
            #reads,
            #extras #before,
            ::std::vec![#(#uses),*],
            #fields,
        ))
    }
}

/// Says of each pair of joined tables, when the code is compiled, that they are not the same.
fn distinct(tables: &[&TokenStream]) -> Vec<TokenStream> {
    let pairs = tables.iter().enumerate().flat_map(|(index, later)| {
        tables[..index].iter().map(move |earlier| {
            quote_spanned! {fields::at(later)=>
                const _: () = ::std::assert!(
                    !::millrace_sdk::generated::same_name(
                        <#earlier as ::millrace_sdk::generated::Table>::NAME,
                        <#later as ::millrace_sdk::generated::Table>::NAME,
                    ),
                    "two arguments are rows of one table: take its columns in one struct",
                );
            }
        })
    });
    pairs.collect()
}

/// A call of a row's projection, all of it at the row's type, so that a mistake is reported there.
fn projection(ty: &TokenStream, call: &TokenStream) -> TokenStream {
    quote_spanned!(fields::at(ty)=> <#ty as ::millrace_sdk::generated::Projection<'_>>::#call)
}

/// The body of `process`: a pass over the after images and, where they are asked for, one over the
/// before images.
fn process(function: &RowFunction) -> TokenStream {
    let here = Span::mixed_site();
    let params = function.params().map(|_| quote_spanned!(here=> let params = &self.params;));
    let row = &function.row;
    let before = function.takes_before().then(|| {
        let open = projection(row, &quote_spanned!(fields::at(row)=> open(&mut source)?));
        quote_spanned! {here=>
            let before = match batch.before() {
                ::std::option::Option::Some(mut source) => {
                    let readers = #open;
                    ::std::option::Option::Some((source.sent(), readers))
                }
                ::std::option::Option::None => ::std::option::Option::None,
            };
        }
    });
    let after_pass = pass(function, true);
    let before_images = if function.takes_before() {
        let before_pass = pass(function, false);
        quote_spanned! {here=>
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
    quote_spanned! {here=>
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
    let here = Span::mixed_site();
    let blocks = fields::block_names(arguments.len() + 1);
    let open =
        |ty: &TokenStream| projection(ty, &quote_spanned!(fields::at(ty)=> open(&mut source)?));
    let get =
        |ty, block: &Ident| projection(ty, &quote_spanned!(fields::at(ty)=> row(#block, lane)));
    let mut readers = vec![open(row)];
    let mut patterns = vec![blocks[0].to_token_stream()];
    let mut values = vec![get(row, &blocks[0])];
    for (argument, block) in arguments.iter().zip(&blocks[1..]) {
        match argument {
            Argument::Params(_) => values.push(quote_spanned!(here=> params)),
            Argument::Table(ty) => {
                readers.push(open(ty));
                patterns.push(block.to_token_stream());
                values.push(get(ty, block));
            }
            Argument::Before if with_before => {
                readers.push(quote_spanned!(here=> before));
                patterns.push(block.to_token_stream());
                values.push(quote_spanned! {fields::at(row)=>
                    ::millrace_sdk::generated::before::<#row>(#block, lane)
                });
            }
            Argument::Before => values.push(quote!(::std::option::Option::None)),
        }
    }
    let ident = &item.sig.ident;
    let readers = fields::nested(readers.into_iter());
    let pattern = fields::nested(patterns.into_iter());
    quote_spanned! {fields::at(answer)=>
        let readers = #readers;
        let pass = source.pass(&mut report);
        ::millrace_sdk::__map_rows!(
            ::millrace_sdk::generated::BuildersOf<#answer>, pass, readers, &mut report,
            |#pattern, lane| <#answer as ::millrace_sdk::generated::Answer>::verdict(
                #ident(#(#values),*)
            )
        )
    }
}
