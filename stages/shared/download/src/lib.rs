//! One file over http and https: asked for anew only where the server has another than the one at hand.
//!
//! A file that was fetched before comes with what the server said of it, its [`Validators`]; a server that keeps to HTTP
//! (RFC 9110, section 13) then answers that nothing has changed, and sends nothing. Redirections are followed, the
//! proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name are used but for this very machine, and
//! certificates are checked against those that the system trusts.

mod error;
#[cfg(test)]
mod tests;

pub use error::DownloadError;

use base64::{Engine, prelude::BASE64_STANDARD};
use contract::Address;
use percent_encoding::percent_decode_str;
use std::{
    io::{self, Read, Write},
    net::IpAddr,
    time::Duration,
};
use ureq::{
    Agent, Proxy,
    config::RedirectAuthHeaders,
    http::{HeaderMap, Response, StatusCode, header},
    tls::{RootCerts, TlsConfig},
};

/// Bytes that are passed on at a time.
const PIECE: usize = 64 * 1024;

/// What a server said of a file, by which it knows later whether it has another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The server still has the file that is at hand.
    Unchanged,
    /// All of a file was written, and these are to be kept with it.
    Written(Validators),
}

/// Fetches the file at `address` and writes it into `file`, unless the server still has the one with the validators
/// `known`. The server may take `patience` to be reached, and to send the next bytes. After each piece `progress` is told how many bytes there are, and of how many if the server says so.
///
/// # Errors
/// A server that cannot be reached, refuses, falls silent, or sends less than it promised; a `file` that cannot be
/// written. Then what is in `file` is of no use.
pub fn fetch(
    address: &Address,
    known: &Validators,
    patience: Duration,
    file: &mut impl Write,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Answer, DownloadError> {
    let mut response = ask(address, known, patience)?;
    match response.status() {
        StatusCode::NOT_MODIFIED => return Ok(Answer::Unchanged),
        StatusCode::OK => {}
        status => return Err(DownloadError::Refused(status.to_string())),
    }
    let validators = validators(response.headers());
    let total = response.body().content_length();
    let mut body = response.body_mut().as_reader();
    let (mut piece, mut bytes) = (vec![0; PIECE], 0);
    loop {
        match body.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                file.write_all(&piece[..count]).map_err(DownloadError::Write)?;
                bytes += count as u64;
                progress(bytes, total);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(DownloadError::broken(bytes, total, &error)),
        }
    }
    match total {
        Some(total) if bytes != total => {
            Err(DownloadError::broken(bytes, Some(total), &io::ErrorKind::UnexpectedEof.into()))
        }
        _ => Ok(Answer::Written(validators)),
    }
}

fn ask(
    address: &Address,
    known: &Validators,
    patience: Duration,
) -> Result<Response<ureq::Body>, DownloadError> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .proxy(if is_this_machine(address.host()) { None } else { Proxy::try_from_env() })
        .http_status_as_error(false)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_per_read(Some(patience))
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        // What was asked for in secret must not go on in the open.
        .https_only(address.as_str().starts_with("https"))
        .user_agent(concat!("pipeline/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    // What comes must be what the file holds, byte for byte.
    let mut request = agent.get(address.without_user()).header(header::ACCEPT_ENCODING, "identity");
    let conditions = [
        (header::AUTHORIZATION, &address.user().map(authorization)),
        (header::IF_NONE_MATCH, &known.etag),
        (header::IF_MODIFIED_SINCE, &known.last_modified),
    ];
    for (name, value) in conditions {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    request.call().map_err(DownloadError::from)
}

/// Whether no proxy can lie between.
fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or(host, |(name, _)| name);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The `Authorization` header of `user:password` as it stands in an address (RFC 7617).
fn authorization(user: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(user).collect();
    let end = if user.contains(':') { "" } else { ":" };
    format!("Basic {}", BASE64_STANDARD.encode([&decoded, end.as_bytes()].concat()))
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) }
}
