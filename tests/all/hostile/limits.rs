//! What a component may use: time, memory, requests, instances, handles, and what it hands over.

use std::{fs, time::Duration};

use futures_util::StreamExt as _;
use host_harness::{
    Engine, Error, Limits, Plugin, Provider,
    types::{ErrorKind as Kind, ErrorOrigin as Origin, Media},
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        chat::Event,
        embeddings,
    },
};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{Host, assert_failed, assert_timeout, at, hostile, load, refused, request, say, shown, tight};
use crate::{
    fault_server::{FaultServer, Step, bytes},
    raw_server::{EVENTS, HELLO, JSON, serving, whole},
    support::{KEY, ask, audio_of, component, eventually, hosted, plugin_with, provider, setup, upstream},
};

/// A call's own limit holds from where the plugin is asked what its options mean.
#[tokio::test]
async fn options_of_a_call_take_no_longer_than_the_call_may() {
    use host_harness::CallOptions;
    let host = Host::new().await;
    let call = || CallOptions::new().time_limit(Duration::from_millis(150));
    for call in [call().option("attack", "spin"), call().header("x-attack", "a").option("attack", "spin")] {
        refused("it spins", host.hostile.with(call).await, Kind::Timeout, "took longer than 0.15 s");
    }
    host.serves().await;
}

#[tokio::test]
async fn a_call_that_computes_or_waits_forever_ends_and_holds_up_no_other() {
    let host = Host::new().await;
    let (listener, silent) = host.silent().await;
    let authority = listener.local_addr().unwrap().to_string();
    for (provider, attack, parameters) in [
        (&host.hostile, "spin", vec![]),
        (&silent, "send", host.exchange(&authority, &[])),
        (&silent, "endless body", vec![]),
    ] {
        let request = request(attack, &parameters);
        let mut attacking = std::pin::pin!(provider.complete(&request));
        // One thread for both, and the honest call is answered while the other still runs.
        tokio::select! {
            biased;
            outcome = &mut attacking => panic!("{attack} ended first: {outcome:?}"),
            () = host.serves() => {}
        }
        assert_timeout(attack, attacking.await);
        host.serves().await;
    }
}

#[tokio::test]
async fn a_call_that_uses_too_much_or_traps_fails_alone() {
    let host = Host::new().await;
    for (attack, parameter, because) in [
        ("trap", "", "unreachable"),
        ("recurse", "", "out of bounds"),
        ("allocate", "4294967295", ""),
        ("allocate", "67108864", "more memory"),
        ("large", "67108864", "more memory"),
        ("aliased", "1024", "fuel allocated for hostcalls"),
        ("fields", "1000000", "table"),
        ("orphan", "", "children"),
    ] {
        assert_failed(attack, host.attack(attack, &[parameter]).await, because);
    }
    // The same, within the limits.
    for (attack, parameter) in [("allocate", "1048576"), ("large", "1048576"), ("aliased", "1"), ("fields", "10")] {
        host.attack(attack, &[parameter]).await.expect(attack);
    }
    assert_failed("lists", host.hostile.models().await, "fuel allocated for hostcalls");
    assert_failed("lists", host.plugin.lint(&json!({})).await, "fuel allocated for hostcalls");
    host.serves().await;
}

#[tokio::test]
async fn no_more_requests_are_open_at_once_than_the_limit_says() {
    let host = Host::new().await;
    let (_listener, silent) = host.silent().await;
    let told = silent.complete(&request("many", &["100", "8"])).await.unwrap().text();
    assert_eq!(told, "8 open, 92 refused");
    assert_failed("many", silent.complete(&request("many", &["10000", "8"])).await, "table");
    host.serves().await;
}

