//! Where a user puts a credential, and where they get one: of the provider's own services, or of any gateway.

use host_harness::{
    Origin,
    wit::onboarding::{Credential, Descriptor, Service},
};

/// Where a user puts a credential: `PORTKEY_API_KEY or give --portkey-api-key`, behind the word `set`.
pub(crate) fn ways_to_give(credential: &Credential) -> String {
    let flag = credential.cli_flag.as_ref().map(|flag| format!(" or give {flag}")).unwrap_or_default();
    format!("{}{flag}", credential.env_vars.join(" or "))
}

/// Where a user puts a credential, and where they get one for the gateway at `origin`, where that is known.
pub(crate) fn how_to_set(descriptor: &Descriptor, credential: &Credential, origin: Option<&Origin>) -> String {
    let is_own = origin.is_some_and(|origin| service_at(descriptor, origin).is_none());
    let own = if is_own { " A gateway of your own that needs none takes any." } else { "" };
    let from = keys_from(descriptor, credential, origin);
    let from = from.map(|from| format!(" Get one from {from}.")).unwrap_or_default();
    format!("Set {}.{from}{own}", ways_to_give(credential))
}

/// The provider's own services, the default one first: every other gateway is the user's.
pub(crate) fn services(descriptor: &Descriptor) -> Vec<Service> {
    if !descriptor.services.is_empty() {
        return descriptor.services.clone();
    }
    let keys_from = descriptor.credentials.first().and_then(|credential| credential.help_url.clone());
    vec![Service {
        label: descriptor.label.clone(),
        base_url: descriptor.default_base_url.clone(),
        keys_from: keys_from.unwrap_or_default(),
    }]
}

/// The provider's own service at `origin`.
pub(crate) fn service_at(descriptor: &Descriptor, origin: &Origin) -> Option<Service> {
    services(descriptor).into_iter().find(|service| service.base_url.parse::<Origin>().is_ok_and(|own| own == *origin))
}

/// Where a user gets a credential for the gateway at `origin`: of a service's own place, else of the provider's.
pub(crate) fn keys_from(descriptor: &Descriptor, credential: &Credential, origin: Option<&Origin>) -> Option<String> {
    let service = origin.and_then(|origin| service_at(descriptor, origin));
    let from = service.map(|service| service.keys_from).or_else(|| credential.help_url.clone());
    from.filter(|from| !from.is_empty())
}
