//! The types that a field of an output can have.

use std::borrow::Cow;

use super::{
    BitBuilder, Builder, FixedBuilder, NullableBuilder, ThreeStateBuilder, VaryingBuilder,
};
use crate::decimal::{Decimal, Decimal128};
use crate::field::Field;
use crate::json::Json;
use crate::raw::{self, DataType, DecimalType};
use crate::time::{Date, Time, Timestamp};
use crate::uuid::Uuid;

/// A Rust type that a column is written from.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a column can be written from",
    label = "no column is written from this",
    note = "use bool, i16, i32, i64, f32, f64, Decimal<S>, Decimal128<S>, &str, String, &[u8], \
            Vec<u8>, Date, Time, Timestamp, Uuid or Json, or one of them in Option<..> or Field<..>"
)]
pub trait OutputValue: Sized {
    /// The column's type.
    const DATA_TYPE: DataType;
    /// Whether the column can hold a null.
    const NULLABLE: bool = false;
    /// Builds the column.
    type Builder: Builder + 'static;

    /// Writes a lane.
    fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize);

    /// Whether the column's range holds this: asked for every row. Decimals answer `true` always,
    /// since the operation that overflowed has raised the row's flag.
    #[inline(always)]
    fn in_range(&self) -> bool {
        true
    }

    /// Why the column cannot hold this; asked only once something is known to be amiss.
    fn misfit(&self) -> Option<&'static str> {
        None
    }

    /// What `describe` says of a column that is written from this.
    #[must_use]
    fn field(name: &str) -> raw::Field {
        raw::Field::new(name, Self::DATA_TYPE, Self::NULLABLE)
    }
}

const fn decimal(precision: u8, scale: u8) -> DataType {
    DataType::Decimal(DecimalType { precision, scale })
}

/// The reason of a row whose answer has a day or a point in time that no column holds.
pub(crate) const OUT_OF_RANGE: &str = "out of range";

/// The reason of a row whose answer has the result of a decimal operation that overflowed.
pub(crate) const DECIMAL_OVERFLOW: &str = "decimal overflow";

// The contract wants one NaN, so that equal rows have equal bytes.
const CANONICAL_NAN_32: f32 = f32::from_bits(0x7fc0_0000);
const CANONICAL_NAN_64: f64 = f64::from_bits(0x7ff8_0000_0000_0000);

macro_rules! fixed {
    ($($value:ty => $native:ty, $data_type:expr, |$this:ident| $make:expr;)*) => {$(
        impl OutputValue for $value {
            const DATA_TYPE: DataType = $data_type;
            type Builder = FixedBuilder<$native>;

            #[inline(always)]
            fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
                let $this = self;
                block[lane] = $make;
            }
        }
    )*};
}

fixed! {
    i16 => i16, DataType::Int16, |value| value;
    i32 => i32, DataType::Int32, |value| value;
    i64 => i64, DataType::Int64, |value| value;
    f32 => f32, DataType::Float32, |value| if value.is_nan() { CANONICAL_NAN_32 } else { value };
    f64 => f64, DataType::Float64, |value| if value.is_nan() { CANONICAL_NAN_64 } else { value };
    Time => i64, DataType::Time, |value| value.micros();
    Uuid => [u8; 16], DataType::Uuid, |value| *value.as_bytes();
}

macro_rules! ranged {
    ($($value:ty => $native:ty, $data_type:expr, $make:expr;)*) => {$(
        impl OutputValue for $value {
            const DATA_TYPE: DataType = $data_type;
            type Builder = FixedBuilder<$native>;

            #[inline(always)]
            fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
                block[lane] = $make(self);
            }

            #[inline(always)]
            fn in_range(&self) -> bool {
                Self::in_range(*self)
            }

            fn misfit(&self) -> Option<&'static str> {
                (!Self::in_range(*self)).then_some(OUT_OF_RANGE)
            }
        }
    )*};
}

ranged! {
    Date => i32, DataType::Date, Date::days;
    Timestamp => i64, DataType::Timestamp, Timestamp::micros;
}

impl<const S: u8> OutputValue for Decimal<S> {
    const DATA_TYPE: DataType = decimal(18, S);
    type Builder = FixedBuilder<i64>;

    #[inline(always)]
    fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
        block[lane] = self.units();
    }

    fn misfit(&self) -> Option<&'static str> {
        self.overflowed().then_some(DECIMAL_OVERFLOW)
    }
}

impl<const S: u8> OutputValue for Decimal128<S> {
    const DATA_TYPE: DataType = decimal(38, S);
    type Builder = FixedBuilder<[u8; 16]>;

    #[inline(always)]
    fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
        block[lane] = self.units().to_le_bytes();
    }

    fn misfit(&self) -> Option<&'static str> {
        self.overflowed().then_some(DECIMAL_OVERFLOW)
    }
}

impl OutputValue for bool {
    const DATA_TYPE: DataType = DataType::Bool;
    type Builder = BitBuilder;

    #[inline(always)]
    fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
        block.set(lane, self);
    }
}

macro_rules! varying {
    ($($value:ty => $data_type:expr, |$this:ident| $bytes:expr;)*) => {$(
        impl OutputValue for $value {
            const DATA_TYPE: DataType = $data_type;
            type Builder = VaryingBuilder;

            #[inline(always)]
            fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
                let $this = &self;
                block.push(lane, $bytes);
            }
        }
    )*};
}

varying! {
    &str => DataType::Text, |value| value.as_bytes();
    String => DataType::Text, |value| value.as_bytes();
    Cow<'_, str> => DataType::Text, |value| value.as_bytes();
    Json<'_> => DataType::Json, |value| value.text().as_bytes();
    &[u8] => DataType::Binary, |value| value;
    Vec<u8> => DataType::Binary, |value| value;
}

impl<T: OutputValue> OutputValue for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
    type Builder = NullableBuilder<T::Builder>;

    #[inline(always)]
    fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
        match self {
            Some(value) => {
                value.write(&mut block.values, lane);
                block.validity.set(lane, true);
            }
            None => T::Builder::skip(&mut block.values, lane),
        }
    }

    #[inline(always)]
    fn in_range(&self) -> bool {
        match self {
            Some(value) => value.in_range(),
            None => true,
        }
    }

    fn misfit(&self) -> Option<&'static str> {
        self.as_ref().and_then(T::misfit)
    }
}

impl<T: OutputValue> OutputValue for Field<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
    type Builder = ThreeStateBuilder<T::Builder>;

    #[inline(always)]
    fn write(self, block: &mut <Self::Builder as Builder>::Block<'_>, lane: usize) {
        if self.is_unchanged() {
            block.unchanged.set(lane, true);
        }
        match self {
            Self::Value(value) => {
                value.write(&mut block.nullable.values, lane);
                block.nullable.validity.set(lane, true);
            }
            Self::Null | Self::Unchanged => {
                T::Builder::skip(&mut block.nullable.values, lane);
            }
        }
    }

    #[inline(always)]
    fn in_range(&self) -> bool {
        match self {
            Self::Value(value) => value.in_range(),
            Self::Null | Self::Unchanged => true,
        }
    }

    fn misfit(&self) -> Option<&'static str> {
        match self {
            Self::Value(value) => value.misfit(),
            Self::Null | Self::Unchanged => None,
        }
    }
}
