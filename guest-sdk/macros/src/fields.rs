//! What both derives share: a struct's fields as columns.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Error, Field, Fields, GenericParam, Ident, LitStr, Result, Type,
};

/// A field and the column that it is.
pub struct Column {
    pub field: Ident,
    pub name: String,
    pub span: Span,
    pub ty: Type,
}

/// Refuses attributes of fields on the struct itself.
pub fn check_struct(item: &DeriveInput) -> Result<()> {
    for name in ["column", "meta"] {
        if let Some(attribute) = attribute(&item.attrs, name)? {
            let message = format!("`#[{name}]` belongs to a field");
            return Err(Error::new_spanned(attribute, message));
        }
    }
    Ok(())
}

/// The source of a type, for code in which the macro's own names are hidden from the author's.
pub fn at(ty: &impl Spanned) -> Span {
    Span::mixed_site().located_at(ty.span())
}

/// The named fields of a struct; a unit struct has none.
pub fn named(item: &DeriveInput) -> Result<Vec<&Field>> {
    let Data::Struct(data) = &item.data else {
        return Err(Error::new(item.ident.span(), "columns are the fields of a struct"));
    };
    match &data.fields {
        Fields::Named(fields) => Ok(fields.named.iter().collect()),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(_) => Err(Error::new(
            item.ident.span(),
            "name the fields: a field's name is its column's name",
        )),
    }
}

/// Refuses type parameters, and more than `lifetimes` lifetimes.
pub fn check_generics(item: &DeriveInput, lifetimes: usize) -> Result<()> {
    let mut seen = 0;
    for parameter in &item.generics.params {
        let message = match parameter {
            GenericParam::Lifetime(_) if seen < lifetimes => {
                seen += 1;
                continue;
            }
            GenericParam::Lifetime(_) => "a row borrows from one batch: one lifetime is enough",
            GenericParam::Type(_) | GenericParam::Const(_) => {
                "columns have fixed types: the struct cannot be generic"
            }
        };
        return Err(Error::new_spanned(parameter, message));
    }
    Ok(())
}

/// A field as the column of its name, or of the name that `#[column("..")]` gives.
pub fn column(field: &Field) -> Result<Column> {
    let ident = field.ident.clone().ok_or_else(|| Error::new_spanned(field, "name the field"))?;
    let (name, span) = match attribute(&field.attrs, "column")? {
        Some(attribute) => {
            let name: LitStr = attribute.parse_args().map_err(|error| {
                Error::new(error.span(), "say the column's name: `#[column(\"name\")]`")
            })?;
            (name.value(), name.span())
        }
        None => (ident.to_string().trim_start_matches("r#").to_owned(), ident.span()),
    };
    if name.is_empty() {
        return Err(Error::new(span, "a column's name is not empty"));
    }
    Ok(Column { field: ident, name, span, ty: field.ty.clone() })
}

/// Refuses two fields for one column.
pub fn check_names<'c>(columns: impl Iterator<Item = &'c Column>) -> Result<()> {
    let mut names = HashSet::new();
    for column in columns {
        if !names.insert(column.name.as_str()) {
            let message = format!("two fields are the column `{}`", column.name);
            return Err(Error::new(column.span, message));
        }
    }
    Ok(())
}

/// The attribute of this name, which may be there once.
pub fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Result<Option<&'a Attribute>> {
    let mut found = attributes.iter().filter(|attribute| attribute.path().is_ident(name));
    let first = found.next();
    match found.next() {
        Some(second) => Err(Error::new_spanned(second, format!("`#[{name}]` is there twice"))),
        None => Ok(first),
    }
}

/// Pairs that nest to the right and end in `()`: `(a, (b, ()))`.
pub fn nested(parts: impl DoubleEndedIterator<Item = TokenStream>) -> TokenStream {
    parts.rev().fold(quote!(()), |rest, part| quote!((#part, #rest)))
}

/// Names for the blocks of `count` parts, which no name of the author's can meet.
pub fn block_names(count: usize) -> Vec<Ident> {
    let name = |index| format_ident!("block_{}", index, span = Span::mixed_site());
    (0..count).map(name).collect()
}
