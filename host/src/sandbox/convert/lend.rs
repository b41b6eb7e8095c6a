//! A batch on its way in: the buffers of its arrays, lent to the guest for one call.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ByteArrayType, Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, GenericByteArray};
use arrow_buffer::{BooleanBuffer, Buffer, ScalarBuffer};
use arrow_schema::{DataType as Arrow, TimeUnit};

use super::super::bindings::wit;
use super::super::transform::{Call, Keys};
use super::bits;
use crate::record::Column;

/// The buffers that a call lends. Kept between calls for the space that its lists have.
#[derive(Default)]
pub(in crate::sandbox) struct Lent {
    columns: Vec<LentColumn>,
    before: Vec<LentColumn>,
}

/// One column's buffers: shared with its array, but for what is sliced.
struct LentColumn {
    values: LentValues,
    validity: Option<Buffer>,
    unchanged: Option<Buffer>,
}

enum LentValues {
    Bools(Buffer),
    Int16s(ScalarBuffer<i16>),
    Int32s(ScalarBuffer<i32>),
    Int64s(ScalarBuffer<i64>),
    Float32s(ScalarBuffer<f32>),
    Float64s(ScalarBuffer<f64>),
    Fixed16s(Buffer),
    Varying { offsets: ScalarBuffer<i32>, bytes: Buffer },
}

impl Lent {
    /// Lends a batch to `enter`.
    ///
    /// # Panics
    /// If a column's array is of a type that carries no column type.
    pub(in crate::sandbox) fn with_batch<R>(
        &mut self,
        call: &Call<'_>,
        enter: impl FnOnce(wit::Batch<'_>) -> R,
    ) -> R {
        self.columns.extend(call.columns.iter().map(LentColumn::of));
        if let Some(before) = call.before {
            self.before.extend(before.columns.iter().map(LentColumn::of));
        }
        let present = call.before.map(|before| bits::lend(&before.present));
        let timed =
            call.event_times.as_ref().and_then(|(_, nulls)| bits::lend_validity(nulls.as_ref()));
        let answer = {
            let columns = params(&self.columns);
            let before = params(&self.before);
            enter(wit::Batch {
                input: u32::try_from(call.input).expect("a stage has few inputs"),
                schema: call.schema,
                rows: u32::try_from(call.rows).expect("a batch has fewer than 2^32 rows"),
                columns: &columns,
                before: present
                    .as_deref()
                    .map(|present| wit::BeforeImages { present, columns: &before }),
                operations: call.operations.as_deref(),
                event_times: call
                    .event_times
                    .as_ref()
                    .map(|(values, _)| wit::TimesParam { values, validity: timed.as_deref() }),
                processing_times: call.processing_times.as_deref(),
                keys: call.keys.map(|Keys { groups, offsets, encoded }| wit::Keys {
                    groups,
                    encoded: wit::VaryingParam { offsets, bytes: encoded },
                }),
            })
        };
        // The batch's buffers are let go of at once: its memory is not ours to hold.
        self.columns.clear();
        self.before.clear();
        answer
    }
}

fn params(columns: &[LentColumn]) -> Vec<wit::ColumnParam<'_>> {
    columns.iter().map(LentColumn::param).collect()
}

impl LentColumn {
    fn of(column: &Column) -> Self {
        Self {
            values: LentValues::of(&column.values),
            validity: bits::lend_validity(column.values.nulls()),
            unchanged: column
                .unchanged
                .as_ref()
                .filter(|unchanged| BooleanBuffer::has_true(unchanged))
                .map(bits::lend),
        }
    }

    fn param(&self) -> wit::ColumnParam<'_> {
        wit::ColumnParam {
            values: self.values.param(),
            validity: self.validity.as_deref(),
            unchanged: self.unchanged.as_deref(),
        }
    }
}

