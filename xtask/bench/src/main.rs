//! The program `bench`: the generator and its runner. Everything is in the library.
//!
//! The library is empty where there is no Linux; this program then says so.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return bench::run::main();
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("error: the bench reads memory and descriptors from Linux' /proc: run it on Linux");
        ExitCode::FAILURE
    }
}
