//! Streams: a short answer never looks like a whole one.

use super::{
    Check,
    fixture::{Fixture, Verdict, ensure, equal, question, refused, refused_as, streamed},
};
use host_harness::{Provider, types::ErrorKind, wit::chat::Event};
use host_harness_stub::Stub;

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "S1", title: "a stream starts with `start`, says how it finished, and ends once", run: |fixture| Box::pin(order(fixture)) },
    Check { id: "S2", title: "a stream that comes byte by byte is the same reply", run: |fixture| Box::pin(bytewise(fixture)) },
    Check { id: "S3", title: "a stream that is cut is the error truncated", run: |fixture| Box::pin(cut(fixture)) },
    Check { id: "S4", title: "an error midway is an error, with the service's words", run: |fixture| Box::pin(error_midway(fixture)) },
    Check { id: "S5", title: "a connection that breaks midway is an error of a request that was sent", run: |fixture| Box::pin(broken(fixture)) },
];

async fn answered(fixture: &Fixture) -> Verdict<(Stub, Provider)> {
    fixture.answered()?;
    fixture.connected().await
}

async fn order(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = answered(fixture).await?;
    let question = question(&fixture.descriptor().default_model.id);
    equal("the text of a whole answer", provider.complete(&question).await?.text(), SAID)?;
    let mut reply = provider.stream(&question).await?;
    let mut events = Vec::new();
    while let Some(more) = reply.next().await? {
        events.extend(more);
    }
    in_order(&events)
}

/// What the gateway says to the question of every case.
const SAID: &str = "OK.";

fn in_order(events: &[Event]) -> Verdict {
    ensure(matches!(events.first(), Some(Event::Start(_))), || {
        format!("the first event: expected `start`, got {:.200}", format!("{:?}", events.first()))
    })?;
    let finishes = events.iter().filter(|event| matches!(event, Event::Finish(_))).count();
    equal("events `finish`", finishes, 1)?;
    let mut after = events.iter().skip_while(|event| !matches!(event, Event::Finish(_))).skip(1);
    let late = after.find(|event| !matches!(event, Event::Usage(_) | Event::GuardrailsJson(_)));
    ensure(late.is_none(), || {
        format!("after `finish`: expected usage or guardrails at most, got {:.200}", format!("{late:?}"))
    })?;
    let text = events.iter().filter_map(|event| if let Event::Text(text) = event { Some(&**text) } else { None });
    let text = text.collect::<String>();
    ensure(text == SAID, || format!("the text of a stream: expected {SAID}, got {text:.200}"))
}

async fn bytewise(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = answered(fixture).await?;
    let expected = streamed(&provider, &question(&fixture.descriptor().default_model.id)).await?.text();
    equal("the text, byte by byte", streamed(&provider, &question("fault/bytewise")).await?.text(), expected)
}

async fn cut(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = answered(fixture).await?;
    refused_as("a stream that is cut", streamed(&provider, &question("fault/cut")).await, ErrorKind::Truncated)
        .map(drop)
}

async fn error_midway(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = answered(fixture).await?;
    let error = refused("a stream with an error in it", streamed(&provider, &question("fault/error-event")).await)?;
    ensure(!error.message.trim().is_empty(), || "the error of a stream: expected words, got none".into())
}

async fn broken(fixture: &Fixture) -> Verdict {
    let (_gateway, provider) = answered(fixture).await?;
    let error = refused("a stream whose connection breaks", streamed(&provider, &question("fault/reset")).await)?;
    ensure(matches!(error.kind, ErrorKind::Truncated | ErrorKind::Transport), || {
        format!("a stream whose connection breaks: expected the error Truncated or Transport, got {:?}", error.kind)
    })?;
    equal("a stream whose connection breaks: request-sent", error.request_sent, true)
}

#[cfg(test)]
mod tests {
    use host_harness::wit::chat::{FinishReason, ReplyStart};

    use super::*;
    use crate::fixture::Flaw;

    #[test]
    fn a_stream_is_in_order_or_says_why_not() {
        let start = || Event::Start(ReplyStart { id: String::new(), model: String::new() });
        let text = || Event::Text(SAID.into());
        let finish = || Event::Finish(FinishReason::Stop);
        assert!(in_order(&[start(), text(), finish(), Event::GuardrailsJson("{}".into())]).is_ok());
        for (events, expected) in [
            (vec![text(), start(), finish()], "the first event"),
            (vec![start(), text()], "expected 1, got 0"),
            (vec![start(), text(), finish(), finish()], "expected 1, got 2"),
            (vec![start(), finish(), text()], "after `finish`"),
            (vec![start(), text(), text(), finish()], "expected OK., got OK.OK."),
        ] {
            let verdict = in_order(&events);
            assert!(matches!(&verdict, Err(Flaw::Failed(why)) if why.contains(expected)), "{expected}: {verdict:?}");
        }
    }
}
