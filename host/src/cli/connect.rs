//! Sinks that fill tables of a server, and what `millrace check --connect` finds there.

use std::sync::Arc;

use serde_json::{Value, json};

use super::text::Paint;
use crate::config::Plan;
use crate::pipeline::dead_letter_schema;
use crate::record::Schema;
use crate::sink::{Finding, Severity, SinkConfig, SinkKind, TableName};

/// A sink that fills tables of a server, and what its rows look like.
pub(super) struct Connected<'a> {
    /// Its settings.
    pub config: &'a SinkConfig,
    /// Its rows.
    pub schema: Arc<Schema>,
}

impl<'a> Connected<'a> {
    /// Those of a pipeline, the dead letters' behind the others.
    pub(super) fn of(plan: &'a Plan) -> Vec<Self> {
        let sinks = plan.sinks.iter().map(|sink| (&sink.config, Arc::clone(&sink.schema)));
        let letters = plan.dead_letters.iter();
        let letters = letters.map(|letters| (&letters.config, Arc::new(dead_letter_schema())));
        let all = sinks.chain(letters).map(|(config, schema)| Self { config, schema });
        all.filter(|sink| sink.config.has_statements()).collect()
    }

    /// Its table; `None`: the rows name it.
    pub(super) fn table(&self) -> Option<&str> {
        match &self.config.kind {
            SinkKind::StreamLoad(config) => match &config.table {
                TableName::Fixed(table) => Some(table),
                TableName::Template(_) => None,
            },
            _ => None,
        }
    }
}

/// What was found at one sink's target.
pub(super) struct Looked {
    pipeline: String,
    sink: String,
    findings: Vec<Finding>,
}

impl Looked {
    /// Looks at the targets of every sink that has one, one after the other; of the dead letters'
    /// too.
    pub(super) fn at(plans: &[Plan]) -> Vec<Self> {
        let mut all = Vec::new();
        for plan in plans {
            let checkpoint = &plan.checkpoint;
            for Connected { config, schema } in Connected::of(plan) {
                let found = config.inspect(&schema, checkpoint.every, checkpoint.rows);
                let Some(findings) = found else { continue };
                let (pipeline, sink) = (plan.name.clone(), config.name.clone());
                all.push(Self { pipeline, sink, findings });
            }
        }
        all
    }

    /// Whether the sink could begin.
    pub(super) fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// A line for each finding, and one below it where there is something to do.
    pub(super) fn render(&self, paint: Paint) -> String {
        let title = format!("{}, sink `{}`", self.pipeline, self.sink);
        let mut text = format!("{}\n", paint.bold(&title));
        for Finding { severity, what, remedy } in &self.findings {
            let mark = match severity {
                Severity::Error => paint.red("error:"),
                Severity::Warning => paint.bold("warning:"),
                Severity::Ok => paint.green("ok:"),
            };
            text.push_str(&format!("  {mark} {what}\n"));
            if let Some(remedy) = remedy {
                text.push_str(&format!("    to do: {remedy}\n"));
            }
        }
        text
    }

    /// As one object of the list `targets`.
    pub(super) fn to_json(&self) -> Value {
        let finding = |Finding { severity, what, remedy }: &Finding| {
            let severity = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Ok => "ok",
            };
            json!({ "severity": severity, "message": what, "hint": remedy })
        };
        json!({
            "pipeline": self.pipeline,
            "sink": self.sink,
            "ok": self.is_sound(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}
