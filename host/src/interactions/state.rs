//! What has been answered to an invocation, and what an action means then: which calls to make, and the state after.
//!
//! Pure; one table for all doors. A transition is taken only when Discord has accepted its calls. Discord's rules:
//! <https://discord.com/developers/docs/interactions/receiving-and-responding>.

use std::collections::VecDeque;

use plugin_protocol::{Action, Defer, Door, MessageId};

/// How many messages of one invocation are remembered as its own.
const REMEMBERED: usize = 256;

/// What has been answered to one invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    way: Way,
    /// Whether it can be answered with a form: Discord opens none in answer to one.
    opens_forms: bool,
    /// Where the acknowledgement of an interaction stands; stays [`State::Fresh`] by prefix.
    state: State,
    /// The first answer's message, if Discord told its id.
    first: Option<MessageId>,
    /// The original answer's message, where Discord was asked which it is.
    original: Option<MessageId>,
    /// The messages that are this invocation's answers.
    sent: VecDeque<MessageId>,
    /// The answers that everybody sees and that have not been taken care of.
    public: Vec<MessageId>,
    /// Whether there has been an answer.
    answered: bool,
    /// What tells that it takes long, which the first answer takes the place of.
    note: Option<Note>,
    /// Whether the answer to come was promised to be the asker's only.
    promised_ephemeral: bool,
}

/// Where the asker was told that it takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    /// In a message in the channel.
    Message(MessageId),
    /// In the original answer, which stays a promise.
    Original,
    /// In a further answer, which stays.
    FollowUp,
}

/// How an invocation is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By messages in the channel.
    Channel,
    /// As a command's interaction.
    Slash,
    /// As a control's interaction; its message can be changed, too.
    Control {
        /// The message that the control is on.
        message_id: Option<MessageId>,
    },
}

/// Where the acknowledgement of an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Discord waits for it: 3 seconds from the interaction's beginning.
    Fresh,
    /// "The bot is thinking": the original answer will come.
    Deferred {
        /// Whether only the asker sees that answer; it can't be changed any more.
        ephemeral: bool,
        /// Whether the host deferred by itself, so that nobody has promised to answer.
        by_host: bool,
    },
    /// The original answer is a message of its own.
    Replied,
    /// Acknowledged, and the original answer is gone: answers are further ones.
    Detached,
    /// The original answer is the control's message: it may change, or has changed.
    Updating,
    /// Its 15 minutes are over, or Discord doesn't know it.
    Expired,
}

/// A call to Discord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Send a message in the channel, as a reply to the asker's.
    Send,
    /// Edit a message in the channel.
    EditMessage(MessageId),
    /// Delete a message in the channel.
    DeleteMessage(MessageId),
    /// Show typing in the channel.
    Typing,
    /// Acknowledge with an answer (type 4).
    Answer {
        /// Whether only the asker sees it.
        ephemeral: bool,
    },
    /// Acknowledge, an answer will come (type 5).
    Defer {
        /// Whether only the asker will see it.
        ephemeral: bool,
    },
    /// Acknowledge, the control's message may change (type 6).
    DeferUpdate,
    /// Acknowledge by changing the control's message (type 7).
    Update,
    /// Edit the original answer, or write it after a defer.
    EditOriginal,
    /// Delete the original answer.
    DeleteOriginal,
    /// A further answer.
    FollowUp {
        /// Whether only the asker sees it.
        ephemeral: bool,
    },
    /// Edit a further answer.
    EditFollowUp(MessageId),
    /// Delete a further answer.
    DeleteFollowUp(MessageId),
    /// Acknowledge by opening a form (type 9).
    OpenModal,
    /// Say that it takes long: in the channel.
    NoteInChannel,
    /// Say that it takes long, where the answer will be.
    NoteInOriginal,
    /// Say that it takes long: to the asker only.
    NoteToAsker,
}

/// What an action means: the calls, one after the other, and the state when all were accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The calls; empty if there is nothing to do.
    pub calls: Vec<Call>,
    /// The state when they were accepted.
    pub next: State,
}

/// Why an action means nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Senseless {
    /// The interaction's time is over.
    Expired,
    /// Nothing has been answered that could be edited or deleted.
    NothingAnswered,
    /// The message is not one of this invocation's answers.
    NotOurs(MessageId),
    /// There is no control whose message could be changed.
    NoControl,
    /// A form can only be opened for somebody who used a command of Discord's or a control.
    NoFormHere,
    /// A form can only be opened as the first answer.
    TooLateForForm,
    /// An action that this host doesn't know.
    UnknownAction,
}

