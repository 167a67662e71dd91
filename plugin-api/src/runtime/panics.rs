//! Panics: where the plugin's code runs they are caught, and told with message, location and thread.
//!
//! The panic hook, which runs before unwinding, writes the report into a thread-local that the catch site reads. In a
//! loaded plugin the hook is the library's own; a linked one lives in the host's process, whose hook must call
//! [`record`].

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

use plugin_protocol::PanicReport;

use super::scope::Scope;

thread_local! {
    static GUARDED: Cell<u32> = const { Cell::new(0) };
    static LAST: RefCell<Option<PanicReport>> = const { RefCell::new(None) };
    static LANE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `action`; a panic in it becomes a report.
pub(crate) fn catch<T>(action: impl FnOnce() -> T) -> Result<T, PanicReport> {
    GUARDED.set(GUARDED.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(action));
    GUARDED.set(GUARDED.get() - 1);
    result.map_err(|payload| {
        let report = LAST.take().unwrap_or_else(|| PanicReport {
            message: text(&*payload),
            location: String::new(),
            thread: thread(),
            invocation: Scope::current().invocation(),
            is_error: false,
        });
        discard(payload);
        report
    })
}

/// Drops `value`; a panic of its destructor becomes a report.
pub(crate) fn guarded_drop<T>(value: T) -> Option<PanicReport> {
    catch(move || drop(value)).err()
}

/// Notes a panic for the catch site on this thread: `None` if there is one, else the report, for the hook to pass on.
pub(crate) fn record(info: &PanicHookInfo<'_>) -> Option<PanicReport> {
    let report = PanicReport {
        message: text(info.payload()),
        location: info.location().map(ToString::to_string).unwrap_or_default(),
        thread: thread(),
        invocation: Scope::current().invocation(),
        is_error: false,
    };
    // Thread-locals may be gone already when a thread ends.
    if GUARDED.try_with(Cell::get).unwrap_or(0) == 0 {
        return Some(report);
    }
    let _ = LAST.try_with(|last| last.replace(Some(report)));
    None
}

/// Names the lane that runs on this thread: a library's own standard library doesn't know what the host called it.
pub(crate) fn name_thread(name: Option<String>) {
    LANE.set(name);
}

fn thread() -> String {
    let lane = LANE.try_with(|lane| lane.borrow().clone()).ok().flatten();
    lane.unwrap_or_else(|| std::thread::current().name().unwrap_or("unnamed").to_owned())
}

fn text(payload: &dyn Any) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a text".to_owned()
    }
}

/// Drops what a panic carried; one whose own destructor panics is forgotten.
fn discard(payload: Box<dyn Any + Send>) {
    GUARDED.set(GUARDED.get() + 1);
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    GUARDED.set(GUARDED.get() - 1);
    LAST.take();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_report_even_without_a_hook() {
        assert_eq!(catch(|| 1).expect("no panic"), 1);
        assert_eq!(
            catch(|| panic!("number {}", 7)).map_err(|report| report.message),
            Err::<(), _>("number 7".into())
        );
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_forgotten() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("in the payload's drop");
            }
        }
        let report = catch(|| std::panic::panic_any(Bomb)).expect_err("panicked");
        assert_eq!(report.message, "a panic without a text");
        assert_eq!(GUARDED.get(), 0);
        assert!(LAST.take().is_none());
    }
}
