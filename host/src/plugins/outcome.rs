//! What a plugin's answer to an invocation or an event says of it.
//!
//! Apart from the generation, whose business is that every invocation gets one; here an answer that can't be read is
//! told as what it is.

use plugin_abi::Envelope;
use plugin_protocol::{Outcome, Problem, ProblemCode, Verdict, kind};

use crate::hooks::is_run;

/// What an answer to an invocation says of it. One that was not taken is told as what it is, never as done.
pub(super) fn outcome(envelope: &Envelope<'_>) -> Outcome {
    let failed = |text: String| Outcome {
        verdict: Verdict::Failed,
        text: Some(text),
        ..Outcome::default()
    };
    if envelope.flags() & kind::FLAG_PROBLEM == 0 {
        return serde_json::from_slice(envelope.head())
            .unwrap_or_else(|error| failed(format!("the plugin's answer can't be read: {error}")));
    }
    match serde_json::from_slice::<Problem>(envelope.head()) {
        Ok(problem) if problem.code == ProblemCode::Closed => Outcome {
            verdict: Verdict::Interrupted,
            ..Outcome::default()
        },
        // Unregistered, or gone by a reload, when it came there: nobody's fault.
        Ok(problem) if problem.code == ProblemCode::NotFound && is_run(envelope.id()) => Outcome {
            verdict: Verdict::Interrupted,
            ..Outcome::default()
        },
        Ok(problem) => failed(format!("the plugin did not take it: {problem}")),
        Err(error) => failed(format!("the plugin did not take it, and why can't be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(problem: &Problem) -> Vec<u8> {
        serde_json::to_vec(problem).unwrap()
    }

    #[test]
    fn an_invocation_that_was_not_taken_is_never_done() {
        let answer = |flags: u32, head: &[u8]| outcome(&Envelope::new(kind::ANSWER, flags, 1, head, b"")).verdict;
        assert_eq!(answer(0, br#"{"verdict":"done"}"#), Verdict::Done);
        assert_eq!(answer(0, b"no json"), Verdict::Failed);
        let refused = json(&Problem::new(ProblemCode::Invalid, "no command called x"));
        assert_eq!(answer(kind::FLAG_PROBLEM, &refused), Verdict::Failed);
        let closed = json(&Problem::new(ProblemCode::Closed, "it ends"));
        assert_eq!(answer(kind::FLAG_PROBLEM, &closed), Verdict::Interrupted);
        assert_eq!(answer(kind::FLAG_PROBLEM, b"no json"), Verdict::Failed);
        // A callback of a hook that is not there any more did not fail.
        let absent = json(&Problem::new(ProblemCode::NotFound, "no callback"));
        assert_eq!(answer(kind::FLAG_PROBLEM, &absent), Verdict::Failed);
        let run = Envelope::new(kind::ANSWER, kind::FLAG_PROBLEM, 3 << 62, &absent, b"");
        assert_eq!(outcome(&run).verdict, Verdict::Interrupted);
    }
}
