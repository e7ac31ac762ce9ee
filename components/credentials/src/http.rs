//! `wasi:http/types` and `outgoing-handler` as the provider sees them: thin wraps around the host's. Streams and
//! pollables are the host's own, so no byte of a body passes through here.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::bindings::Credentials;
use crate::bindings::exports::wasi::http::{outgoing_handler, types as ours};
use crate::bindings::wasi::http::{outgoing_handler as host_handler, types as hosts};
use crate::bindings::wasi::io::poll::Pollable;
use crate::bindings::wasi::io::streams::{InputStream, OutputStream};
use crate::convert;
use crate::settings::{is_broken, is_overruled};
use crate::store::settings;

impl ours::Guest for Credentials {
    type Fields = Fields;
    type IncomingRequest = Never;
    type OutgoingRequest = OutgoingRequest;
    type RequestOptions = RequestOptions;
    type ResponseOutparam = Never;
    type IncomingResponse = IncomingResponse;
    type IncomingBody = IncomingBody;
    type FutureTrailers = FutureTrailers;
    type OutgoingResponse = OutgoingResponse;
    type OutgoingBody = OutgoingBody;
    type FutureIncomingResponse = FutureIncomingResponse;

    fn http_error_code(error: &ours::IoError) -> Option<ours::ErrorCode> {
        hosts::http_error_code(error).map(convert::error_code)
    }
}

impl outgoing_handler::Guest for Credentials {
    fn handle(
        request: outgoing_handler::OutgoingRequest,
        options: Option<outgoing_handler::RequestOptions>,
    ) -> Result<outgoing_handler::FutureIncomingResponse, outgoing_handler::ErrorCode> {
        let request = request.into_inner::<OutgoingRequest>().0.into_inner();
        let sealed = match request {
            Request::Sealed(sealed) => sealed,
            Request::Open(open) => open.seal()?,
            Request::Refused(why) => return Err(why),
        };
        let options = options.map(|options| options.into_inner::<RequestOptions>().0);
        let future = host_handler::handle(sealed, options).map_err(convert::error_code)?;
        Ok(ours::FutureIncomingResponse::new(FutureIncomingResponse(future)))
    }
}

/// Headers. What the provider may not set never gets in here, so what is in here is the provider's to see.
pub(crate) struct Fields(hosts::Fields);

impl Fields {
    /// A copy. Never the host's own `clone`: that of preview2-shim 0.26.1 shares its entries with the original, which
    /// is about to be given a secret.
    fn copy(fields: &hosts::Fields) -> Self {
        let mut entries = fields.entries();
        entries.retain(|(name, _)| !settings().is_reserved(name));
        Self(hosts::Fields::from_list(&entries).unwrap_or_else(|_| hosts::Fields::new()))
    }

    /// What came from a server, without the secrets.
    fn received(fields: hosts::Fields) -> Self {
        let mut entries = fields.entries();
        let before = entries.len();
        entries.retain(|(name, _)| !settings().is_telling(name));
        let mut is_clean = entries.len() == before;
        for (_, value) in &mut entries {
            is_clean &= !settings().mask(value);
        }
        if is_clean {
            return Self(fields);
        }
        let shown = hosts::Fields::new();
        for (name, value) in entries {
            // A host may not let one be set that it received: such as say how an answer travels, which nobody asks here.
            let _ = shown.append(&name, &value);
        }
        Self(shown)
    }
}

/// Whether the provider may set this header; if not, it is left out.
fn is_let_through(name: &str) -> bool {
    !settings().is_reserved(name) && !is_overruled(name)
}

impl ours::GuestFields for Fields {
    fn new() -> Self {
        Self(hosts::Fields::new())
    }

    fn from_list(mut entries: Vec<(String, Vec<u8>)>) -> Result<ours::Fields, ours::HeaderError> {
        entries.retain(|(name, _)| is_let_through(name));
        if entries.iter().any(|(_, value)| is_broken(value)) {
            return Err(ours::HeaderError::InvalidSyntax);
        }
        let fields = hosts::Fields::from_list(&entries).map_err(convert::header_error)?;
        Ok(ours::Fields::new(Self(fields)))
    }