#[tokio::test]
async fn a_stream_that_turns_bad_ends_in_an_error() {
    let host = Host::new().await;
    assert_failed("trap at once", host.hostile.stream(&ask("trap at once", "")).await, "unreachable");
    let (_listener, silent) = host.silent().await;
    for attack in ["trap midway", "aliased midway", "spin midway", "wait midway"] {
        let mut reply = silent.stream(&ask(attack, "")).await.unwrap();
        assert_eq!(reply.next().await.unwrap(), Some(vec![Event::Text("and on".into())]), "{attack}");
        let outcome = reply.next().await;
        match attack {
            "trap midway" => assert_failed(attack, outcome, "unreachable"),
            "aliased midway" => assert_failed(attack, outcome, "fuel allocated for hostcalls"),
            _ => assert_timeout(attack, outcome),
        }
        assert_eq!(reply.next().await.unwrap(), None, "after {attack} there is nothing more to come");
        host.serves().await;
    }
}

/// The plugin's own code does not run when a reply is dropped: it could take its time.
#[tokio::test]
async fn a_stream_without_end_is_dropped_without_waiting() {
    let host = Host::new().await;
    let mut reply = host.hostile.stream(&ask("on and on", "")).await.unwrap();
    for _ in 0..1000 {
        assert!(reply.next().await.unwrap().is_some());
    }
    drop(reply);
    host.serves().await;
}

