//! The columns of a table at one version.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::DataType;

/// One column's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Unique within its schema.
    pub name: Arc<str>,
    /// The logical type.
    pub data_type: DataType,
    /// Whether a row may have null here.
    pub nullable: bool,
}

impl Field {
    /// A field.
    #[must_use]
    pub fn new(name: &str, data_type: DataType, nullable: bool) -> Self {
        Self { name: name.into(), data_type, nullable }
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut field = serializer.serialize_struct("Field", 3)?;
        field.serialize_field("name", &*self.name)?;
        field.serialize_field("type", &self.data_type)?;
        field.serialize_field("nullable", &self.nullable)?;
        field.end()
    }
}

/// Ordered fields, the key's columns among them, and whether the rows only ever append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The columns, in order.
    pub fields: Vec<Field>,
    /// Indices of the key's columns, in key order; empty when there is no key.
    pub key: Vec<usize>,
    /// Whether the input is append-only: a filtered update then deletes nothing.
    pub append_only: bool,
}

impl Schema {
    /// A schema without a key, append-only.
    #[must_use]
    pub fn new(fields: Vec<Field>) -> Self {
        Self { fields, key: Vec::new(), append_only: true }
    }

    /// The index of the column `name`.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| &*field.name == name)
    }

    /// The schema with `fields` added at the end, or put in place of those of the same name.
    #[must_use]
    pub fn with(&self, fields: &[Field]) -> Self {
        let mut all = self.clone();
        for field in fields {
            match all.index_of(&field.name) {
                Some(index) => all.fields[index] = field.clone(),
                None => all.fields.push(field.clone()),
            }
        }
        all
    }
}
