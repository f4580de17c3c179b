# targets.sh: promised ratios (sandbox / Linux) of the benchmark figures; docs/spec.md says why. Sourced by run.
targets_json() {
	cat <<'JSON'
{
	"null_syscall": 0.35,
	"fork_exit_wait_small": 0.14,
	"fork_exit_wait_1m": 0.08,
	"fork_exit_wait_256m": 0.001,
	"fork_call": 0.10,
	"fork_exec_exit_wait": 0.20,
	"vfork_exec_exit_wait": 0.25,
	"cow_fault": 0.35,
	"page_fault": 0.35,
	"pipe_round_trip": 0.30
}
JSON
}
