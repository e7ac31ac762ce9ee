//! A chat session in a terminal: each question is sent with the conversation so far. Nothing is saved, unless the user
//! asks for it.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use host_harness::{
    ConfigFile, Environment, Provider,
    command_line::nearest,
    openclaw::{model_params, with_params},
    wit::chat::{AssistantPart, Instructions, Message, Prompt, PromptCache, Request, ToolCall, UserPart},
};
use rustyline::{Config, DefaultEditor, error::ReadlineError};

use super::{
    connect::chat_model,
    image, models, output,
    picture::Inline,
    reply::{Answering, Asked, is_markdown},
    reply_text::ReplyText,
    saved_session::Saved,
    signals, terminal, waiting,
};

const SHORT_HELP: &str = "/help lists the commands, /quit or Ctrl-D ends, Ctrl-C stops a reply";

const HELP: &str = "\
/model [ID]     shows the model, or asks this one from now on
/system [TEXT]  shows the system prompt, or sets it
/clear          forgets the conversation
/quit           ends, as Ctrl-D does; Ctrl-C stops a reply
Several lines: end each but the last with a backslash, or put \"\"\" before the first and behind the last";

const COMMANDS: [&str; 6] = ["/help", "/model", "/system", "/clear", "/quit", "/exit"];

/// How long a user who names a model waits for the list of those that there are.
const PATIENCE: Duration = Duration::from_secs(10);

/// Around a question of several lines.
const FENCE: &str = "\"\"\"";

/// What a session is about besides its prompt.
pub(crate) struct Knows<'p> {
    pub(crate) config: &'p ConfigFile,
    pub(crate) environment: &'p Environment,
    /// Where what is said is kept.
    pub(crate) saved: Option<&'p Saved>,
}

/// Runs until the user ends it. `prompt` holds what is the same for each question, and what was said before; `attached` goes
/// with the first.
pub(crate) async fn run(
    provider: &Provider,
    mut prompt: Prompt,
    cache: Option<PromptCache>,
    attached: Vec<UserPart>,
    knows: Knows<'_>,
) -> anyhow::Result<ExitCode> {
    signals::watch();
    output::note(&format!("{}: {SHORT_HELP}", prompt.model));
    // Earlier lines come back with the arrow keys; they are kept in memory and gone with the program.
    let config = Config::builder().auto_add_history(true).build();
    let is_system = |message: &Message| matches!(message, Message::System(_));
    let (system, turns) = std::mem::take(&mut prompt.messages).into_iter().partition(is_system);
    let mut session = Session {
        provider,
        prompt,
        system,
        cache,
        attached,
        turns,
        knows,
        offered: None,
        editor: DefaultEditor::with_config(config).context("this terminal cannot be read from")?.into(),
    };
    loop {
        match session.question().await? {
            Line::End => return Ok(ExitCode::SUCCESS),
            Line::Stopped => output::note(SHORT_HELP),
            Line::Text(line) => {
                let line = line.trim();
                // A path or a pattern is a question.
                let command = line.split_whitespace().next().filter(|word| is_command(word));
                let rest = command.and_then(|command| line.strip_prefix(command)).unwrap_or_default().trim();
                match command {
                    None if line.is_empty() => {}
                    None => session.ask(line).await?,
                    Some("/quit" | "/exit") => return Ok(ExitCode::SUCCESS),
                    Some("/clear") => {
                        session.turns.clear();
                        session.keep();
                        output::note("forgotten");
                    }
                    Some("/help") => HELP.lines().for_each(output::note),
                    Some("/model") => session.model(rest).await?,
                    Some("/system") => session.system(rest),
                    Some(command) => {
                        if session.is_meant(command).await? {
                            session.ask(line).await?;
                        }
                    }
                }
            }
        }
    }
}

/// A slash and one word of letters.
fn is_command(word: &str) -> bool {
    let letters = word.strip_prefix('/').unwrap_or_default();
    !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
}

