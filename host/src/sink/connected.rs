//! What commands ask of sinks that fill tables of a server: whether they could begin, and the
//! statements that make their tables.

use std::time::Duration;

use super::stream_load::{self, Finding, Statements, StreamLoadConfig};
use super::{SinkConfig, SinkError, SinkKind};
use crate::record::Schema;

impl SinkConfig {
    /// Whether the sink fills tables of a server, so that the other methods have something to say.
    #[must_use]
    pub fn has_statements(&self) -> bool {
        self.stream_load().is_some()
    }

    /// Looks at the target as an operator would, in the order in which rows will need things, with a
    /// remedy for each finding that is one. Changes nothing there. The pipeline commits
    /// after `every`, or after so many `rows`. `None` for sinks without a server.
    #[must_use]
    pub fn inspect(
        &self,
        schema: &Schema,
        every: Option<Duration>,
        rows: Option<u64>,
    ) -> Option<Vec<Finding>> {
        Some(stream_load::inspect(&self.name, self.stream_load()?, schema, (every, rows)))
    }

    /// The statements that make the sink's database and table (`table`, where its name depends on
    /// the rows) and, if asked for, views over it. None for sinks without a server.
    ///
    /// # Errors
    /// If the table's name is not known.
    pub fn statements(
        &self,
        schema: &Schema,
        table: Option<&str>,
        views: bool,
    ) -> Result<Statements, SinkError> {
        let Some(config) = self.stream_load() else { return Ok(Statements::default()) };
        stream_load::statements(&self.name, config, schema, table, views)
            .map_err(|error| self.failed(error))
    }

    /// Runs those statements at the target; `told` hears of each before it runs. What is there is
    /// left as it is.
    ///
    /// # Errors
    /// If the target cannot be reached or refuses.
    pub fn apply_statements(
        &self,
        schema: &Schema,
        table: Option<&str>,
        views: bool,
        told: &mut dyn FnMut(&str),
    ) -> Result<(), SinkError> {
        let Some(config) = self.stream_load() else { return Ok(()) };
        stream_load::apply(&self.name, config, schema, table, views, told)
            .map_err(|error| self.failed(error))
    }

    fn stream_load(&self) -> Option<&StreamLoadConfig> {
        match &self.kind {
            SinkKind::StreamLoad(config) => Some(config),
            _ => None,
        }
    }

    fn failed(&self, error: stream_load::StreamLoadError) -> SinkError {
        SinkError::StreamLoad { sink: self.name.clone(), source: Box::new(error) }
    }
}
