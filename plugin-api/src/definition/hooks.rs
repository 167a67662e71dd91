//! What runs around a command: checks that may refuse it, a plugin's `before`, `after` and `on_error`.
//!
//! Each part is guarded by itself, so that a panic in one is told as the panic that it is, and hides no other fault. A
//! plugin without any of them pays nothing: its handlers run as they are.

use std::{pin::Pin, rc::Rc, time::Duration};

use plugin_protocol::PanicReport;
use tokio::time::Instant;

use crate::{Ctx, Error, Result, runtime::Guarded};

/// A future that borrows what it was made of.
pub type Borrowing<'a, T = Result> = Pin<Box<dyn Future<Output = T> + 'a>>;
/// A check, or a plugin's `before`.
pub type Check<S> = for<'a> fn(&'a Ctx<S>) -> Borrowing<'a>;
/// A plugin's `after`: its own fault is an incident, and changes nothing of how the command ended.
pub type After<S> = for<'a> fn(&'a Ctx<S>, &'a Ended<'a>) -> Borrowing<'a>;
/// A plugin's `on_error`.
pub type OnError<S> = for<'a> fn(&'a Ctx<S>, &'a Error) -> Borrowing<'a, Result<bool>>;

/// What `plugin!` says of all commands of a plugin.
pub struct Hooks<S: 'static> {
    pub checks: &'static [Check<S>],
    pub before: Option<Check<S>>,
    pub after: Option<After<S>>,
    pub on_error: Option<OnError<S>>,
}

impl<S> Hooks<S> {
    /// None of them.
    pub const NONE: Self = Self {
        checks: &[],
        before: None,
        after: None,
        on_error: None,
    };
}

impl<S> Clone for Hooks<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Hooks<S> {}

/// How a command ended, for the function that `plugin!` names as `after`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// How.
    pub how: End<'a>,
    /// How long its function ran, checks and `before` not counted.
    pub took: Duration,
}

