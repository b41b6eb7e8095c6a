//! `millrace-standin`: StarRocks or Doris for a laptop, without either.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use millrace_standin::{Authority, Certificate, HERE, Options, StandIn, System, Tls, Version};
use nix::sys::signal::{SigSet, Signal};

/// Plays StarRocks or Apache Doris: Stream Load, transactions, SQL over the MySQL protocol.
///
/// One JSON line on stdout names all addresses when it is ready. It ends on SIGINT or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "millrace-standin")]
struct Cli {
    /// Which system to play
    system: Name,
    /// The HTTP port of the first frontend; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    http: u16,
    /// The HTTP port of the first backend; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    backend_http: u16,
    /// The MySQL port; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    mysql: u16,
    /// The control port; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    control: u16,
    /// Where to keep tables and prepared transactions; without it they are in memory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The user who may do everything
    #[arg(long, value_name = "NAME", default_value = "root")]
    user: String,
    /// The environment variable that holds the user's password; without it, no password
    #[arg(long, value_name = "VAR")]
    password_env: Option<String>,
    /// How many frontends
    #[arg(long, value_name = "N", default_value_t = 1)]
    frontends: usize,
    /// How many backends
    #[arg(long, value_name = "N", default_value_t = 1)]
    backends: usize,
    /// The version to claim
    #[arg(long, value_name = "X.Y.Z")]
    version: Option<Version>,
    /// Shared-data StarRocks, or Doris in cloud mode
    #[arg(long)]
    cloud: bool,
    /// Fail by chance, deterministically: at each point with this probability
    #[arg(long, value_name = "SEED:RATE")]
    faults: Option<Chance>,
    /// The host that frontends name in redirects
    #[arg(long, value_name = "HOST")]
    advertise: Option<String>,
    /// Speak TLS at every port but the control port, by a certificate that is made at the start
    #[arg(long, conflicts_with = "tls_cert")]
    tls: bool,
    /// Where the certificate of the authority goes that signs it; else among temporary files
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_ca: Option<PathBuf>,
    /// A name in the certificate, instead of 127.0.0.1, ::1 and localhost; may be repeated
    #[arg(long, value_name = "HOST", requires = "tls")]
    tls_name: Vec<String>,
    /// Backends speak plain HTTP all the same, as the real ones do
    #[arg(long, requires = "tls")]
    plain_backends: bool,
    /// The frontends' certificate chain, PEM: they speak https, and backends do not
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Count rows and throw them away: for measurements of clients
    #[arg(long)]
    count_only: bool,
    /// The certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "lower")]
enum Name {
    StarRocks,
    Doris,
}

/// `SEED:RATE`.
#[derive(Clone, Copy, Debug)]
struct Chance {
    seed: u64,
    rate: f64,
}

impl FromStr for Chance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(':').and_then(|(seed, rate)| {
            let rate: f64 = rate.parse().ok()?;
            (0.0..=1.0).contains(&rate).then_some(Self { seed: seed.parse().ok()?, rate })
        });
        parts.ok_or_else(|| "write it as a number and a probability, such as 7:0.05".to_owned())
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("millrace-standin: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    // Blocked before any thread starts, so that only the wait below takes them.
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGINT);
    ends.add(Signal::SIGTERM);
    ends.thread_block().context("signals cannot be waited for")?;
    let (chance, count_only) = (cli.faults, cli.count_only);
    let made = cli.tls.then(|| Made::new(&cli)).transpose()?;
    let options = options(cli, made.as_ref())?;
    let standin = StandIn::start(options).context("the stand-in cannot start")?;
    if let Some(Chance { seed, rate }) = chance {
        standin.world().faults.seed(seed, rate, Vec::new());
    }
    standin.world().settings.change(|limits| limits.count_only = count_only);
    let text = |addresses: Vec<std::net::SocketAddr>| -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    };
    let mut ready = serde_json::json!({
        "system": standin.world().system,
        "http": text(standin.http()),
        "backends": text(standin.backends()),
        "mysql": standin.mysql().to_string(),
        "control": standin.control().to_string(),
    });
    if let Some(made) = &made {
        ready["ca_file"] = made.ca_file.display().to_string().into();
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}").and_then(|()| stdout.flush()).context("stdout is closed")?;
    drop(stdout);
    ends.wait().context("signals cannot be waited for")?;
    Ok(())
}

