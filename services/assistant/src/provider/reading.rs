//! An answer as it comes from a provider, piece by piece.

use super::Failure;
use super::chat::ToolCall;
use super::sse::{Events, Unreadable};
use crate::domain::budget::Tokens;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::timeout;

/// How long what an answer has used may come behind its last word.
const AFTER_THE_END: Duration = Duration::from_secs(2);
/// Bytes of one answer that are read at most, whatever the model was asked for.
const LONGEST: usize = 512 * 1024;
/// Tools that one answer may ask for.
const MOST_CALLS: usize = 8;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text.
    Text(String),
    /// What the answer has used.
    Used(Tokens),
    /// It is whole; these tools are asked for.
    End(Vec<ToolCall>),
}

/// An answer in the course of being read. Dropped, it cancels what is left of it.
#[derive(Debug)]
pub struct Reading {
    body: Option<Incoming>,
    parser: Parser,
}

#[derive(Debug, Default)]
struct Parser {
    events: Events,
    pieces: VecDeque<Piece>,
    calls: Vec<ToolCall>,
    read: usize,
    /// The model has said that it is at its end.
    finished: bool,
    /// So has the stream.
    done: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Used>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<PartOfCall>>,
}

#[derive(Deserialize)]
struct PartOfCall {
    #[serde(default)]
    index: usize,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: PartOfFunction,
}

#[derive(Default, Deserialize)]
struct PartOfFunction {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Used {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Reading {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body: Some(body), parser: Parser::default() }
    }

    /// The next piece. [`Piece::End`] is the last.
    ///
    /// # Errors
    /// When the connection breaks before the end, and when what comes is no such stream.
    pub async fn next(&mut self) -> Result<Piece, Failure> {
        loop {
            if let Some(piece) = self.parser.pieces.pop_front() {
                return Ok(piece);
            }
            let bytes = if self.parser.done { None } else { self.bytes().await? };
            match bytes {
                Some(bytes) => self.parser.take(&bytes)?,
                // A stream that ends behind the last word of the model has said all of it.
                None if self.parser.finished => {
                    self.body = None;
                    return Ok(Piece::End(std::mem::take(&mut self.parser.calls)));
                }
                None => return Err(Failure::BrokeOff),
            }
        }
    }

    async fn bytes(&mut self) -> Result<Option<Bytes>, Failure> {
        let finished = self.parser.finished;
        let Some(body) = &mut self.body else { return Ok(None) };
        let frame = async {
            loop {
                match body.frame().await {
                    None => return Ok(None),
                    Some(Err(_)) => return Err(Failure::BrokeOff),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(bytes) => return Ok(Some(bytes)),
                        Err(_) => continue,
                    },
                }
            }
        };
        if !finished {
            return frame.await;
        }
        match timeout(AFTER_THE_END, frame).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }
}

impl Parser {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.read += bytes.len();
        if self.read > LONGEST {
            return Err(Failure::Nonsense("the answer is too long"));
        }
        let mut events = std::mem::take(&mut self.events);
        let mut wrong = None;
        let taken = events.take(bytes, |data| {
            if wrong.is_none() {
                wrong = self.event(data).err();
            }
        });
        self.events = events;
        match (wrong, taken) {
            (Some(wrong), _) => Err(wrong),
            (None, Err(Unreadable::TooLong)) => Err(Failure::Nonsense("an event is too long")),
            (None, Err(Unreadable::NotUtf8)) => Err(Failure::Nonsense("an event is no text")),
            (None, Ok(())) => Ok(()),
        }
    }

    fn event(&mut self, data: &str) -> Result<(), Failure> {
        if self.done {
            return Ok(());
        }
        if data.trim() == "[DONE]" {
            // Some say no reason for which they end.
            (self.done, self.finished) = (true, true);
            return Ok(());
        }
        let chunk: Chunk =
            serde_json::from_str(data).map_err(|_| Failure::Nonsense("an event is none that is known"))?;
        if chunk.error.is_some() {
            return Err(Failure::BrokeOff);
        }
        for choice in chunk.choices.into_iter().take(1) {
            if let Some(text) = choice.delta.content {
                // No database holds a zero, and nothing that moves a cursor belongs into an answer.
                let text: String =
                    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
                if !text.is_empty() {
                    self.pieces.push_back(Piece::Text(text));
                }
            }
            for part in choice.delta.tool_calls.into_iter().flatten() {
                self.part_of_call(part)?;
            }
            self.finished |= choice.finish_reason.is_some();
        }
        if let Some(used) = chunk.usage {
            let used = Tokens { prompt: used.prompt_tokens, completion: used.completion_tokens };
            self.pieces.push_back(Piece::Used(used));
        }
        Ok(())
    }

    fn part_of_call(&mut self, part: PartOfCall) -> Result<(), Failure> {
        if part.index >= MOST_CALLS {
            return Err(Failure::Nonsense("it asks for too many tools at once"));
        }
        let nothing = || ToolCall { id: String::new(), name: String::new(), arguments: String::new() };
        while self.calls.len() <= part.index {
            self.calls.push(nothing());
        }
        let call = &mut self.calls[part.index];
        if let Some(id) = part.id {
            call.id = id;
        }
        if let Some(name) = part.function.name {
            call.name.push_str(&name);
        }
        if let Some(arguments) = part.function.arguments {
            call.arguments.push_str(&arguments);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stream: &str) -> (Parser, Result<(), Failure>) {
        let mut parser = Parser::default();
        let outcome = parser.take(stream.as_bytes());
        (parser, outcome)
    }

    #[test]
    fn text_usage_and_the_end_are_read() {
        let (parser, outcome) = parse(
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n\
             data: {\"choices\":[{\"delta\":{\"content\":\"Hel\\u0000lo\"},\"finish_reason\":null}],\"usage\":null}\n\n\
             data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
             data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}\n\n\
             data: [DONE]\n\n",
        );
        outcome.unwrap();
        assert!(parser.finished && parser.done);
        let pieces: Vec<Piece> = parser.pieces.into();
        assert_eq!(
            pieces,
            [Piece::Text("Hello".to_owned()), Piece::Used(Tokens { prompt: 9, completion: 2 })]
        );
    }

    #[test]
    fn calls_of_tools_come_in_pieces() {
        let (parser, outcome) = parse(
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\
                \"function\":{\"name\":\"list_todos\",\"arguments\":\"\"}}]}}]}\n\n\
             data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n\
             data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]},\
                \"finish_reason\":\"tool_calls\"}]}\n\n",
        );
        outcome.unwrap();
        let call = ToolCall {
            id: "c1".to_owned(),
            name: "list_todos".to_owned(),
            arguments: "{\"a\":1}".to_owned(),
        };
        assert_eq!(parser.calls, [call]);
    }

    #[test]
    fn an_error_in_the_stream_ends_it_and_nothing_of_it_is_told() {
        let (_, outcome) = parse("data: {\"error\":{\"message\":\"key sk-secret is wrong\"}}\n\n");
        assert_eq!(outcome, Err(Failure::BrokeOff));
        let (_, outcome) = parse("data: <html>sk-secret</html>\n\n");
        assert!(!format!("{:?}", outcome.unwrap_err()).contains("sk-secret"));
    }

    #[test]
    fn what_asks_for_endless_tools_is_refused() {
        let (_, outcome) =
            parse("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":4000000000}]}}]}\n\n");
        assert!(outcome.is_err());
    }
}
