//! Checks what a component says about itself, before the host believes it.

use boundary::{origin::Origin, references::is_name};

use crate::wit::onboarding::{Credential, Descriptor};

/// Most credentials that one provider may declare.
const CREDENTIALS: usize = 8;

/// The most services that a component may name: a user chooses one of them from a list.
const SERVICES: usize = 16;

/// What a host can live with, and the WIT asks for otherwise, a sentence each.
pub(super) fn slips(descriptor: &Descriptor) -> Vec<String> {
    let mut findings = Vec::new();
    let credentials = &descriptor.credentials;
    for (number, Credential { id, label, env_vars, cli_flag, header, prefix, .. }) in credentials.iter().enumerate() {
        let before = credentials.iter().take(number);
        if id.trim().is_empty() {
            findings.push("a credential of its has no id: a host names it in errors, and stores its key by it".into());
        } else if before.clone().any(|other| other.id == *id) {
            findings.push(format!("two of its credentials have the id `{id:.64}`"));
        }
        if label.trim().is_empty() {
            findings.push(format!("its credential `{id:.64}` has no label: a person is asked for it by that"));
        }
        let lower = header.to_ascii_lowercase();
        if *header != lower {
            findings.push(format!(
                "its credential `{id:.64}` names the header {header:.64}: write it in lower case, {lower:.64}"
            ));
        }
        let is_scheme = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if lower == "authorization" && prefix.is_empty() {
            findings.push(format!(
                "its credential `{id:.64}` goes into authorization without a scheme: a `prefix` such as `Bearer `"
            ));
        } else if lower == "authorization" && is_scheme {
            findings.push(format!(
                "its credential `{id:.64}` would be sent as `{prefix:.64}KEY`: end the `prefix` with a space"
            ));
        }
        let same = |one: &Credential| {
            one.env_vars.iter().any(|name| env_vars.contains(name))
                || one.cli_flag.is_some() && one.cli_flag == *cli_flag
        };
        if before.clone().any(same) {
            findings.push(format!("its credential `{id:.64}` names the variable or the flag of another one"));
        }
    }
    let services = descriptor.services.iter().map(|service| &service.base_url);
    for url in services.clone().chain([&descriptor.default_base_url]).filter(|url| url.ends_with('/')) {
        let finding = format!("its base URL {url:.256} ends with a slash: leave that out");
        // The default one is mostly that of a service too.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    if services.clone().next().is_some_and(|first| *first != descriptor.default_base_url) {
        findings.push("the first of its services is not the one at its default base URL".into());
    }
    if descriptor.label.trim().is_empty() {
        findings.push("it has no label: a person chooses it by that".into());
    }
    let model = &descriptor.default_model.id;
    if model.trim().is_empty() || model.trim() != model {
        findings.push(format!("its default model's id `{model:.64}` is empty, or has white space around it"));
    }
    if let Some(images) = &descriptor.images {
        if images.default_model.trim().is_empty() || images.max_count == 0 {
            findings.push("it makes images, and names no default model for them or allows none".into());
        }
        let is_size = |size: &str| {
            let (width, height) = size.split_once('x').unwrap_or_default();
            [width, height].iter().all(|side| side.parse::<u32>().is_ok_and(|side| side > 0))
        };
        for size in images.sizes.iter().filter(|size| !is_size(size)) {
            findings.push(format!("its image size `{size:.64}` is not WIDTHxHEIGHT"));
        }
        for format in images.output_formats.iter().filter(|format| !["png", "jpeg", "webp"].contains(&&***format)) {
            findings.push(format!("its image format `{format:.64}` is none of png, jpeg and webp"));
        }
    }
    findings
}

