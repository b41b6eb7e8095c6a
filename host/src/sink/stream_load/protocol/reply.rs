//! Answers into values: names in any case, numbers as text or not, whatever else there is ignored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::LabelState;
use crate::sink::stream_load::error::quoted;

/// The fields of an answer, by their names in lower case.
#[derive(Debug)]
pub(super) struct Reply(BTreeMap<String, Value>);

impl Reply {
    /// Reads the first JSON object of a body; what follows it does not matter.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        // Messages may quote bytes of rows, which need not be UTF-8.
        let text = String::from_utf8_lossy(body);
        let mut json = serde_json::Deserializer::from_str(&text);
        let Ok(Value::Object(fields)) = Value::deserialize(&mut json) else { return None };
        Some(Self(fields.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()))
    }

    /// A field that is not null and, as text, not empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = match self.0.get(name)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// A field that is a whole number, written as one or as text.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// `Status`, without its case: `success`, `publish timeout`, `label_already_exists`.
    pub(super) fn status(&self) -> Option<String> {
        self.text("status").map(|status| status.to_lowercase())
    }

    /// Whether something was done.
    pub(super) fn succeeded(&self) -> bool {
        matches!(self.status().as_deref(), Some("success" | "ok"))
    }

    /// The number of a transaction; servers say -1 where there is none.
    pub(super) fn txn(&self) -> Option<i64> {
        self.number("txnid").filter(|txn| *txn >= 0).or_else(|| {
            let words = self.words();
            let (_, after) = words.split_once("relate to txn [")?;
            after.split_once(']')?.0.trim().parse().ok()
        })
    }

    /// All that the server says in words, with its status.
    pub(super) fn words(&self) -> String {
        self.joined(&["status", "message", "msg", "data", "firsterrormsg"])
    }

    /// The same without what it quotes of rows, which may have any words in them.
    pub(super) fn own_words(&self) -> String {
        self.joined(&["status", "message", "msg", "data"])
    }

    fn joined(&self, names: &[&str]) -> String {
        let mut words = String::new();
        for name in names {
            if let Some(text) = self.text(name)
                && !words.contains(&text)
            {
                if !words.is_empty() {
                    words.push_str(": ");
                }
                words.push_str(&text);
            }
        }
        quoted(&words)
    }

    /// How a label stands, by the answer of `get_load_state`.
    pub(super) fn state(&self) -> Option<LabelState> {
        let state = self.text("state").or_else(|| self.text("data"))?;
        Some(match &*state.to_uppercase() {
            "UNKNOWN" => LabelState::Unknown,
            "PREPARE" => LabelState::Prepare,
            "PREPARED" | "PRECOMMITTED" => LabelState::Prepared,
            "COMMITTED" => LabelState::Committed,
            "VISIBLE" => LabelState::Visible,
            "ABORTED" => LabelState::Aborted,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(text: &str) -> Reply {
        Reply::parse(text.as_bytes()).expect("an object")
    }

    #[test]
    fn names_come_in_any_case_and_numbers_as_text() {
        let found = reply(
            "\n{\"TXNID\": \"17\", \"status\": \"Publish Timeout\", \"NumberTotalRows\": 3,
              \"LoadBytes\": null, \"Extra\": {\"deep\": [1]}}\ntrailing",
        );
        assert_eq!(found.txn(), Some(17));
        assert_eq!(found.status().as_deref(), Some("publish timeout"));
        assert_eq!(found.number("numbertotalrows"), Some(3));
        assert_eq!(found.number("loadbytes"), None);
        assert_eq!(found.text("extra"), None);
    }

    #[test]
    fn a_transaction_is_found_in_a_message() {
        let found = reply(
            r#"{"TxnId": -1, "Status": "Label Already Exists",
                "Message": "[ANALYSIS] Label [x] has already been used, relate to txn [42]"}"#,
        );
        assert_eq!(found.txn(), Some(42));
        assert!(found.words().starts_with("Label Already Exists: [ANALYSIS] Label [x]"));
    }

    #[test]
    fn states_of_both_systems() {
        let starrocks =
            reply(r#"{"state":"PREPARED","reason":"","status":"OK","code":"0","msg":"Success"}"#);
        assert_eq!(starrocks.state(), Some(LabelState::Prepared));
        let doris = reply(r#"{"msg":"success","code":0,"data":"PRECOMMITTED","count":0}"#);
        assert_eq!(doris.state(), Some(LabelState::Prepared));
        assert_eq!(reply(r#"{"code":1,"data":"no such database"}"#).state(), None);
        for silent in [r#"{"status":"OK"}"#, r#"{"code":0,"data":null}"#, r#"{"data":{}}"#, "{}"] {
            assert_eq!(reply(silent).state(), None, "{silent}");
        }
    }

    #[test]
    fn a_cut_answer_is_none() {
        for body in ["", "{", "{\"Status\": \"Succ", "[]", "null", "Not Found", "<html>"] {
            assert!(Reply::parse(body.as_bytes()).is_none(), "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(Reply::parse(deep.as_bytes()).is_none());
        assert!(Reply::parse(b"{\"Message\": \"\xff\"}").is_some());
    }

    proptest! {
        #[test]
        fn reading_never_panics(
            body in prop::collection::vec(any::<u8>(), 0..64),
            text in "\\PC{0,20}",
            number in any::<f64>(),
        ) {
            drop(Reply::parse(&body));
            let object = serde_json::json!({ "Status": text, "TxnId": number, "data": text });
            let found = Reply::parse(object.to_string().as_bytes()).expect("an object");
            let _ = (found.txn(), found.state(), found.words(), found.succeeded());
        }
    }
}
