//! The memory that Linux's control groups leave this process: the least of the bounds of the group that it is in
//! and of those around it, in either version of control groups.
//!
//! `sysinfo` reads the root's bound alone, which is not where systemd and Slurm set theirs.
//!
//! A group sees itself as the root where it has a name space of its own, as containers mostly do; elsewhere (Slurm,
//! systemd) its place below the root stands in `/proc/self/cgroup`.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// Where control groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// In bytes; all there are where nothing bounds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// What may be had.
    pub most: u64,
    /// What is left of it.
    pub left: u64,
}

const UNBOUNDED: Limits = Limits { most: u64::MAX, left: u64::MAX };

/// What this process may have.
pub(super) fn limits() -> Limits {
    let of_process = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    within(Path::new(ROOT), &of_process)
}

/// What a process may have whose groups `of_process` tells, as `/proc/self/cgroup` does, below `root`.
fn within(root: &Path, of_process: &str) -> Limits {
    let hierarchies = of_process.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let of_memory = controllers.split(',').any(|controller| controller == "memory");
        match controllers {
            // Beside groups of version 1 those of version 2 lie apart, mostly without memory.
            "" => Some((&V2, vec![root.to_owned(), root.join("unified")], path)),
            _ if of_memory => Some((&V1, vec![root.join("memory"), root.join(controllers)], path)),
            _ => None,
        }
    });
    hierarchies
        .flat_map(|(version, roots, path)| {
            roots.into_iter().flat_map(move |root| {
                groups(&root, path).into_iter().map(|group| version.limits(&group))
            })
        })
        .fold(UNBOUNDED, |a, b| Limits { most: a.most.min(b.most), left: a.left.min(b.left) })
}

/// The folder of a group and those of the groups around it, down to the root; those that aren't there
/// tell nothing.
fn groups(root: &Path, path: &str) -> Vec<PathBuf> {
    let mut group = root.to_owned();
    // What leads out of a name space leads nowhere here.
    let names = Path::new(path).components().filter(|part| matches!(part, Component::Normal(_)));
    let mut groups = vec![group.clone()];
    for name in names {
        group.push(name);
        groups.push(group.clone());
    }
    groups
}

/// How a version of control groups calls its files.
struct Version {
    bounds: &'static [&'static str],
    used: &'static str,
    /// What of the used memory would be given back at once: files that nobody reads just now.
    spare: &'static str,
}

const V2: Version = Version {
    bounds: &["memory.max", "memory.high"],
    used: "memory.current",
    spare: "inactive_file",
};

const V1: Version = Version {
    bounds: &["memory.limit_in_bytes"],
    used: "memory.usage_in_bytes",
    spare: "total_inactive_file",
};

impl Version {
    fn limits(&self, group: &Path) -> Limits {
        // No bound is `max`, or a number beyond all memory.
        let bounds = self.bounds.iter().filter_map(|file| number(&group.join(file)));
        let Some(most) = bounds.min() else { return UNBOUNDED };
        let used = number(&group.join(self.used)).unwrap_or(0);
        let left = most.saturating_sub(used.saturating_sub(self.spare(group)));
        Limits { most, left }
    }

    fn spare(&self, group: &Path) -> u64 {
        let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let spare =
            stat.lines().find_map(|line| line.strip_prefix(self.spare)?.trim().parse().ok());
        spare.unwrap_or(0)
    }
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// A root with these files.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn of_nested_groups_the_least_bound_counts_wherever_it_stands() {
        let bounded = [
            ("memory.max", "max\n"),
            ("system.slice/memory.max", "8589934592\n"),
            ("system.slice/slurmd/memory.max", "max\n"),
            ("system.slice/slurmd/job_7/memory.max", "536870912\n"),
            ("system.slice/slurmd/job_7/step_0/memory.max", "4294967296\n"),
        ];
        let root = root(&bounded);
        let of = |path: &str| within(root.path(), &format!("0::{path}\n")).most;
        assert_eq!(of("/system.slice/slurmd/job_7/step_0"), 512 * MIB);
        assert_eq!(of("/system.slice/slurmd"), 8192 * MIB);
        assert_eq!(of("/"), u64::MAX);
        // One that was removed since counts as those around it.
        assert_eq!(of("/system.slice/slurmd/job_7/gone"), 512 * MIB);
    }

    #[test]
    fn memory_high_bounds_as_memory_max_does() {
        let root = root(&[("unit/memory.max", "2097152"), ("unit/memory.high", "1048576\n")]);
        assert_eq!(within(root.path(), "0::/unit").most, MIB);
    }

    #[test]
    fn groups_of_version_1_bound_too_and_those_of_other_controllers_do_not() {
        let root = root(&[
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/slurm/uid_1/job_2/memory.limit_in_bytes", "1048576\n"),
            ("cpu/slurm/memory.limit_in_bytes", "1"),
        ]);
        let groups = "5:cpu:/slurm\n4:memory:/slurm/uid_1/job_2\n1:name=systemd:/x\n0::/\n";
        assert_eq!(within(root.path(), groups).most, MIB);
        assert!(within(root.path(), "4:memory:/").most > 1 << 60);
    }

    #[test]
    fn within_a_name_space_of_its_own_a_group_is_the_root() {
        let root = root(&[("memory.max", "1048576")]);
        for path in ["/", "/../other", "/docker/0123abcd"] {
            assert_eq!(within(root.path(), &format!("0::{path}")).most, MIB, "{path}");
        }
    }

    #[test]
    fn what_is_left_is_what_is_not_used_with_what_would_be_given_back() {
        let root = root(&[
            ("job/memory.max", "10485760"),
            ("job/memory.current", "9437184"),
            ("job/memory.stat", "anon 1\ninactive_file 4194304\nactive_file 2\n"),
        ]);
        let Limits { most, left } = within(root.path(), "0::/job");
        assert_eq!((most, left), (10 * MIB, 5 * MIB));
    }

    #[test]
    fn without_groups_nothing_is_bounded() {
        for text in ["", "nonsense", "0::", "::", "4:memory"] {
            assert_eq!(within(Path::new("/nowhere"), text), UNBOUNDED, "{text}");
        }
    }
}