impl Conversation {
    /// Nothing has been answered yet. `message_id` is the message that the control is on.
    #[must_use]
    pub fn new(door: Door, message_id: Option<MessageId>) -> Self {
        let way = match door {
            Door::Slash | Door::Menu => Way::Slash,
            Door::Component => Way::Control { message_id },
            // A form that a control opened can change the control's message; one of a command has none.
            Door::Modal if message_id.is_some() => Way::Control { message_id },
            Door::Modal => Way::Slash,
            Door::Prefix | Door::Unknown => Way::Channel,
        };
        Self {
            way,
            opens_forms: door != Door::Modal,
            state: State::Fresh,
            first: None,
            original: None,
            sent: VecDeque::new(),
            public: Vec::new(),
            answered: false,
            note: None,
            promised_ephemeral: false,
        }
    }

    /// Where the acknowledgement stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether there has been an answer: a message, an update, or a promise of the plugin's by deferring.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// The next answer was promised to be seen by the asker only, whatever Discord is told meanwhile.
    pub fn promise_ephemeral(&mut self) {
        self.promised_ephemeral = true;
    }

    /// What an action of the plugin means now.
    ///
    /// # Errors
    ///
    /// It means nothing.
    pub fn step(&self, action: Action, ephemeral: bool, message_id: Option<MessageId>) -> Result<Step, Senseless> {
        if self.state == State::Expired {
            return Err(Senseless::Expired);
        }
        let ephemeral = ephemeral || self.promised_ephemeral;
        // Who knows its id means the same as who doesn't.
        let message_id = message_id.filter(|_| message_id != self.original);
        if let Some(id) = message_id.filter(|_| matches!(action, Action::Edit | Action::Delete))
            && !self.sent.contains(&id)
        {
            return Err(Senseless::NotOurs(id));
        }
        match self.way {
            Way::Channel => self.step_in_channel(action, message_id),
            Way::Slash | Way::Control { .. } => self.step_of_interaction(action, ephemeral, message_id),
        }
    }

    fn step_in_channel(&self, action: Action, message_id: Option<MessageId>) -> Result<Step, Senseless> {
        let answer = message_id.or(self.first).ok_or(Senseless::NothingAnswered);
        let call = match (action, self.note) {
            (Action::Reply, Some(Note::Message(id))) if self.first.is_none() => {
                return Ok(self.staying(Call::EditMessage(id)));
            }
            (action, _) => call_in_channel(action, answer)?,
        };
        Ok(self.staying(call))
    }

    fn step_of_interaction(
        &self,
        action: Action,
        ephemeral: bool,
        message_id: Option<MessageId>,
    ) -> Result<Step, Senseless> {
        let to = |call, next| {
            let calls = vec![call];
            Ok(Step { calls, next })
        };
        let move_to = |next| {
            let calls = Vec::new();
            Ok(Step { calls, next })
        };
        let stay = |call| Ok(self.staying(call));
        let first = || self.first.ok_or(Senseless::NothingAnswered);
        match (action, self.state) {
            (Action::Unknown, _) => Err(Senseless::UnknownAction),
            (_, State::Expired) => Err(Senseless::Expired),
            (Action::UpdateMessage, _) => self.update(),
            // What was written before stays; further answers are messages of their own.
            (Action::OpenModal, State::Fresh) if self.opens_forms => to(Call::OpenModal, State::Detached),
            (Action::OpenModal, _) => Err(Senseless::TooLateForForm),
            (Action::Edit | Action::Delete, State::Fresh) => Err(Senseless::NothingAnswered),
            (Action::Edit, _) if message_id.is_some() => {
                stay(message_id.map_or(Call::EditOriginal, Call::EditFollowUp))
            }
            (Action::Delete, _) if message_id.is_some() => {
                stay(message_id.map_or(Call::DeleteOriginal, Call::DeleteFollowUp))
            }

            (Action::Reply, State::Fresh) => to(Call::Answer { ephemeral }, State::Replied),
            // What was announced publicly is seen by all, and what only the asker may see must not be: the announcement
            // goes and the answer comes as a further one.
            (Action::Reply | Action::Edit, State::Deferred { ephemeral: false, .. }) if ephemeral => Ok(Step {
                calls: vec![Call::DeleteOriginal, Call::FollowUp { ephemeral }],
                next: State::Detached,
            }),
            (Action::Reply, State::Deferred { .. }) | (Action::Edit, State::Deferred { .. } | State::Replied) => {
                to(Call::EditOriginal, State::Replied)
            }
            (Action::Reply, State::Replied | State::Detached | State::Updating) => stay(Call::FollowUp { ephemeral }),

            (Action::Edit, State::Detached) => stay(Call::EditFollowUp(first()?)),
            (Action::Edit, State::Updating) => stay(self.first.map_or(Call::EditOriginal, Call::EditFollowUp)),

            (Action::Delete, State::Detached) => stay(Call::DeleteFollowUp(first()?)),
            (Action::Delete, State::Updating) => stay(self.first.map_or(Call::DeleteOriginal, Call::DeleteFollowUp)),
            (Action::Delete, State::Deferred { .. } | State::Replied) => to(Call::DeleteOriginal, State::Detached),

            (Action::Defer, State::Fresh) => match self.way {
                Way::Control { .. } if !ephemeral => to(Call::DeferUpdate, State::Updating),
                Way::Channel | Way::Slash | Way::Control { .. } => {
                    let by_host = false;
                    to(Call::Defer { ephemeral }, State::Deferred { ephemeral, by_host })
                }
            },
            // Now it is a promise of the plugin's.
            (Action::Defer, State::Deferred { ephemeral, .. }) => {
                let by_host = false;
                move_to(State::Deferred { ephemeral, by_host })
            }
            (Action::Defer, State::Replied | State::Detached | State::Updating) => move_to(self.state),
        }
    }