    fn get(&self, name: String) -> Vec<Vec<u8>> {
        self.0.get(&name)
    }

    fn has(&self, name: String) -> bool {
        self.0.has(&name)
    }

    fn set(&self, name: String, values: Vec<Vec<u8>>) -> Result<(), ours::HeaderError> {
        if !is_let_through(&name) {
            return Ok(());
        }
        if values.iter().any(|value| is_broken(value)) {
            return Err(ours::HeaderError::InvalidSyntax);
        }
        self.0.set(&name, &values).map_err(convert::header_error)
    }

    fn delete(&self, name: String) -> Result<(), ours::HeaderError> {
        self.0.delete(&name).map_err(convert::header_error)
    }

    fn append(&self, name: String, value: Vec<u8>) -> Result<(), ours::HeaderError> {
        if !is_let_through(&name) {
            return Ok(());
        }
        if is_broken(&value) {
            return Err(ours::HeaderError::InvalidSyntax);
        }
        self.0.append(&name, &value).map_err(convert::header_error)
    }

    fn entries(&self) -> Vec<(String, Vec<u8>)> {
        self.0.entries()
    }

    fn clone(&self) -> ours::Fields {
        ours::Fields::new(Self::copy(&self.0))
    }
}

/// A request. The host's own is made when the provider asks for its body, or sends it: from then on the host allows no
/// change to its headers, and the secret is among them.
pub(crate) struct OutgoingRequest(RefCell<Request>);

enum Request {
    Open(Open),
    Sealed(hosts::OutgoingRequest),
    /// It goes to another place than the configured one, or the host refused a part of it.
    Refused(ours::ErrorCode),
}

struct Open {
    headers: hosts::Fields,
    method: ours::Method,
    path: Option<String>,
    scheme: Option<ours::Scheme>,
    authority: Option<String>,
}

impl Open {
    fn seal(self) -> Result<hosts::OutgoingRequest, ours::ErrorCode> {
        let scheme = match &self.scheme {
            Some(ours::Scheme::Http) => "http",
            Some(ours::Scheme::Https) => "https",
            // Whatever the host makes of these, they are not the configured origin.
            Some(ours::Scheme::Other(_)) | None => "",
        };
        let authority = self.authority.as_deref();
        // What callers say is for the configured service alone.
        let secrets = settings().secrets_for(scheme, authority.unwrap_or_default());
        let secrets = secrets.ok_or(ours::ErrorCode::HttpRequestDenied)?;
        self.with(secrets).ok_or(ours::ErrorCode::HttpRequestUriInvalid)
    }

    fn with(self, secrets: &[(String, Vec<u8>)]) -> Option<hosts::OutgoingRequest> {
        self.headers.append("accept-encoding", b"identity").ok()?;
        for (name, value) in secrets {
            self.headers.append(name, value).ok()?;
        }
        let request = hosts::OutgoingRequest::new(self.headers);
        request.set_method(&convert::method(&self.method)).ok()?;
        request.set_scheme(self.scheme.as_ref().map(convert::scheme).as_ref()).ok()?;
        request.set_authority(self.authority.as_deref()).ok()?;
        request.set_path_with_query(self.path.as_deref()).ok()?;
        Some(request)
    }
}

impl OutgoingRequest {
    /// Changes the request, as long as it is open.
    fn change(&self, change: impl FnOnce(&mut Open)) -> Result<(), ()> {
        match &mut *self.0.borrow_mut() {
            Request::Open(open) => {
                change(open);
                Ok(())
            }
            Request::Sealed(_) | Request::Refused(_) => Err(()),
        }
    }

    /// What the request holds, as long as it is open: nobody asks later.
    fn read<T>(&self, read: impl FnOnce(&Open) -> Option<T>) -> Option<T> {
        match &*self.0.borrow() {
            Request::Open(open) => read(open),
            Request::Sealed(_) | Request::Refused(_) => None,
        }
    }
}