/// What is wrong with what a component says of itself: the host takes names from it, for its configuration and for
/// requests.
pub(super) fn refused(descriptor: &Descriptor) -> Vec<String> {
    let mut findings = Vec::new();
    let id = &descriptor.id;
    let of_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=64).contains(&id.len()) || !id.bytes().all(of_id) {
        findings.push(format!("its id `{id:.64}` is not made of up to 64 lower-case letters, digits and dashes"));
    }
    if let Err(error) = descriptor.default_base_url.parse::<Origin>() {
        findings.push(format!("its default base URL cannot be used: {:.256}", error.to_string()));
    }
    if descriptor.services.len() > SERVICES {
        findings.push(format!("it names more than {SERVICES} services"));
    } else if descriptor.services.iter().any(|service| service.base_url.parse::<Origin>().is_err()) {
        findings.push("the base URL of one of its services cannot be used".into());
    }
    if descriptor.credentials.len() > CREDENTIALS {
        findings.push(format!("it declares more than {CREDENTIALS} credentials"));
        return findings;
    }
    let mut headers = Vec::new();
    for credential in &descriptor.credentials {
        let (id, name) = (&credential.id, http::HeaderName::try_from(&credential.header).ok());
        let wrong = match &name {
            None => Some("names as its header what can be none:"),
            Some(name) if is_the_hosts(name) => Some("names a header that the host or the protocol writes:"),
            Some(name) if headers.contains(name) => Some("names the header of another one:"),
            Some(_) => None,
        };
        if let Some(wrong) = wrong {
            let header = credential.header.escape_default();
            findings.push(format!("its credential `{id:.64}` {wrong} {:.64}", header.to_string()));
        }
        if http::HeaderValue::try_from(&credential.prefix).is_err() {
            findings.push(format!("its credential `{id:.64}` has a prefix that no header can hold"));
        }
        headers.extend(name);
        // Shells read completions that are made of these.
        let is_flag = |flag: &String| {
            let name = flag.strip_prefix("--").unwrap_or_default();
            !name.is_empty() && name.len() <= 64 && name.bytes().all(of_id)
        };
        let is_variable = |name: &String| name.len() <= 128 && is_name(name);
        if let Some(flag) = credential.cli_flag.as_ref().filter(|flag| !is_flag(flag)) {
            let flag = flag.escape_default().to_string();
            findings.push(format!(
                "its credential `{id:.64}` names a flag that can be none: {flag:.64}; one is --in-small-letters"
            ));
        }
        if let Some(name) = credential.env_vars.iter().find(|name| !is_variable(name)) {
            let name = name.escape_default().to_string();
            findings.push(format!(
                "its credential `{id:.64}` names a variable that can be none: {name:.64}; one is IN_CAPITALS"
            ));
        }
    }
    let labels = descriptor.credentials.iter().map(|credential| &credential.label).chain([&descriptor.label]);
    if labels.into_iter().any(|label| label.chars().any(char::is_control)) {
        findings.push("a label of its holds control characters".into());
    }
    findings
}

/// Whether the host, or the protocol, writes this header.
fn is_the_hosts(name: &http::HeaderName) -> bool {
    use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
    wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS.contains(name) || [ACCEPT_ENCODING, CONTENT_LENGTH].contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::credentials::tests::descriptor as sound,
        wit::onboarding::{ImageCapabilities, Service},
    };

    #[test]
    fn what_a_component_says_otherwise_than_the_wit_asks_is_found() {
        assert_eq!([slips(&sound()), refused(&sound())].concat(), Vec::<String>::new());
        let images = || ImageCapabilities {
            default_model: "m".into(),
            max_count: 1,
            max_input_images: 0,
            sizes: vec!["1024x1024".into()],
            qualities: Vec::new(),
            backgrounds: Vec::new(),
            output_formats: vec!["png".into()],
        };
        let service = |url: &str| Service { label: "x".into(), base_url: url.into(), keys_from: String::new() };
        type Spoil<'a> = &'a dyn Fn(&mut Descriptor);
        let cases: &[(&str, Spoil<'_>)] = &[
            ("header X-Acme-Key: write it in lower case, x-acme-key", &|it| {
                it.credentials[0].header = "X-Acme-Key".into()
            }),
            ("without a scheme", &|it| {
                (it.credentials[0].header, it.credentials[0].prefix) = ("authorization".into(), String::new())
            }),
            ("`BearerKEY`", &|it| {
                (it.credentials[0].header, it.credentials[0].prefix) = ("authorization".into(), "Bearer".into())
            }),
            ("can be none: acme_key; one is IN_CAPITALS", &|it| it.credentials[0].env_vars = vec!["acme_key".into()]),
            ("can be none: -k", &|it| it.credentials[0].cli_flag = Some("-k".into())),
            ("has no label", &|it| it.credentials[0].label = " ".into()),
            ("has no id", &|it| it.credentials[0].id.clear()),
            ("have the id", &|it| {
                let other = it.credentials[0].clone();
                it.credentials.push(Credential {
                    header: "x-other".into(),
                    env_vars: Vec::new(),
                    cli_flag: None,
                    ..other
                });
            }),
            ("the variable or the flag of another", &|it| {
                let other = it.credentials[0].clone();
                it.credentials.push(Credential { id: "other".into(), header: "x-other".into(), ..other });
            }),
            ("ends with a slash", &|it| it.default_base_url.push('/')),
            ("ends with a slash", &|it| {
                it.default_base_url.push('/');
                it.services = vec![service(&it.default_base_url)];
            }),
            ("not the one at its default base URL", &|it| it.services = vec![service("https://other.example/v1")]),
            ("it has no label", &|it| it.label.clear()),
            ("white space around it", &|it| it.default_model.id = " m".into()),
            ("allows none", &|it| it.images = Some(ImageCapabilities { max_count: 0, ..images() })),
            ("`large` is not WIDTHxHEIGHT", &|it| {
                it.images = Some(ImageCapabilities { sizes: vec!["large".into()], ..images() })
            }),
            ("`jpg` is none of", &|it| {
                it.images = Some(ImageCapabilities { output_formats: vec!["jpg".into()], ..images() })
            }),
            ("can be none: no header", &|it| it.credentials[0].header = "no header".into()),
            ("host or the protocol writes: host", &|it| it.credentials[0].header = "host".into()),
            ("no header can hold", &|it| it.credentials[0].prefix = "a\r\nb".into()),
        ];
        for (expected, spoil) in cases {
            let mut said = sound();
            spoil(&mut said);
            let found = [slips(&said), refused(&said)].concat();
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
        }
    }
}
