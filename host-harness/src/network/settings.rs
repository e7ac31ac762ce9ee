//! What `request` in the provider's configuration says of connections, and the environment's proxy variables.

use boundary::origin::Origin;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::proxy::{NoProxy, Proxy};
use crate::{
    configuration::{
        environment::{Environment, References},
        secrets::secret,
    },
    error::{Error, Result},
};

/// `models.providers.<id>.request`, and what its references stand for.
pub(super) struct Settings<'a> {
    pub(super) request: Option<&'a Value>,
    pub(super) environment: &'a Environment,
    pub(super) config: &'a Value,
}

impl Settings<'_> {
    pub(super) fn get(&self, pointer: &str) -> Option<&Value> {
        self.request?.pointer(pointer)
    }

    /// Whether what stands there holds settings: in anything else they would be lost without a word.
    pub(super) fn check_object(&self, pointer: &str) -> Result<()> {
        match self.get(pointer) {
            None | Some(Value::Null | Value::Object(_)) => Ok(()),
            Some(_) => Err(Error::config(format!("`{}` must be an object", dotted(pointer)))),
        }
    }

    /// A text, its references resolved.
    pub(super) fn text(&self, pointer: &str) -> Result<Option<SecretString>> {
        match self.get(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(value @ (Value::String(_) | Value::Object(_))) => {
                let found = secret(value, &dotted(pointer), &References::new(self.environment, self.config))?;
                Ok(found.map(|found| found.secret))
            }
            Some(_) => Err(Error::config(format!("`{}` must be a string", dotted(pointer)))),
        }
    }

    /// The proxy for `origin`: the configured one, else the environment's. As in other tools, the environment's is not
    /// used for this machine. What names a proxy and cannot be understood is an error, never a direct connection.
    pub(super) fn proxy(&self, origin: &Origin) -> Result<Option<Proxy>> {
        let mode = match self.get("/proxy") {
            None | Some(Value::Null) => "env-proxy",
            Some(proxy) => proxy.get("mode").and_then(Value::as_str).unwrap_or_default(),
        };
        let unusable =
            |why: String| Err(Error::config(why).hint("Use the mode explicit-proxy with a url, or env-proxy without."));
        match (mode, self.text("/proxy/url")?) {
            ("explicit-proxy", Some(url)) => Proxy::at(url.expose_secret(), "`request.proxy.url`").map(Some),
            ("explicit-proxy", None) => unusable("`request.proxy.url` is missing".into()),
            ("env-proxy", Some(_)) => unusable("`request.proxy.url` is not used in the mode `env-proxy`".into()),
            ("env-proxy", None) if origin.is_local() => Ok(None),
            ("env-proxy", None) => self.proxy_of_environment(origin),
            ("", _) => unusable("`request.proxy.mode` is missing".into()),
            // It may hold what was meant for the URL, password included.
            (_, _) => unusable("`request.proxy.mode` is none that is known".into()),
        }
    }

    /// As curl does it: a name in lower case comes first, and of two variables that are set the one for the scheme
    /// counts, even where it cannot be understood.
    fn proxy_of_environment(&self, origin: &Origin) -> Result<Option<Proxy>> {
        let of_scheme = if origin.is_https() { "HTTPS_PROXY" } else { "HTTP_PROXY" };
        let found = [of_scheme, "ALL_PROXY"].into_iter().find_map(|name| self.variable(name));
        let Some((name, url)) = found else { return Ok(None) };
        let exceptions = self.variable("NO_PROXY").map(|(_, text)| text).unwrap_or_default();
        if NoProxy::parse(&exceptions).holds(origin) {
            return Ok(None);
        }
        Proxy::at(&url, &format!("the environment's {name}")).map(Some)
    }

    /// A variable that tools know in either case, with the name that was set.
    fn variable(&self, name: &str) -> Option<(String, String)> {
        [name.to_lowercase(), name.to_owned()].into_iter().find_map(|name| {
            let value = self.environment.get(&name)?;
            Some((name, value))
        })
    }
}

/// How a user writes the place `pointer` of the settings.
fn dotted(pointer: &str) -> String {
    format!("request{}", pointer.replace('/', "."))
}
