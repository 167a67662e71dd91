//! The caller's side: a call of another plugin's service, awaited like any other request.
//!
//! It holds no state: the other plugin is looked up anew at each call.

use std::{fmt, future::IntoFuture, marker::PhantomData, panic::Location, pin::Pin, sync::Arc, time::Duration};

use plugin_protocol::{
    LONGEST_SERVICE_MS, MAX_SERVICE_BYTES, ProblemCode, ServiceCall, ServiceCalled, ServiceFailure, kind::SERVICE_CALL,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{ServiceError, error::Why, read};
use crate::{
    Error, Result,
    runtime::{Link, Scope},
};

/// Calls services of another plugin; see [`Host::service`](crate::Host::service).
#[derive(Clone)]
pub struct Service {
    link: Arc<Link>,
    plugin: String,
    limit: Option<Duration>,
}

impl Service {
    pub(crate) fn new(link: Arc<Link>, plugin: &str) -> Self {
        Self {
            link,
            plugin: plugin.to_owned(),
            limit: None,
        }
    }

    /// The other plugin's name.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// How long its services may take for this one, unless a call says otherwise; see
    /// [`ServiceCalling::time_limit`].
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Calls a service: await it. The request is any type of serde that its service takes, `&()` for one that takes none;
    /// the answer's type is what it is awaited as.
    ///
    /// ```
    /// use plugin_api::{prelude::*, serde::{Deserialize, Serialize}};
    ///
    /// #[derive(Serialize)]
    /// # #[serde(crate = "plugin_api::serde")]
    /// struct BalanceRequest {
    ///     user: UserId,
    /// }
    ///
    /// #[derive(Deserialize)]
    /// # #[serde(crate = "plugin_api::serde")]
    /// struct Balance {
    ///     coins: u64,
    /// }
    ///
    /// /// Show what you have.
    /// #[command]
    /// async fn purse(ctx: Ctx) -> Result {
    ///     let request = BalanceRequest { user: ctx.author().id };
    ///     let balance: Balance = ctx.service("economy").call("balance", &request).await?;
    ///     ctx.reply(format!("You have {} coins.", balance.coins)).await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::purse], depends: ["economy >=1.2"]); }
    /// # fn main() {}
    /// ```
    #[track_caller]
    pub fn call<Q: Serialize + ?Sized, A>(&self, service: &str, request: &Q) -> ServiceCalling<A> {
        let limit = self.limit.map_or(plugin_protocol::SERVICE_LIMIT_MS, millis);
        ServiceCalling {
            link: self.link.clone(),
            head: ServiceCall {
                plugin: self.plugin.clone(),
                service: service.to_owned(),
                limit_ms: limit,
                within: Scope::current().delivery(),
            },
            request: serde_json::to_vec(request).map_err(Into::into),
            place: Location::caller(),
            answer: PhantomData,
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}

/// A call of a service on its way: await it.
#[must_use = "a service is called when this is awaited"]
pub struct ServiceCalling<A> {
    link: Arc<Link>,
    head: ServiceCall,
    request: Result<Vec<u8>>,
    /// The line of the plugin that calls.
    place: &'static Location<'static>,
    answer: PhantomData<fn() -> A>,
}

impl<A> ServiceCalling<A> {
    /// How long the service may take: 5 seconds, if nothing is said, and at most 10 minutes. While the other plugin is being
    /// replaced the call waits for it, up to a minute, which does not count.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.head.limit_ms = millis(limit);
        self
    }
}

fn millis(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).map_or(LONGEST_SERVICE_MS, |millis| millis.clamp(1, LONGEST_SERVICE_MS))
}

impl<A: DeserializeOwned + 'static> IntoFuture for ServiceCalling<A> {
    type Output = Result<A>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        let place = self.place;
        Box::pin(async move { self.run().await.map_err(|error| error.at(place)) })
    }
}

impl<A: DeserializeOwned> ServiceCalling<A> {
    async fn run(self) -> Result<A> {
        let request = self.request?;
        let ServiceCall { plugin, service, .. } = &self.head;
        if request.len() > MAX_SERVICE_BYTES {
            let text = format!(
                "the request for `{plugin}.{service}` has {} bytes of JSON, at most {MAX_SERVICE_BYTES} are sent: hand over \
                 a part, or a key by which the other plugin finds it",
                request.len()
            );
            return Err(Error::new(text));
        }
        let asked = self.link.ask_for(SERVICE_CALL, &self.head, &request).await;
        let (called, answer): (ServiceCalled, _) = asked.map_err(|problem| match problem.code {
            ProblemCode::Busy => failed(&self.head, Why::Failure(ServiceFailure::Busy { text: problem.message })),
            _ => problem.into(),
        })?;
        if let Some(failure) = called.failure {
            return Err(failed(&self.head, Why::Failure(failure)));
        }
        read(answer.tail()).map_err(|(path, text)| failed(&self.head, Why::WrongAnswer { path, text }))
    }
}

impl<A> fmt::Debug for ServiceCalling<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceCalling")
            .field("plugin", &self.head.plugin)
            .field("service", &self.head.service)
            .finish_non_exhaustive()
    }
}

fn failed(call: &ServiceCall, why: Why) -> Error {
    let error = ServiceError {
        plugin: call.plugin.clone(),
        service: call.service.clone(),
        why,
    };
    error.into()
}
