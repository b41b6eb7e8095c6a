//! Servers that die and come back.

use std::io::ErrorKind;
use std::time::Instant;

use super::*;

#[test]
fn a_killed_backend_refuses_and_comes_back_at_its_address() {
    let standin = start(System::StarRocks);
    let backend = standin.backends()[0];
    let mut open = Client::to(backend);
    open.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(open.reply().status, 200);
    standin.kill_backend(0);
    assert_eq!(open.rest(), "");
    let refused = TcpStream::connect(backend).map(|_| ()).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::ConnectionRefused));
    standin.revive_backend(0).unwrap();
    assert_eq!(ask(backend, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
}

#[test]
fn no_load_is_sent_to_a_dead_backend() {
    let standin = start(System::StarRocks);
    let request = load(&format!("{ROOT}{EXPECT}Content-Length: 0\r\n"));
    standin.kill_backend(1);
    for _ in 0..3 {
        let location = ask(standin.http()[0], &request).header("Location").to_owned();
        assert!(location.contains(&standin.backends()[0].to_string()), "{location}");
    }
    standin.kill_backend(0);
    let reply = ask(standin.http()[0], &request);
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("No backend alive."));
}

#[test]
fn stopping_ends_open_connections_at_once() {
    let standin = start(System::StarRocks);
    let faults = &standin.world().faults;
    faults.arm(Rule { delay_ms: Some(600_000), ..Rule::once(Point::FeSlow307) });
    let mut idle = Client::to(standin.backends()[0]);
    let mut waiting = Client::to(standin.http()[0]);
    waiting.send(&load(&format!("{ROOT}{EXPECT}Content-Length: 0\r\n")));
    until(|| !faults.taken().is_empty());
    let (before, frontend) = (Instant::now(), standin.http()[0]);
    drop(standin);
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    assert_eq!((idle.rest(), waiting.rest()), (String::new(), String::new()));
    assert!(TcpStream::connect(frontend).is_err());
}

#[test]
fn credentials_at_a_foreign_host_are_a_breach() {
    let standin = start(System::StarRocks);
    // Only where the machine has an address for it.
    let Ok(stranger) = standin.world().nodes.stranger().parse::<SocketAddr>() else { return };
    let polite = ask(stranger, "PUT /api/d/t/_stream_load HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!((polite.status, standin.breaches().len()), (401, 0));
    ask(stranger, &load(ROOT));
    assert!(standin.breaches()[0].contains("foreign host"));
}
