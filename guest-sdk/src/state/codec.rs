//! How values of state become bytes: compact, without names, and the same on every machine.
//!
//! | type | bytes |
//! |---|---|
//! | `bool`, `u8`, `i8` | one |
//! | `u16`, `u32`, `u64`, lengths | LEB128: seven bits a byte, least significant first |
//! | `i16`, `i32`, `i64`, `i128` | zigzag (0, -1, 1, -2 become 0, 1, 2, 3), then LEB128 |
//! | [`Decimal`], [`Decimal128`] | its units, as an `i64` or `i128` |
//! | [`Date`], [`Time`], [`Timestamp`], [`Span`] | its days or microseconds, as an `i32` or `i64` |
//! | `f32`, `f64` | 4 or 8 bytes, little-endian, with one NaN |
//! | [`Uuid`] | 16 bytes |
//! | `String` | its length and its bytes |
//! | `Vec<T>` | its length and its elements; so bytes are a `Vec<u8>` |
//! | `Option<T>` | 0; or 1 and the value |
//! | `()`, tuples, `#[derive(State)]` structs | the fields, in order |
//!
//! An encoding says nothing of its type: a state whose type changes needs another version (see
//! [`Spec::version`](crate::keyed::Spec::version)). A field at the end of a struct is a change too.

use crate::decimal::{Decimal, Decimal128};
use crate::time::{Date, Span, Time, Timestamp};
use crate::uuid::Uuid;

/// A type whose values can be state. `#[derive(State)]` implements it for structs with named fields.
///
/// ```
/// use millrace_sdk::State;
/// use millrace_sdk::prelude::*;
/// use millrace_sdk::state::StateCodec;
///
/// #[derive(State, Debug, PartialEq)]
/// struct Bet {
///     wager_id: Option<String>,
///     stake: Decimal<2>,
/// }
///
/// let bet = Bet { wager_id: Some("w1".to_owned()), stake: Decimal::whole(1) };
/// let mut bytes = Vec::new();
/// bet.encode(&mut bytes);
/// assert_eq!(bytes, [1, 2, b'w', b'1', 200, 1]);
/// assert_eq!(Bet::decode(&mut bytes.as_slice()), Some(bet));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be state",
    label = "no encoding for this",
    note = "derive it: `#[derive(State)] struct .. {{ .. }}`; or use bool, integers, floats, \
            Decimal<S>, Decimal128<S>, String, Date, Time, Timestamp, Uuid, or one of them in \
            Option<..>, Vec<..> or a tuple"
)]
pub trait StateCodec: Sized {
    /// Adds the value's bytes to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a value off the front of `input`; nothing where the bytes are none of this type.
    fn decode(input: &mut &[u8]) -> Option<Self>;
}

/// The value that `input` is, to its last byte.
pub(super) fn whole<T: StateCodec>(mut input: &[u8]) -> Option<T> {
    T::decode(&mut input).filter(|_| input.is_empty())
}

