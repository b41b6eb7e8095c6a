//! The signature of a row function: what each argument is, and what it answers.

use std::collections::HashSet;

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Error, FnArg, GenericParam, ItemFn, PatType, Result, ReturnType, Signature, Type};

use crate::types;

const ANSWERS: &str = "a transform answers `bool` to filter, a `#[derive(Output)]` struct to map, \
                       `Option<..>` of it to do both, or `Result<.., Reject>` of one of these";

/// An argument after the row.
pub enum Argument {
    /// `&Params`
    Params(TokenStream),
    /// The row of a joined table.
    Table(TokenStream),
    /// `#[before] before: Option<Row>`
    Before,
}

/// A row function. Lifetimes are elided from its types, so that they can be named in a body.
pub struct RowFunction {
    /// The function without the SDK's markers.
    pub item: ItemFn,
    /// The row's type.
    pub row: TokenStream,
    /// The other arguments, in order.
    pub arguments: Vec<Argument>,
    /// The return type.
    pub answer: TokenStream,
}

impl RowFunction {
    /// Reads a function, or says what keeps it from being one of rows.
    pub fn parse(item: TokenStream) -> Result<Self> {
        let mut item: ItemFn = syn::parse2(item).map_err(|error| {
            Error::new(error.span(), "a transform is a function: `fn name(row: Row) -> bool`")
        })?;
        check_plain(&item.sig)?;
        let answer = answer(&item.sig)?;
        let missing = Error::new(
            item.sig.paren_token.span.join(),
            "a transform takes its row: `fn name(row: Row)`, where `Row` derives `Input`",
        );
        let mut inputs = item.sig.inputs.iter_mut();
        let row = row(inputs.next().ok_or(missing)?)?;
        let arguments: Vec<Argument> =
            inputs.map(|input| argument(input, &row)).collect::<Result<_>>()?;
        check_once(&item.sig, &arguments)?;
        let row = elide(row.into_token_stream());
        Ok(Self { item, row, arguments, answer })
    }

    /// The type of the params, if the function takes any.
    pub fn params(&self) -> Option<&TokenStream> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Params(ty) => Some(ty),
            _ => None,
        })
    }

    /// The types of the joined tables' rows, in order.
    pub fn tables(&self) -> impl Iterator<Item = &TokenStream> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Table(ty) => Some(ty),
            _ => None,
        })
    }

    /// Whether the function takes before images.
    pub fn takes_before(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, Argument::Before))
    }
}

/// The function as it was written, less what only the macro understands.
pub fn without_markers(item: TokenStream) -> TokenStream {
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else { return item };
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(argument) = input {
            take_before(argument);
        }
    }
    function.into_token_stream()
}

fn check_plain(signature: &Signature) -> Result<()> {
    if let Some(token) = &signature.asyncness {
        return Err(Error::new(token.span, "a transform cannot wait: it is a plain function"));
    }
    if let Some(token) = &signature.unsafety {
        return Err(Error::new(token.span, "a transform is a safe function"));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new_spanned(abi, "a transform is a plain Rust function"));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new_spanned(variadic, "a transform is a plain Rust function"));
    }
    for parameter in &signature.generics.params {
        if !matches!(parameter, GenericParam::Lifetime(_)) {
            let message = "a transform works on the columns of its schema: it cannot be generic";
            return Err(Error::new_spanned(parameter, message));
        }
    }
    Ok(())
}

fn answer(signature: &Signature) -> Result<TokenStream> {
    match &signature.output {
        ReturnType::Default => Err(Error::new(signature.ident.span(), ANSWERS)),
        ReturnType::Type(_, ty) => match &**ty {
            Type::Path(_) | Type::Group(_) | Type::Paren(_) | Type::Macro(_) => {
                Ok(elide(ty.to_token_stream()))
            }
            other => Err(Error::new(other.span(), ANSWERS)),
        },
    }
}

/// The first argument: the row, by value.
fn row(input: &mut FnArg) -> Result<Type> {
    let argument = typed(input)?;
    if take_before(argument) {
        let message = "the first argument is the row itself; its before image comes after it";
        return Err(Error::new(argument.ty.span(), message));
    }
    match &*argument.ty {
        Type::Reference(reference) => Err(Error::new(
            reference.span(),
            "the first argument is the row, by value: params by reference come after it",
        )),
        Type::Path(_) | Type::Group(_) | Type::Paren(_) => Ok((*argument.ty).clone()),
        other => Err(Error::new(other.span(), "the row is a struct that derives `Input`")),
    }
}

