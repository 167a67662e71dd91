//! What concerns the whole process: threads that stay behind, the working folder, the environment, signals.
//!
//! A plugin is native code and can do all of it; what the host guards is guarded against mistakes.

use std::{panic, thread, time::Duration};

use plugin_api::{prelude::*, tokio, tracing::info};

use crate::State;

/// Leave a blocking task behind that never ends.
#[command]
pub(crate) async fn stuck(ctx: Ctx<State>) -> Result {
    tokio::task::spawn_blocking(|| {
        loop {
            thread::park();
        }
    });
    ctx.reply("stuck").await
}

/// Leave a thread behind that logs for ever.
#[command(name = "leave-thread")]
pub(crate) async fn leave_thread(ctx: Ctx<State>) -> Result {
    thread::spawn(|| {
        loop {
            info!("the thread that was left behind");
            thread::sleep(Duration::from_millis(1));
        }
    });
    ctx.reply("left").await
}

/// Change the working folder, the environment, the panic hook and what signals do.
#[command(name = "take-over")]
#[allow(unsafe_code, reason = "what is shown here is what safe code can't do")]
pub(crate) async fn take_over(ctx: Ctx<State>) -> Result {
    std::env::set_current_dir("/")?;
    panic::set_hook(Box::new(|_| {}));
    // SAFETY: none: other threads may read the environment meanwhile, which is why nobody should do this.
    unsafe {
        std::env::set_var("PATH", "/nonexistent");
        std::env::set_var("HOME", "/nonexistent");
        std::env::set_var("DISCORD_API_URL", "http://127.0.0.1:1");
    }
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGPIPE] {
        // SAFETY: ignoring a signal needs no function.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    // SAFETY: as above; a write to a closed connection would end the process.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    ctx.reply("taken over").await
}
