//! What an invocation's plugin, or the host for it, sends to Discord: an action's calls, one after the other, with files
//! and with what becomes of the message later.
//!
//! Apart from the table of invocations, which knows only that there are some.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use plugin_protocol::{
    Action, ChannelId, Door, Later, MessageId, Permissions, Problem, ProblemCode, Respond, Responded, upload,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    ANSWERABLE, Body, Conversation, Entry, Inner, Origin, State, Step, Timer, calls, log_unsaid, senseless_problem,
    unknown_invocation,
};
use crate::interactions::{
    InteractionRef, Response,
    refusal::{ALREADY_ACKNOWLEDGED, Refusal},
    state::Call,
};
use std::sync::atomic::Ordering;

/// What goes along with a message of a plugin's.
#[derive(Clone, Debug, Default)]
struct Extras {
    files: Vec<(String, Bytes)>,
    later: Option<Later>,
    pings_everyone: bool,
    /// Whether the plugin wants to know the message.
    wants_message: bool,
    /// Whether the host says it: a refusal, or that something takes long.
    is_note: bool,
}

impl Inner {
    pub(super) async fn respond(&self, entry: &Entry, head: Respond, tail: Bytes) -> Result<Responded, Problem> {
        let is_old = entry.opened.elapsed() >= ANSWERABLE;
        if is_old && entry.finished.load(Ordering::Relaxed) {
            return Err(unknown_invocation());
        }
        let Some((body, files)) = upload::parts(&tail, &head.files) else {
            let text = "the lengths of the files are not those of what was sent";
            return Err(Problem::new(ProblemCode::Invalid, text));
        };
        let names = head.files.iter().map(|file| file.filename.clone());
        let extras = Extras {
            files: names.zip(files.into_iter().map(|file| tail.slice_ref(file))).collect(),
            later: head.later,
            pings_everyone: head.ping_everyone && entry.origin.may_ping_everyone,
            wants_message: head.wants_message || head.later.is_some() || entry.origin.deleted_after.success.is_some(),
            is_note: false,
        };
        let message = if body.is_empty() {
            None
        } else {
            let message = Body::parse(body).map_err(|error| {
                let text = format!("the body of an answer must be a message as a JSON object: {error}");
                Problem::new(ProblemCode::Invalid, text)
            })?;
            Some(message)
        };
        let mut conversation = entry.conversation.lock().await;
        if is_old {
            conversation.expire();
        }
        let ephemeral = head.ephemeral || message.as_ref().is_some_and(Body::is_ephemeral);
        let step = conversation
            .step(head.action, ephemeral, head.message_id)
            .map_err(|senseless| senseless_problem(senseless, entry.origin.door))?;
        if head.action == Action::Defer && ephemeral {
            conversation.promise_ephemeral();
        }
        if message.is_none() && step.calls.iter().any(|&call| calls::carries_message(call)) {
            let text = "this needs a message as its body";
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let responded = self
            .perform_with(
                &entry.origin,
                &mut conversation,
                &step,
                &message.unwrap_or_default(),
                &extras,
            )
            .await;
        if entry.finished.load(Ordering::Relaxed) {
            self.tidy(&entry.origin, &mut conversation);
        }
        responded
    }

    /// The invocation went well: what is said about that is deleted after its time, and so is the message that asked.
    pub(super) fn tidy(&self, origin: &Origin, conversation: &mut Conversation) {
        let deleted_after = origin.deleted_after;
        if let Some(after) = deleted_after.success {
            for id in conversation.take_public() {
                let timer = Timer {
                    interaction: answerable(origin),
                    ..Timer::deletion(origin.channel_id, after)
                };
                self.timers.delete(id, timer);
            }
        }
        // Where the bot may not, and in direct messages, Discord would refuse it.
        let may_delete = origin.guild_id.is_some() && !origin.lacks(Permissions::MANAGE_MESSAGES);
        if let (Some(after), Some(id), Door::Prefix, true) =
            (deleted_after.invocation, origin.message_id, origin.door, may_delete)
        {
            let timer = Timer {
                is_invocation: true,
                ..Timer::deletion(origin.channel_id, after)
            };
            self.timers.delete(id, timer);
        }
    }

    /// Makes a step's calls for the host itself.
    pub(super) async fn perform(
        &self,
        origin: &Origin,
        conversation: &mut Conversation,
        step: &Step,
        body: &Body<'_>,
    ) -> Result<Responded, Problem> {
        let note = Extras {
            is_note: true,
            ..Extras::default()
        };
        self.perform_with(origin, conversation, step, body, &note).await
    }

    /// Makes a step's calls, one after the other, and takes over what Discord accepted.
    async fn perform_with(
        &self,
        origin: &Origin,
        conversation: &mut Conversation,
        step: &Step,
        body: &Body<'_>,
        extras: &Extras,
    ) -> Result<Responded, Problem> {
        let mut responded = Responded::default();
        if step.calls.is_empty() {
            conversation.moved(step.next);
        }
        let mut left = step.calls.iter().copied().collect::<VecDeque<_>>();
        while let Some(call) = left.pop_front() {
            let body_components = body.components();
            // Nobody edits or deletes what asked without knowing of this answer.
            let _held = self.answers.hold(origin, call).await;
            if self.answers.is_taken(origin, call) {
                // The command was edited: a newer run says something there by now.
                conversation.accepted(call, step.next, None);
                continue;
            }
            let is_first = call == Call::Send || conversation.replaces_note(call);
            let is_public = conversation.is_public(call);
            let mut body = body.clone();
            if conversation.replaces_note(call) {
                body.clear_text();
            }
            if extras.pings_everyone {
                body.ping_everyone();
            }
            if let Some(instead) = calls::instead_of_writing(origin, call) {
                for request in instead {
                    let _ = self.api.send(request).await;
                }
                conversation.accepted(call, step.next, None);
                continue;
            }
            let response = self.make(origin, call, body, extras).await?;
            if response.status == 404 && conversation.lost_note(call) {
                left.push_front(Call::Send);
                continue;
            }
            if !response.is_success() {
                let refusal = Refusal::read(response.status, &response.body);
                if refusal.is_expired() {
                    conversation.expire();
                } else if refusal.code == ALREADY_ACKNOWLEDGED {
                    conversation.already_acknowledged();
                }
                return Err(Problem::new(ProblemCode::Failed, refusal.to_string()));
            }
            if calls::carries_message(call) {
                responded = told(&response.body);
                let message_id = responded
                    .message_id
                    .or(origin.message_id.filter(|_| call == Call::Update));
                if let Some(id) = message_id {
                    self.note_later(origin, id, body_components, extras);
                }
            }
            conversation.accepted(call, step.next, responded.message_id);
            if is_public && !extras.is_note {
                conversation.note_public(responded.message_id);
            }
            if is_first
                && !self.answers.answered(origin, responded.message_id, extras.is_note)
                && let Some(unwanted) = responded.message_id
            {
                let _ = self.api.send(calls::deletion(origin.channel_id, unwanted)).await;
            }
        }
        Ok(responded)
    }

    /// Makes a call; a new message takes the place of one that an earlier run of its command has left.
    async fn make(&self, origin: &Origin, call: Call, body: Body<'_>, extras: &Extras) -> Result<Response, Problem> {
        let earlier = if extras.is_note {
            None
        } else {
            self.answers.instead(origin, call)
        };
        if let Some(edit) = earlier {
            let mut whole = body.clone();
            whole.leave_nothing();
            let response = self.send(origin, edit, whole, extras).await?;
            if let Call::EditMessage(id) = edit {
                self.timers.forget(id);
            }
            if response.is_success() {
                return Ok(response);
            }
            // That message is gone, or can't become this: a new one comes.
            if let Call::EditMessage(id) = edit
                && response.status != 404
            {
                let _ = self.api.send(calls::deletion(origin.channel_id, id)).await;
            }
        }
        self.send(origin, call, body, extras).await
    }

    async fn send(&self, origin: &Origin, call: Call, body: Body<'_>, extras: &Extras) -> Result<Response, Problem> {
        let mut request = calls::request(origin, call, body).ok_or_else(|| {
            let text = "this invocation has no interaction to answer";
            Problem::new(ProblemCode::Invalid, text)
        })?;
        if calls::carries_message(call) {
            request.files.clone_from(&extras.files);
            if extras.wants_message && matches!(call, Call::Answer { .. } | Call::Update) {
                request.path.push_str("?with_response=true");
            }
        }
        self.api.send(request).await.map_err(|error| {
            let text = format!("Discord did not answer, so whether it was done is unknown: {error}");
            Problem::new(ProblemCode::Failed, text)
        })
    }

    /// Remembers what becomes of a message, or that it looks otherwise now.
    fn note_later(&self, origin: &Origin, id: MessageId, components: Option<Value>, extras: &Extras) {
        let Some(later) = extras.later else {
            if let Some(components) = components {
                self.timers.changed(id, &components);
            }
            return;
        };
        let timer = Timer {
            action: later.action,
            after: Duration::from_millis(later.after_ms),
            channel: origin.channel_id,
            interaction: answerable(origin),
            components: components.unwrap_or_default(),
            is_invocation: false,
        };
        self.timers.begin(id, timer);
    }

    /// The time of a message is over.
    pub(super) async fn later(&self, id: MessageId, timer: Timer) {
        if timer.is_invocation {
            self.answers.forget(id);
        }
        // A click's token may not reach the message: then it is changed as any other of the bot's.
        let plain = timer.interaction.is_some().then(|| Timer {
            interaction: None,
            ..timer.clone()
        });
        for timer in [Some(timer), plain].into_iter().flatten() {
            let Some(request) = timer.request(id) else { return };
            match self.api.send(request).await {
                Ok(response) if response.is_success() => return,
                Ok(response) => {
                    let refusal = Refusal::read(response.status, &response.body);
                    tracing::debug!(message = %id, %refusal, "a message could not be deleted or disabled");
                }
                Err(error) => {
                    tracing::debug!(message = %id, error, "a message could not be deleted or disabled");
                    return;
                }
            }
        }
    }

    /// Tells the asker something that must not be lost: if it can't be ephemeral, then as it can be.
    pub(super) async fn say(
        &self,
        origin: &Origin,
        conversation: &mut Conversation,
        text: &str,
        ephemeral: bool,
    ) -> Option<MessageId> {
        let mut said = self.try_to_say(origin, conversation, text, ephemeral).await;
        if said.is_err() && matches!(conversation.state(), State::Deferred { ephemeral: false, .. }) {
            said = self.try_to_say(origin, conversation, text, false).await;
        }
        match said {
            Ok(responded) => responded.message_id,
            Err(problem) => {
                log_unsaid(origin, &problem);
                None
            }
        }
    }

    pub(super) async fn try_to_say(
        &self,
        origin: &Origin,
        conversation: &mut Conversation,
        text: &str,
        ephemeral: bool,
    ) -> Result<Responded, Problem> {
        let step = conversation
            .step(Action::Reply, ephemeral, None)
            .map_err(|senseless| senseless_problem(senseless, origin.door))?;
        self.perform(origin, conversation, &step, &Body::text(text)).await
    }
}

/// By whose token an answer can be changed, and until when.
fn answerable(origin: &Origin) -> Option<(InteractionRef, Instant)> {
    let interaction = origin.interaction.clone()?;
    Some((interaction, Instant::now() + ANSWERABLE))
}

/// The message that Discord's answer tells of; none for a callback's empty answer.
fn told(body: &[u8]) -> Responded {
    #[derive(Deserialize)]
    struct Sent {
        id: MessageId,
        #[serde(default)]
        channel_id: Option<ChannelId>,
    }
    #[derive(Deserialize)]
    struct Response {
        resource: Resource,
    }
    #[derive(Deserialize)]
    struct Resource {
        message: Sent,
    }
    let sent = serde_json::from_slice::<Sent>(body);
    let sent = sent.or_else(|_| serde_json::from_slice::<Response>(body).map(|response| response.resource.message));
    sent.map_or_else(
        |_| Responded::default(),
        |sent| Responded {
            message_id: Some(sent.id),
            channel_id: sent.channel_id,
        },
    )
}