/// How a command ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum End<'a> {
    /// It ran to its end.
    Done,
    /// It said no, with this text.
    Refused(&'a str),
    /// It returned this error, whether or not `on_error` has answered it.
    Failed(&'a Error),
    /// It panicked, with this text.
    Panicked(&'a str),
}

/// What a check may answer.
#[diagnostic::on_unimplemented(message = "a check returns `Result` or `Result<bool>`, not `Result<{Self}>`")]
pub trait Passed {
    #[doc(hidden)]
    fn passed(self) -> bool;
}

impl Passed for () {
    fn passed(self) -> bool {
        true
    }
}

impl Passed for bool {
    fn passed(self) -> bool {
        self
    }
}

/// Awaits a check, for generated code.
pub async fn checked<T: Passed>(check: impl Future<Output = Result<T>>) -> Result {
    if check.await?.passed() {
        return Ok(());
    }
    let text = "You can't use this here, or not now.";
    Err(Error::refusal_of(text.to_owned()))
}

/// How an invocation went.
pub(crate) struct Went {
    pub(crate) result: Result<Result, PanicReport>,
    /// Whether it was refused before its handler ran.
    pub(crate) vetoed: bool,
}

impl From<Result> for Went {
    fn from(result: Result) -> Self {
        Self {
            result: Ok(result),
            vetoed: false,
        }
    }
}

/// All that runs around one handler.
pub(super) struct Around<S: 'static> {
    pub(super) hooks: Hooks<S>,
    /// The command's own checks.
    pub(super) checks: &'static [Check<S>],
    /// Whether the plugin's checks, its `before` and its `after` are asked, too.
    pub(super) checked: bool,
    pub(super) hooked: bool,
}

impl<S: 'static> Around<S> {
    /// Whether nothing runs around it.
    pub(super) fn is_bare(&self) -> bool {
        let Hooks {
            checks,
            before,
            after,
            on_error,
        } = &self.hooks;
        self.checks.is_empty()
            && on_error.is_none()
            && (!self.checked || checks.is_empty())
            && (!self.hooked || before.is_none() && after.is_none())
    }

    /// Runs the handler, and what is around it.
    pub(super) async fn run(self, ctx: Ctx<S>, handler: impl Future<Output = Result> + 'static) -> Went {
        match self.veto(ctx.clone()).await {
            Ok(Ok(())) => {}
            refused => {
                let result = self.mended(&ctx, refused).await.0;
                return Went { result, vetoed: true };
            }
        }
        let began = Instant::now();
        let ran = Guarded::new(Box::pin(handler)).await;
        let took = began.elapsed();
        let (result, failure) = self.mended(&ctx, ran).await;
        let result = match self.hooks.after.filter(|_| self.hooked) {
            Some(after) => Self::note(after, &ctx, (result, failure), took).await,
            None => result,
        };
        Went { result, vetoed: false }
    }

    /// Tells `after` how it ended. Its own fault is the plugin's matter, and changes nothing for the asker.
    async fn note(
        after: After<S>,
        ctx: &Ctx<S>,
        told: (Result<Result, PanicReport>, Option<Error>),
        took: Duration,
    ) -> Result<Result, PanicReport> {
        let told = Rc::new(told);
        let noted = {
            let (ctx, ended) = (ctx.clone(), Rc::clone(&told));
            Guarded::new(Box::pin(async move {
                let how = match &*ended {
                    (_, Some(error)) | (Ok(Err(error)), None) => match error.refusal() {
                        Some(text) => End::Refused(text),
                        None => End::Failed(error),
                    },
                    (Ok(Ok(())), None) => End::Done,
                    (Err(panic), None) => End::Panicked(&panic.message),
                };
                after(&ctx, &Ended { how, took }).await
            }))
        };
        let report = match noted.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(PanicReport {
                message: error.placed_chain(),
                is_error: true,
                ..PanicReport::default()
            }),
            Err(panic) => Some(panic),
        };
        if let Some(mut report) = report {
            report.invocation = ctx.invocation.as_deref().copied();
            ctx.core.link.report(&report);
        }
        // The future has gone, and what it held with it.
        Rc::try_unwrap(told).map_or_else(|_| Ok(Ok(())), |(result, _)| result)
    }

    /// Asks all checks and `before`, in order, up to the first that refuses.
    async fn veto(&self, ctx: Ctx<S>) -> Result<Result, PanicReport> {
        let (of_plugin, own) = (self.hooks.checks, self.checks);
        let of_plugin = if self.checked { of_plugin } else { &[] };
        let before = self.hooks.before.filter(|_| self.hooked);
        if of_plugin.is_empty() && own.is_empty() && before.is_none() {
            return Ok(Ok(()));
        }
        let asked = Guarded::new(Box::pin(async move {
            for check in of_plugin.iter().chain(own).chain(&before) {
                check(&ctx).await?;
            }
            Ok(())
        }));
        asked.await
    }

    /// Gives a failure to `on_error`; what is left of it, and the failure if it was answered.
    async fn mended(
        &self,
        ctx: &Ctx<S>,
        ran: Result<Result, PanicReport>,
    ) -> (Result<Result, PanicReport>, Option<Error>) {
        let (error, on_error) = match (ran, self.hooks.on_error) {
            (Ok(Err(error)), Some(on_error)) if error.refusal().is_none() => (Rc::new(error), on_error),
            (ran, _) => return (ran, None),
        };
        let (ctx, given) = (ctx.clone(), Rc::clone(&error));
        let answered = Guarded::new(Box::pin(async move { on_error(&ctx, &given).await })).await;
        let Ok(error) = Rc::try_unwrap(error) else {
            return (answered.map(|answered| answered.map(drop)), None);
        };
        match answered {
            Ok(Ok(true)) => (Ok(Ok(())), Some(error)),
            Ok(Ok(false)) => (Ok(Err(error)), None),
            // What it refuses with is its answer.
            Ok(Err(refusal)) if refusal.refusal().is_some() => (Ok(Err(refusal)), Some(error)),
            Ok(Err(other)) => {
                let other = other.placed_chain();
                tracing::error!("`on_error` failed, too: {other}");
                (Ok(Err(error)), None)
            }
            Err(panic) => {
                tracing::error!("`on_error` panicked over this failure: {}", error.placed_chain());
                (Err(panic), Some(error))
            }
        }
    }
}
