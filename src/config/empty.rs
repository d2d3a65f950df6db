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
    use crate::config::{
        Cache, Connections, DEFAULT_LISTEN, DEFAULT_SERVER, Data, Drain, Listen, Log, LogFormat,
        Machine, Retention, Server, Storage, Work,
    };
    use clap::{Arg, Args, FromArgMatches};
    use std::path::Path;

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

    /// The settings of a struct as they are read with every variable set to nothing.
    fn read_with_all_empty<T: Args + FromArgMatches>() -> Result<T, clap::Error> {
        let all = T::augment_args(Command::new("x"));
        let names = |command: &Command| command.get_arguments().filter_map(Arg::get_env).count();
        assert!(names(&all) > 0, "no variable at all");
        let mut without = without(all, &|_| true);
        assert_eq!(names(&without), 0);
        T::from_arg_matches(&without.try_get_matches_from_mut(["x"])?)
    }

    #[test]
    fn every_setting_of_servers_workers_and_clients_is_as_if_unset_where_its_variable_is_empty() {
        let listen: Listen = read_with_all_empty().unwrap();
        assert_eq!(listen.listen.to_string(), DEFAULT_LISTEN);
        let connections: Connections = read_with_all_empty().unwrap();
        assert_eq!(connections.head(), Connections::default().head());
        let storage: Storage = read_with_all_empty().unwrap();
        assert_eq!((storage.database_url, storage.blobs), (None, None));
        let work: Work = read_with_all_empty().unwrap();
        assert_eq!(work.lease(), Work::one_worker().lease());
        let retention: Retention = read_with_all_empty().unwrap();
        assert_eq!((retention.keep_checkpoints, retention.keep_sweeps), (None, None));
        let drain: Drain = read_with_all_empty().unwrap();
        assert_eq!(drain.timeout(), Drain::default_timeout().timeout());
        let data: Data = read_with_all_empty().unwrap();
        assert_eq!(data.folder, Data::none().folder);
        let cache: Cache = read_with_all_empty().unwrap();
        assert_eq!(cache.max_bytes(), Storage::in_folder(Path::new("x")).cache().max_bytes());
        let machine: Machine = read_with_all_empty().unwrap();
        assert_eq!((machine.threads, machine.memory), (None, None));
        let log: Log = read_with_all_empty().unwrap();
        assert_eq!((log.filter, log.format), (None, LogFormat::Text));
        let server: Server = read_with_all_empty().unwrap();
        assert_eq!(server.url.as_str(), format!("{DEFAULT_SERVER}/"));
        assert!(server.credential.token.is_none() && server.credential.file.is_none());
        assert!(server.trust.ca_file.is_none());
    }
}
