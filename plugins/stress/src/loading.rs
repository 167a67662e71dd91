//! What a library does when it is opened, before anything is asked of it: a constructor that misbehaves on demand.
//!
//! A digit in the compiled file says how, so that only what a test has made for the probe ever does.

use std::{
    hint::black_box,
    io::{self, Write},
    process, thread,
};

/// 0 nothing, 1 a crash, 2 an abort, 3 an exit, 4 never to return, 5 another process, 6 chatter, 7 a process that hides,
/// 8 a panic, 9 a copy of this process that goes on.
#[used]
static LOAD: [u8; 13] = *b"LOAD-00000000";

#[used]
#[allow(
    unsafe_code,
    reason = "the section of the functions that are called when a library is opened"
)]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static AT_LOAD: extern "C" fn() = at_load;

extern "C" fn at_load() {
    match black_box(&LOAD)[12] {
        b'1' => crash(),
        b'2' => process::abort(),
        b'3' => process::exit(0),
        b'4' => sleep(),
        b'5' => start_another(),
        b'6' => {
            for _ in 0..20_000 {
                let _ = writeln!(io::stdout(), "the stress plugin was asked to chatter");
                let _ = writeln!(io::stderr(), "the stress plugin was asked to chatter");
            }
        }
        b'7' => start_hidden(),
        b'8' => panic!("the stress plugin was asked to panic while loading"),
        b'9' => drop(fork()),
        _ => {}
    }
}

fn start_another() {
    if fork() == 0 {
        sleep();
    }
}

#[allow(unsafe_code, reason = "not in the standard library")]
fn start_hidden() {
    if fork() == 0 {
        // SAFETY: takes no arguments and has no preconditions.
        unsafe { libc::setsid() };
        start_another();
        process::exit(0);
    }
}

#[allow(unsafe_code, reason = "safe code does not crash")]
fn crash() {
    // SAFETY: none: a write to an address that nobody has is the crash that was asked for.
    unsafe { black_box(std::ptr::without_provenance_mut::<u8>(8)).write_volatile(1) };
}

#[allow(unsafe_code, reason = "not in the standard library")]
fn fork() -> libc::pid_t {
    // SAFETY: the probe's process has one more thread, which holds no lock that the copy needs.
    unsafe { libc::fork() }
}

fn sleep() {
    loop {
        thread::park();
    }
}
