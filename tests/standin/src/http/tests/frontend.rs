//! Redirects, and what frontends answer before them.

use super::*;

const SYSTEMS: [System; 2] = [System::StarRocks, System::Doris];

#[test]
fn a_load_is_redirected_before_its_body() {
    for system in SYSTEMS {
        let standin = start(system);
        let request = load(&format!("{ROOT}{EXPECT}Content-Length: 4\r\n"));
        let reply = ask(standin.http()[0], &request);
        assert_eq!((reply.status, reply.header("Connection")), (307, "close"));
        let backends = standin.backends();
        let userinfo = if system == System::Doris { "root:@" } else { "" };
        let wanted =
            backends.iter().map(|be| format!("http://{userinfo}{be}/api/d/t/_stream_load"));
        assert!(wanted.collect::<Vec<_>>().contains(&reply.header("Location").to_owned()));
        assert_eq!(standin.breaches(), Vec::<String>::new());
    }
}

#[test]
fn a_probe_without_a_body_is_redirected_too() {
    let standin = start(System::StarRocks);
    let request = load(&format!("{ROOT}{EXPECT}Content-Length: 0\r\n"));
    assert_eq!(ask(standin.http()[0], &request).status, 307);
    assert_eq!(standin.breaches(), Vec::<String>::new());
}

#[test]
fn without_expect_a_load_is_refused() {
    for system in SYSTEMS {
        let standin = start(system);
        let reply = ask(standin.http()[0], &load(&format!("{ROOT}Content-Length: 0\r\n")));
        let (body, wanted) = match system {
            System::StarRocks => (
                reply.json()["Message"].clone(),
                "class com.starrocks.common.DdlException: There is no 100-continue header",
            ),
            System::Doris => (reply.json()["msg"].clone(), "There is no 100-continue header"),
        };
        assert_eq!((reply.status, body.as_str()), (200, Some(wanted)));
        assert_eq!(standin.breaches().len(), 1);
    }
}

#[test]
fn bytes_before_the_redirect_are_a_breach() {
    let standin = start(System::StarRocks);
    let mut request = load(&format!("{ROOT}{EXPECT}Content-Length: 4\r\n"));
    request.push_str("abcd");
    assert_eq!(ask(standin.http()[0], &request).status, 307);
    let breaches = standin.breaches();
    assert!(breaches[0].contains("4 bytes of the body came before the redirect"), "{breaches:?}");
}

#[test]
fn bytes_after_a_slow_redirect_are_thrown_away() {
    let standin = start(System::StarRocks);
    let faults = &standin.world().faults;
    faults.arm(Rule { delay_ms: Some(200), ..Rule::once(Point::FeSlow307) });
    let mut client = Client::to(standin.http()[0]);
    client.send(&load(&format!("{ROOT}{EXPECT}Content-Length: 1000000\r\n")));
    until(|| !faults.taken().is_empty());
    client.send(&"x".repeat(1_000_000));
    assert_eq!(client.reply().status, 307);
    assert_eq!(standin.breaches(), Vec::<String>::new());
}

#[test]
fn a_wrong_password_is_told_as_each_system_does() {
    let wrong = load(&format!("Authorization: Basic cm9vdDp4\r\n{EXPECT}Content-Length: 4\r\n"));
    let standin = start(System::StarRocks);
    let reply = ask(standin.http()[0], &wrong);
    assert_eq!((reply.status, reply.header("WWW-Authenticate")), (401, "Basic realm=\"\""));
    assert_eq!(reply.json()["msg"], "Access denied for root@127.0.0.1");
    let standin = start(System::Doris);
    let reply = ask(standin.http()[0], &wrong);
    assert_eq!((reply.status, reply.json()["code"].as_i64()), (200, Some(401)));
    assert_eq!(reply.json()["msg"], "Unauthorized");
    assert_eq!(standin.breaches(), Vec::<String>::new());
}