impl ours::GuestOutgoingRequest for OutgoingRequest {
    fn new(headers: ours::Headers) -> Self {
        let headers = headers.into_inner::<Fields>().0;
        let open = Open { headers, method: ours::Method::Get, path: None, scheme: None, authority: None };
        Self(RefCell::new(Request::Open(open)))
    }

    fn body(&self) -> Result<ours::OutgoingBody, ()> {
        let mut request = self.0.borrow_mut();
        // One that is refused keeps its reason for whoever sends it: its body goes nowhere.
        let refused = Request::Refused(ours::ErrorCode::HttpRequestDenied);
        *request = match core::mem::replace(&mut *request, refused) {
            Request::Open(open) => open.seal().map_or_else(Request::Refused, Request::Sealed),
            other => other,
        };
        match &*request {
            Request::Sealed(sealed) => sealed.body().map(|body| ours::OutgoingBody::new(OutgoingBody(body))),
            Request::Open(_) | Request::Refused(_) => Err(()),
        }
    }

    fn method(&self) -> ours::Method {
        self.read(|open| Some(open.method.clone())).unwrap_or(ours::Method::Get)
    }

    fn set_method(&self, method: ours::Method) -> Result<(), ()> {
        self.change(|open| open.method = method)
    }

    fn path_with_query(&self) -> Option<String> {
        self.read(|open| open.path.clone())
    }

    fn set_path_with_query(&self, path: Option<String>) -> Result<(), ()> {
        self.change(|open| open.path = path)
    }

    fn scheme(&self) -> Option<ours::Scheme> {
        self.read(|open| open.scheme.clone())
    }

    fn set_scheme(&self, scheme: Option<ours::Scheme>) -> Result<(), ()> {
        self.change(|open| open.scheme = scheme)
    }

    fn authority(&self) -> Option<String> {
        self.read(|open| open.authority.clone())
    }

    fn set_authority(&self, authority: Option<String>) -> Result<(), ()> {
        self.change(|open| open.authority = authority)
    }

    fn headers(&self) -> ours::Headers {
        ours::Headers::new(match &*self.0.borrow() {
            Request::Open(open) => Fields::copy(&open.headers),
            Request::Sealed(sealed) => Fields::copy(&sealed.headers()),
            Request::Refused(_) => Fields(hosts::Fields::new()),
        })
    }
}

pub(crate) struct OutgoingBody(hosts::OutgoingBody);

impl ours::GuestOutgoingBody for OutgoingBody {
    fn write(&self) -> Result<OutputStream, ()> {
        self.0.write()
    }

    fn finish(body: ours::OutgoingBody, trailers: Option<ours::Trailers>) -> Result<(), ours::ErrorCode> {
        let trailers = trailers.map(|trailers| trailers.into_inner::<Fields>().0);
        hosts::OutgoingBody::finish(body.into_inner::<Self>().0, trailers).map_err(convert::error_code)
    }
}

pub(crate) struct RequestOptions(hosts::RequestOptions);

impl ours::GuestRequestOptions for RequestOptions {
    fn new() -> Self {
        Self(hosts::RequestOptions::new())
    }

    fn connect_timeout(&self) -> Option<u64> {
        self.0.connect_timeout()
    }

    fn set_connect_timeout(&self, limit: Option<u64>) -> Result<(), ()> {
        self.0.set_connect_timeout(limit)
    }

    fn first_byte_timeout(&self) -> Option<u64> {
        self.0.first_byte_timeout()
    }

    fn set_first_byte_timeout(&self, limit: Option<u64>) -> Result<(), ()> {
        self.0.set_first_byte_timeout(limit)
    }

    fn between_bytes_timeout(&self) -> Option<u64> {
        self.0.between_bytes_timeout()
    }

    fn set_between_bytes_timeout(&self, limit: Option<u64>) -> Result<(), ()> {
        self.0.set_between_bytes_timeout(limit)
    }
}

