//! Variables of the environment that are set to nothing, as compose files set them: they count as unset.

use clap::{Command, builder::Resettable};
use std::ffi::OsStr;

/// The same command line, which asks none of the variables that are empty.
pub fn without_empty(command: Command) -> Command {
    without(command, &|name| std::env::var_os(name).is_some_and(|value| value.is_empty()))
}

fn without(command: Command, is_empty: &dyn Fn(&OsStr) -> bool) -> Command {
    let command = command.mut_args(|arg| match arg.get_env().is_some_and(is_empty) {
        true => arg.env(Resettable::Reset),
        false => arg,
    });
    command.mut_subcommands(|sub| without(sub, is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Args as _};

    #[test]
    fn an_empty_variable_is_asked_by_no_command_at_any_depth() {
        let flag = |name: &'static str, env: &'static str| Arg::new(name).long(name).env(env);
        let inner = Command::new("inner").arg(flag("a", "EMPTY")).arg(flag("b", "FULL"));
        let outer = Command::new("outer").arg(flag("c", "EMPTY")).subcommand(inner);
        let outer = without(outer, &|name| name == "EMPTY");
        let of = |command: &Command| -> Vec<_> {
            command.get_arguments().filter_map(|arg| arg.get_env().map(OsStr::to_owned)).collect()
        };
        assert!(of(&outer).is_empty());
        assert_eq!(of(outer.find_subcommand("inner").unwrap()), ["FULL"]);
    }

    #[test]
    fn every_setting_has_a_variable_that_may_be_empty() {
        let all = crate::config::Server::augment_args(Command::new("x"));
        let before = all.get_arguments().filter(|arg| arg.get_env().is_some()).count();
        assert!(before >= 4, "{before}");
        let after = without(all, &|_| true);
        assert_eq!(after.get_arguments().filter(|arg| arg.get_env().is_some()).count(), 0);
    }
}
