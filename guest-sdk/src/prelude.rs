//! All that a transform usually names: `use millrace_sdk::prelude::*;`.

pub use crate::decimal::{Decimal, Decimal128};
pub use crate::field::Field;
pub use crate::host::{Level, count, log};
pub use crate::json::Json;
pub use crate::operation::Operation;
pub use crate::reject::Reject;
pub use crate::time::{Date, Time, Timestamp};
pub use crate::uuid::Uuid;
pub use millrace_sdk_macros::{Input, Output, transform};
