//! `#[derive(Input)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Field, Ident, Lifetime, LitStr, Result, Type};

use crate::fields::{self, Column};
use crate::types::{self, Direction};

/// What a field takes.
enum Kind {
    Column(Box<Column>),
    ProcessingTime,
    EventTime,
    Operation,
}

struct InputField {
    ident: Ident,
    ty: Type,
    kind: Kind,
}

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    fields::check_generics(item, 1)?;
    fields::check_struct(item)?;
    let table = table(item)?;
    let fields = fields::named(item)?;
    let fields: Vec<InputField> = fields.into_iter().map(field).collect::<Result<_>>()?;
    fields::check_names(fields.iter().filter_map(|field| match &field.kind {
        Kind::Column(column) => Some(&**column),
        _ => None,
    }))?;
    if table.is_some() {
        for field in &fields {
            if !matches!(field.kind, Kind::Column(_)) {
                let message = "a joined table has columns only: take this in the input's struct";
                return Err(Error::new(field.ident.span(), message));
            }
        }
    }
    Ok(implementation(item, table.as_ref(), &fields))
}

/// The name in `#[table("..")]`.
fn table(item: &DeriveInput) -> Result<Option<LitStr>> {
    let Some(attribute) = fields::attribute(&item.attrs, "table")? else { return Ok(None) };
    let name: LitStr = attribute
        .parse_args()
        .map_err(|error| Error::new(error.span(), "say the table's name: `#[table(\"games\")]`"))?;
    if name.value().is_empty() {
        return Err(Error::new(name.span(), "a table's name is not empty"));
    }
    Ok(Some(name))
}

fn field(field: &Field) -> Result<InputField> {
    if let Some(attribute) = fields::attribute(&field.attrs, "table")? {
        let message = "`#[table]` belongs to the struct, whose fields are all of one table";
        return Err(Error::new_spanned(attribute, message));
    }
    let column = fields::column(field)?;
    let (ident, ty) = (column.field.clone(), field.ty.clone());
    let kind = match fields::attribute(&field.attrs, "meta")? {
        None => {
            types::check(&ty, Direction::Read)?;
            Kind::Column(Box::new(column))
        }
        Some(attribute) => {
            if let Some(renamed) = fields::attribute(&field.attrs, "column")? {
                let message = "a field is a column or takes `#[meta(..)]`, not both";
                return Err(Error::new_spanned(renamed, message));
            }
            meta(attribute, &ty)?
        }
    };
    Ok(InputField { ident, ty, kind })
}

/// What `#[meta(..)]` takes, which fixes the field's type.
fn meta(attribute: &syn::Attribute, ty: &Type) -> Result<Kind> {
    let choice: Ident = attribute.parse_args().map_err(|error| {
        Error::new(error.span(), "say what: processing_time, event_time or operation")
    })?;
    let optional = types::last_segment(ty)
        .filter(|segment| segment.ident == "Option")
        .and_then(types::argument);
    let (kind, fits, wanted) = match choice.to_string().as_str() {
        "processing_time" => (Kind::ProcessingTime, types::is_path(ty, "Timestamp"), "Timestamp"),
        "event_time" => {
            let fits = optional.is_some_and(|inner| types::is_path(inner, "Timestamp"));
            (Kind::EventTime, fits, "Option<Timestamp>")
        }
        "operation" => (Kind::Operation, types::is_path(ty, "Operation"), "Operation"),
        other => {
            let message =
                format!("no meta column is `{other}`: processing_time, event_time or operation");
            return Err(Error::new(choice.span(), message));
        }
    };
    if !fits {
        return Err(Error::new(ty.span(), format!("`{choice}` is a `{wanted}`")));
    }
    Ok(kind)
}

/// The code of one field.
struct Parts {
    reader: TokenStream,
    open: TokenStream,
    get: TokenStream,
}