struct Session<'p> {
    provider: &'p Provider,
    /// Without messages.
    prompt: Prompt,
    /// What the model is told beforehand.
    system: Vec<Message>,
    cache: Option<PromptCache>,
    knows: Knows<'p>,
    /// What no question has taken along yet.
    attached: Vec<UserPart>,
    turns: Vec<Message>,
    /// The models that the gateway offers, once they were asked for: none where it did not say.
    offered: Option<Vec<String>>,
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
    /// Shows the model, or asks another one from now on.
    async fn model(&mut self, id: &str) -> anyhow::Result<()> {
        if !id.is_empty() {
            let id = chat_model(Some(id), self.provider.plugin(), self.knows.config, self.knows.environment)?;
            if self.is_offered(&id).await || self.is_wanted(&id).await? {
                self.prompt.model = id;
            }
        }
        output::note(&self.prompt.model);
        Ok(())
    }

    /// Whether the gateway offers the model, as far as it says what it offers.
    async fn is_offered(&mut self, id: &str) -> bool {
        if self.offered.is_none() {
            let listed = waiting::during("listing models", self.provider.models());
            self.offered = tokio::select! {
                listed = tokio::time::timeout(PATIENCE, listed) => {
                    let listed = listed.ok().and_then(Result::ok).unwrap_or_default();
                    Some(listed.into_iter().map(|model| model.id).collect())
                }
                Ok(()) = tokio::signal::ctrl_c() => None,
            };
        }
        self.offered.as_deref().is_none_or(|all| all.is_empty() || all.iter().any(|offered| offered == id))
    }

    /// Whether a model that the gateway does not offer is to be asked all the same.
    async fn is_wanted(&mut self, id: &str) -> anyhow::Result<bool> {
        let offered = self.offered.iter().flatten().map(String::as_str);
        let meant = models::meant(id, offered).map(|meant| format!(", did you mean {meant}?")).unwrap_or_default();
        output::note(&format!("the gateway does not offer {id}{meant}"));
        self.agrees("Ask it all the same? (y/N) ").await
    }

    /// Shows what the model is told beforehand, or sets it.
    fn system(&mut self, text: &str) {
        if !text.is_empty() {
            self.system = vec![Message::system(text)];
        }
        match self.system.first() {
            Some(Message::System(Instructions { stable, .. })) => output::note(stable),
            _ => output::note("the model is told nothing beforehand"),
        }
    }

    /// Whether a line that begins with an unknown command is to be sent: that may have to be paid for.
    async fn is_meant(&mut self, command: &str) -> anyhow::Result<bool> {
        let meant = nearest(command, COMMANDS).map(|meant| format!(", did you mean {meant}?")).unwrap_or_default();
        output::note(&format!("there is no command {command}{meant}"));
        self.agrees("Send the line to the model as it stands? (y/N) ").await
    }

    /// Whether the user says yes to a question.
    async fn agrees(&mut self, question: &str) -> anyhow::Result<bool> {
        match self.read(question).await? {
            Line::Text(answer) => match answer.trim().to_lowercase().as_str() {
                "y" | "yes" => Ok(true),
                "" | "n" | "no" => Ok(false),
                // Such as the next command, typed already.
                _ => {
                    output::note("that was neither y nor n: nothing was done");
                    Ok(false)
                }
            },
            Line::Stopped | Line::End => Ok(false),
        }
    }

    /// A question, which may have several lines.
    async fn question(&mut self) -> anyhow::Result<Line> {
        let mut text = match self.read("> ").await? {
            Line::Text(line) => line,
            other => return Ok(other),
        };
        if let Some(rest) = text.trim_start().strip_prefix(FENCE).map(str::to_owned) {
            text = rest;
            while !text.trim_end().ends_with(FENCE) {
                match self.read("... ").await? {
                    Line::Text(line) => text = format!("{text}\n{line}"),
                    other => return Ok(other),
                }
            }
            text.truncate(text.trim_end().len() - FENCE.len());
            return Ok(Line::Text(text));
        }
        while let Some(before) = text.strip_suffix('\\').map(str::to_owned) {
            match self.read("... ").await? {
                Line::Text(line) => text = format!("{before}\n{line}"),
                other => return Ok(other),
            }
        }
        Ok(Line::Text(text))
    }

    /// Keeps what was said so far, where it is to be kept.
    fn keep(&self) {
        let Some(saved) = self.knows.saved else { return };
        let messages: Vec<Message> = self.system.iter().chain(&self.turns).cloned().collect();
        if let Err(error) = saved.keep(&self.prompt.model, &messages, self.provider.credentials()) {
            output::warn(&error.to_string());
        }
    }

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
                self.keep();
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

    /// The reply to what was said so far, which is then part of it; its tool calls. `None` where Ctrl-C came before a word, or
    /// it could not be written to its end.
    async fn reply(&mut self) -> anyhow::Result<Option<Vec<ToolCall>>> {
        let messages = self.system.iter().chain(&self.turns).cloned().collect();
        let id = &self.provider.plugin().descriptor().id;
        let params = model_params(self.knows.config.value(), id, &self.prompt.model);
        let (prompt, _) = with_params(Prompt { messages, ..self.prompt.clone() }, &params);
        let text = ReplyText::standard_output(is_markdown(&prompt));
        let model = prompt.model.clone();
        let request = Request { prompt_cache: self.cache, ..prompt.into() };
        let mut answer = Answering::new(text).ask(self.provider, Asked { model, request }).await?;
        if answer.cut {
            return Ok(None);
        }
        let stopped = answer.stopped;
        if !stopped {
            let (images, failed) = image::save_of_chat(self.provider, &answer.response).await;
            image::show(&images, Inline::of_this_terminal());
            if let Some(error) = failed {
                output::failure(&error.into(), false);
            }
            answer.remarks().iter().for_each(|remark| output::say(remark));
        }
        output::note(&if stopped {
            "stopped".to_owned()
        } else {
            let cost = answer.cost().await;
            answer.summary(cost)
        });
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
