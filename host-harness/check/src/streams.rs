//! Streams: a short answer never looks like a whole one.

use super::{
    Check,
    fixture::{Fixture, Verdict, ensure, equal, question, refused, refused_as, streamed},
};
use host_harness::{types::ErrorKind, wit::chat::Event};

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "S1", title: "a stream starts with `start`, says how it finished, and ends once", run: |fixture| Box::pin(order(fixture)) },
    Check { id: "S2", title: "a stream that comes byte by byte is the same reply", run: |fixture| Box::pin(bytewise(fixture)) },
    Check { id: "S3", title: "a stream that is cut is the error truncated", run: |fixture| Box::pin(cut(fixture)) },
    Check { id: "S4", title: "an error midway is an error, with the service's words", run: |fixture| Box::pin(error_midway(fixture)) },
    Check { id: "S5", title: "a connection that breaks midway is an error of a request that was sent", run: |fixture| Box::pin(broken(fixture)) },
];

async fn order(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    let mut reply = provider.stream(&question(&fixture.descriptor().default_model.id)).await?;
    let mut events = Vec::new();
    while let Some(more) = reply.next().await? {
        events.extend(more);
    }
    ensure(matches!(events.first(), Some(Event::Start(_))), || {
        format!("the first event: expected `start`, got {:?}", events.first())
    })?;
    let finishes = events.iter().filter(|event| matches!(event, Event::Finish(_))).count();
    equal("events `finish`", finishes, 1)
}

async fn bytewise(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    let expected = streamed(&provider, &question(&fixture.descriptor().default_model.id)).await?.text();
    equal("the text, byte by byte", streamed(&provider, &question("fault/bytewise")).await?.text(), expected)
}

async fn cut(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    refused_as("a stream that is cut", streamed(&provider, &question("fault/cut")).await, ErrorKind::Truncated)
        .map(drop)
}

async fn error_midway(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    let error = refused("a stream with an error in it", streamed(&provider, &question("fault/error-event")).await)?;
    ensure(!error.message.trim().is_empty(), || "the error of a stream: expected words, got none".into())
}

async fn broken(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = fixture.connected().await?;
    let error = refused("a stream whose connection breaks", streamed(&provider, &question("fault/reset")).await)?;
    ensure(matches!(error.kind, ErrorKind::Truncated | ErrorKind::Transport), || {
        format!("a stream whose connection breaks: expected the error Truncated or Transport, got {:?}", error.kind)
    })?;
    equal("a stream whose connection breaks: request-sent", error.request_sent, true)
}
