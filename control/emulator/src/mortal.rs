//! Programs that do not outlive the emulator.

use std::path::Path;

use tokio::process::Command;

/// Returns the command, to be killed with this process however that ends, where the system has a program for it.
pub(crate) fn mortal(program: &Path) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !Path::new(SETPRIV).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}