impl LentValues {
    fn of(values: &ArrayRef) -> Self {
        match values.data_type() {
            Arrow::Boolean => Self::Bools(bits::lend(values.as_boolean().values())),
            Arrow::Int16 => Self::Int16s(values.as_primitive::<Int16Type>().values().clone()),
            Arrow::Int32 => Self::Int32s(values.as_primitive::<Int32Type>().values().clone()),
            Arrow::Date32 => Self::Int32s(values.as_primitive::<Date32Type>().values().clone()),
            Arrow::Int64 => Self::Int64s(values.as_primitive::<Int64Type>().values().clone()),
            Arrow::Decimal64(..) => {
                Self::Int64s(values.as_primitive::<Decimal64Type>().values().clone())
            }
            Arrow::Time64(TimeUnit::Microsecond) => {
                Self::Int64s(values.as_primitive::<Time64MicrosecondType>().values().clone())
            }
            Arrow::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Int64s(values.as_primitive::<TimestampMicrosecondType>().values().clone())
            }
            Arrow::Float32 => Self::Float32s(canonical(
                values.as_primitive::<Float32Type>().values(),
                |value| value.is_nan() && value.to_bits() != f32::NAN.to_bits(),
                f32::NAN,
            )),
            Arrow::Float64 => Self::Float64s(canonical(
                values.as_primitive::<Float64Type>().values(),
                |value| value.is_nan() && value.to_bits() != f64::NAN.to_bits(),
                f64::NAN,
            )),
            Arrow::Decimal128(..) => {
                Self::Fixed16s(values.as_primitive::<Decimal128Type>().values().inner().clone())
            }
            Arrow::FixedSizeBinary(16) => {
                Self::Fixed16s(values.as_fixed_size_binary().values().clone())
            }
            Arrow::Utf8 => Self::varying(values.as_string::<i32>()),
            Arrow::Binary => Self::varying(values.as_binary::<i32>()),
            other => unreachable!("no column type is carried by {other}"),
        }
    }

    /// Texts or byte strings: what a slice leaves out stays behind, offsets start at 0.
    fn varying<T: ByteArrayType<Offset = i32>>(array: &GenericByteArray<T>) -> Self {
        let offsets = array.offsets();
        let (first, last) = (offsets.first(), offsets.last());
        let place = |offset: i32| usize::try_from(offset).expect("offsets are not negative");
        let bytes = array.values().slice_with_length(place(first), place(last) - place(first));
        let offsets = if first == 0 {
            offsets.inner().clone()
        } else {
            offsets.iter().map(|offset| offset - first).collect::<Vec<_>>().into()
        };
        Self::Varying { offsets, bytes }
    }

    fn param(&self) -> wit::ValuesParam<'_> {
        match self {
            Self::Bools(bits) => wit::ValuesParam::Bools(bits),
            Self::Int16s(values) => wit::ValuesParam::Int16s(values),
            Self::Int32s(values) => wit::ValuesParam::Int32s(values),
            Self::Int64s(values) => wit::ValuesParam::Int64s(values),
            Self::Float32s(values) => wit::ValuesParam::Float32s(values),
            Self::Float64s(values) => wit::ValuesParam::Float64s(values),
            Self::Fixed16s(bytes) => wit::ValuesParam::Fixed16s(bytes),
            Self::Varying { offsets, bytes } => {
                wit::ValuesParam::Varying(wit::VaryingParam { offsets, bytes })
            }
        }
    }
}

/// Floats with every NaN the canonical one: a copy only where some other NaN is among them.
fn canonical<T: arrow_buffer::ArrowNativeType>(
    values: &ScalarBuffer<T>,
    strange: impl Fn(T) -> bool,
    nan: T,
) -> ScalarBuffer<T> {
    if !values.iter().fold(false, |any, value| any | strange(*value)) {
        return values.clone();
    }
    values.iter().map(|value| if strange(*value) { nan } else { *value }).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_slice_of_texts_is_rebased_and_cut() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["one", "two", "three", "four"]));
        let LentValues::Varying { offsets, bytes } = LentValues::of(&texts.slice(1, 2)) else {
            panic!("texts are of varying length");
        };
        assert_eq!(&*offsets, [0, 3, 8]);
        assert_eq!(&*bytes, b"twothree");
        let LentValues::Varying { offsets, bytes } = LentValues::of(&texts.slice(0, 1)) else {
            panic!("texts are of varying length");
        };
        assert_eq!((&*offsets, &*bytes), (&[0, 3][..], &b"one"[..]));
    }

    #[test]
    fn numbers_are_shared() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let slice = numbers.slice(1, 2);
        let LentValues::Int64s(lent) = LentValues::of(&slice) else { panic!("64-bit integers") };
        assert_eq!(&*lent, [2, 3]);
        assert_eq!(lent.as_ptr(), slice.as_primitive::<Int64Type>().values().as_ptr());
    }

    #[test]
    fn only_a_strange_nan_costs_a_copy() {
        let odd = f64::from_bits(f64::NAN.to_bits() | 7);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.5, odd, f64::NAN]));
        let LentValues::Float64s(lent) = LentValues::of(&floats) else { panic!("floats") };
        assert_eq!(lent[0], 1.5);
        assert!(lent[1..].iter().all(|value| value.to_bits() == f64::NAN.to_bits()));
        let plain = floats.slice(2, 1);
        let LentValues::Float64s(lent) = LentValues::of(&plain) else { panic!("floats") };
        assert_eq!(lent.as_ptr(), plain.as_primitive::<Float64Type>().values().as_ptr());
    }
}
