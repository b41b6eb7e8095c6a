//! What `describe` answers for a row function.

use crate::raw::{Description, Extras, Field, InputSchema, InputUse, Operations, Read, TableUse};

/// What a transform's macro knows of it.
pub struct About {
    /// The transform's name.
    pub name: &'static str,
    /// The version of its crate.
    pub version: &'static str,
    /// A line for people.
    pub about: &'static str,
}

/// Describes a row function. Its inputs are alike: it does not tell the parts of a union apart.
#[must_use]
pub fn describe(
    about: &About,
    inputs: &[InputSchema],
    reads: Vec<Read>,
    extras: Extras,
    tables: Vec<TableUse>,
    fields: Vec<Field>,
) -> Description {
    let takes = Operations::INSERT | Operations::UPDATE | Operations::READ;
    let input = InputUse { columns: reads, takes, extras };
    let count = inputs.iter().map(|schema| schema.input as usize + 1).max().unwrap_or(1);
    let mut description = Description::map(about.name, about.version);
    description.about = about.about.to_owned();
    description.inputs = vec![input; count];
    description.tables = tables;
    description.outputs[0].fields = fields;
    description
}
