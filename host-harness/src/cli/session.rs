//! A chat in a terminal: question after question, each sent with all that was said before. Nothing of it is stored.

use std::process::ExitCode;

use anyhow::Context;
use host_harness::{
    Provider,
    wit::chat::{AssistantPart, Message, Prompt, PromptCache, Request, ToolCall, UserPart},
};
use rustyline::{Config, DefaultEditor, error::ReadlineError};

use super::{
    chat::{self, Asked},
    image, output,
    picture::Inline,
    restored, terminal,
};

const HELP: &str = "/clear forgets what was said, /quit or Ctrl-D ends, Ctrl-C stops a reply";

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Runs until the user ends it. `prompt` holds what is the same for each question, `attached` goes with the first.
pub(crate) async fn run(
    provider: &Provider,
    prompt: Prompt,
    cache: Option<PromptCache>,
    attached: Vec<UserPart>,
) -> anyhow::Result<ExitCode> {
    restored::watch();
    output::note(&format!("{}: {HELP}", prompt.model));
    // Earlier lines come back with the arrow keys; they are kept in memory and gone with the program.
    let config = Config::builder().auto_add_history(true).build();
    let mut session = Session {
        provider,
        prompt,
        cache,
        attached,
        turns: Vec::new(),
        editor: DefaultEditor::with_config(config).context("this terminal cannot be read from")?.into(),
    };
    loop {
        match session.read("> ").await? {
            Line::End => return Ok(ExitCode::SUCCESS),
            Line::Stopped => output::note(HELP),
            Line::Text(line) => match line.trim() {
                "" => {}
                "/quit" | "/exit" => return Ok(ExitCode::SUCCESS),
                "/clear" => session.turns.clear(),
                "/help" => output::note(HELP),
                // A path or a pattern is a question.
                command if command.strip_prefix('/').is_some_and(is_word) => {
                    output::note(&format!("there is no command {command}: {HELP}"));
                }
                question => session.ask(question).await?,
            },
        }
    }
}

struct Session<'p> {
    provider: &'p Provider,
    prompt: Prompt,
    cache: Option<PromptCache>,
    /// What no question has taken along yet.
    attached: Vec<UserPart>,
    turns: Vec<Message>,
    /// Gone while another thread reads with it.
    editor: Option<DefaultEditor>,
}

enum Line {
    Text(String),
    /// Ctrl-C
    Stopped,
    /// Ctrl-D
    End,
}

impl Session<'_> {
    /// Asks, and again with the results of the tool calls that came. What fails or is given up is not said.
    async fn ask(&mut self, question: &str) -> anyhow::Result<()> {
        let before = self.turns.len();
        let attached = self.attached.iter().cloned();
        self.turns.push(Message::User([UserPart::Text(question.to_owned())].into_iter().chain(attached).collect()));
        loop {
            let calls = match self.reply().await {
                Ok(calls) => calls,
                Err(error) => {
                    output::failure(&error, false);
                    self.turns.truncate(before);
                    return Ok(());
                }
            };
            let Some(calls) = calls else {
                self.turns.truncate(before);
                return Ok(());
            };
            self.attached.clear();
            if calls.is_empty() {
                return Ok(());
            }
            for call in calls {
                match self.read(&format!("result of {}> ", terminal::line(&call.name))).await? {
                    Line::Text(text) => self.turns.push(Message::tool_result(call.id, text)),
                    Line::Stopped | Line::End => {
                        self.turns.truncate(before);
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The reply to what was said so far, which is then part of it; its tool calls. `None` where Ctrl-C came before a word.
    async fn reply(&mut self) -> anyhow::Result<Option<Vec<ToolCall>>> {
        let messages = self.prompt.messages.iter().chain(&self.turns).cloned().collect();
        let prompt = Prompt { messages, ..self.prompt.clone() };
        let page = chat::page(&prompt);
        let model = prompt.model.clone();
        let request = Request { prompt_cache: self.cache, ..prompt.into() };
        let answer = chat::ask(self.provider, Asked { model, request }, page).await?;
        let (text, stopped) = (answer.summary(), answer.stopped);
        if !stopped {
            let (images, failed) = image::save_of_chat(self.provider, &answer.response).await;
            image::show(&images, Inline::of_this_terminal());
            if let Some(error) = failed {
                output::failure(&error.into(), false);
            }
            answer.remarks().iter().for_each(|remark| output::say(remark));
        }
        output::note(if stopped { "stopped" } else { &text });
        let mut content = answer.response.content;
        if stopped {
            // Reasoning and calls that are not whole would be refused.
            content.retain(|part| matches!(part, AssistantPart::Text(_)));
            if content.is_empty() {
                return Ok(None);
            }
        }
        let calls = content.iter().filter_map(|part| match part {
            AssistantPart::ToolCall(call) => Some(call.clone()),
            _ => None,
        });
        let calls = calls.collect();
        self.turns.push(Message::Assistant(content));
        Ok(Some(calls))
    }

    /// The next line. Read by another thread, so that the connections live on.
    async fn read(&mut self, prompt: &str) -> anyhow::Result<Line> {
        let mut editor = self.editor.take().context("the terminal is being read from")?;
        let prompt = prompt.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let line = editor.readline(&prompt);
            (editor, line)
        });
        let (editor, line) = read.await.context("reading from the terminal failed")?;
        self.editor = Some(editor);
        match line {
            Ok(line) => Ok(Line::Text(line)),
            Err(ReadlineError::Interrupted) => Ok(Line::Stopped),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(error).context("cannot read from the terminal"),
        }
    }
}
