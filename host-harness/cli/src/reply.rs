//! Prints a reply as it arrives, and the summary after it.

use std::time::{Duration, Instant};

use host_harness::{
    Joined, Provider,
    types::{GatewayReport, Usage},
    wit::{
        chat::{AssistantPart, Event, FinishReason, Prompt, Request, Response},
        prices::Price,
    },
};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{
    output::{self, Took},
    reply_text::ReplyText,
    waiting::{self, Waiting},
};

/// A reply that keeps to a schema is no Markdown.
pub(crate) fn is_markdown(prompt: &Prompt) -> bool {
    prompt.response_format.is_none()
}

/// A reply, and how it came.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// Whether Ctrl-C ended it: then it is what had come by then.
    pub(crate) stopped: bool,
    /// Whether whoever read has gone: then it is what had come by then.
    pub(crate) cut: bool,
    took: Took,
    calls: Vec<Paid>,
}

/// How long a price is waited for, once the reply is there.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A call, and the price that it is to be paid at: asked for while the reply is still being written.
struct Paid {
    usage: Option<Usage>,
    price: Option<JoinHandle<Option<Price>>>,
}

impl Paid {
    async fn cost(self) -> Option<f64> {
        let usage = self.usage?;
        self.price?.await.ok()??.cost_of(&usage)
    }
}

/// Asks for the price of a reply, beside what is being done.
fn ask_price(provider: &Provider, asked: &str, model: &str, report: &GatewayReport) -> JoinHandle<Option<Price>> {
    let (provider, asked, model, report) = (provider.clone(), asked.to_owned(), model.to_owned(), report.clone());
    tokio::spawn(async move { provider.price_of_reply(&asked, &model, &report).await })
}

impl Answer {
    pub(crate) fn is_refused(&self) -> bool {
        let has_refusal = self.response.content.iter().any(|part| matches!(part, AssistantPart::Refusal(_)));
        has_refusal || matches!(self.response.finish_reason, FinishReason::ContentFilter)
    }

    /// All that is printed of the reply in a pipe.
    pub(crate) fn text(&self) -> String {
        let mut text: String = self.response.content.iter().filter_map(output::said).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend(self.response.tool_calls().map(|call| format!("{}({})\n", call.name, call.arguments_json)));
        text
    }

    /// What the text and the images do not say of the reply: a line for each.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let content = &self.response.content;
        let mut remarks = self.sources();
        let says = |part: &AssistantPart| !matches!(part, AssistantPart::Thinking(_) | AssistantPart::Other(_));
        if content.iter().any(|part| matches!(part, AssistantPart::Refusal(_))) {
            remarks.push("refusal: the model does not answer, and says why".to_owned());
        } else if !content.iter().any(says) {
            let has_reasoned = content.iter().any(|part| matches!(part, AssistantPart::Thinking(_)));
            let but = if has_reasoned { "but for its reasoning" } else { "at all" };
            remarks.push(format!("the model said nothing {but}"));
        }
        remarks.extend(match &self.response.finish_reason {
            FinishReason::Stop | FinishReason::ToolCalls => None,
            FinishReason::Length => {
                Some("length: the reply ends early, at the limit of its tokens (--max-output-tokens)".to_owned())
            }
            FinishReason::ContentFilter => Some("content_filter: a content filter cut the reply".to_owned()),
            FinishReason::Other(reason) => Some(format!("the reply ended for another reason: {reason}")),
        });
        remarks.iter().map(|remark| output::printable(remark)).collect()
    }

    /// Where the reply is from, as far as its text does not show it: `[1]` in it means the first.
    fn sources(&self) -> Vec<String> {
        let content = &self.response.content;
        let is_shown =
            |url: &str| content.iter().any(|part| matches!(part, AssistantPart::Text(text) if text.contains(url)));
        // Each is looked for in all of the text.
        const MANY: usize = 100;
        let url_of = |part: &AssistantPart| {
            let AssistantPart::Other(json) = part else { return None };
            let part: Value = serde_json::from_str(json).ok()?;
            part.pointer("/url_citation/url")?.as_str().map(str::to_owned)
        };
        let urls: Vec<String> = content.iter().filter_map(url_of).collect();
        let numbered = urls.iter().enumerate().filter(|&(at, url)| at >= MANY || !is_shown(url));
        numbered.map(|(at, url)| format!("[{}] {url}", at + 1)).collect()
    }

    /// The same, as far as it came before Ctrl-C.
    pub(crate) fn stopped(self) -> Self {
        Self { stopped: true, ..self }
    }

    /// The same, where it took this much in all, and these calls before it.
    pub(crate) fn after(mut self, usage: Usage, before: Vec<Self>) -> Self {
        self.response.usage = self.response.usage.map(|_| usage);
        let calls = before.into_iter().flat_map(|answer| answer.calls);
        self.calls = calls.chain(std::mem::take(&mut self.calls)).collect();
        self
    }

    /// What it cost, in US dollars. `None` where that is not known of each call; no price is waited for long.
    pub(crate) async fn cost(&mut self) -> Option<f64> {
        let calls = std::mem::take(&mut self.calls);
        let all = async {
            let mut cost = 0.0;
            for call in calls {
                cost += call.cost().await?;
            }
            // Without what binary fractions add.
            Some((cost * 1e12).round() / 1e12)
        };
        tokio::time::timeout(PATIENCE, all).await.ok().flatten()
    }

    pub(crate) fn summary(&self, cost: Option<f64>) -> String {
        output::summary(self.response.usage.as_ref(), cost, &self.response.report, self.took)
    }
}

/// A request, and the model that it names.
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) request: Request,
}

