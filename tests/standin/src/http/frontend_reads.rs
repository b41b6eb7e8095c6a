//! What a frontend answers besides loads: its health, its backends, schemas, SQL over HTTP.

use serde_json::{Value, json};

use super::body::Body;
use super::connection::Exchange;
use super::message::Response;
use super::reply;
use super::route::Route;
use crate::sql;
use crate::world::System;

/// The longest statement.
const MAX_STATEMENT: u64 = 1 << 20;

/// `/api/health`.
pub(super) fn health(this: &Exchange) -> Response {
    let backends = this.world.nodes.backends();
    let online = backends.iter().filter(|backend| backend.is_alive()).count();
    let counts = json!({"online_backend_num": online, "total_backend_num": backends.len()});
    match this.world.system {
        System::StarRocks => {
            let mut body = counts;
            body["status"] = json!("OK");
            Response::json(body.to_string())
        }
        System::Doris => reply::doris_envelope(0, "success", &counts),
    }
}

/// The reads of both systems that need credentials.
pub(super) fn answer(this: &Exchange, body: &mut Body) -> Response {
    match (this.route, this.world.system) {
        (Route::Backends, System::Doris) => backends(this),
        (Route::Schema { db, table }, _) => schema(this, db, table),
        (Route::Query { db }, System::Doris) => query(this, db, body),
        (Route::LightSchemaChange { db, table }, System::Doris) => {
            light_schema_change(this, db, table, body)
        }
        _ => {
            this.breach("this system has no such path");
            reply::not_found().closing()
        }
    }
}

/// `/api/backends?is_alive=true`: how clients find the backends that they load into directly.
fn backends(this: &Exchange) -> Response {
    let only_alive = this.request.query.get("is_alive").is_some_and(|value| value == "true");
    let members = this.world.nodes.backends().iter();
    let list: Vec<Value> = members
        .filter(|member| !only_alive || member.is_alive())
        .map(|member| {
            json!({"ip": member.host, "http_port": member.port(), "is_alive": member.is_alive()})
        })
        .collect();
    reply::doris_envelope(0, "success", &json!({"backends": list}))
}

fn schema(this: &Exchange, db: &str, table: &str) -> Response {
    let catalog = &this.world.catalog;
    let found = catalog.table(db, table).map(|table| catalog.schema_json(&table));
    match (found, this.world.system) {
        (Ok(schema), System::Doris) => reply::doris_envelope(0, "success", &schema),
        (Ok(schema), System::StarRocks) => Response::json(schema.to_string()),
        (Err(error), System::Doris) => {
            reply::doris_envelope(500, "Internal Error", &json!(error.to_string()))
        }
        (Err(error), System::StarRocks) => {
            let body = json!({"status": 403, "exception": error.to_string()});
            Response::json(body.to_string())
        }
    }
}

/// `{"stmt": "…"}` in, rows out.
fn query(this: &Exchange, db: &str, body: &mut Body) -> Response {
    let parsed: Option<Value> =
        body.read_all(MAX_STATEMENT).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let statement = parsed.as_ref().and_then(|parsed| parsed.get("stmt")).and_then(Value::as_str);
    let Some(statement) = statement else {
        this.breach("the body is not {\"stmt\": \"…\"}");
        return reply::doris_envelope(1, "Bad Request", &json!("Missing statement request body"));
    };
    let user = this.request.user.as_ref().map_or("", |user| user.name.as_str());
    match sql::rows(this.world, user, db, statement) {
        Ok(rows) => {
            let data = json!({"type": "result_set", "data": rows, "time": 1});
            reply::doris_envelope(0, "success", &data)
        }
        Err(error) => reply::doris_envelope(1, "Error", &json!(error.to_string())),
    }
}

/// Whether a column can be added or dropped without rewriting the table.
fn light_schema_change(this: &Exchange, db: &str, table: &str, body: &mut Body) -> Response {
    // The body says which column; of the tables here, each takes light changes of all of them or
    // of none.
    let asked: Option<Value> =
        body.read_all(MAX_STATEMENT).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if asked.is_none_or(|asked| asked.get("columnName").is_none()) {
        this.breach("the body does not name a column");
    }
    let found = this.world.catalog.table(db, table);
    match found {
        Ok(table) => {
            let refused = table.properties.get("light_schema_change").is_some_and(|v| v == "false");
            let (code, message) = if refused { (1, "Error") } else { (0, "success") };
            reply::doris_envelope(code, message, &Value::Null)
        }
        Err(error) => reply::doris_envelope(1, "Error", &json!(error.to_string())),
    }
}
