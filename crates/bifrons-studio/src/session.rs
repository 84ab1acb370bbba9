//! Who may come in: a link with a secret, once; from then on a cookie that scripts cannot read.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};

/// 256 bits that nobody can guess, as 64 hexadecimal digits.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes as long for a nearly right guess as for a wrong one.
    fn is(&self, guess: &str) -> bool {
        let differences = self.0.bytes().zip(guess.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        guess.len() == self.0.len() && differences == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// The keys of one run of the studio.
#[derive(Debug)]
pub(crate) struct Keys {
    /// In the link; another one after each use.
    link: Mutex<Secret>,
    /// In the cookie.
    cookie: Secret,
    /// Cookies do not know ports: two studios must not share a name.
    cookie_name: String,
}

impl Keys {
    pub(crate) fn new(port: u16) -> std::io::Result<Self> {
        let (link, cookie) = (Mutex::new(Secret::new()?), Secret::new()?);
        Ok(Self { link, cookie, cookie_name: format!("bifrons_{port}") })
    }

    /// What stands in the link now.
    pub(crate) fn link(&self) -> Secret {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The cookie for somebody who has the link's secret, which then is worth nothing any more. `None` for a wrong
    /// one.
    pub(crate) fn exchange(&self, guess: &str) -> std::io::Result<Option<String>> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if !link.is(guess) {
            return Ok(None);
        }
        *link = Secret::new()?;
        let (name, value) = (&self.cookie_name, self.cookie.as_str());
        Ok(Some(format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict")))
    }

    /// Whether a request brings the cookie.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().any(|(name, value)| name == self.cookie_name && self.cookie.is(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_once() {
        let keys = Keys::new(8765).unwrap();
        let link = keys.link();
        assert_eq!(link.as_str().len(), 64);
        assert_eq!(keys.exchange("").unwrap(), None);
        assert_eq!(keys.exchange(&link.as_str()[..63]).unwrap(), None);
        let cookie = keys.exchange(link.as_str()).unwrap().unwrap();
        assert!(
            cookie.starts_with("bifrons_8765=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict")
        );
        assert_eq!(keys.exchange(link.as_str()).unwrap(), None, "used");
        assert!(keys.exchange(keys.link().as_str()).unwrap().is_some(), "the next one");

        let mut headers = HeaderMap::new();
        assert!(!keys.admit(&headers));
        let sent = format!("other=1; {}", cookie.split(';').next().unwrap());
        headers.insert(header::COOKIE, sent.parse().unwrap());
        assert!(keys.admit(&headers));
        headers.insert(header::COOKIE, sent.replace("8765", "1").parse().unwrap());
        assert!(!keys.admit(&headers));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new().unwrap();
        assert!(!format!("{secret:?}").contains(secret.as_str()));
    }
}
