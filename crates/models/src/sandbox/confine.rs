//! The walls of the child, put up by itself before it reads a byte that somebody else wrote.
//!
//! Everywhere: limits on processor time, written files, open files, core dumps and, on Linux, on address space and new
//! processes. On Linux also, as far as the kernel has them: the child ends with its parent and gains no privileges;
//! Landlock, under which no path can be opened; and seccomp filters, of which one ends the process when it tries to
//! start a program, to reach the network or another process, and one refuses every call that computing on bytes in
//! memory does not need.

use std::io;

use super::message::{Confinement, Walls};

/// What is loosened once the file is read.
#[derive(Debug, Default)]
pub(super) struct Walled {
    limits: Option<(u64, u64)>,
}

impl Walled {
    /// Lifts memory and processor time to what answering may cost.
    pub(super) fn relax(&self) {
        if let Some((memory_bytes, cpu_s)) = self.limits {
            limits::lift(memory_bytes, cpu_s);
        }
    }
}

/// Puts up the walls; the threads that answer are started on the way, because later none may be.
pub(super) fn confine(confinement: &Confinement) -> io::Result<(Walls, Walled)> {
    kernel::end_with_parent()?;
    let own_size = limits::OwnSize::open();
    let landlock = kernel::landlock();
    let seccomp = kernel::seccomp();
    let threads = confinement.threads.clamp(1, 64) as usize;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(io::Error::other)?;
    // Every thread has worked once, so that its stack and its share of the allocator count as the program's own.
    rayon::broadcast(|_| std::hint::black_box(vec![0_u8; 1 << 12]).len());
    let own_bytes = own_size.bytes();
    let beyond = |bytes: u64| bytes.saturating_add(own_bytes);
    limits::set(beyond(confinement.open_memory_bytes), beyond(confinement.memory_bytes), confinement)?;
    Ok((Walls { seccomp, landlock }, Walled { limits: Some((beyond(confinement.memory_bytes), confinement.cpu_s)) }))
}

/// Resource limits.
#[cfg(unix)]
mod limits {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::Confinement;

    /// The size of this process: opened before paths go out of reach, read after.
    pub(super) struct OwnSize {
        statm: Option<File>,
        page_bytes: u64,
    }

    impl OwnSize {
        pub(super) fn open() -> Self {
            Self { statm: File::open("/proc/self/statm").ok(), page_bytes: rustix::param::page_size() as u64 }
        }

        /// Address space in use (the first number of `statm`, in pages; proc_pid_statm(5)), or nothing where the
        /// system does not say.
        pub(super) fn bytes(&self) -> u64 {
            let mut text = [0; 32];
            let read = self.statm.as_ref().and_then(|file| file.read_at(&mut text, 0).ok()).unwrap_or(0);
            let first = text[..read].split(|byte| *byte == b' ').next().unwrap_or_default();
            let pages: u64 = std::str::from_utf8(first).ok().and_then(|pages| pages.parse().ok()).unwrap_or(0);
            pages * self.page_bytes
        }
    }

    /// Soft limits hold while a file is opened, hard ones for good.
    pub(super) fn set(open_memory: u64, memory: u64, confinement: &Confinement) -> io::Result<()> {
        limit(Resource::Core, 0, 0)?;
        limit(Resource::Fsize, 0, 0)?;
        // Standard input, output and error are open already; nothing else ever will be.
        limit(Resource::Nofile, 3, 3)?;
        limit(Resource::Cpu, confinement.open_cpu_s, confinement.cpu_s)?;
        if cfg!(target_os = "linux") {
            limit(Resource::As, open_memory, memory)?;
            limit(Resource::Nproc, 0, 0)?;
        }
        Ok(())
    }

    /// Sets a limit, but none above the one in force.
    fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        Ok(setrlimit(resource, Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) })?)
    }

    /// Raises the soft limits to the hard ones; where that fails, the child stays as tight as it was.
    pub(super) fn lift(memory: u64, cpu_s: u64) {
        let _ = limit(Resource::Cpu, cpu_s, cpu_s);
        if cfg!(target_os = "linux") {
            let _ = limit(Resource::As, memory, memory);
        }
    }
}