/// An argument after the row.
fn argument(input: &mut FnArg, row: &Type) -> Result<Argument> {
    let argument = typed(input)?;
    let before = take_before(argument);
    let ty = &*argument.ty;
    if before {
        let inner = types::last_segment(ty)
            .filter(|segment| segment.ident == "Option")
            .and_then(types::argument);
        let text = |ty: &Type| elide(ty.to_token_stream()).to_string();
        return match inner {
            Some(inner) if text(inner) == text(row) => Ok(Argument::Before),
            _ => {
                let row = text(row);
                let message = format!("the before image is of the row's type: `Option<{row}>`");
                Err(Error::new(ty.span(), message))
            }
        };
    }
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            Err(Error::new(ty.span(), "params do not change: take `&Params`"))
        }
        Type::Reference(reference) => {
            let params = reference.elem.to_token_stream();
            if names_lifetime(params.clone()) {
                let message = "params are kept from batch to batch, so they borrow nothing: \
                               hold `String`s, and take the lifetime off the struct";
                return Err(Error::new(ty.span(), message));
            }
            Ok(Argument::Params(params))
        }
        Type::Path(_) | Type::Group(_) | Type::Paren(_) => {
            Ok(Argument::Table(elide(ty.to_token_stream())))
        }
        other => Err(Error::new(
            other.span(),
            "after the row come `&Params`, joined tables by value, and `#[before] Option<Row>`",
        )),
    }
}

fn typed(input: &mut FnArg) -> Result<&mut PatType> {
    match input {
        FnArg::Typed(argument) => Ok(argument),
        FnArg::Receiver(receiver) => {
            Err(Error::new(receiver.span(), "a transform is a plain function, not a method"))
        }
    }
}

fn check_once(signature: &Signature, arguments: &[Argument]) -> Result<()> {
    let (mut params, mut before) = (false, false);
    let takes_before = arguments.iter().any(|argument| matches!(argument, Argument::Before));
    let mut tables = HashSet::new();
    for (argument, input) in arguments.iter().zip(signature.inputs.iter().skip(1)) {
        let (seen, message) = match argument {
            Argument::Params(_) => (&mut params, "params are one struct"),
            Argument::Before => (&mut before, "a row has one before image"),
            Argument::Table(_) if takes_before => {
                let message = "a transform that takes before images joins no table: a before image \
                               comes without the row that it would join";
                return Err(Error::new_spanned(input, message));
            }
            Argument::Table(ty) if tables.insert(ty.to_string()) => continue,
            Argument::Table(_) => {
                let message = "two arguments are rows of one table";
                return Err(Error::new_spanned(input, message));
            }
        };
        if std::mem::replace(seen, true) {
            return Err(Error::new_spanned(input, message));
        }
    }
    Ok(())
}

/// Takes `#[before]` off an argument, and says whether it was there.
fn take_before(argument: &mut PatType) -> bool {
    let count = argument.attrs.len();
    argument.attrs.retain(|attribute| !attribute.path().is_ident("before"));
    argument.attrs.len() < count
}

/// Whether a type names a lifetime other than `'static`.
fn names_lifetime(tokens: TokenStream) -> bool {
    elide(tokens).to_string().contains("'_")
}

/// Replaces lifetimes other than `'static` by `'_`.
fn elide(tokens: TokenStream) -> TokenStream {
    let mut after_tick = false;
    let replace = |tree: TokenTree| {
        let in_lifetime = std::mem::replace(
            &mut after_tick,
            matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '\''),
        );
        match tree {
            TokenTree::Ident(ident) if in_lifetime && ident != "static" => {
                TokenTree::Ident(Ident::new("_", ident.span()))
            }
            TokenTree::Group(group) => {
                let mut elided = Group::new(group.delimiter(), elide(group.stream()));
                elided.set_span(group.span());
                TokenTree::Group(elided)
            }
            other => other,
        }
    };
    tokens.into_iter().map(replace).collect()
}
