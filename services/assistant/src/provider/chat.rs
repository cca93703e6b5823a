//! What goes to a model and what comes back, whoever serves it.

use crate::tools::ToolSpec;
use serde_json::{Value, json};

/// Who says something to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatRole {
    /// The rules of the house.
    System,
    /// The person, or data.
    User,
    /// The model.
    Assistant,
    /// A tool that the model has asked for.
    Tool,
}

impl ChatRole {
    const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A tool that a model asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// By what the model knows it.
    pub id: String,
    /// Which.
    pub name: String,
    /// With what, as JSON that nobody has looked at.
    pub arguments: String,
}

/// One message to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Who says it.
    pub role: ChatRole,
    /// What.
    pub content: String,
    /// The tools that the model has asked for with it.
    pub calls: Vec<ToolCall>,
    /// The call that it answers.
    pub answers: Option<String>,
}

impl ChatMessage {
    /// Something that is said.
    #[must_use]
    pub fn new(role: ChatRole, content: &str) -> Self {
        Self { role, content: content.to_owned(), calls: Vec::new(), answers: None }
    }

    /// What the model has asked for, as it must be told again.
    #[must_use]
    pub fn asking(content: &str, calls: Vec<ToolCall>) -> Self {
        Self { calls, ..Self::new(ChatRole::Assistant, content) }
    }

    /// What a tool has answered.
    #[must_use]
    pub fn tool_result(call: &str, content: &str) -> Self {
        Self { answers: Some(call.to_owned()), ..Self::new(ChatRole::Tool, content) }
    }

    fn wire(&self) -> Value {
        let mut wire = json!({"role": self.role.as_str(), "content": self.content});
        if !self.calls.is_empty() {
            let call = |call: &ToolCall| {
                json!({"id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments}})
            };
            wire["tool_calls"] = self.calls.iter().map(call).collect();
        }
        if let Some(answers) = &self.answers {
            wire["tool_call_id"] = json!(answers);
        }
        wire
    }
}

/// The body of a request for an answer in a stream, with what it has used at its end.
#[must_use]
pub fn request(model: &str, messages: &[ChatMessage], tools: &[ToolSpec], max_tokens: u32) -> Value {
    let mut body = json!({
        "model": model,
        "messages": messages.iter().map(ChatMessage::wire).collect::<Vec<_>>(),
        "max_tokens": max_tokens,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    if !tools.is_empty() {
        let tool = |tool: &ToolSpec| {
            json!({"type": "function",
                "function": {"name": tool.name, "description": tool.about, "parameters": tool.parameters}})
        };
        body["tools"] = tools.iter().map(tool).collect();
    }
    body
}
