//! UUIDs.

use std::fmt;
use std::str::FromStr;

/// A UUID, column type `uuid`: 16 bytes in the order in which they are written.
///
/// ```
/// use millrace_sdk::prelude::*;
/// let id: Uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse()?;
/// assert_eq!(id.as_bytes()[0], 0x67);
/// # Ok::<(), millrace_sdk::uuid::ParseUuidError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The UUID of these bytes.
    #[inline]
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[inline]
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Uuid {
    /// Lowercase, with hyphens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseUuidError;

impl fmt::Display for ParseUuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected 32 hexadecimal digits, with or without hyphens")
    }
}

impl std::error::Error for ParseUuidError {}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    /// Reads 32 hexadecimal digits; hyphens are skipped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut value = 0_u128;
        let mut digits = 0;
        for character in text.chars().filter(|character| *character != '-') {
            let digit = character.to_digit(16).filter(|_| digits < 32).ok_or(ParseUuidError)?;
            value = (value << 4) | u128::from(digit);
            digits += 1;
        }
        if digits == 32 { Ok(Self(value.to_be_bytes())) } else { Err(ParseUuidError) }
    }
}
