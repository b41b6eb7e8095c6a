//! What `millrace check --connect` finds at the targets.

use serde_json::{Value, json};

use super::text::Paint;
use crate::config::Plan;
use crate::sink::{Finding, Severity};

/// What was found at one sink's target.
pub(super) struct Looked {
    pipeline: String,
    sink: String,
    findings: Vec<Finding>,
}

impl Looked {
    /// Looks at the targets of every sink that has one, one after the other.
    pub(super) fn at(plans: &[Plan]) -> Vec<Self> {
        let mut all = Vec::new();
        for plan in plans {
            for sink in &plan.sinks {
                let Some(findings) = sink.config.inspect(&sink.schema, plan.checkpoint.every)
                else {
                    continue;
                };
                let (pipeline, sink) = (plan.name.clone(), sink.config.name.clone());
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