/// Adds a number as LEB128.
fn push_number(out: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Most numbers fit 64 bits, which are cheaper to shift.
fn push_small(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number(input: &mut &[u8]) -> Option<u128> {
    let (mut number, mut shift) = (0_u128, 0_u32);
    loop {
        let byte = u8::decode(input)?;
        let bits = u128::from(byte & 0x7f);
        number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

/// A number as LEB128.
pub(super) fn small(input: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let byte = u8::decode(input)?;
        let bits = u64::from(byte & 0x7f);
        number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

fn length(input: &mut &[u8]) -> Option<usize> {
    usize::try_from(small(input)?).ok()
}

fn bytes<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (front, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(front)
}

fn chunk<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (front, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*front)
}

macro_rules! codec {
    ($([$($generics:tt)*] $value:ty: |$this:ident, $out:ident| $encode:expr, |$input:ident| $decode:expr;)*) => {$(
        impl<$($generics)*> StateCodec for $value {
            #[inline]
            fn encode(&self, $out: &mut Vec<u8>) {
                let $this = self;
                $encode
            }

            #[inline]
            fn decode($input: &mut &[u8]) -> Option<Self> {
                $decode
            }
        }
    )*};
}

codec! {
    [] u8: |this, out| out.push(*this), |input| {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        Some(*byte)
    };
    [] i8: |this, out| out.push(*this as u8), |input| u8::decode(input).map(|byte| byte as i8);
    [] bool: |this, out| out.push(u8::from(*this)), |input| match u8::decode(input)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    [] u16: |this, out| push_small(out, (*this).into()), |input| small(input)?.try_into().ok();
    [] u32: |this, out| push_small(out, (*this).into()), |input| small(input)?.try_into().ok();
    [] u64: |this, out| push_small(out, *this), |input| small(input);
    [] i16: |this, out| i64::from(*this).encode(out), |input| i64::decode(input)?.try_into().ok();
    [] i32: |this, out| i64::from(*this).encode(out), |input| i64::decode(input)?.try_into().ok();
    [] i64: |this, out| push_small(out, ((*this << 1) ^ (*this >> 63)) as u64), |input| {
        small(input).map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
    };
    [] i128: |this, out| push_number(out, ((*this << 1) ^ (*this >> 127)) as u128), |input| {
        number(input).map(|number| (number >> 1) as i128 ^ -((number & 1) as i128))
    };
    [] f32: |this, out| {
        let bits = if this.is_nan() { 0x7fc0_0000 } else { this.to_bits() };
        out.extend_from_slice(&bits.to_le_bytes());
    }, |input| chunk(input).map(Self::from_le_bytes);
    [] f64: |this, out| {
        let bits = if this.is_nan() { 0x7ff8_0000_0000_0000 } else { this.to_bits() };
        out.extend_from_slice(&bits.to_le_bytes());
    }, |input| chunk(input).map(Self::from_le_bytes);
    [const S: u8] Decimal<S>: |this, out| this.units().encode(out), |input| {
        Self::try_from_units(i64::decode(input)?)
    };
    [const S: u8] Decimal128<S>: |this, out| this.units().encode(out), |input| {
        Self::try_from_units(i128::decode(input)?)
    };
    [] Date: |this, out| this.days().encode(out), |input| i32::decode(input).map(Self::from_days);
    [] Time: |this, out| this.micros().encode(out), |input| Self::from_micros(i64::decode(input)?);
    [] Timestamp: |this, out| this.micros().encode(out), |input| {
        i64::decode(input).map(Self::from_micros)
    };
    [] Span: |this, out| this.micros().encode(out), |input| {
        i64::decode(input).map(Self::from_micros)
    };
    [] Uuid: |this, out| out.extend_from_slice(this.as_bytes()), |input| {
        chunk(input).map(Self::from_bytes)
    };
    [] String: |this, out| {
        push_small(out, this.len() as u64);
        out.extend_from_slice(this.as_bytes());
    }, |input| {
        let length = length(input)?;
        std::str::from_utf8(bytes(input, length)?).ok().map(str::to_owned)
    };
    [T: StateCodec] Option<T>: |this, out| match this {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            value.encode(out);
        }
    }, |input| match u8::decode(input)? {
        0 => Some(None),
        1 => T::decode(input).map(Some),
        _ => None,
    };
    [T: StateCodec] Vec<T>: |this, out| {
        push_small(out, this.len() as u64);
        this.iter().for_each(|value| value.encode(out));
    }, |input| {
        let length = length(input)?;
        (0..length).map(|_| T::decode(input)).collect()
    };
}

impl StateCodec for () {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_input: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: StateCodec),+> StateCodec for ($($name,)+) {
            #[allow(non_snake_case, reason = "a value is named as its type")]
            fn encode(&self, out: &mut Vec<u8>) {
                let ($($name,)+) = self;
                $($name.encode(out);)+
            }

            fn decode(input: &mut &[u8]) -> Option<Self> {
                Some(($($name::decode(input)?,)+))
            }
        }
    )*};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<T: StateCodec + PartialEq + std::fmt::Debug>(value: T, encoding: &[u8]) {
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        assert_eq!(bytes, encoding, "{value:?}");
        assert_eq!(whole::<T>(&bytes), Some(value));
        assert!(bytes.is_empty() || whole::<T>(&bytes[..bytes.len() - 1]).is_none());
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        check((), &[]);
        check((true, 7_u8, -1_i8), &[1, 7, 255]);
        check((300_u16, 1_u32, 128_u64), &[172, 2, 1, 128, 1]);
        check((-1_i16, 1_i32, -64_i64, -65_i128), &[1, 2, 127, 129, 1]);
        check((Decimal::<2>::from_units(5), Decimal128::<2>::from_units(-5)), &[10, 9]);
        check((Date::from_days(-1), Timestamp::from_micros(64)), &[1, 128, 1]);
        check(f32::NAN.to_bits(), &[128, 128, 128, 254, 7]);
        check((0.5_f32, -0.5_f64), &[0, 0, 0, 63, 0, 0, 0, 0, 0, 0, 224, 191]);
        check((Some("ab".to_owned()), None::<u8>), &[1, 2, b'a', b'b', 0]);
        check(vec![1_u8, 2], &[2, 1, 2]);
    }

    #[test]
    fn bytes_of_no_value_are_refused() {
        assert_eq!(whole::<bool>(&[2]), None);
        assert_eq!(whole::<u16>(&[128, 128, 4]), None);
        assert_eq!(whole::<u64>(&[255; 10]), None);
        assert_eq!(whole::<String>(&[1, 255]), None);
        assert_eq!(whole::<Vec<i64>>(&[255, 255, 255, 255, 15]), None);
        assert_eq!(whole::<u8>(&[1, 2]), None);
    }

    proptest! {
        #[test]
        fn numbers_read_back(a: i64, b: i128, c: u64, d: i32) {
            let mut bytes = Vec::new();
            (a, b, c, d).encode(&mut bytes);
            prop_assert_eq!(whole(&bytes), Some((a, b, c, d)));
        }
    }
}
