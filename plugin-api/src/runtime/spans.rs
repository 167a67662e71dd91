//! The spans that a plugin and its libraries open with `tracing`: what a record inside of them is told with.
//!
//! As much of a registry as that takes: names, fields and parents by id, and for each thread which are entered. Spans
//! below the plugin's log level are never made.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tracing::{Metadata, span};
use tracing_core::span::Current;

/// All spans of this library. A std lock, held for a look-up or an insertion.
static SPANS: Mutex<Option<Spans>> = Mutex::new(None);

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Spans {
    last: u64,
    open: HashMap<u64, Span>,
}

struct Span {
    metadata: &'static Metadata<'static>,
    fields: BTreeMap<String, Value>,
    parent: Option<u64>,
    handles: usize,
}

fn locked() -> MutexGuard<'static, Option<Spans>> {
    SPANS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn innermost() -> Option<u64> {
    ENTERED
        .try_with(|entered| entered.try_borrow().ok().and_then(|entered| entered.last().copied()))
        .ok()
        .flatten()
}

pub(super) fn open(attributes: &span::Attributes<'_>, fields: BTreeMap<String, Value>) -> span::Id {
    let parent = match attributes.parent() {
        Some(parent) => Some(parent.into_u64()),
        None if attributes.is_root() => None,
        None => innermost(),
    };
    let mut spans = locked();
    let spans = spans.get_or_insert_default();
    // A parent lives as long as its children.
    let parent = parent.filter(|parent| {
        let parent = spans.open.get_mut(parent);
        parent.map(|parent| parent.handles += 1).is_some()
    });
    spans.last += 1;
    let span = Span {
        metadata: attributes.metadata(),
        fields,
        parent,
        handles: 1,
    };
    spans.open.insert(spans.last, span);
    span::Id::from_u64(spans.last)
}

pub(super) fn record(id: &span::Id, fields: BTreeMap<String, Value>) {
    if let Some(span) = locked().as_mut().and_then(|spans| spans.open.get_mut(&id.into_u64())) {
        span.fields.extend(fields);
    }
}

pub(super) fn hold(id: &span::Id) {
    if let Some(span) = locked().as_mut().and_then(|spans| spans.open.get_mut(&id.into_u64())) {
        span.handles += 1;
    }
}

/// A handle was dropped; whether it was the last.
pub(super) fn release(id: &span::Id) -> bool {
    let mut spans = locked();
    let Some(spans) = spans.as_mut() else { return false };
    let mut next = Some(id.into_u64());
    let mut closed = false;
    while let Some(id) = next {
        let Some(span) = spans.open.get_mut(&id) else { break };
        span.handles -= 1;
        if span.handles > 0 {
            break;
        }
        closed = true;
        next = spans.open.remove(&id).and_then(|span| span.parent);
    }
    closed
}

pub(super) fn enter(id: &span::Id) {
    let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(id.into_u64()));
}

pub(super) fn exit(id: &span::Id) {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        if let Some(at) = entered.iter().rposition(|entered| *entered == id.into_u64()) {
            entered.remove(at);
        }
    });
}

pub(super) fn current() -> Current {
    let found = innermost().and_then(|id| {
        let metadata = locked().as_ref()?.open.get(&id)?.metadata;
        Some(Current::new(span::Id::from_u64(id), metadata))
    });
    found.unwrap_or_else(Current::none)
}

/// The names of the spans around a record, outermost first, and their fields; of one name, the innermost's counts.
pub(super) fn around(parent: Option<&span::Id>) -> (Vec<String>, BTreeMap<String, Value>) {
    let (mut names, mut fields) = (Vec::new(), BTreeMap::new());
    let Some(innermost) = parent.map(span::Id::into_u64).or_else(innermost) else {
        return (names, fields);
    };
    let spans = locked();
    let mut next = Some(innermost);
    while let Some(span) = next.and_then(|id| spans.as_ref()?.open.get(&id)) {
        names.push(span.metadata.name().to_owned());
        for (name, value) in &span.fields {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
        next = span.parent;
    }
    names.reverse();
    (names, fields)
}

#[cfg(test)]
mod tests {
    use tracing::{Subscriber, subscriber::with_default};

    use super::*;

    /// Opens spans, and nothing else.
    struct Opens;

    impl Subscriber for Opens {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
            let name = attributes.metadata().name();
            open(
                attributes,
                [("of".to_owned(), name.into()), (name.to_owned(), 1.into())].into(),
            )
        }

        fn record(&self, id: &span::Id, _: &span::Record<'_>) {
            record(id, [("of".to_owned(), "recorded".into())].into());
        }

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, _: &tracing::Event<'_>) {}

        fn enter(&self, id: &span::Id) {
            enter(id);
        }

        fn exit(&self, id: &span::Id) {
            exit(id);
        }

        fn clone_span(&self, id: &span::Id) -> span::Id {
            hold(id);
            id.clone()
        }

        fn try_close(&self, id: span::Id) -> bool {
            release(&id)
        }

        fn current_span(&self) -> Current {
            current()
        }
    }

    #[test]
    fn a_record_is_told_with_the_spans_around_it_and_none_is_kept() {
        let names = |parent: Option<&span::Id>| around(parent).0;
        with_default(Opens, || {
            let outer = tracing::info_span!("outer", of = tracing::field::Empty);
            let id = outer.id();
            let inner = outer.in_scope(|| tracing::info_span!("inner"));
            // Held by its child.
            drop(outer);
            assert!(names(None).is_empty(), "none is entered");
            let alone = tracing::info_span!(parent: None, "alone");
            inner.in_scope(|| {
                let (names, fields) = around(None);
                assert_eq!(names, ["outer", "inner"]);
                assert_eq!(fields["of"], "inner", "the innermost's counts");
                assert_eq!((&fields["outer"], &fields["inner"]), (&1.into(), &1.into()));
                assert_eq!(tracing::Span::current().id(), inner.id());
                alone.in_scope(|| assert_eq!(around(None).0, ["alone"]));
                assert_eq!(around(None).0, ["outer", "inner"]);
            });
            assert_eq!(names(id.as_ref()), ["outer"]);
            record(&id.clone().unwrap(), [("of".to_owned(), "recorded".into())].into());
            assert_eq!(around(id.as_ref()).1["of"], "recorded");
            let ids = [id, inner.id(), alone.id()].map(|id| id.unwrap().into_u64());
            drop((inner, alone));
            let spans = locked();
            let open = &spans.as_ref().unwrap().open;
            assert!(ids.iter().all(|id| !open.contains_key(id)));
        });
    }
}
