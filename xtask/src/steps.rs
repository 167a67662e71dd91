//! Numbered steps of a verb: what is being done now, and which one failed and why.
//!
//! Written to standard error, as cargo's own progress, so that the two stay in order.

use anyhow::{Result, anyhow};

use crate::process::Interrupted;

/// Counts the steps of one verb.
pub(crate) struct Steps {
    total: usize,
    begun: usize,
}

impl Steps {
    /// Announces how many steps there will be.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, begun: 0 }
    }

    /// Does one step. Its failure names the step; an interruption passes through as it is.
    pub(crate) fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.begun += 1;
        eprintln!("[{}/{}] {what}", self.begun, self.total);
        work().map_err(|error| {
            if error.is::<Interrupted>() {
                return error;
            }
            anyhow!("step {} of {} failed: {what} ({error:#})", self.begun, self.total)
        })
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, bail};

    use super::Steps;
    use crate::process::Interrupted;

    #[test]
    fn a_failure_names_the_step_and_the_reason() {
        let mut steps = Steps::new(4);
        steps
            .step("building the bot", || Ok(()))
            .expect("the first step succeeds");
        let failed: Result<()> = steps.step("building plugin example", || bail!("exit code 101"));
        assert_eq!(
            failed.expect_err("the second step fails").to_string(),
            "step 2 of 4 failed: building plugin example (exit code 101)"
        );
    }

    #[test]
    fn an_interruption_is_no_failure_of_a_step() {
        let interrupted: Result<()> = Steps::new(1).step("building", || Err(Interrupted.into()));
        assert!(interrupted.expect_err("it was interrupted").is::<Interrupted>());
    }
}