    /// Changing the message that a control is on.
    fn update(&self) -> Result<Step, Senseless> {
        let Way::Control { message_id } = self.way else {
            return Err(Senseless::NoControl);
        };
        match self.state {
            State::Fresh => Ok(Step {
                calls: vec![Call::Update],
                next: State::Updating,
            }),
            State::Updating => Ok(self.staying(Call::EditOriginal)),
            // The original answer is another message now; the control's is still the bot's own.
            _ => Ok(self.staying(Call::EditMessage(message_id.ok_or(Senseless::NoControl)?))),
        }
    }

    /// What the host does when nothing was answered in time: defer, or show typing. `None` if something was, or if it is
    /// never deferred.
    #[must_use]
    pub fn step_when_slow(&self, defer: Defer) -> Option<Step> {
        if self.answered || self.state != State::Fresh {
            return None;
        }
        let ephemeral = defer == Defer::Ephemeral;
        Some(match self.way {
            Way::Channel => self.staying(Call::Typing),
            Way::Slash | Way::Control { .. } if defer == Defer::Never => return None,
            Way::Slash => Step {
                calls: vec![Call::Defer { ephemeral }],
                next: State::Deferred {
                    ephemeral,
                    by_host: true,
                },
            },
            Way::Control { .. } => Step {
                calls: vec![Call::DeferUpdate],
                next: State::Updating,
            },
        })
    }

    /// How the asker is told that it takes long. `None` if there has been an answer, or where nothing can be said.
    #[must_use]
    pub fn step_when_long(&self) -> Option<Step> {
        let call = match (self.way, self.state) {
            _ if self.note.is_some() => return None,
            (Way::Channel, _) if !self.answered => Call::NoteInChannel,
            (_, State::Deferred { .. }) => Call::NoteInOriginal,
            (Way::Control { .. }, State::Updating) if !self.answered => Call::NoteToAsker,
            _ => return None,
        };
        Some(self.staying(call))
    }

    /// Whether the next answer takes the place of a note: what of it the answer doesn't set must go.
    #[must_use]
    pub fn replaces_note(&self, call: Call) -> bool {
        match (self.note, call) {
            (Some(Note::Original), Call::EditOriginal) => matches!(self.state, State::Deferred { .. }),
            (Some(Note::Message(note)), Call::EditMessage(id)) => id == note && self.first.is_none(),
            _ => false,
        }
    }

    /// The note whose place this call takes is gone, so a message of its own must do; false if it is about no note.
    pub fn lost_note(&mut self, call: Call) -> bool {
        let is_lost = matches!(call, Call::EditMessage(_)) && self.replaces_note(call);
        if is_lost {
            self.note = None;
        }
        is_lost
    }

    /// Whether a call makes a message of this invocation that everybody sees.
    #[must_use]
    pub fn is_public(&self, call: Call) -> bool {
        match call {
            Call::Send => true,
            Call::Answer { ephemeral } | Call::FollowUp { ephemeral } => !ephemeral,
            Call::EditOriginal => matches!(self.state, State::Deferred { ephemeral: false, .. }),
            Call::EditMessage(_) => self.replaces_note(call),
            _ => false,
        }
    }

    /// A message that everybody sees was made.
    pub fn note_public(&mut self, message_id: Option<MessageId>) {
        if self.public.len() < REMEMBERED {
            self.public.extend(message_id);
        }
    }

    /// The messages that everybody sees, each told once.
    pub fn take_public(&mut self) -> Vec<MessageId> {
        std::mem::take(&mut self.public)
    }

