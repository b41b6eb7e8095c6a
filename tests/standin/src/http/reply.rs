//! The replies that frontends and backends give before a load or a transaction is asked.

use serde_json::{Value, json};

use super::message::{Request, Response};
use crate::world::System;

/// StarRocks' 401.
#[must_use]
pub fn starrocks_unauthorized(message: &str) -> Response {
    let body = json!({"status": "FAILED", "code": "1", "msg": message, "message": message});
    Response { status: 401, ..Response::json(body.to_string()) }
        .with_header("WWW-Authenticate", "Basic realm=\"\"")
        .closing()
}

/// Doris' 401, whose status is 200.
#[must_use]
pub fn doris_unauthorized(message: &str) -> Response {
    let body = json!({"msg": "Unauthorized", "code": 401, "data": message, "count": 0});
    Response::json(body.to_string()).closing()
}

/// A frontend's refusal of a load or an operation, with status 200.
#[must_use]
pub fn failed(system: System, message: &str) -> Response {
    let body = match system {
        System::StarRocks => json!({"Status": "FAILED", "Message": message}),
        System::Doris => json!({"status": "FAILED", "msg": message}),
    };
    Response::json(body.to_string()).closing()
}

/// The envelope of Doris' reads.
#[must_use]
pub fn doris_envelope(code: i64, message: &str, data: &Value) -> Response {
    let body = json!({"msg": message, "code": code, "data": data, "count": 0});
    Response::json(body.to_string())
}

/// A backend's refusal of a load, before the load is looked at.
#[must_use]
pub fn load_failed(system: System, request: &Request, message: &str) -> Response {
    let label = request.label();
    let mut body = json!({
        "TxnId": -1, "Label": label, "Status": "Fail", "Message": message,
        "NumberTotalRows": 0, "NumberLoadedRows": 0, "NumberFilteredRows": 0,
        "NumberUnselectedRows": 0, "LoadBytes": 0, "LoadTimeMs": 0, "BeginTxnTimeMs": 0,
        "ReadDataTimeMs": 0, "WriteDataTimeMs": 0, "CommitAndPublishTimeMs": 0,
    });
    match system {
        System::StarRocks => body["StreamLoadPlanTimeMs"] = json!(0),
        System::Doris => {
            body["Comment"] = json!("");
            let two_phase = request.headers.get("two_phase_commit") == Some("true");
            body["TwoPhaseCommit"] = json!(if two_phase { "true" } else { "false" });
            body["StreamLoadPutTimeMs"] = json!(0);
            body["ReceiveDataTimeMs"] = json!(0);
        }
    }
    let mut text = format!("{body:#}");
    if system == System::Doris {
        text.push('\n');
    }
    Response::json(text).closing()
}

/// A StarRocks backend's refusal of a transaction operation.
#[must_use]
pub fn operation_failed(status: &str, message: &str) -> Response {
    Response::json(format!("{:#}", json!({"Status": status, "Message": message}))).closing()
}

/// Neither path nor method is known.
#[must_use]
pub fn not_found() -> Response {
    Response::text(404, "Not Found")
}

/// 503, from a proxy or a server that starts.
#[must_use]
pub fn unavailable() -> Response {
    Response::text(503, "Service Unavailable").closing()
}

/// A page, from something that is no frontend.
#[must_use]
pub fn page() -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>Welcome\
                </h1></body></html>\n";
    Response::new(200, "text/html", page).closing()
}

#[cfg(test)]
mod tests {
    use super::super::message::Node;
    use super::*;

    fn parsed(response: &Response) -> Value {
        serde_json::from_slice(&response.body).unwrap()
    }

    #[test]
    fn each_system_denies_in_its_own_way() {
        let starrocks = starrocks_unauthorized("no");
        assert_eq!((starrocks.status, parsed(&starrocks)["code"].as_str()), (401, Some("1")));
        let doris = doris_unauthorized("no");
        assert_eq!((doris.status, parsed(&doris)["code"].as_i64()), (200, Some(401)));
        assert_eq!(parsed(&failed(System::StarRocks, "x"))["Status"], "FAILED");
        assert_eq!(parsed(&failed(System::Doris, "x"))["status"], "FAILED");
        let load = |headers: &[(&str, &str)]| {
            let headers = headers.iter().copied().collect();
            let request = Request::new("PUT", "/", headers, Node::Backend(0));
            load_failed(System::Doris, &request, "m")
        };
        assert_eq!(parsed(&load(&[]))["TwoPhaseCommit"], "false");
        assert_eq!(parsed(&load(&[("two_phase_commit", "true")]))["TwoPhaseCommit"], "true");
        assert!(load(&[]).body.ends_with(b"}\n"));
    }
}
