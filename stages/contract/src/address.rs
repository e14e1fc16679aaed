//! Addresses of files.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The http or https address of a file: `https://user:password@host/path?query`.
///
/// It is shown without what it may hold of secrets: the user with the password, and the query, in which servers look for
/// keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address(String);

impl Address {
    /// Whether a text is meant as an address.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        split(text).is_some()
    }

    /// Reads an address; nothing where it has another scheme, no host, or white space.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = split(text)?;
        // What follows is for who reads the file, and is not sent.
        let address = Self(format!("{scheme}{}", rest.split('#').next().unwrap_or_default()));
        let host = address.host();
        // A password with a `/` would end the host early, and show.
        let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or("", |(_, port)| port);
        let is_whole = !host.is_empty()
            && !host.starts_with(':')
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && !text.contains(char::is_whitespace);
        is_whole.then_some(address)
    }

    /// `host:port`.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    /// `user:password`, as it is written, which is percent-encoded.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.authority().rsplit_once('@').map(|(user, _)| user)
    }

    /// The name of the file as it is written: the last part of the path. Nothing where that names none.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        let (_, path) = self.below_scheme().split('?').next()?.split_once('/')?;
        let name = path.rsplit('/').next()?;
        (!["", ".", ".."].contains(&name)).then_some(name)
    }

    /// All of it but the user. It may hold secrets.
    #[must_use]
    pub fn without_user(&self) -> String {
        let (scheme, rest) = self.0.split_at(self.0.len() - self.below_scheme().len());
        let after = &rest[self.authority().len()..];
        format!("{scheme}{}{after}", self.host())
    }

    /// All of it, with its secrets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn below_scheme(&self) -> &str {
        split(&self.0).map_or("", |(_, rest)| rest)
    }

    fn authority(&self) -> &str {
        self.below_scheme().split(['/', '?']).next().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.without_user().split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// The scheme with `://` in lower case, and the rest.
fn split(text: &str) -> Option<(&'static str, &str)> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| (scheme, &text[scheme.len()..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_falls_into_its_parts_and_is_shown_without_secrets() {
        let parts = |text: &str| {
            let address = Address::parse(text).expect("an address");
            let owned = |part: Option<&str>| part.map(str::to_owned);
            (address.to_string(), owned(address.user()), owned(address.file_name()), address.without_user())
        };
        let some = |text: &str| Some(text.to_owned());
        let plain = "https://host.org/a/model.h5".to_owned();
        assert_eq!(parts(&plain), (plain.clone(), None, some("model.h5"), plain.clone()));
        assert_eq!(
            parts("HTTPS://me:p%40ss@host.org/a/model.h5?key=s3cret#layer"),
            (plain, some("me:p%40ss"), some("model.h5"), "https://host.org/a/model.h5?key=s3cret".to_owned())
        );
        let local = "http://127.0.0.1:8000".to_owned();
        assert_eq!(parts(&local), (local.clone(), None, None, local));
        for folder in ["http://h/a/", "http://h/a/..", "http://h?x=/m.h5"] {
            assert_eq!(parts(folder).2, None, "{folder}");
        }
        let address = Address::parse("http://me:pass@h/m.h5?k=s3cret").expect("an address");
        assert_eq!(format!("{address:?}"), "Address(http://h/m.h5)");
    }

    #[test]
    fn what_has_another_scheme_or_no_host_is_no_address() {
        for text in ["model.h5", "ftp://h/m.h5", "http:/h/m.h5", "", "é"] {
            assert!(!Address::is_meant(text), "{text}");
            assert_eq!(Address::parse(text), None, "{text}");
        }
        for text in [
            "http://",
            "https:///m.h5",
            "http://me@/m.h5",
            "http://:80/m.h5",
            "http://h/a b.h5",
            "http://me:pa/ss@h/m.h5",
        ] {
            assert!(Address::is_meant(text), "{text}");
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
