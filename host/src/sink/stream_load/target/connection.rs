//! Connections to MySQL ports: login, TLS, and what is wrong where there is none.

use std::error::Error as _;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mysql::{Conn, DriverError, OptsBuilder, SslOpts};

use crate::sink::stream_load::config::{Address, StreamLoadConfig};
use crate::sink::stream_load::error::{StreamLoadError, causes, quoted};
use crate::sink::stream_load::tls;

/// How long a statement may be silent: making a table waits for its tablets.
const STATEMENT: Duration = Duration::from_secs(60);
/// How much longer than for a connection is waited for a login, so that what the driver itself says
/// of a connection comes first.
const GRACE: Duration = Duration::from_millis(500);
/// Bytes of one packet.
const MOST_BYTES: usize = 64 << 20;

/// Connects to the first MySQL port that answers.
pub(super) fn connect(config: &StreamLoadConfig) -> Result<(Conn, Address), StreamLoadError> {
    let mut last = None;
    for address in &config.mysql {
        match open(config, address) {
            Ok(connection) => return Ok((connection, address.clone())),
            Err(error) if error.is_transient() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| StreamLoadError::Unreachable {
        what: "the MySQL port",
        address: "of no frontend".to_owned(),
        cause: "none is configured".to_owned(),
    }))
}

fn open(config: &StreamLoadConfig, address: &Address) -> Result<Conn, StreamLoadError> {
    let host = match address.host.as_str() {
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let password = Some(config.password.expose()).filter(|password| !password.is_empty());
    if let Some(file) = config.ca_file.as_ref().filter(|_| config.mysql_tls) {
        // The driver would take a file that it cannot read for a server that is away.
        drop(tls::certificates(file)?);
    }
    let tls = config.mysql_tls.then(|| {
        // The driver checks the host's name, and trusts the public authorities beside `ca_file`,
        // which it has no way to leave out. It asks for the process's provider of cryptography;
        // one that is there stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        SslOpts::default().with_root_cert_path(config.ca_file.clone())
    });
    let options = OptsBuilder::new()
        .ip_or_hostname(Some(host))
        .tcp_port(address.port)
        .user(Some(config.username.as_str()))
        .pass(password)
        // Both would be asked of the server otherwise, which answers one of them wrongly.
        .prefer_socket(false)
        .max_allowed_packet(Some(MOST_BYTES))
        .tcp_connect_timeout(Some(config.connect_timeout))
        .read_timeout(Some(STATEMENT))
        .write_timeout(Some(STATEMENT))
        .ssl_opts(tls);
    let silent = || StreamLoadError::Unreachable {
        what: "the MySQL port",
        address: address.to_string(),
        cause: "it takes connections, but lets nobody log in in time".to_owned(),
    };
    let connection = log_in(options, config.connect_timeout + GRACE).ok_or_else(silent)?;
    connection.map_err(|error| match &error {
        mysql::Error::MySqlError(refusal) if is_denial(refusal.code, &refusal.message) => {
            StreamLoadError::Denied {
                what: format!(
                    "the MySQL port {address} refuses user `{}`: {}",
                    config.username,
                    quoted(&refusal.message)
                ),
                remedy: "check `username` and `password`, and from where the user may come: SHOW \
                         GRANTS tells, as an administrator"
                    .to_owned(),
            }
        }
        mysql::Error::MySqlError(refusal) => StreamLoadError::Sql {
            what: format!("log in at the MySQL port {address}"),
            text: quoted(&refusal.message),
        },
        _ => unreachable_port(address, &error),
    })
}

/// Connects, and logs in; `None`: that takes longer than `patience`. The driver has one bound for
/// all that it reads, which has to suit long statements. So it is left alone with a port that stays
/// silent, until that bound ends its thread.
fn log_in(options: OptsBuilder, patience: Duration) -> Option<mysql::Result<Conn>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let log_in = move || {
        // Nobody may wait for it any more: the connection is closed then.
        drop(sender.send(Conn::new(options)));
    };
    match thread::Builder::new().name("mysql-login".to_owned()).spawn(log_in) {
        Ok(_) => receiver.recv_timeout(patience).ok(),
        Err(error) => Some(Err(mysql::Error::IoError(error))),
    }
}

/// An error below SQL: nobody there, no TLS, or another protocol.
pub(super) fn unreachable_port(address: &Address, error: &mysql::Error) -> StreamLoadError {
    let endpoint = || format!("the MySQL port {address}");
    if let Some(problem) = of_tls(error) {
        let without = "is this a MySQL port? `mysql_url` names those of the frontends";
        return tls::failed(endpoint(), problem, without);
    }
    match error {
        mysql::Error::DriverError(DriverError::TlsNotSupported) => StreamLoadError::Tls {
            endpoint: endpoint(),
            problem: "the server has none".to_owned(),
            remedy: "say mysql_tls = false, or switch TLS on in the frontend (`ssl_*` in fe.conf)"
                .to_owned(),
        },
        mysql::Error::TlsError(problem) => StreamLoadError::Tls {
            endpoint: endpoint(),
            problem: problem.to_string(),
            remedy: "check `ca_file` and the name in the server's certificate".to_owned(),
        },
        _ => StreamLoadError::Unreachable {
            what: "the MySQL port",
            address: address.to_string(),
            cause: match error {
                mysql::Error::DriverError(DriverError::CouldNotConnect(Some((_, text, _)))) => {
                    text.clone()
                }
                mysql::Error::DriverError(DriverError::ConnectTimeout) => "no answer".to_owned(),
                mysql::Error::IoError(problem) => causes(problem),
                mysql::Error::CodecError(problem) => {
                    format!("what answers there does not speak MySQL's protocol ({problem})")
                }
                other => other.to_string(),
            },
        },
    }
}

/// What a handshake has failed of. The driver makes it with the first packet that it encrypts, and
/// wraps its error as that of this packet.
fn of_tls(error: &mysql::Error) -> Option<&rustls::Error> {
    let problem = match error {
        mysql::Error::IoError(problem) => problem,
        mysql::Error::CodecError(packet) => packet.source()?.downcast_ref::<io::Error>()?,
        mysql::Error::TlsError(problem) => return problem.source()?.downcast_ref(),
        _ => return None,
    };
    problem.get_ref()?.downcast_ref()
}

/// Whether a refusal is for want of a privilege or of the right password.
pub(super) fn is_denial(code: u16, message: &str) -> bool {
    matches!(code, 1044 | 1045 | 1142 | 1143 | 1227 | 5203)
        || message.to_ascii_lowercase().contains("access denied")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_that_takes_connections_and_stays_silent_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = silent.local_addr().expect("it is bound").port();
        let options = OptsBuilder::new()
            .ip_or_hostname(Some("127.0.0.1"))
            .tcp_port(port)
            .prefer_socket(false)
            .read_timeout(Some(STATEMENT));
        assert!(log_in(options, Duration::from_millis(50)).is_none());
    }

    #[test]
    fn refusals_for_want_of_a_privilege_are_told_from_others() {
        assert!(is_denial(1045, "Access denied for user 'u'"));
        assert!(is_denial(5203, "you need (at least one of) the OPERATE privilege(s)"));
        assert!(is_denial(1105, "errCode = 2, detailMessage = Access denied; you need"));
        assert!(!is_denial(1064, "Unknown table 't'"));
    }
}