    /// The message that told that it takes long, if nothing came of it.
    #[must_use]
    pub fn idle_note(&self) -> Option<Call> {
        match self.note {
            Some(Note::Message(id)) if self.first.is_none() => Some(Call::DeleteMessage(id)),
            _ => None,
        }
    }

    /// How an invocation that ended well without an answer is closed: what a slash command needs said, or a control's
    /// silent acknowledgement. A plugin that deferred has promised to answer later and is left alone, unless nothing of
    /// it can (`released`).
    #[must_use]
    pub fn closing(&self, released: bool) -> Closing {
        match (self.way, self.state) {
            (Way::Slash, State::Fresh | State::Deferred { by_host: true, .. }) => Closing::Say,
            (Way::Slash | Way::Control { .. }, State::Deferred { .. }) if released => Closing::Say,
            (Way::Control { .. }, State::Fresh) => Closing::Acknowledge(Step {
                calls: vec![Call::DeferUpdate],
                next: State::Updating,
            }),
            _ => Closing::Nothing,
        }
    }

    /// Takes over that Discord accepted one of a step's calls. `message_id` is the message that it told of, if any.
    pub fn accepted(&mut self, call: Call, next: State, message_id: Option<MessageId>) {
        self.moved(next);
        let is_original = matches!(call, Call::EditOriginal) && next != State::Updating;
        if is_original || matches!(call, Call::Answer { .. } | Call::FollowUp { .. }) {
            self.promised_ephemeral = false;
        }
        match call {
            Call::Send | Call::FollowUp { .. } => {
                self.answered = true;
                // Beside an original answer a further one is never the first.
                self.remember(message_id, self.first.is_none() && next != State::Replied);
            }
            // While updating, the original is the control's message, which is no answer of this invocation.
            Call::EditOriginal if next == State::Updating => self.answered = true,
            Call::EditOriginal => {
                self.answered = true;
                self.remember(message_id, false);
            }
            Call::Answer { .. } => {
                self.answered = true;
                self.original = message_id;
            }
            Call::Update | Call::OpenModal => self.answered = true,
            Call::NoteInChannel => self.note = message_id.map(Note::Message),
            Call::NoteInOriginal => self.note = Some(Note::Original),
            Call::NoteToAsker => self.note = Some(Note::FollowUp),
            Call::EditMessage(id) if self.first.is_none() && self.note == Some(Note::Message(id)) => {
                self.answered = true;
                self.remember(Some(id), true);
            }
            Call::DeleteMessage(id) | Call::DeleteFollowUp(id) => {
                self.sent.retain(|&sent| sent != id);
                if self.first == Some(id) {
                    self.first = self.sent.front().copied();
                }
            }
            _ => {}
        }
    }

    /// Takes over the state after a step, which needs no call or whose calls were accepted.
    pub fn moved(&mut self, next: State) {
        self.state = next;
        if let State::Deferred { by_host: false, .. } = next {
            self.answered = true;
        }
    }

    /// Discord says that the interaction has been acknowledged already: an answer whose fate was unknown got there.
    pub fn already_acknowledged(&mut self) {
        if self.state == State::Fresh {
            self.state = State::Replied;
            self.answered = true;
        }
    }

    /// The interaction's time is over.
    pub fn expire(&mut self) {
        if self.way != Way::Channel {
            self.state = State::Expired;
        }
    }

    fn staying(&self, call: Call) -> Step {
        Step {
            calls: vec![call],
            next: self.state,
        }
    }

    fn remember(&mut self, message_id: Option<MessageId>, is_first: bool) {
        let Some(id) = message_id else { return };
        if is_first {
            self.first = Some(id);
        }
        if !self.sent.contains(&id) {
            if self.sent.len() == REMEMBERED {
                self.sent.pop_front();
            }
            self.sent.push_back(id);
        }
    }
}

/// How an invocation without an answer is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// There is nothing to do.
    Nothing,
    /// The user must be told something.
    Say,
    /// The control must be acknowledged, silently.
    Acknowledge(Step),
}

/// The call in a channel for what a plugin does, where nothing else stands in its way.
fn call_in_channel(action: Action, answer: Result<MessageId, Senseless>) -> Result<Call, Senseless> {
    Ok(match action {
        Action::Reply => Call::Send,
        Action::Edit => Call::EditMessage(answer?),
        Action::Delete => Call::DeleteMessage(answer?),
        Action::Defer => Call::Typing,
        Action::UpdateMessage => return Err(Senseless::NoControl),
        Action::OpenModal => return Err(Senseless::NoFormHere),
        Action::Unknown => return Err(Senseless::UnknownAction),
    })
}

#[cfg(test)]
mod tests;
