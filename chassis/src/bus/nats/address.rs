//! Which servers, and who is calling.

use async_nats::{Client, ConnectError, ConnectOptions, ServerAddr};
use secrecy::{ExposeSecret, SecretString};

/// The servers without credentials, and the credentials without servers, so that nothing that names a server can show
/// them.
pub(super) struct Address {
    servers: Vec<ServerAddr>,
    user: Option<String>,
    /// The password; or the token, when there is no user.
    secret: Option<SecretString>,
}

/// What is wrong with a URL, without showing it.
pub(in crate::bus) fn check(url: &str) -> Result<(), &'static str> {
    Address::read(url).map(|_| ())
}

impl Address {
    /// Reads `nats://user:password@host:port,host:port`.
    pub(super) fn read(url: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "must be like nats://host:port or tls://user:password@host:port,host:port";
        let (scheme, rest) = url.split_once("://").ok_or(WRONG)?;
        let (credentials, hosts) = match rest.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, rest),
        };
        let servers: Result<Vec<ServerAddr>, _> =
            hosts.split(',').map(|host| format!("{scheme}://{}", host.trim()).parse()).collect();
        let servers: Vec<ServerAddr> = servers.map_err(|_| WRONG)?;
        let plain = |server: &ServerAddr| {
            matches!(server.scheme(), "nats" | "tls") && !server.host().is_empty() && !server.has_user_pass()
        };
        if !servers.iter().all(plain) {
            return Err(WRONG);
        }
        let (user, secret) = match credentials.map(|both| both.split_once(':').ok_or(both)) {
            None => (None, None),
            Some(Ok((user, password))) => (Some(decoded(user)), Some(decoded(password).into())),
            Some(Err(token)) => (None, Some(decoded(token).into())),
        };
        Ok(Self { servers, user, secret })
    }

    pub(super) fn describe(&self) -> String {
        let hosts: Vec<String> =
            self.servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        format!("NATS {}", hosts.join(","))
    }

    pub(super) async fn connect(self, options: ConnectOptions) -> Result<Client, ConnectError> {
        let options = match (self.user, self.secret) {
            (Some(user), Some(password)) => {
                options.user_and_password(user, password.expose_secret().to_owned())
            }
            (_, Some(token)) => options.token(token.expose_secret().to_owned()),
            (_, None) => options,
        };
        options.connect(self.servers.as_slice()).await
    }
}

/// Without its percent signs.
fn decoded(text: &str) -> String {
    let plus_is_plus = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(plus_is_plus.as_bytes()).map(|(key, _)| key.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_the_url() {
        let address = Address::read("tls://bow:hunter%402+=&@one:4222,two").unwrap();
        assert_eq!(address.describe(), "NATS one:4222,two:4222");
        assert!(address.servers.iter().all(ServerAddr::tls_required));
        assert_eq!(address.user.as_deref(), Some("bow"));
        assert_eq!(address.secret.unwrap().expose_secret(), "hunter@2+=&");
    }

    #[test]
    fn a_name_without_a_password_is_a_token() {
        let address = Address::read("nats://s3cr3t@localhost:4222").unwrap();
        assert_eq!((address.user, address.secret.unwrap().expose_secret()), (None, "s3cr3t"));
    }

    #[test]
    fn what_is_not_a_nats_url_is_refused_without_being_shown() {
        for url in
            ["ws://host", "nats://", "nats://hunter2@", "hunter2", "nats://a,hunter2@b c", "nats://a:x"]
        {
            let refusal = Address::read(url).map(|address| address.describe()).unwrap_err();
            assert!(!refusal.contains("hunter2"), "{url}");
        }
    }
}
