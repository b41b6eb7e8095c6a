//! Field types: what can be said of them before the compiler resolves a name.
//!
//! A type is checked by the SDK's traits in the end, so that aliases work; the mistakes that people
//! make are caught here, where the hint can be exact.

use syn::spanned::Spanned;
use syn::{Expr, ExprLit, GenericArgument, Lit, PathArguments, PathSegment, Result, Type};

/// Whether a field's column is read or written.
#[derive(Clone, Copy, PartialEq)]
pub enum Direction {
    Read,
    Write,
}

/// Refuses a type that cannot be a column.
pub fn check(ty: &Type, direction: Direction) -> Result<()> {
    match ty {
        Type::Group(group) => check(&group.elem, direction),
        Type::Paren(paren) => check(&paren.elem, direction),
        Type::Path(path) if path.qself.is_none() => match path.path.segments.last() {
            Some(segment) => check_segment(ty, segment, direction),
            None => Err(unsupported(ty)),
        },
        Type::Reference(reference) if reference.mutability.is_none() => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => Ok(()),
            Type::Slice(slice) if is_path(&slice.elem, "u8") => Ok(()),
            _ => Err(unsupported(ty)),
        },
        Type::Path(_) | Type::Macro(_) => Ok(()),
        _ => Err(unsupported(ty)),
    }
}

fn check_segment(ty: &Type, segment: &PathSegment, direction: Direction) -> Result<()> {
    let name = segment.ident.to_string();
    let read = direction == Direction::Read;
    match name.as_str() {
        "Option" | "Field" => check_wrapped(ty, segment, direction),
        "Decimal" => check_scale(ty, segment, 18),
        "Decimal128" => check_scale(ty, segment, 38),
        "u8" | "i8" => hint(ty, &format!("no column is `{name}`: use `i16`")),
        "u16" => hint(ty, "columns have no unsigned integers: use `i32`"),
        "u32" | "u64" | "usize" | "isize" => {
            hint(ty, "columns have no unsigned or pointer-sized integers: use `i64`")
        }
        "i128" | "u128" => hint(ty, "no column is a 128-bit integer: use `Decimal128<0>`"),
        "str" => hint(ty, "text is borrowed: use `&'a str`, and give the struct the lifetime"),
        "String" if read => hint(
            ty,
            "a row borrows its text, so that reading allocates nothing: use `&'a str`, and give \
             the struct the lifetime",
        ),
        "Vec" if read => hint(
            ty,
            "a row borrows its bytes, so that reading allocates nothing: use `&'a [u8]`, and give \
             the struct the lifetime",
        ),
        _ => Ok(()),
    }
}

fn check_wrapped(ty: &Type, segment: &PathSegment, direction: Direction) -> Result<()> {
    let Some(inner) = argument(segment) else {
        return hint(ty, &format!("say what it holds: `{}<i64>`", segment.ident));
    };
    if is_path(inner, "Option") || is_path(inner, "Field") {
        return hint(inner, "a value is wrapped once: `Option<..>` or `Field<..>`");
    }
    check(inner, direction)
}

fn check_scale(ty: &Type, segment: &PathSegment, digits: u8) -> Result<()> {
    let name = &segment.ident;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return hint(ty, &format!("say how many digits follow the point: `{name}<2>`"));
    };
    let Some(GenericArgument::Const(Expr::Lit(ExprLit { lit: Lit::Int(scale), .. }))) =
        arguments.args.first()
    else {
        return Ok(());
    };
    if scale.base10_parse::<u8>().is_ok_and(|scale| scale <= digits) {
        return Ok(());
    }
    let more = if digits == 18 { ": `Decimal128` has up to 38" } else { "" };
    Err(syn::Error::new(scale.span(), format!("a {name} has at most {digits} digits{more}")))
}

/// The only type argument of `Option<..>` or the like.
pub fn argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(ty)), 1) => Some(ty),
        _ => None,
    }
}

/// Whether a type is a path that ends in `name`.
pub fn is_path(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// The last segment of a type that is a path.
pub fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn unsupported(ty: &Type) -> syn::Error {
    syn::Error::new(
        ty.span(),
        "no column has this type: use bool, i16, i32, i64, f32, f64, Decimal<S>, Decimal128<S>, \
         &str, &[u8], Date, Time, Timestamp, Uuid or Json, or one of them in Option<..> or \
         Field<..>",
    )
}

fn hint(ty: &Type, message: &str) -> Result<()> {
    Err(syn::Error::new(ty.span(), message))
}
