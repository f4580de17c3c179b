# targets.sh: promised ratios (sandbox / Linux) of the benchmark figures; docs/spec.md says why. Sourced by run.
targets_json() {
	cat <<'JSON'
{}
JSON
}