/// A reply on its way.
pub(crate) struct Answering {
    text: ReplyText,
    joined: Joined,
    /// What was printed: text, or a refusal.
    said: String,
    report: GatewayReport,
    asked: Instant,
    first: Option<Duration>,
    reasoned: bool,
    /// Whether calls of tools are printed.
    calls: bool,
    /// Whether somebody will see what it cost.
    shows_cost: bool,
    price: Option<JoinHandle<Option<Price>>>,
    /// Whether whoever read has gone before its end.
    cut: bool,
}

impl Answering {
    /// Streams the reply as it comes, until its end or Ctrl-C. Once this was called, Ctrl-C no longer ends the program by
    /// itself.
    pub(crate) async fn ask(mut self, provider: &Provider, asked: Asked) -> host_harness::Result<Answer> {
        let outcome = tokio::select! {
            outcome = self.stream(provider, asked) => outcome.map(|()| false),
            // Dropping the stream ends its request.
            Ok(()) = tokio::signal::ctrl_c() => Ok(true),
        };
        self.finish(outcome)
    }

    pub(crate) fn new(text: ReplyText) -> Self {
        Self {
            text,
            joined: Joined::default(),
            said: String::new(),
            report: GatewayReport::default(),
            asked: Instant::now(),
            first: None,
            reasoned: false,
            calls: true,
            shows_cost: !output::is_quiet(),
            price: None,
            cut: false,
        }
    }

    /// The same, where what it cost is shown even if the program is to be quiet.
    pub(crate) fn with_cost(self) -> Self {
        Self { shows_cost: true, ..self }
    }

    /// The same, where calls of tools are answered and not printed.
    pub(crate) fn without_calls(self) -> Self {
        Self { calls: false, ..self }
    }

    /// Prints the reply as it arrives.
    pub(crate) async fn stream(&mut self, provider: &Provider, asked: Asked) -> host_harness::Result<()> {
        let model = asked.model;
        let mut waiting = Some(Waiting::new(format!("waiting for {model}")));
        let mut reply = provider.stream(asked.request).await?;
        self.report = reply.report().clone();
        while let Some(events) = reply.next().await? {
            let waited = self.first.is_none();
            if self.shows_cost
                && self.price.is_none()
                && let Some(start) = events.iter().find_map(|event| match event {
                    Event::Start(start) => Some(start),
                    _ => None,
                })
            {
                self.price = Some(ask_price(provider, &model, &start.model, &self.report));
            }
            let text: String = events.into_iter().filter_map(|event| self.take(event)).collect();
            let printed = self.text.push(&text);
            if !printed.is_empty() || waited && self.first.is_some() {
                waiting = None;
            }
            // Once whoever read has gone, what is still to come would be paid for in vain.
            if !printed.is_empty() && !output::print(&printed) {
                self.cut = true;
                return Ok(());
            }
            // What cannot be drawn yet is shown as it comes. Nowhere but at the start of a line is room for it.
            if let Some(pending) = self.text.pending() {
                waiting.get_or_insert_with(|| Waiting::new(format!("{model} writes"))).preview(pending);
            }
        }
        Ok(())
    }

    /// Joins the event to the reply; its text, if it has one.
    fn take(&mut self, event: Event) -> Option<String> {
        let text = match &event {
            Event::Text(text) | Event::Refusal(text) => Some(text.clone()),
            _ => None,
        };
        let is_reasoning = matches!(event, Event::Thinking(_));
        self.reasoned |= is_reasoning;
        if text.is_some() || is_reasoning || matches!(event, Event::ToolCall(_)) {
            self.first.get_or_insert_with(|| self.asked.elapsed());
        }
        self.said.extend(text.as_deref());
        self.joined.push(event);
        text
    }

    /// Prints the reply once it is whole.
    pub(crate) async fn complete(mut self, provider: &Provider, asked: Asked) -> anyhow::Result<Answer> {
        let waiting = format!("waiting for {}", asked.model);
        let response = waiting::during(waiting, provider.complete(asked.request)).await?;
        let price = response
            .usage
            .filter(|_| self.shows_cost)
            .map(|_| ask_price(provider, &asked.model, &response.model, &response.report));
        let took = Took::whole(self.asked.elapsed());
        for part in &response.content {
            match part {
                AssistantPart::Text(text) | AssistantPart::Refusal(text) => {
                    output::print(&(self.text.push(text) + &self.text.finish(text)));
                }
                AssistantPart::ToolCall(call) => self.print_call(&call.name, &call.arguments_json),
                AssistantPart::Thinking(_) | AssistantPart::Image(_) | AssistantPart::Other(_) => {}
            }
        }
        let calls = vec![Paid { usage: response.usage, price }];
        Ok(Answer { response, stopped: false, cut: false, took, calls })
    }

    /// Prints what is left, and gives the reply as far as it came.
    pub(crate) fn finish(mut self, outcome: host_harness::Result<bool>) -> host_harness::Result<Answer> {
        output::print(&self.text.finish(&self.said));
        let stopped = outcome?;
        self.joined
            .tool_calls()
            .filter(|_| self.calls)
            .for_each(|call| self.print_call(&call.name, &call.arguments_json));
        let took = Took { whole: self.asked.elapsed(), first: self.first, reasoned: self.reasoned };
        let response = self.joined.into_response(self.report);
        let calls = vec![Paid { usage: response.usage, price: self.price }];
        Ok(Answer { response, stopped, cut: self.cut, took, calls })
    }

    fn print_call(&self, name: &str, arguments: &str) {
        let call = format!("{name}({arguments})");
        match self.text {
            ReplyText::Blank => {}
            ReplyText::Exact => output::print_line(&call),
            ReplyText::Plain | ReplyText::Drawn(_) => output::print_line(&output::printable(&call)),
        }
    }
}
