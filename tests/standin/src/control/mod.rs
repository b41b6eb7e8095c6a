//! The control port: JSON over HTTP at 127.0.0.1, for tests in other languages and for people.
//!
//! *Not here*: what a fault or a setting does; each belongs to the part that asks for it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cluster::Cluster;
use crate::faults::{Point, Rule};
use crate::http::{Body, Framing, Head, Response, Wire};
use crate::sql;
use crate::transaction::Transactions;

/// The longest order.
const MAX_ORDER: u64 = 1 << 20;
/// For how long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// What can be asked.
const HELP: &str = "\
GET    /breaches      what clients did against the protocol
DELETE /breaches      forgets it
GET    /transactions  transactions that are neither committed nor aborted
GET    /faults        faults injected, rules armed, all points by name
POST   /faults        {\"point\", \"times\", \"skip\", \"node\", \"operation\", \"table\",
                      \"label\", \"probability\", \"after\", \"delay_ms\"}
                      or {\"seed\", \"rate\", \"points\"}
DELETE /faults        nothing fails any more
POST   /clock         {\"advance\": seconds}
GET    /settings      the limits in force
POST   /settings      some of them, changed
POST   /sql           {\"sql\": \"…\"}: rows, as the administrator
GET    /nodes         frontends and backends
POST   /nodes         {\"kill\": \"be0\"} or {\"revive\": \"be0\"}
POST   /restart       {\"frontend\": true}: what is not prepared is lost
GET    /stall         for how long the servers still stand still, and how many requests wait
POST   /stall         {\"seconds\": 60}: no body is taken and nothing answered for so long
DELETE /stall         everything goes on
GET    /stats         requests by kind, bytes taken
";

/// An order that cannot be followed, and why.
type Refusal = String;

/// Serves a connection of the control port.
pub fn serve(cluster: &Cluster, mut wire: Wire) {
    while wire.set_silence(SILENCE).is_ok() {
        let Ok(Some(head)) = wire.read_head() else { return };
        let (reply, stays) = answer(cluster, &head, &mut wire);
        if wire.send(&reply.bytes(!stays)).is_err() {
            return;
        }
        if !stays {
            wire.finish();
            return;
        }
    }
}

fn answer(cluster: &Cluster, head: &Head, wire: &mut Wire) -> (Response, bool) {
    let framing = match Framing::of(&head.headers) {
        Ok(framing) => framing,
        Err(why) => return (refused(&why), false),
    };
    let expects = head.headers.get("expect").is_some();
    let mut body = Body::new(wire, framing, expects);
    let order = match body.read_all(MAX_ORDER) {
        Ok(order) => order,
        Err(error) => return (refused(&error.to_string()), false),
    };
    let path = head.target.split('?').next().unwrap_or_default();
    let reply = match follow(cluster, &head.method, path, &order) {
        Ok(Some(reply)) => Response::json(format!("{reply:#}\n")),
        Ok(None) => Response::text(if path == "/" { 200 } else { 404 }, HELP),
        Err(why) => refused(&why),
    };
    let closes = head.headers.get("connection").is_some_and(|c| c.eq_ignore_ascii_case("close"));
    (reply, body.is_done() && head.is_http11 && !closes)
}

fn refused(why: &str) -> Response {
    let body = json!({ "error": why }).to_string();
    Response { status: 400, ..Response::json(body) }
}

/// What an order gives; nothing if there is no such order.
fn follow(
    cluster: &Cluster,
    method: &str,
    path: &str,
    order: &[u8],
) -> Result<Option<Value>, Refusal> {
    let world = cluster.world();
    let done = || Ok(Some(json!({"ok": true})));
    match (method, path) {
        ("GET", "/breaches") => Ok(Some(json!(world.breaches.all()))),
        ("DELETE", "/breaches") => {
            world.breaches.clear();
            done()
        }
        ("GET", "/transactions") => Ok(Some(transactions(cluster))),
        ("GET", "/faults") => Ok(Some(faults(cluster))),
        ("POST", "/faults") => {
            arm(cluster, order)?;
            done()
        }
        ("DELETE", "/faults") => {
            world.faults.clear();
            done()
        }
        ("POST", "/clock") => {
            let Advance { advance } = parsed(order)?;
            world.clock.advance(span(advance)?);
            Transactions::tick(world);
            Ok(Some(json!({"now_ms": world.clock.now_ms()})))
        }
        ("GET", "/settings") => Ok(Some(json!(world.settings.get()))),
        ("POST", "/settings") => {
            let keys: Map<String, Value> = parsed(order)?;
            world.settings.merge(keys).map_err(|error| error.to_string())?;
            Ok(Some(json!(world.settings.get())))
        }
        ("POST", "/sql") => {
            let Statement { sql } = parsed(order)?;
            let rows = sql::rows(world, sql::ADMINISTRATOR, "", &sql);
            rows.map(|rows| Some(json!({"rows": rows}))).map_err(|error| error.to_string())
        }
        ("GET", "/nodes") => Ok(Some(nodes(cluster))),
        ("POST", "/nodes") => {
            command_node(cluster, parsed(order)?)?;
            Ok(Some(nodes(cluster)))
        }
        ("POST", "/restart") => {
            Transactions::restart_frontend(world);
            done()
        }
        ("GET", "/stall") => Ok(Some(stall(cluster))),
        ("POST", "/stall") => {
            let Pause { seconds } = parsed(order)?;
            world.stall.begin(span(seconds)?);
            Ok(Some(stall(cluster)))
        }
        ("DELETE", "/stall") => {
            world.stall.end();
            done()
        }
        ("GET", "/stats") => Ok(Some(stats(cluster))),
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    sql: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    seed: u64,
    rate: f64,
    #[serde(default)]
    points: Vec<Point>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum NodeOrder {
    Kill(String),
    Revive(String),
}

fn parsed<'a, T: Deserialize<'a>>(order: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(order).map_err(|error| error.to_string())
}

fn span(seconds: f64) -> Result<Duration, Refusal> {
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// One rule, several in an array, or a seed.
fn arm(cluster: &Cluster, order: &[u8]) -> Result<(), Refusal> {
    let faults = &cluster.world().faults;
    let order: Value = parsed(order)?;
    let read = |error: serde_json::Error| error.to_string();
    if order.get("seed").is_some() {
        let Seed { seed, rate, points } = serde_json::from_value(order).map_err(read)?;
        faults.seed(seed, rate, points);
        return Ok(());
    }
    let rules: Vec<Rule> = match order {
        Value::Array(_) => serde_json::from_value(order).map_err(read)?,
        one => vec![serde_json::from_value(one).map_err(read)?],
    };
    rules.into_iter().for_each(|rule| faults.arm(rule));
    Ok(())
}

fn faults(cluster: &Cluster) -> Value {
    let faults = &cluster.world().faults;
    let taken = faults.taken();
    let taken = taken.iter().map(|(point, place)| json!({"point": point, "where": place}));
    json!({
        "taken": taken.collect::<Vec<Value>>(),
        "armed": faults.armed(),
        "points": Point::all().map(Point::name).collect::<Vec<&str>>(),
    })
}

fn transactions(cluster: &Cluster) -> Value {
    let open = cluster.world().transactions.open();
    let open = open.iter().map(|open| {
        json!({
            "db": open.db, "table": open.table, "label": open.label, "txn": open.txn,
            "state": open.state, "rows": open.rows,
        })
    });
    open.collect()
}

fn nodes(cluster: &Cluster) -> Value {
    let nodes = &cluster.world().nodes;
    let leader = nodes.frontends().get(nodes.leader()).map(|member| member.name.as_str());
    let members = nodes.frontends().iter().chain(nodes.backends()).map(|member| {
        json!({
            "name": member.name, "address": member.address.to_string(),
            "alive": member.is_alive(), "leader": Some(member.name.as_str()) == leader,
        })
    });
    members.collect()
}

fn command_node(cluster: &Cluster, order: NodeOrder) -> Result<(), Refusal> {
    let named = |name: &str| cluster.node(name).ok_or_else(|| format!("there is no node {name}"));
    match order {
        NodeOrder::Kill(name) => cluster.kill(named(&name)?),
        NodeOrder::Revive(name) => {
            cluster.revive(named(&name)?).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn stall(cluster: &Cluster) -> Value {
    let stall = &cluster.world().stall;
    json!({"seconds_left": stall.left().as_secs_f64(), "waiting": stall.held()})
}

fn stats(cluster: &Cluster) -> Value {
    let stats = &cluster.world().stats;
    let requests = stats.requests();
    let loads = ["be load", "be txn-load"].map(|kind| requests.get(kind).copied().unwrap_or(0));
    json!({
        "loads": loads.iter().sum::<u64>(),
        "body_bytes": stats.body_bytes(),
        "requests": requests,
    })
}
