//! The numbers that flat lists hold.

use super::BLOCK;
use crate::raw::Values;

/// A value of fixed width, as it lies in a flat list.
pub trait Native: Copy + Default + 'static {
    /// A block of defaults, for a column that has no partial block.
    const DEFAULTS: &'static [Self; BLOCK];
    /// The case of `values`, for messages.
    const CASE: &'static str;

    /// The list, if `values` is of this case.
    fn list(values: &Values) -> Option<&[Self]>;
    /// A list as `values`.
    fn values(list: Vec<Self>) -> Values;
}

macro_rules! native {
    ($($number:ty => $case:ident, $name:literal;)*) => {$(
        impl Native for $number {
            const DEFAULTS: &'static [Self; BLOCK] = &[0 as $number; BLOCK];
            const CASE: &'static str = $name;

            #[inline]
            fn list(values: &Values) -> Option<&[Self]> {
                match values {
                    Values::$case(list) => Some(list),
                    _ => None,
                }
            }

            #[inline]
            fn values(list: Vec<Self>) -> Values {
                Values::$case(list)
            }
        }
    )*};
}

native! {
    i16 => Int16s, "int16s";
    i32 => Int32s, "int32s";
    i64 => Int64s, "int64s";
    f32 => Float32s, "float32s";
    f64 => Float64s, "float64s";
}

impl Native for [u8; 16] {
    const DEFAULTS: &'static [Self; BLOCK] = &[[0; 16]; BLOCK];
    const CASE: &'static str = "fixed16s";

    #[inline]
    fn list(values: &Values) -> Option<&[Self]> {
        match values {
            Values::Fixed16s(bytes) => Some(bytes.as_chunks().0),
            _ => None,
        }
    }

    #[inline]
    fn values(list: Vec<Self>) -> Values {
        Values::Fixed16s(list.into_flattened())
    }
}