/// A certificate that was made, and the file that lets clients trust it.
struct Made {
    certificate: Certificate,
    ca_file: PathBuf,
    is_temporary: bool,
}

impl Made {
    fn new(cli: &Cli) -> anyhow::Result<Self> {
        let authority = Authority::new("millrace-standin")?;
        let certificate = match &cli.tls_name[..] {
            [] => authority.certificate(&HERE),
            names => authority.certificate(names),
        }
        .context("--tls")?;
        let ca_file = cli.tls_ca.clone().unwrap_or_else(|| {
            let name = format!("millrace-standin-{}-ca.pem", std::process::id());
            std::env::temp_dir().join(name)
        });
        std::fs::write(&ca_file, authority.pem())
            .with_context(|| format!("{} cannot be written", ca_file.display()))?;
        Ok(Self { certificate, ca_file, is_temporary: cli.tls_ca.is_none() })
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.is_temporary {
            // Whoever has removed it before us has saved us the work.
            let _ = std::fs::remove_file(&self.ca_file);
        }
    }
}

fn options(cli: Cli, made: Option<&Made>) -> anyhow::Result<Options> {
    let system = match cli.system {
        Name::StarRocks => System::StarRocks,
        Name::Doris => System::Doris,
    };
    let password = match &cli.password_env {
        None => String::new(),
        Some(name) => std::env::var(name)
            .with_context(|| format!("--password-env: {name} is not in the environment"))?,
    };
    let read = |path: PathBuf| {
        std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let given = match cli.tls_cert.zip(cli.tls_key) {
        None => None,
        Some((chain, key)) => {
            let certificate = Certificate { chain: read(chain)?, key: read(key)? };
            Some(Tls { backends: false, ..Tls::everywhere(certificate) })
        }
    };
    let made = made.map(|made| {
        let everywhere = Tls::everywhere(made.certificate.clone());
        Tls { backends: !cli.plain_backends, ..everywhere }
    });
    let defaults = Options::new(system);
    Ok(Options {
        version: cli.version.unwrap_or(defaults.version),
        cloud: cli.cloud,
        frontends: cli.frontends,
        backends: cli.backends,
        advertise: cli.advertise,
        http_port: cli.http,
        backend_port: cli.backend_http,
        mysql_port: cli.mysql,
        control_port: cli.control,
        data: cli.data,
        user: cli.user,
        password,
        tls: given.or(made),
        ..defaults
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_a_seed_and_a_rate() {
        let chance: Chance = "7:0.05".parse().unwrap();
        assert_eq!((chance.seed, chance.rate), (7, 0.05));
        assert!("7".parse::<Chance>().is_err() && "7:2".parse::<Chance>().is_err());
    }

    #[test]
    fn a_certificate_is_made_or_given_and_what_was_made_is_removed() {
        let parse = |arguments: &[&str]| {
            Cli::try_parse_from([&["millrace-standin", "doris"][..], arguments].concat())
        };
        assert!(parse(&["--tls", "--tls-cert", "c", "--tls-key", "k"]).is_err());
        assert!(parse(&["--tls-name", "fe1"]).is_err());
        let cli = parse(&["--tls", "--plain-backends", "--tls-name", "fe1"]).unwrap();
        let made = Made::new(&cli).unwrap();
        let file = made.ca_file.clone();
        let tls = options(cli, Some(&made)).unwrap().tls.unwrap();
        assert_eq!((tls.frontends, tls.backends, tls.mysql), (true, false, true));
        assert!(file.exists());
        drop(made);
        assert!(!file.exists());
    }
}
