# targets.sh: promised values of the benchmark figures; docs/spec.md says why. Sourced by run.
#
# target    at most so much of what the figure is measured against
# against   Linux if nothing is said, another figure of the sandbox, or nothing: then the value itself
# bar       the value above which `run --bar` fails, where it is not the target: a target that is not met yet
targets_json() {
	cat <<'JSON'
{
	"null_syscall": {"target": 0.35},
	"fork_exit_wait_small": {"target": 0.14},
	"fork_exit_wait_1m": {"target": 0.08},
	"fork_exit_wait_256m": {"target": 0.001},
	"fork_exit_wait_1g": {"target": 1.05, "against": "fork_exit_wait_1m"},
	"fork_call": {"target": 0.10},
	"fork_exec_exit_wait": {"target": 0.20},
	"vfork_exec_exit_wait": {"target": 0.25},
	"cow_fault": {"target": 0.35},
	"page_fault": {"target": 0.35},
	"pipe_round_trip": {"target": 0.30},
	"exits_fork": {"target": 0.02, "against": "nothing"},
	"exits_vfork": {"target": 0.02, "against": "nothing"},
	"exits_cow": {"target": 0.02, "against": "nothing"},
	"idle_child_64m": {"target": 24576, "against": "nothing", "bar": 53248},
	"clone_cold": {"target": 1.25, "against": "kvm_floor"},
	"clone_pool": {"target": 0.30, "against": "kvm_floor"},
	"clone_pool_process": {"target": 0.80, "against": "host_fork_exec"},
	"clone_cold_4g": {"target": 1.1, "against": "clone_cold"},
	"clone_pool_4g": {"target": 1.1, "against": "clone_pool"},
	"clone_pool_answer": {"target": 0.70, "against": "clone_pool_answer_first"},
	"reset": {"target": 0.5, "against": "clone_pool", "bar": 1.4},
	"reset_floor": {"target": 0.15, "against": "kvm_floor"},
	"clone_private": {"target": 131072, "against": "nothing"},
	"clone_private_guest": {"target": 65536, "against": "nothing"},
	"fork_pause_4m": {"target": 3, "against": "copy_4m"},
	"fork_pause_256m": {"target": 1.2, "against": "host_fork_256m"},
	"tine_run_true": {"target": 0.5, "against": "bwrap_true", "bar": 0.6}
}
JSON
}
