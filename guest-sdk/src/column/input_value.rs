//! The types that a field of an input can have.

use super::{
    BitReader, BytesReader, FixedReader, NullableReader, Reader, Slot, TextReader, ThreeStateReader,
};
use crate::decimal::{Decimal, Decimal128};
use crate::field::Field;
use crate::json::Json;
use crate::raw::{self, DataType, DecimalType, Failure};
use crate::time::{Date, Time, Timestamp};
use crate::uuid::Uuid;

/// A Rust type that a column is read as.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a column can be read as",
    label = "no column is read as this",
    note = "use bool, i16, i32, i64, f32, f64, Decimal<S>, Decimal128<S>, &str, &[u8], Date, Time, \
            Timestamp, Uuid or Json, or one of them in Option<..> or Field<..>"
)]
pub trait InputValue<'a>: Sized {
    /// The column's type.
    const DATA_TYPE: DataType;
    /// Whether a null can be read.
    const NULLABLE: bool = false;
    /// Whether a value that was not sent can be read.
    const SEES_UNCHANGED: bool = false;
    /// Reads blocks.
    type Reader: Reader;

    /// Opens a column of a batch.
    ///
    /// # Errors
    /// A column of another type or length.
    fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure>;

    /// The value of a lane.
    fn get(block: &<Self::Reader as Reader>::Block, lane: usize) -> Self;

    /// What `describe` says of a column that is read as this.
    #[must_use]
    fn read(column: &str) -> raw::Read {
        raw::Read {
            column: column.to_owned(),
            data_type: Self::DATA_TYPE,
            nullable: Self::NULLABLE,
        }
    }
}

const fn decimal(precision: u8, scale: u8) -> DataType {
    DataType::Decimal(DecimalType { precision, scale })
}

macro_rules! fixed {
    ($([$($generics:tt)*] $value:ty => $native:ty, $data_type:expr, $make:expr;)*) => {$(
        impl<'a, $($generics)*> InputValue<'a> for $value {
            const DATA_TYPE: DataType = $data_type;
            type Reader = FixedReader<'a, $native>;

            #[inline]
            fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure> {
                FixedReader::open(slot)
            }

            #[inline(always)]
            fn get(block: &<Self::Reader as Reader>::Block, lane: usize) -> Self {
                $make(block[lane])
            }
        }
    )*};
}

fixed! {
    [] i16 => i16, DataType::Int16, std::convert::identity;
    [] i32 => i32, DataType::Int32, std::convert::identity;
    [] i64 => i64, DataType::Int64, std::convert::identity;
    [] f32 => f32, DataType::Float32, std::convert::identity;
    [] f64 => f64, DataType::Float64, std::convert::identity;
    [const S: u8] Decimal<S> => i64, decimal(18, S), Decimal::from_column;
    [const S: u8] Decimal128<S> => [u8; 16], decimal(38, S), Decimal128::from_column;
    [] Date => i32, DataType::Date, Date::from_days;
    [] Time => i64, DataType::Time, Time::from_column;
    [] Timestamp => i64, DataType::Timestamp, Timestamp::from_micros;
    [] Uuid => [u8; 16], DataType::Uuid, Uuid::from_bytes;
}

impl<'a> InputValue<'a> for bool {
    const DATA_TYPE: DataType = DataType::Bool;
    type Reader = BitReader<'a>;

    #[inline]
    fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure> {
        BitReader::open(slot)
    }

    #[inline(always)]
    fn get(block: &u8, lane: usize) -> Self {
        bit(*block, lane)
    }
}

impl<'a> InputValue<'a> for &'a str {
    const DATA_TYPE: DataType = DataType::Text;
    type Reader = TextReader<'a>;

    #[inline]
    fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure> {
        TextReader::open(slot)
    }

    #[inline(always)]
    fn get(block: &<Self::Reader as Reader>::Block, lane: usize) -> Self {
        TextReader::get(block, lane)
    }
}

impl<'a> InputValue<'a> for Json<'a> {
    const DATA_TYPE: DataType = DataType::Json;
    type Reader = TextReader<'a>;

    #[inline]
    fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure> {
        TextReader::open(slot)
    }

    #[inline(always)]
    fn get(block: &<Self::Reader as Reader>::Block, lane: usize) -> Self {
        Json::from_text(TextReader::get(block, lane))
    }
}

impl<'a> InputValue<'a> for &'a [u8] {
    const DATA_TYPE: DataType = DataType::Binary;
    type Reader = BytesReader<'a>;

    #[inline]
    fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure> {
        BytesReader::open(slot)
    }

    #[inline(always)]
    fn get(block: &<Self::Reader as Reader>::Block, lane: usize) -> Self {
        BytesReader::get(block, lane)
    }
}

impl<'a, T: InputValue<'a>> InputValue<'a> for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
    type Reader = NullableReader<'a, T::Reader>;

    #[inline]
    fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure> {
        NullableReader::new(&slot, T::open(slot)?)
    }

    #[inline(always)]
    fn get(block: &<Self::Reader as Reader>::Block, lane: usize) -> Self {
        let (values, validity) = block;
        if bit(*validity, lane) { Some(T::get(values, lane)) } else { None }
    }
}

impl<'a, T: InputValue<'a>> InputValue<'a> for Field<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
    const SEES_UNCHANGED: bool = true;
    type Reader = ThreeStateReader<'a, T::Reader>;

    #[inline]
    fn open(slot: Slot<'a>) -> Result<Self::Reader, Failure> {
        ThreeStateReader::new(&slot, T::open(slot)?)
    }

    #[inline(always)]
    fn get(block: &<Self::Reader as Reader>::Block, lane: usize) -> Self {
        let ((values, validity), unchanged) = block;
        if bit(*unchanged, lane) {
            Self::Unchanged
        } else if bit(*validity, lane) {
            Self::Value(T::get(values, lane))
        } else {
            Self::Null
        }
    }
}

#[inline(always)]
fn bit(bits: u8, lane: usize) -> bool {
    (bits >> lane) & 1 == 1
}