fn parts(field: &InputField, lifetime: &Lifetime, block: &Ident) -> Parts {
    let InputField { ident, ty, kind } = field;
    let at = fields::at(ty);
    let value = quote_spanned!(at=> <#ty as ::millrace_sdk::generated::InputValue<#lifetime>>);
    let reader = quote_spanned!(at=> #value::Reader);
    let get = quote_spanned!(at=> #ident: #value::get(#block, lane));
    match kind {
        Kind::Column(column) => {
            let name = &column.name;
            Parts { reader, open: quote_spanned!(at=> source.column::<#ty>(#name)?), get }
        }
        Kind::ProcessingTime => {
            Parts { reader, open: quote_spanned!(at=> source.processing_times::<#ty>()?), get }
        }
        Kind::EventTime => {
            Parts { reader, open: quote_spanned!(at=> source.event_times::<#ty>()?), get }
        }
        Kind::Operation => Parts {
            reader: quote_spanned!(at=> ::millrace_sdk::generated::OperationReader<#lifetime>),
            open: quote_spanned!(at=> source.operations()?),
            get: quote_spanned!(at=> #ident: ::millrace_sdk::generated::OperationReader::get(#block, lane)),
        },
    }
}

fn implementation(
    item: &DeriveInput,
    table: Option<&LitStr>,
    fields: &[InputField],
) -> TokenStream {
    let (ident, generics) = (&item.ident, &item.generics);
    let (_, type_generics, _) = generics.split_for_impl();
    let lifetime = generics
        .lifetimes()
        .next()
        .map_or_else(|| Lifetime::new("'batch", Span::call_site()), |own| own.lifetime.clone());
    let blocks = fields::block_names(fields.len());
    let parts: Vec<Parts> =
        fields.iter().zip(&blocks).map(|(field, block)| parts(field, &lifetime, block)).collect();
    let readers = fields::nested(parts.iter().map(|parts| parts.reader.clone()));
    let opened = fields::nested(parts.iter().map(|parts| parts.open.clone()));
    let pattern = fields::nested(blocks.iter().map(ToTokens::to_token_stream));
    let gets = parts.iter().map(|parts| &parts.get);
    let reads = reads(fields, &lifetime);
    let extras = extras(fields);
    let marker = marker(item, table);
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl<#lifetime> ::millrace_sdk::generated::Projection<#lifetime>
            for #ident #type_generics
        {
            type Readers = #readers;

            fn reads() -> ::std::vec::Vec<::millrace_sdk::raw::Read> {
                ::std::vec![#(#reads),*]
            }

            fn extras() -> ::millrace_sdk::raw::Extras {
                ::millrace_sdk::raw::Extras::empty() #(| ::millrace_sdk::raw::Extras::#extras)*
            }

            fn open(
                source: &mut ::millrace_sdk::generated::Source<#lifetime>,
            ) -> ::std::result::Result<Self::Readers, ::millrace_sdk::raw::Failure> {
                let _ = &source;
                ::std::result::Result::Ok(#opened)
            }

            #[inline(always)]
            fn row(
                blocks: &<Self::Readers as ::millrace_sdk::generated::Reader>::Block,
                lane: usize,
            ) -> Self {
                let _ = lane;
                let #pattern = blocks;
                Self { #(#gets),* }
            }
        }

        #marker
    }
}

/// What `describe` says of each column.
fn reads(fields: &[InputField], lifetime: &Lifetime) -> Vec<TokenStream> {
    let read = |field: &InputField| match &field.kind {
        Kind::Column(column) => {
            let Column { name, ty, .. } = &**column;
            let at = fields::at(ty);
            Some(quote_spanned!(at=>
                <#ty as ::millrace_sdk::generated::InputValue<#lifetime>>::read(#name)
            ))
        }
        _ => None,
    };
    fields.iter().filter_map(read).collect()
}

/// What the fields that are no columns ask for.
fn extras(fields: &[InputField]) -> Vec<TokenStream> {
    let extra = |field: &InputField| match field.kind {
        Kind::Column(_) => None,
        Kind::ProcessingTime => Some(quote!(PROCESSING_TIMES)),
        Kind::EventTime => Some(quote!(EVENT_TIMES)),
        Kind::Operation => Some(quote!(OPERATIONS)),
    };
    fields.iter().filter_map(extra).collect()
}

/// Tells the row of an input from that of a joined table.
fn marker(item: &DeriveInput, table: Option<&LitStr>) -> TokenStream {
    let ident = &item.ident;
    let (impl_generics, type_generics, _) = item.generics.split_for_impl();
    match table {
        Some(name) => quote! {
            #[automatically_derived]
            impl #impl_generics ::millrace_sdk::generated::Table for #ident #type_generics {
                const NAME: &'static str = #name;
            }
        },
        None => quote! {
            #[automatically_derived]
            impl #impl_generics ::millrace_sdk::generated::Input for #ident #type_generics {}
        },
    }
}
