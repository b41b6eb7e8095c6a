//! Column types, both ways.

use super::super::bindings::wit;
use super::super::fault::Fault;
use crate::record::DataType;

/// A type for the guest.
pub(in crate::sandbox) fn wit_data_type(data_type: DataType) -> wit::DataType {
    match data_type {
        DataType::Bool => wit::DataType::Bool,
        DataType::Int16 => wit::DataType::Int16,
        DataType::Int32 => wit::DataType::Int32,
        DataType::Int64 => wit::DataType::Int64,
        DataType::Float32 => wit::DataType::Float32,
        DataType::Float64 => wit::DataType::Float64,
        DataType::Decimal { precision, scale } => {
            wit::DataType::Decimal(wit::DecimalType { precision, scale })
        }
        DataType::Text => wit::DataType::Text,
        DataType::Binary => wit::DataType::Binary,
        DataType::Date => wit::DataType::Date,
        DataType::Time => wit::DataType::Time,
        DataType::Timestamp => wit::DataType::Timestamp,
        DataType::Uuid => wit::DataType::Uuid,
        DataType::Json => wit::DataType::Json,
    }
}

/// A guest's type; a decimal's digits are checked.
pub(in crate::sandbox) fn data_type(data_type: wit::DataType) -> Result<DataType, Fault> {
    Ok(match data_type {
        wit::DataType::Bool => DataType::Bool,
        wit::DataType::Int16 => DataType::Int16,
        wit::DataType::Int32 => DataType::Int32,
        wit::DataType::Int64 => DataType::Int64,
        wit::DataType::Float32 => DataType::Float32,
        wit::DataType::Float64 => DataType::Float64,
        wit::DataType::Decimal(wit::DecimalType { precision, scale }) => {
            if !(1..=38).contains(&precision) || scale > precision {
                let what = format!(
                    "has decimal({precision},{scale}): precision is 1 to 38, scale 0 to precision"
                );
                return Err(Fault::description(what));
            }
            DataType::Decimal { precision, scale }
        }
        wit::DataType::Text => DataType::Text,
        wit::DataType::Binary => DataType::Binary,
        wit::DataType::Date => DataType::Date,
        wit::DataType::Time => DataType::Time,
        wit::DataType::Timestamp => DataType::Timestamp,
        wit::DataType::Uuid => DataType::Uuid,
        wit::DataType::Json => DataType::Json,
    })
}