pub(crate) struct FutureIncomingResponse(hosts::FutureIncomingResponse);

impl ours::GuestFutureIncomingResponse for FutureIncomingResponse {
    fn subscribe(&self) -> Pollable {
        self.0.subscribe()
    }

    fn get(&self) -> Option<Result<Result<ours::IncomingResponse, ours::ErrorCode>, ()>> {
        let answer = self.0.get()?;
        Some(answer.map(|answer| {
            let response = answer.map_err(convert::error_code)?;
            // It was asked for as it is, and the provider reads it as it is.
            match settings().coding(&response.headers().entries()) {
                Some(coding) => Err(ours::ErrorCode::HttpResponseContentCoding(Some(coding))),
                None => Ok(ours::IncomingResponse::new(IncomingResponse(response))),
            }
        }))
    }
}

pub(crate) struct IncomingResponse(hosts::IncomingResponse);

impl ours::GuestIncomingResponse for IncomingResponse {
    fn status(&self) -> u16 {
        self.0.status()
    }

    fn headers(&self) -> ours::Headers {
        ours::Headers::new(Fields::received(self.0.headers()))
    }

    fn consume(&self) -> Result<ours::IncomingBody, ()> {
        self.0.consume().map(|body| ours::IncomingBody::new(IncomingBody(body)))
    }
}

pub(crate) struct IncomingBody(hosts::IncomingBody);

impl ours::GuestIncomingBody for IncomingBody {
    fn stream(&self) -> Result<InputStream, ()> {
        self.0.stream()
    }

    fn finish(body: ours::IncomingBody) -> ours::FutureTrailers {
        ours::FutureTrailers::new(FutureTrailers(hosts::IncomingBody::finish(body.into_inner::<Self>().0)))
    }
}

pub(crate) struct FutureTrailers(hosts::FutureTrailers);

impl ours::GuestFutureTrailers for FutureTrailers {
    fn subscribe(&self) -> Pollable {
        self.0.subscribe()
    }

    fn get(&self) -> Option<Result<Result<Option<ours::Trailers>, ours::ErrorCode>, ()>> {
        let answer = self.0.get()?;
        Some(answer.map(|trailers| {
            trailers
                .map(|trailers| trailers.map(|fields| ours::Trailers::new(Fields::received(fields))))
                .map_err(convert::error_code)
        }))
    }
}

/// The side of a server: a provider is none, and nobody can make it one through here.
pub(crate) enum Never {}

impl ours::GuestIncomingRequest for Never {
    fn method(&self) -> ours::Method {
        match *self {}
    }

    fn path_with_query(&self) -> Option<String> {
        match *self {}
    }

    fn scheme(&self) -> Option<ours::Scheme> {
        match *self {}
    }

    fn authority(&self) -> Option<String> {
        match *self {}
    }

    fn headers(&self) -> ours::Headers {
        match *self {}
    }

    fn consume(&self) -> Result<ours::IncomingBody, ()> {
        match *self {}
    }
}

impl ours::GuestResponseOutparam for Never {
    fn set(_: ours::ResponseOutparam, _: Result<ours::OutgoingResponse, ours::ErrorCode>) {}
}

/// A response can be made, but there is nobody to give it to.
pub(crate) struct OutgoingResponse(hosts::OutgoingResponse);

impl ours::GuestOutgoingResponse for OutgoingResponse {
    fn new(headers: ours::Headers) -> Self {
        Self(hosts::OutgoingResponse::new(headers.into_inner::<Fields>().0))
    }

    fn status_code(&self) -> u16 {
        self.0.status_code()
    }

    fn set_status_code(&self, status: u16) -> Result<(), ()> {
        self.0.set_status_code(status)
    }

    fn headers(&self) -> ours::Headers {
        ours::Headers::new(Fields(self.0.headers()))
    }

    fn body(&self) -> Result<ours::OutgoingBody, ()> {
        self.0.body().map(|body| ours::OutgoingBody::new(OutgoingBody(body)))
    }
}
