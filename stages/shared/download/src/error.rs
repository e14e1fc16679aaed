//! Why a file could not be fetched.

use std::{error::Error, io};
use thiserror::Error;

/// Why a file could not be fetched. The messages go on from "cannot fetch ...: ".
#[derive(Debug, Error)]
pub enum DownloadError {
    /// Nobody answered.
    #[error("{0}")]
    Unreachable(String),
    /// The server answered with another status than 200.
    #[error("the server answered {0}")]
    Refused(String),
    /// The connection ended or fell silent before all was there.
    #[error("the connection broke after {received} bytes{}: {why}", of(.total))]
    Broken {
        /// Bytes that came.
        received: u64,
        /// Bytes that the server had promised.
        total: Option<u64>,
        /// What happened.
        why: String,
    },
    /// What came could not be written.
    #[error("it cannot be written ({0})")]
    Write(#[source] io::Error),
}

impl DownloadError {
    pub(crate) fn broken(received: u64, total: Option<u64>, error: &io::Error) -> Self {
        // The body's own errors come wrapped.
        let own = error.get_ref().and_then(|error| error.downcast_ref::<ureq::Error>()).map(said);
        let why = own.unwrap_or_else(|| match error.kind() {
            io::ErrorKind::UnexpectedEof => "the server closed it".to_owned(),
            _ => error.to_string(),
        });
        Self::Broken { received, total, why }
    }
}

impl From<ureq::Error> for DownloadError {
    fn from(error: ureq::Error) -> Self {
        Self::Unreachable(said(&error))
    }
}

const NO_HOST: &str = "there is no such host, or no network";

/// What went wrong, in words that say what to look at.
fn said(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => NO_HOST.to_owned(),
        ureq::Error::ConnectionFailed => "nobody answers there".to_owned(),
        ureq::Error::Timeout(_) => "the server does not answer".to_owned(),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "the connection was refused".to_owned()
        }
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection".to_owned()
        }
        // The standard library's words; the system's behind them differ.
        ureq::Error::Io(error) if error.to_string().starts_with("failed to lookup address") => {
            NO_HOST.to_owned()
        }
        ureq::Error::Io(error) => with_causes(error),
        error => with_causes(error),
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn of(total: &Option<u64>) -> String {
    total.map(|total| format!(" of {total}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_cannot_be_looked_up_is_told_in_the_same_words_on_all_systems() {
        for system in ["Name or service not known", "Temporary failure in name resolution"] {
            let error = io::Error::other(format!("failed to lookup address information: {system}"));
            assert_eq!(said(&ureq::Error::Io(error)), NO_HOST);
        }
        assert_eq!(said(&ureq::Error::Io(io::Error::other("the cable is cut"))), "the cable is cut");
    }
}