#[test]
fn missing_credentials_are_a_breach_but_for_the_liveness_test() {
    let standin = start(System::Doris);
    let root = ask(standin.http()[0], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(root.status, 200);
    assert_eq!(standin.breaches(), Vec::<String>::new());
    let request = load(&format!("{EXPECT}Content-Length: 0\r\n"));
    assert_eq!(ask(standin.http()[0], &request).json()["data"], "Need auth information.");
    assert_eq!(standin.breaches().len(), 1);
}

#[test]
fn a_password_in_the_url_is_a_breach() {
    let standin = start(System::StarRocks);
    let request = format!(
        "PUT http://root:x@h/api/d/t/_stream_load HTTP/1.1\r\nHost: h\r\n{ROOT}{EXPECT}\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(ask(standin.http()[0], &request).status, 307);
    assert!(standin.breaches()[0].contains("a password is in the URL"));
}

#[test]
fn locations_are_bent_by_faults() {
    let standin = start(System::StarRocks);
    let frontend = standin.http()[0];
    let request = load(&format!("{ROOT}{EXPECT}Content-Length: 0\r\n"));
    let path = "/api/d/t/_stream_load";
    let stranger = format!("http://{}{path}", standin.world().nodes.stranger());
    let ports: Vec<u16> = standin.backends().iter().map(SocketAddr::port).collect();
    let loopback = ports.iter().map(|port| format!("http://127.0.0.1:{port}{path}")).collect();
    let userinfo = ports.iter().map(|port| format!("http://root:@127.0.0.1:{port}{path}"));
    let cases: [(Point, Vec<String>); 6] = [
        (Point::FeUnreachableLocation, vec![format!("http://127.0.0.1:9{path}")]),
        (Point::FeLoopbackLocation, loopback),
        (Point::FeOtherHostLocation, vec![stranger]),
        (Point::FeUserinfoLocation, userinfo.collect()),
        (Point::FeTwoHops, vec![format!("http://{frontend}{path}?hopped=1")]),
        (Point::FeCircular, vec![format!("http://{frontend}{path}")]),
    ];
    for (point, wanted) in cases {
        arm(&standin, point);
        let reply = ask(frontend, &request);
        assert_eq!(reply.status, 307, "{point}");
        assert!(wanted.contains(&reply.header("Location").to_owned()), "{point}: {}", reply.head);
    }
    assert_eq!(standin.breaches(), Vec::<String>::new());
}

#[test]
fn frontends_fail_before_they_look() {
    let standin = start(System::Doris);
    let request = load(&format!("{ROOT}{EXPECT}Content-Length: 0\r\n"));
    let cases = [
        (Point::Fe5xx, 503, "Service Unavailable"),
        (Point::FeHtml, 200, "<!DOCTYPE html>"),
        (Point::Fe404, 404, "default backend"),
        (Point::FePortal, 307, ""),
        (Point::FeEmptyReply, 200, ""),
        (Point::Fe401, 401, "Access denied"),
        (Point::Fe200Unauthorized, 200, "\"code\":401"),
        (Point::NoBackendAlive, 200, "No backend load available"),
    ];
    for (point, status, text) in cases {
        arm(&standin, point);
        let reply = ask(standin.http()[0], &request);
        assert_eq!(reply.status, status, "{point}");
        assert!(reply.body.contains(text), "{point}: {}", reply.body);
    }
    arm(&standin, Point::FeReset);
    assert_eq!(Client::to(standin.http()[0]).send(&request).rest(), "");
    arm(&standin, Point::FeNotHttp);
    assert!(Client::to(standin.http()[0]).send(&request).rest().starts_with("J\0"));
}

#[test]
fn transaction_operations_go_to_the_leader_first() {
    let standin = start_with(System::StarRocks, |options| options.frontends = 2);
    let [leader, follower] = standin.http()[..] else { unreachable!("two were asked for") };
    let begin = format!(
        "POST /api/transaction/begin HTTP/1.1\r\nHost: h\r\n{ROOT}label: l\r\ndb: d\r\ntable: t\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let first = ask(follower, &begin);
    assert_eq!(first.header("Location"), format!("http://{leader}/api/transaction/begin"));
    // A load goes to a backend at once, unless it is asked to do otherwise.
    let request = load(&format!("{ROOT}{EXPECT}Content-Length: 0\r\n"));
    let backend = ask(follower, &request).header("Location").to_owned();
    assert!(!backend.contains(&leader.to_string()));
    standin.world().settings.change(|limits| limits.leader_first_loads = true);
    let hop = ask(follower, &request).header("Location").to_owned();
    assert_eq!(hop, format!("http://{leader}/api/d/t/_stream_load"));
    standin.kill_frontend(0);
    assert!(!ask(follower, &request).header("Location").contains(&leader.to_string()));
}

#[test]
fn hosts_are_advertised_in_brackets_where_they_must() {
    let standin = start_with(System::StarRocks, |options| {
        options.advertise = Some("::1".to_owned());
    });
    let request = load(&format!("{ROOT}{EXPECT}Content-Length: 0\r\n"));
    let location = ask(standin.http()[0], &request).header("Location").to_owned();
    assert!(location.starts_with("http://[::1]:"), "{location}");
}

#[test]
fn a_proxy_drops_headers_with_underscores() {
    let standin = start(System::Doris);
    standin.world().settings.change(|limits| limits.strip_underscore_headers = true);
    let request = format!(
        "PUT /api/d/_stream_load_2pc HTTP/1.1\r\nHost: h\r\n{ROOT}txn_id: 3\r\n\
         txn_operation: commit\r\nContent-Length: 0\r\n\r\n"
    );
    let reply = ask(standin.http()[0], &request);
    assert_eq!(reply.json()["msg"], "No transaction id or label selected.");
}

#[test]
fn doris_lists_its_backends() {
    let standin = start(System::Doris);
    standin.kill_backend(0);
    let request = format!("GET /api/backends?is_alive=true HTTP/1.1\r\nHost: h\r\n{ROOT}\r\n");
    let reply = ask(standin.http()[0], &request).json();
    let listed = &reply["data"]["backends"];
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(listed[0]["http_port"], standin.backends()[1].port());
    assert_eq!(listed[0]["ip"], "127.0.0.1");
}

#[test]
fn reads_share_a_connection() {
    let standin = start(System::Doris);
    let mut client = Client::to(standin.http()[0]);
    for _ in 0..3 {
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(client.reply().status, 200);
    }
}

#[test]
fn requests_are_understood_however_they_are_spelt() {
    let standin = start(System::Doris);
    let mut client = Client::to(standin.http()[0]);
    let kept = "Accept-Encoding: gzip,deflate\r\nCONNECTION: Keep-Alive\r\nhOST: h\r\n\r\n";
    client.send(&format!("GET http://h/ HTTP/1.1\r\n{kept}"));
    assert_eq!(client.reply().header("Connection"), "keep-alive");
    // Some clients end a body with an empty line that is no part of it.
    client.send("\r\nGET / HTTP/1.1\r\nHost: h\r\nConnection: TE, Close\r\n\r\n");
    assert_eq!(client.reply().header("Connection"), "close");
    assert!(standin.breaches().is_empty());
}