/// What the Linux kernel adds.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod kernel {
    use std::collections::BTreeMap;
    use std::io;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
    };
    use rustix::process::Signal;
    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter,
    };

    /// Calls of which an attempt ends the process: programs, network, other processes, the kernel itself.
    const DEADLY: &[i64] = &[
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_userfaultfd,
        libc::SYS_memfd_create,
        libc::SYS_open_by_handle_at,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_setuid,
        libc::SYS_setgid,
    ];

    /// Calls that computing on bytes in memory and talking over open pipes needs.
    const NEEDED: &[i64] = &[
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_pread64,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getcpu,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_membarrier,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getrandom,
        libc::SYS_getrusage,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_ppoll,
        libc::SYS_exit,
        libc::SYS_exit_group,
        // Answered by a filter of its own, so that the C library falls back to `clone`, whose flags can be looked at.
        libc::SYS_clone3,
    ];

    pub(super) fn end_with_parent() -> io::Result<()> {
        Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
    }

    /// No path, no TCP port, no socket or signal outside; whether the kernel enforces any of it.
    pub(super) fn landlock() -> bool {
        let newest = ABI::V6;
        let restricted = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(newest))
            .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(newest)))
            .and_then(|ruleset| ruleset.scope(Scope::from_all(newest)))
            .and_then(Ruleset::create)
            .and_then(landlock::RulesetCreated::restrict_self);
        restricted.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    }

    /// Filters the system calls of all threads to come; whether the kernel does so.
    pub(super) fn seccomp() -> bool {
        // A kernel without filters refuses the first one.
        filters().is_ok_and(|filters| filters.iter().all(|filter| apply_filter(filter).is_ok()))
    }

    fn filters() -> Result<[BpfProgram; 3], BackendError> {
        let any = |calls: &[i64]| calls.iter().map(|call| (*call, Vec::new())).collect::<BTreeMap<_, _>>();
        let mut deadly = any(DEADLY);
        #[cfg(target_arch = "x86_64")]
        deadly.extend(any(&[libc::SYS_fork, libc::SYS_vfork]));
        let mut needed = any(NEEDED);
        #[cfg(target_arch = "x86_64")]
        needed.extend(any(&[libc::SYS_poll]));
        // Memory that is not to be executed; threads, but no processes; limits and signals of this process only.
        needed.insert(libc::SYS_mmap, vec![rule(&[(2, Is::Without(libc::PROT_EXEC as u64))])?]);
        needed.insert(libc::SYS_mprotect, vec![rule(&[(2, Is::Without(libc::PROT_EXEC as u64))])?]);
        needed.insert(libc::SYS_clone, vec![rule(&[(0, Is::With(libc::CLONE_THREAD as u64))])?]);
        needed.insert(libc::SYS_prlimit64, vec![rule(&[(0, Is::Equal(0))])?]);
        needed.insert(libc::SYS_tgkill, vec![rule(&[(0, Is::Equal(u64::from(std::process::id())))])?]);
        let names = [libc::PR_SET_NAME, libc::PR_SET_VMA];
        let names = names.map(|option| rule(&[(0, Is::Equal(option as u64))]));
        needed.insert(libc::SYS_prctl, names.into_iter().collect::<Result<_, _>>()?);
        let refused = SeccompAction::Errno(libc::EPERM as u32);
        let absent = SeccompAction::Errno(libc::ENOSYS as u32);
        Ok([
            program(deadly, SeccompAction::Allow, SeccompAction::KillProcess)?,
            program(any(&[libc::SYS_clone3]), SeccompAction::Allow, absent)?,
            program(needed, refused, SeccompAction::Allow)?,
        ])
    }

    fn program(
        rules: BTreeMap<i64, Vec<SeccompRule>>,
        otherwise: SeccompAction,
        matched: SeccompAction,
    ) -> Result<BpfProgram, BackendError> {
        SeccompFilter::new(rules, otherwise, matched, std::env::consts::ARCH.try_into()?)?.try_into()
    }

    /// What an argument of a call has to be.
    enum Is {
        Equal(u64),
        With(u64),
        Without(u64),
    }

    fn rule(arguments: &[(u8, Is)]) -> Result<SeccompRule, BackendError> {
        let condition = |(index, is): &(u8, Is)| {
            let (operator, value) = match is {
                Is::Equal(value) => (SeccompCmpOp::Eq, *value),
                Is::With(bits) => (SeccompCmpOp::MaskedEq(*bits), *bits),
                Is::Without(bits) => (SeccompCmpOp::MaskedEq(*bits), 0),
            };
            SeccompCondition::new(*index, SeccompCmpArgLen::Dword, operator, value)
        };
        SeccompRule::new(arguments.iter().map(condition).collect::<Result<_, _>>()?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_filters_can_be_made_and_no_call_is_both_needed_and_deadly() {
            assert!(filters().unwrap().iter().all(|filter| !filter.is_empty()));
            assert!(NEEDED.iter().all(|call| !DEADLY.contains(call)));
        }
    }
}

/// Other systems have resource limits only.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod kernel {
    use std::io;

    pub(super) fn end_with_parent() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn landlock() -> bool {
        false
    }

    pub(super) fn seccomp() -> bool {
        false
    }
}
