//! The control port.

use super::*;

fn order(standin: &StandIn, method: &str, path: &str, body: &str) -> Reply {
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}");
    ask(standin.control(), &request)
}

#[test]
fn faults_are_armed_and_told() {
    let standin = start(System::StarRocks);
    let rule = r#"{"point": "fe-5xx", "operation": "load", "times": 2}"#;
    assert_eq!(order(&standin, "POST", "/faults", rule).status, 200);
    let request = load(&format!("{ROOT}{EXPECT}label: l\r\nContent-Length: 0\r\n"));
    assert_eq!(ask(standin.http()[0], &request).status, 503);
    let told = order(&standin, "GET", "/faults", "").json();
    assert_eq!(told["taken"][0]["point"], "fe-5xx");
    assert_eq!(told["taken"][0]["where"], "fe0 load t l");
    assert_eq!(told["armed"][0]["times"], 1);
    assert_eq!(order(&standin, "DELETE", "/faults", "").status, 200);
    assert_eq!(ask(standin.http()[0], &request).status, 307);
    let seed = r#"{"seed": 1, "rate": 1.0, "points": ["fe-5xx"]}"#;
    assert_eq!(order(&standin, "POST", "/faults", seed).status, 200);
    assert_eq!(ask(standin.http()[0], &request).status, 503);
    let wrong = order(&standin, "POST", "/faults", r#"{"point": "fe-6xx"}"#);
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("fe-6xx"), "{}", wrong.body);
}

#[test]
fn nodes_are_killed_and_revived() {
    let standin = start(System::Doris);
    let nodes = order(&standin, "POST", "/nodes", r#"{"kill": "be0"}"#).json();
    assert_eq!((&nodes[1]["name"], &nodes[1]["alive"]), (&"be0".into(), &false.into()));
    assert!(TcpStream::connect(standin.backends()[0]).is_err());
    assert_eq!(order(&standin, "POST", "/nodes", r#"{"revive": "be0"}"#).status, 200);
    assert!(TcpStream::connect(standin.backends()[0]).is_ok());
    assert_eq!(order(&standin, "POST", "/nodes", r#"{"kill": "be7"}"#).status, 400);
}

#[test]
fn servers_stand_still_until_they_are_told_to_go_on() {
    let standin = start_with_table(System::StarRocks);
    let stood = order(&standin, "POST", "/stall", r#"{"seconds": 600}"#).json();
    assert!(stood["seconds_left"].as_f64().is_some_and(|left| left > 500.0), "{stood}");
    // Frontends redirect; a backend asks for the body, and takes none of it.
    let request = load(&format!("{ROOT}{EXPECT}label: l\r\nContent-Length: 4\r\n"));
    assert_eq!(ask(standin.http()[0], &request).status, 307);
    let mut client = Client::to(standin.backends()[0]);
    client.send(&request);
    assert_eq!(client.head(), CONTINUE);
    client.send("1\tx\n");
    let waiting = || order(&standin, "GET", "/stall", "").json()["waiting"] == 1;
    until(waiting);
    assert_eq!(standin.world().stats.body_bytes(), 0);
    assert_eq!(order(&standin, "DELETE", "/stall", "").status, 200);
    let reply = client.reply();
    assert_eq!(reply.json()["Status"], "Success", "{}", reply.body);
    assert!(!waiting() && standin.world().stats.body_bytes() == 4);
    assert_eq!(order(&standin, "POST", "/stall", r#"{"seconds": -1}"#).status, 400);
}

#[test]
fn the_rest_is_read_and_changed() {
    let standin = start(System::StarRocks);
    assert_eq!(order(&standin, "GET", "/breaches", "").body, "[]\n");
    assert_eq!(order(&standin, "GET", "/transactions", "").body, "[]\n");
    let before = standin.world().clock.now_ms();
    assert_eq!(order(&standin, "POST", "/clock", r#"{"advance": 3600}"#).status, 200);
    assert!(standin.world().clock.now_ms() >= before + 3_600_000);
    let settings = order(&standin, "POST", "/settings", r#"{"label_keep": 2}"#).json();
    assert_eq!(settings["label_keep"], 2);
    assert_eq!(standin.world().settings.get().label_keep, 2);
    assert_eq!(order(&standin, "POST", "/settings", r#"{"lable": 2}"#).status, 400);
    let rows = order(&standin, "POST", "/sql", r#"{"sql": "SELECT 1"}"#);
    assert_eq!(rows.json()["rows"][0][0], "1", "{}", rows.body);
    assert_eq!(order(&standin, "POST", "/sql", r#"{"sql": "SELEC"}"#).status, 400);
    assert_eq!(order(&standin, "POST", "/restart", r#"{"frontend": true}"#).status, 200);
    ask(standin.http()[0], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let stats = order(&standin, "GET", "/stats", "").json();
    assert_eq!((&stats["requests"]["fe root"], &stats["loads"]), (&1.into(), &0.into()));
    assert_eq!(order(&standin, "GET", "/nothing", "").status, 404);
}