/// Neither its idle time nor its size would end it in a lifetime.
#[tokio::test]
async fn a_stream_that_goes_on_for_ever_is_ended() {
    let stream = Duration::from_millis(500);
    let engine = Engine::new(Limits { stream, ..tight() }).unwrap();
    // A server that always has one more word.
    let server = serving(async |mut client| {
        client.write_all(EVENTS.as_bytes()).await.unwrap();
        let word = json!({"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "on "}}]});
        while client.write_all(format!("data: {word}\n\n").as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let base_url = format!("http://{}/v1", server.await);
    let hostile = Provider::connect(&load(&engine, hostile()).await.unwrap(), at(&base_url)).await.unwrap();
    let honest = Plugin::load(&engine, component()).await.unwrap();
    let honest = Provider::connect(&honest, setup(&base_url)).await.unwrap();
    // A plugin that invents events is as bad: it does not even wait.
    for (name, provider) in [("server", honest), ("on and on", hostile)] {
        let mut reply = provider.stream(&ask(name, "")).await.unwrap();
        let mut batches = 0;
        let error = loop {
            match reply.next().await {
                Ok(Some(_)) => batches += 1,
                Ok(None) => panic!("{name} ended by itself"),
                Err(error) => break error,
            }
        };
        assert!(batches > 1, "{name}");
        refused(name, Err::<(), _>(error), Kind::Timeout, "as a whole");
        assert_eq!(reply.next().await.unwrap(), None, "{name}");
    }
}

/// Those who hold instances keep others waiting, and not for longer than a call may take.
#[tokio::test]
async fn no_more_instances_live_at_once_than_the_limit_says() {
    assert!(Engine::new(Limits { instances: 0, ..Limits::default() }).is_err(), "every call would wait in vain");
    let stub = hosted().await;
    let limits = Limits { instances: 1, call: Duration::from_secs(3), ..Limits::default() };
    let provider = Provider::connect(&plugin_with(limits).await, setup(stub.base_url())).await.unwrap();
    let hello = ask("@openai/gpt-5-mini", "hello");
    let reply = provider.stream(&hello).await.unwrap();
    assert_timeout("no instance is free", provider.complete(&hello).await);
    drop(reply);
    provider.complete(&hello).await.unwrap();
}

/// Its own memory is not all that it can fill: the host keeps what it has handed over and not sent.
#[tokio::test]
async fn what_a_component_leaves_with_the_host_is_bounded() {
    // To copy them takes a while.
    let host = Host::with(small()).await;
    assert_failed("pollables", host.attack("pollables", &["100000"]).await, "table");
    assert_eq!(host.attack("pollables", &["10"]).await.unwrap(), "10");
    let written: usize = host.attack("unsent", &["300"]).await.unwrap().parse().unwrap();
    assert!((1..tight().memory).contains(&written), "{written} bytes that were never sent are kept");
    assert_failed("unsent", host.attack("unsent", &["1000"]).await, "table");
}

/// It computes nothing: it waits for what is there, or asks for what is refused.
#[tokio::test]
async fn a_component_that_only_calls_the_host_without_end_is_ended() {
    let host = Host::new().await;
    for parameter in ["0", "1"] {
        let busy = request("busy", &[parameter]);
        let (outcome, ()) = tokio::join!(host.hostile.complete(&busy), host.serves());
        assert_timeout("busy", outcome);
        host.serves().await;
    }
    // Each request is a task of the runtime, refused or not: a call beside it on the same thread may come late.
    assert_timeout("nagging", host.hostile.complete(&request("nagging", &[])).await);
    host.serves().await;
    assert!(host.server.requests().iter().all(|request| request.header("x-hostile-key").is_none()));
}

#[tokio::test]
async fn handles_that_were_never_given_are_none_and_nothing_is_taken_twice() {
    let host = Host::new().await;
    for kind in ["pollable", "fields", "response", "future", "request"] {
        assert_failed(kind, host.attack("forged", &[kind]).await, "");
    }
    host.server.clear();
    assert_eq!(host.attack("again", &[]).await.unwrap(), "[false, false, false, false, false, false]");
    let sent = host.server.take();
    assert_eq!((sent[0].header("x-late"), sent[0].header("x-hostile-key")), (None, Some(KEY)));
}

/// What is let go of is gone, what is named often is there once, and a copy is held to what the whole may be.
#[tokio::test]
async fn what_a_component_waits_for_names_or_copies_is_bounded() {
    let host = Host::with(small()).await;
    assert_eq!(host.attack("forgetful", &["10000"]).await.unwrap(), "true");
    assert_eq!(host.attack("crowd", &["10"]).await.unwrap(), "10");
    for count in ["100000", "2000000"] {
        assert_failed("crowd", host.attack("crowd", &[count]).await, "handle limit");
    }
    assert_eq!(host.attack("copies", &["2"]).await.unwrap(), "2");
    assert_failed("copies", host.attack("copies", &["10"]).await, "total size of fields exceeds limit");
}

/// As [`tight`], and no call or stream is over for its time.
fn small() -> Limits {
    let minute = Duration::from_secs(60);
    Limits { call: minute, stream_idle: minute, stream: minute, ..tight() }
}

/// Whoever joins the events, or writes the speech into a file, keeps all of them: a component that always has more is ended
/// long before its time.
#[tokio::test]
async fn a_stream_hands_over_no_more_as_a_whole_than_an_answer_may() {
    let host = Host::with(small()).await;
    let flooded = async || {
        let mut reply = host.hostile.stream(&request("flood", &[])).await?;
        let mut bytes = 0;
        while let Some(events) = reply.next().await? {
            bytes +=
                events.iter().map(|event| if let Event::Text(text) = event { text.len() } else { 0 }).sum::<usize>();
            assert!(bytes <= 32 << 20, "{bytes}");
        }
        Ok::<_, Error>(bytes)
    };
    let more = "hands over more in one stream than it may";
    assert_failed("flood", flooded().await, more);
    let spoken = async { audio_of(&mut host.hostile.speak(&say("flood")).await?).await };
    assert_failed("flood", spoken.await, more);
    host.serves().await;
}

/// The attacks of the four interfaces, by way of the two that a component may leave out.
#[tokio::test]
async fn vectors_speech_and_transcripts_are_bounded_as_chats_are() {
    let host = Host::new().await;
    let embed = async |attack: &str, text: &str| {
        host.hostile
            .embed(&embeddings::Request { model: Some(attack.into()), ..embeddings::Request::new([text]) })
            .await
    };
    let transcribe = async |attack: &str, language: &str| {
        let recorded = TranscriptionRequest::new(Media::new("", *b"RIFF"));
        let asked = TranscriptionRequest { model: Some(attack.into()), language: Some(language.into()), ..recorded };
        host.hostile.transcribe(&asked).await
    };
    let speak = async |attack: &str| audio_of(&mut host.hostile.speak(&say(attack)).await?).await;
    for (attack, because) in [("trap", "unreachable"), ("aliased", "fuel")] {
        assert_failed(attack, embed(attack, "").await, because);
    }
    for (attack, because) in [("trap", "unreachable"), ("large", "more memory")] {
        assert_failed(attack, transcribe(attack, "").await, because);
    }
    for (attack, because) in
        [("trap at once", "unreachable"), ("trap midway", "unreachable"), ("kind large", "more memory")]
    {
        assert_failed(attack, speak(attack).await, because);
    }
    // They take no more of the host than of it.
    assert_eq!(embed("empty", "").await.unwrap().vectors.len(), 1 << 16);
    assert_timeout("embed", embed("spin", "").await);
    assert_timeout("transcribe", transcribe("spin", "").await);
    assert_timeout("speak", speak("spin midway").await);
    // Its destructor never returns.
    let mut speech = host.hostile.speak(&say("drip")).await.unwrap();
    assert_eq!(speech.next().await.unwrap().unwrap(), [0]);
    drop(speech);

    let words = format!("it is {KEY}!");
    for error in [
        embed("error", &words).await.unwrap_err(),
        transcribe("error", &words).await.unwrap_err(),
        host.hostile.speak(&SpeechRequest { text: words.clone(), ..say("error") }).await.unwrap_err(),
    ] {
        assert!(!shown(&error).contains(KEY) && error.to_string().contains("it is ***"), "{error:?}");
    }
    let broken = speak("error midway").await.unwrap_err();
    assert_eq!((broken.kind(), broken.origin()), (Kind::Other, Origin::Plugin), "{broken:?}");
    host.serves().await;
}

/// Whoever drops a call at any moment leaves nothing behind: no instance, no connection that is half read.
#[tokio::test]
async fn calls_that_are_dropped_at_any_moment_leave_nothing() {
    let engine = Engine::new(Limits { instances: 4, call: Duration::from_secs(20), ..tight() }).unwrap();
    let plugin = load(&engine, &fs::read(component()).unwrap()).await.unwrap();
    let slow = FaultServer::http1(|number| match number {
        0 => vec![bytes(whole(JSON, HELLO))],
        _ => vec![Step::Trickle(whole(JSON, HELLO)), Step::Close],
    })
    .await;
    let provider = Provider::connect(&plugin, setup(&slow.base_url)).await.unwrap();
    for wait in 0..60 {
        let (whole, streamed) = (ask("1", "hello"), ask("1", "hello"));
        let _ = tokio::time::timeout(Duration::from_millis(wait), provider.complete(&whole)).await;
        let mut reply = None;
        let _ =
            tokio::time::timeout(Duration::from_millis(wait), async { reply = Some(provider.stream(&streamed).await) })
                .await;
        if let Some(Ok(mut reply)) = reply {
            let _ = tokio::time::timeout(Duration::from_millis(1), reply.next()).await;
        }
    }
    assert_eq!(provider.complete(&ask("0", "hello")).await.unwrap().text(), "hello");
    assert!(eventually(|| engine.instances() == 0).await, "{} instances live on", engine.instances());
}

/// Whoever asks on after the end of a stream gets nothing more, and whoever drops one, at any place, leaves nothing.
#[tokio::test]
async fn events_end_once_and_may_be_dropped_anywhere() {
    let stub = upstream().await;
    let (good, nobody) = (provider(stub.base_url()).await, provider("http://127.0.0.1:1/v1").await);
    for (provider, is_answered) in [(&good, true), (&nobody, false)] {
        let mut events = provider.events(ask("gpt-5-mini", "hello"));
        let mut all = Vec::new();
        while let Some(event) = events.next().await {
            all.push(event);
        }
        assert!(all.iter().all(|event| event.is_ok() == is_answered) && !all.is_empty(), "{all:?}");
        assert!(is_answered || all.len() == 1, "{all:?}");
        for _ in 0..3 {
            assert!(events.next().await.is_none());
        }
    }
    stub.clear();
    for taken in 0..6 {
        let mut events = good.events(ask("gpt-5-mini", "hello"));
        for _ in 0..taken {
            let _ = events.next().await;
        }
    }
    assert_eq!(stub.requests().len(), 5, "one that nobody asks sends nothing");
    good.complete(&ask("gpt-5-mini", "hello")).await.unwrap();
}
